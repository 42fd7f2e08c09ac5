"""What the thesis says of throughput.

Training throughput is the inverse of training latency, throughput in the figures the inverse of
inference time, which is how the thesis's tables have it.
"""

from amrpkg.book.claims.evidence import (
    CPU,
    GPU,
    LARGEST,
    REAL_INTEGERS,
    SECOND,
    SMALLEST,
    ZEROS,
    Evidence,
)
from amrpkg.book.ledger import Ledger, relative
from amrpkg.book.rules import about, above, clear, each, factor, mean, rounds_to, within

LATENCY, INFERENCE = "training_latency_to_float", "inference_time_to_float"


def enter(ledger: Ledger, evidence: Evidence) -> None:
    _enter_training(ledger, evidence)
    held, printed = evidence.held, evidence.printed
    slower = relative(held, INFERENCE, pruning_percent=0)
    slower_printed = relative(printed, "inference_time_ms", pruning_percent=0)
    shown = [LARGEST, SECOND]
    ledger.add(
        *("ch. 5, Fig. 8 and 9", 'pruning gives "(generally)" "a slight benefit"'),
        clear(within(1.01, 1.1), off=1),
        conditions=[(CPU, 1 / slower.loc[shown])],
        printed=1 / slower_printed.loc[shown],
        by="record",
        because=ZEROS,
        untestable=evidence.blurred(INFERENCE, 0.1),
    )

    def harder(ratio):  # throughput at 30 % over that at 20 %
        return ratio.xs(20, level="pruning_percent") / ratio.xs(30, level="pruning_percent")

    ledger.add(
        "ch. 5, Fig. 7",
        '"more aggressively-pruned models having slightly better performance": 30 over 20 %',
        clear(within(1.01, 1.1), off=1),
        conditions=[(CPU, harder(slower))],
        printed=harder(slower_printed),
        by="record",
        because=ZEROS,
        untestable=evidence.blurred(INFERENCE, 0.1),
        correction=(
            f"more than slightly, {REAL_INTEGERS}",
            harder(1 - evidence.real_saved / 100),
            clear(above(1.1), off=1),
        ),
    )
    ledger.add(
        "ch. 5, Fig. 7",
        '"in all cases, the non-quantized model has significantly higher throughput"',
        each(above(1.2)),
        conditions=[(CPU, held[held["bit_width"] < 32][INFERENCE])],
        printed=relative(printed, "inference_time_ms", bit_width=32),
        by="record",
    )
    printed_batch = printed["throughput_chunks_per_s"] * printed["inference_time_ms"] / 1e3
    ledger.add(
        *("App. A, B, C", "throughput and inference time are of one batch size, 32"),
        each(rounds_to(32, 2)),
        printed=printed_batch,
        by="load_thesis",
    )
    ledger.cannot(
        *("ch. 4; App. A, B, C", "inference times in milliseconds, chunks per second"),
        "measured on the thesis's GPU, an NVIDIA RTX 3050 Ti; ratios are tested",
    )


def _enter_training(ledger: Ledger, evidence: Evidence) -> None:
    held, place = evidence.held, "ch. 5, throughput"
    speed = 32e3 / evidence.base["training_latency_ms"]  # chunks a second
    large = speed.index.str.contains("5f")
    ledger.cannot(
        *(place, '"16,000 samples/sec for the smallest", larger "7,500"'),
        "measured on the thesis's GPU; the ratio follows",
    )
    ledger.add(
        *(place, "smallest over larger models: 16,000 over 7,500", about(16_000 / 7_500)),
        conditions=[(CPU, speed[SMALLEST] / speed[large].mean())],
        by="training_speed",
        weak=GPU,
    )
    ledger.add(
        place,
        '"a factor of three regardless of bit size" when quantised (thesis\'s tables: its latency)',
        each(factor(3)),
        printed=[4, 6],
        conditions=[(CPU, held.query("bit_width < 32 and pruning_percent == 0")[LATENCY])],
        by="training_speed",
        weak=GPU,
        because="A third of the throughput does not go with 4 to 6 times the latency, which the "
        "thesis gives too.",
    )
    ledger.add(
        *(place, 'pruning "not having much effect" on it', mean(within(0.9, 1.1))),
        conditions=[(CPU, 1 / relative(held, LATENCY, pruning_percent=0))],
        by="training_speed",
        untestable=evidence.blurred(LATENCY, 0.1),
    )

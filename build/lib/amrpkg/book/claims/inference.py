"""What the thesis says of inference time. Its tables can test most of this themselves."""

import numpy as np
import pandas as pd

from amrpkg.book.claims.evidence import (
    CPU,
    FRESH_TRAINING,
    LARGEST,
    REAL_INTEGERS,
    SECOND,
    ZEROS,
    Evidence,
    keyed,
)
from amrpkg.book.claims.resources import per_percent
from amrpkg.book.ledger import Ledger, relative
from amrpkg.book.rules import (
    about,
    above,
    at_least,
    below,
    clear,
    each,
    factor,
    mean,
    some,
    steady,
    true,
)
from amrpkg.models.architectures import THESIS_ARCHITECTURES

INFERENCE = "inference_time_to_float"


def enter(ledger: Ledger, evidence: Evidence) -> None:
    _enter_quantisation(ledger, evidence)
    _enter_pruning(ledger, evidence)
    _enter_best(ledger, evidence)


def _growth(evidence: Evidence):
    """Times of the quantised networks over the float ones': ours, and the printed ones."""
    quantised = evidence.held[evidence.held["bit_width"] < 32]
    ours = keyed(quantised[INFERENCE], quantised)
    return ours, relative(evidence.printed, "inference_time_ms", bit_width=32)


def _milliseconds(frame, large):  # mean inference time, float and quantised, unpruned
    rows = frame[frame["architecture"].str.contains("5f") == large]
    rows = rows[rows["pruning_percent"] == 0]
    return rows.groupby(rows["bit_width"] < 32)["inference_time_ms"].mean().to_numpy()


def _enter_quantisation(ledger: Ledger, evidence: Evidence) -> None:
    held, printed, place = evidence.held, evidence.printed, "ch. 5, inference"
    growths = [growth.xs(0, level="pruning_percent") for growth in _growth(evidence)]
    for which, rule in (("on average", mean(factor(10))), ("each", each(factor(10)))):
        ledger.add(
            *(place, f'"by a factor of ten when quantized by any amount", {which}', rule),
            conditions=[(CPU, growths[0])],
            printed=growths[1],
            by="record",
            because="Fake quantisation adds operations to every layer, so the factor depends on "
            "what the float network costs there.",
        )
    real = evidence.real["to_fastest"].xs(0, level="pruning_percent")
    ledger.add(
        "ch. 2",
        '"smaller numbers can easily lead to faster computation times": times as fast as float',
        *(each(above(1)), 1 / growths[0]),
        conditions=[(REAL_INTEGERS, real[real.index.get_level_values("bit_width") < 32])],
        printed=1 / growths[1],
        by="record; speed",
    )
    by = "load_thesis"
    ledger.add(
        *(place, 'smaller models "0.5 to 5ms or so" (over these)', each(about(1))),
        printed=_milliseconds(printed, False) / [0.5, 5],
        by=by,
    )
    ledger.add(
        *(place, 'larger models "from around 1ms to 10ms" (over these)', each(about(1))),
        printed=_milliseconds(printed, True) / [1, 10],
        by=by,
        because="The larger float networks stand at about 0.75 ms in the tables.",
    )

    def growth(frame):  # of smaller over larger models: as factors, and in milliseconds
        small, big = _milliseconds(frame, False), _milliseconds(frame, True)
        return (small[1] / small[0]) / (big[1] / big[0]), np.ptp(small) / np.ptp(big)

    ledger.add(
        *(place, '"smaller models had less of a growth"', below(1), growth(held)[0]),
        printed=growth(printed)[0],
        conditions=[("in milliseconds, not as a factor, on one CPU thread", growth(held)[1])],
        by="record",
    )

    def order(frame):  # of the float, unpruned networks: each over the next larger
        rows = frame.query("bit_width == 32 and pruning_percent == 0")
        times = rows.set_index("architecture").loc[list(THESIS_ARCHITECTURES), "inference_time_ms"]
        return times.to_numpy()[1:] / times.to_numpy()[:-1]

    ledger.add(
        *(place, 'the "lower original inference time" of smaller models: over the next larger'),
        each(below(1)),
        conditions=[("on one CPU thread", order(held))],
        printed=order(printed),
        by="record",
    )


def _enter_pruning(ledger: Ledger, evidence: Evidence) -> None:
    slower = relative(evidence.held, INFERENCE, pruning_percent=0)
    slower_printed = relative(evidence.printed, "inference_time_ms", pruning_percent=0)
    saved, saved_printed, real = 100 * (1 - slower), 100 * (1 - slower_printed), evidence.real_saved
    shown, figures = [LARGEST, SECOND], "ch. 5, Fig. 11 and 12"
    ledger.add(
        "ch. 5, inference",
        'pruning reduces inference time "linearly": % saved per %',
        steady(),
        conditions=[(CPU, per_percent(slower)), (REAL_INTEGERS, per_percent(1 - real / 100))],
        printed=per_percent(slower_printed),
        by="record; speed",
        because=ZEROS,
    )
    ledger.add(
        *(figures, 'pruning gives "a marked improvement" (% of time saved)'),
        clear(at_least(10), off=0),
        conditions=[(CPU, saved.loc[shown]), (REAL_INTEGERS, real.loc[shown])],
        printed=saved_printed.loc[shown],
        by="record; speed",
        because=ZEROS,
    )
    more, more_printed, more_real = (
        share[LARGEST].mean() - share[SECOND].mean() for share in (saved, saved_printed, real)
    )
    ledger.add(
        figures,
        '"even larger" for the largest, "much less" for the smaller (difference in points)',
        above(0),
        conditions=[(CPU, more), (REAL_INTEGERS, more_real)],
        printed=more_printed,
        by="record; speed",
        because=ZEROS,
    )
    ledger.add(
        "ch. 6",
        'pruning: "very noticeable benefit" in throughput and inference time (% of time saved)',
        clear(at_least(10), off=0),
        conditions=[(CPU, saved), (REAL_INTEGERS, real)],
        printed=saved_printed,
        by="record; speed",
        because=ZEROS,
    )

    def regained(growth, pruned):  # share of the slowdown that pruning undoes
        pruned = pruned[pruned.index.get_level_values("bit_width") < 32]
        model = pruned.index.droplevel("pruning_percent")
        before = growth.xs(0, level="pruning_percent").loc[model].to_numpy()
        return before * (1 - pruned) / (before - 1)

    growth, growth_printed = _growth(evidence)
    ledger.add(
        "ch. 6",
        'pruning "can also be used to offset the performance downsides of quantization": share '
        "of the slowdown undone",
        some(at_least(0.5)),
        conditions=[(CPU, regained(growth, slower))],
        printed=regained(growth_printed, slower_printed),
        by="record",
        because=f"{ZEROS} As real integers there is no slowdown to undo (chapter 10).",
    )


def _enter_best(ledger: Ledger, evidence: Evidence) -> None:
    held, earned = evidence.held, evidence.earned
    improves = evidence.real_saved >= 1

    def free(frame):  # for each pruned point: accuracy kept, and faster as real integers?
        kept = relative(frame, "fresh_accuracy", pruning_percent=0)
        return (kept >= 0.99) & improves.loc[kept.index]

    six = f"{FRESH_TRAINING}, 6 bits and more, {REAL_INTEGERS}"
    ledger.add(
        "ch. 6",
        'pruning is a "free" source of improvements: 99 % of the accuracy kept and time saved',
        *(each(true()), free(held)),
        conditions=[(six, free(earned[earned["bit_width"] >= 6]))],
        by="record; speed",
    )
    base = evidence.base["inference_time_ms"]
    ours = keyed(held[INFERENCE] * held["architecture"].map(base), held)
    printed = keyed(evidence.printed["inference_time_ms"], evidence.printed)
    leads = [_leads(times) for times in (ours, evidence.real["ms"], printed)]
    alone = 1 - max(abs(1 - end) for end in evidence.resolution(INFERENCE))
    fastest = [times.idxmin()[1] for times in (ours, evidence.real["ms"], printed)]
    claim = '"the best performance came from models that were the smallest and most highly pruned"'
    what = "its time over the best other's, beyond the clock's resolution"
    coin = (
        "Zeroed channels take their time, so which of three equal networks comes first is the "
        "toss of a coin."
    )
    ledger.add(
        *("ch. 6", f"{claim}, of all: {what}", below(alone), leads[0][fastest[0]]),
        conditions=[(REAL_INTEGERS, leads[1][fastest[1]])],
        printed=leads[2][fastest[2]],
        by="record, side by side; speed",
        because=coin,
    )
    ledger.add(
        *("ch. 6", f"{claim}, at each bit width: {what}", each(below(alone)), leads[0]),
        conditions=[(REAL_INTEGERS, leads[1])],
        printed=leads[2],
        by="record, side by side; speed",
        because=coin,
    )


def _leads(times):
    """By bit width: time of the smallest network at 30 %, over the least time of all others."""
    leads = {}
    for bits, rows in times.groupby(level="bit_width"):
        names = rows.index.get_level_values("architecture")
        smallest = max(names, key=THESIS_ARCHITECTURES.index)
        place = (smallest, bits, 30)
        leads[bits] = rows[place] / rows.drop(place).min()
    return pd.Series(leads)

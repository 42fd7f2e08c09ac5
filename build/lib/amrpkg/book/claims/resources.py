"""What the thesis says of estimated resources, under quantisation and under pruning."""

import pandas as pd

from amrpkg.book.claims.evidence import HELD, LARGEST, SMALLEST, Evidence
from amrpkg.book.ledger import Ledger, relative
from amrpkg.book.rules import about, at_least, at_most, each, equal, factor, mean, steady, within
from amrpkg.book.thesis import printed_zero_shares
from amrpkg.hardware.resources import Resources
from amrpkg.records.exports import load_exports

FIELDS = [*Resources._fields]
PLACE = "ch. 5, resources"


def per_percent(ratio: pd.Series) -> list[float]:
    """Mean share saved, in percent, for each percent pruned, at 20 and at 30 %."""
    saved = 100 * (1 - ratio)
    return [saved.xs(p, level="pruning_percent").mean() / p for p in (20, 30)]


def _left(frame, **twin):  # of each resource: share of the twin's
    return pd.concat({field: relative(frame, field, **twin) for field in FIELDS})


def enter(ledger: Ledger, evidence: Evidence) -> None:
    by_size, printed = evidence.by_size, evidence.printed
    dsp = evidence.base["dsp"]
    ledger.add(
        PLACE,
        '"heavily influenced by the size of the model": DSP, largest over smallest',
        *(at_least(2), dsp[LARGEST] / dsp[SMALLEST]),
        by="record",
    )

    def eight(frame):  # float over 8 bits, each resource
        ratio = _left(frame.query("pruning_percent == 0"), bit_width=32)
        return 1 / ratio.xs(8, level="bit_width")

    ledger.add(
        *(PLACE, 'quantization "caused a cut ... by a factor of 4" (8 bits)'),
        *(each(factor(4)), eight(by_size)),
        printed=eight(printed),
        by="estimate_grid",
    )

    def further(frame):  # at 6 and 4 bits over 8, and over the share of bits
        rows = frame.query("pruning_percent == 0 and bit_width < 32")
        ratio = _left(rows[rows["architecture"] != SMALLEST], bit_width=8)
        return ratio * 8 / ratio.index.get_level_values("bit_width")

    ledger.add(
        PLACE,
        '"further quantization showed a linear and predictable cut": over the share of bits',
        *(each(about(1)), further(by_size)),
        printed=further(printed),
        conditions=[("DSP, FF and LUT; BRAM is a few whole blocks", further(by_size)[FIELDS[:3]])],
        by="estimate_grid",
    )

    def like_dsp(frame):  # mean share left of the float network's, over that of DSP
        share = _left(frame, bit_width=32, pruning_percent=0)
        return [(share[field] / share["dsp"]).mean() for field in FIELDS[1:]]

    ledger.add(
        *(PLACE, 'flip-flops, look-up tables and block RAM "were similar" to DSP'),
        *(each(about(1)), like_dsp(by_size)),
        printed=like_dsp(printed),
        conditions=[("except for block RAM, a few whole blocks", like_dsp(by_size)[:2])],
        by="estimate_grid",
    )
    _enter_pruning(ledger, evidence)


def _enter_pruning(ledger: Ledger, evidence: Evidence) -> None:
    frames = {"regrown": evidence.regrown, "held": evidence.held, "printed": evidence.printed}
    left = {name: relative(frame, "dsp", pruning_percent=0) for name, frame in frames.items()}
    linear = {name: per_percent(ratio) for name, ratio in left.items()}
    ledger.add(
        *(PLACE, 'pruning has "a linear effect": % of DSP saved per % pruned'),
        *(steady(), linear["regrown"]),
        printed=linear["printed"],
        conditions=[(HELD, linear["held"])],
        by="record",
    )
    at_20 = {
        name: 100 * (1 - ratio.xs(20, level="pruning_percent")) for name, ratio in left.items()
    }
    ledger.add(
        *(PLACE, '"a 20% prune rate corresponding to a roughly 10% drop"'),
        *(mean(about(10)), at_20["regrown"]),
        printed=at_20["printed"],
        correction=(
            "its own tables save more; held masks save the nominal 20 %",
            *(at_20["held"], mean(about(20))),
        ),
        by="record",
    )
    by_pruning, by_pruning_printed = (
        1 - left[name].xs(30, level="pruning_percent").mean() for name in ("held", "printed")
    )
    by_bits = 1 - 8 / 32
    ledger.add(
        "ch. 6",
        'pruning "minor in comparison to quantization": DSP saved, 30 % over 8 bits',
        *(at_most(0.5), by_pruning / by_bits),
        printed=by_pruning_printed / by_bits,
        by="record",
    )

    def by_channels(frame):  # DSP blocks over those with whole channels at zero
        return (frame["dsp"] / evidence.by_size["dsp"])[frame["pruning_percent"] > 0]

    ledger.add(
        *("ch. 2", 'structured pruning "prunes entire channels and filters"'),
        *(each(within(0.999, 1.001)), by_channels(evidence.regrown)),
        printed=by_channels(evidence.printed),
        conditions=[(HELD, by_channels(evidence.held))],
        by="record",
    )

    def of_nominal(frame, column):
        pruned = frame[frame["pruning_percent"] > 0]
        return 100 * pruned[column] / pruned["pruning_percent"]

    for kind, name in (("conv", "convolutions"), ("linear", "fully connected layers")):
        column = f"{kind}_zero_share"
        ledger.add(
            "ch. 4, models",
            f'weights "pruned at 20% and 30%" in {name}: share of zeros over the nominal',
            *(each(about(1)), of_nominal(evidence.regrown, column)),
            printed=of_nominal(printed_zero_shares(), kind),
            conditions=[(HELD, of_nominal(evidence.held, column))],
            by="record",
        )
    pruned = load_exports().query("pruning_percent > 0")
    smaller = pruned[pruned["shrunk_weights"] < pruned["weights"]]
    ledger.add(
        "ch. 6",
        'discarding pruned weights: "no official tool seems to exist" (networks made smaller here)',
        *(equal(0), len(smaller)),
        by="exports",
        correction=(
            "`shrink` of this package does it: decisions it changes",
            *(smaller["decided_shrunk"], each(equal(0))),
        ),
    )
    ledger.cannot(
        *("ch. 6", 'pruning "may have a greater benefit when scaled up"'),
        "needs larger networks than the thesis has",
    )

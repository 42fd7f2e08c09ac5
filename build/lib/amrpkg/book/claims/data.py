"""What the thesis says of its signals and of Algorithm I."""

from itertools import product

import numpy as np
import pandas as pd

from amrpkg.book.claims.evidence import SMALLEST, Evidence
from amrpkg.book.ledger import Ledger
from amrpkg.book.rules import about, above, at_least, each, equal
from amrpkg.grid.points import KEYS, PRUNING_PERCENTS
from amrpkg.models.architectures import THESIS_ARCHITECTURES, THESIS_BIT_WIDTHS
from amrpkg.signals.chunks import make_chunks, receive
from amrpkg.signals.constellations import CONSTELLATIONS


def enter(ledger: Ledger, evidence: Evidence) -> None:
    tables, seed = CONSTELLATIONS.values(), evidence.seed
    ledger.define("ch. 4, data", "nine modulation types", equal(9), len(tables))
    with_one = [bool(np.isclose(points, 1).any()) for points in tables]
    ledger.define(
        *("ch. 4, data", '(1, 0) in "all but two of the modulation types"'),
        *(equal(2), with_one.count(False)),
    )
    near = [
        (abs(receive(name, 20_000, noise_power=0.1, seed=seed) - 1) < 0.1).sum()
        for name in CONSTELLATIONS
    ]
    ledger.define(
        "ch. 4, data",
        '(1, 0) "with sufficient noise added", "in all of them" (samples within 0.1 of it, of '
        "20,000 at a noise of 0.1)",
        *(each(above(0)), near),
    )
    bpsk = receive("BPSK", 100_000, 0.005, 0, seed)
    turned = receive("BPSK", 100_000, 0, 0.005, seed)
    power = 2 * np.var(bpsk.real * np.sign(bpsk.real))
    phase = np.std(np.angle(turned * np.sign(turned.real)))
    ledger.define(
        *("ch. 4, data", 'noise "of 0.005" for both, measured back'),
        *(each(about(0.005)), [power, phase]),
    )
    sets = [make_chunks(seed=seed, split=split) for split in ("training", "evaluation")]
    ledger.define(
        *("ch. 4, data", '"training and test datasets both used 2,304 chunks"'),
        *(each(equal(2304)), [len(chunks) for chunks in sets]),
    )
    ledger.add(
        *("ch. 4, Algorithm I", 'a data frame of "V_d/c_s" chunks, 8,192/32'),
        *(equal(8192 // 32), len(sets[0])),
        by="make_chunks",
        correction=(
            *("so many of each modulation", np.bincount(sets[0].labels)),
            each(equal(8192 // 32)),
        ),
    )
    peak = pd.Series(
        {
            name: max(abs(points.real).max(), abs(points.imag).max())
            for name, points in CONSTELLATIONS.items()
        }
    ).round(9)
    largest = "as the largest value along an axis; 32QAM has unit energy instead"
    ledger.add(
        *("ch. 1; ch. 4", '"normalized I and Q values"', each(equal(1)), peak),
        by="constellations",
        conditions=[(f"{largest} (tables of the follow-up code)", peak.drop("32QAM"))],
    )
    gap = [
        min(abs(a - b) for a, b in product(points, points) if abs(a - b) > 1e-9)
        for points in tables
    ]
    ledger.add(
        "ch. 4, data",
        'at 0.005 the modulation is "discernable" (half the least gap, in deviations of the noise)',
        *(each(at_least(2)), np.array(gap) / 2 / 0.05),
        by="constellations",
    )
    points = set(product(THESIS_ARCHITECTURES, THESIS_BIT_WIDTHS, PRUNING_PERCENTS))
    missing = points - set(evidence.printed[KEYS].itertuples(index=False, name=None))
    others = [point for point in missing if point[:2] != (SMALLEST, 4)]
    ledger.add(
        "ch. 3",
        'combinations of pruning "(none, 20%, 30%)" and quantisation "(none, 8-bit, 6-bit, '
        '4-bit)" that are missing from the tables',
        *(equal(0), len(missing)),
        by="load_thesis",
        conditions=[("except for the smallest network at 4 bits", len(others))],
    )

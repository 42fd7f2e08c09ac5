"""What the thesis says of training: its time, its latency, how hard it is.

A training takes epochs times batches times latency. The recorded seconds were taken on a shared
machine, so a time is here the number of epochs times the latency ratio measured side by side.
"""

import numpy as np
import pandas as pd

from amrpkg.book.claims.evidence import CPU, GPU, LARGEST, ONE_SEED, SECOND, Evidence, keyed
from amrpkg.book.ledger import Ledger, relative
from amrpkg.book.rules import about, above, clear, each, mean, some, within

LATENCY = "training_latency_to_float"
ON_GPU = "measured on the thesis's GPU; ratios follow"
BOTH = f"{CPU}, training and retraining together"


def enter(ledger: Ledger, evidence: Evidence) -> None:
    held = evidence.held
    epochs, latency = keyed(held["epochs"], held), keyed(held[LATENCY], held)
    _enter_times(ledger, _whole(epochs * latency), relative(held, LATENCY, pruning_percent=0))
    _enter_difficulty(ledger, epochs, latency)
    _enter_latency(ledger, evidence, relative(held, LATENCY, pruning_percent=0))


def _whole(values: pd.Series) -> pd.Series:
    """Over the float, unpruned network's; of a pruned one with the training that it went on from.

    values : by key, those of the retraining where pruned
    """
    names, bits, percents = (values.index.get_level_values(level) for level in range(3))
    before = values.loc[list(zip(names, bits, 0 * percents, strict=True))].to_numpy()
    start = values.loc[[(name, 32, 0) for name in names]].to_numpy()
    return (values + np.where(percents > 0, before, 0)) / start


def _enter_times(ledger: Ledger, work: pd.Series, latency: pd.Series) -> None:
    ledger.cannot("ch. 5", "training times of 19.49, 28.06, 99.97 and 133.07 s", ON_GPU)
    ledger.add(
        *("ch. 5", '"when pruned at 30%", from 19.49 to 28.06 s', about(28.06 / 19.49)),
        conditions=[(BOTH, work[LARGEST, 32, 30])],
        by="record, training_speed",
        because=ONE_SEED,
    )
    ledger.add(
        *("ch. 5", '"quantized to 6 bits", from 19.49 to 99.97 s', about(99.97 / 19.49)),
        conditions=[(CPU, work[LARGEST, 6, 0])],
        by="record, training_speed",
        weak=GPU,
    )
    ledger.add(
        *("ch. 5", "6 bits and 30 %, from 19.49 to 133.07 s", about(133.07 / 19.49)),
        conditions=[(BOTH, work[LARGEST, 6, 30])],
        by="record, training_speed",
        weak=GPU,
    )
    pruned = work.drop(0, level="pruning_percent")
    twins = work.loc[[(name, bits, 0) for name, bits, _ in pruned.index]].to_numpy()
    ledger.add(
        "ch. 5",
        '"training speed was significantly slower when pruning was applied": time per batch over '
        "unpruned",
        *(mean(above(1.2)), latency),
        conditions=[(BOTH, pruned / twins)],
        by="record, training_speed",
    )


def _enter_difficulty(ledger: Ledger, epochs: pd.Series, latency: pd.Series) -> None:
    def others(values):  # all but the float, unpruned networks themselves
        names = values.index.get_level_values("architecture").unique()
        return values.drop([(name, 32, 0) for name in names])

    total = _whole(epochs)
    ledger.add(
        "ch. 5",
        '"in all cases", "when applying techniques to shrink the size", training "became more '
        "difficult\": epochs over the float, unpruned network's",
        *(each(above(1)), others(total)),
        conditions=[(f"in time, {BOTH}", others(_whole(epochs * latency)))],
        by="record, training_speed",
        because="A network that starts from a trained one is quick, however small it is.",
    )
    dense = epochs.xs(0, level="pruning_percent").unstack()
    ledger.add(
        *("ch. 6", 'a "more heavily quantized model may struggle": epochs at 4 bits over 8'),
        *(some(above(1.2)), (dense[4] / dense[8]).dropna()),
        by="record",
        because=ONE_SEED,
    )
    pruned = total.drop(0, level="pruning_percent")
    twins = total.loc[[(name, bits, 0) for name, bits, _ in pruned.index]].to_numpy()
    ledger.add(
        *("ch. 6", 'pruning lets a model "converge much faster": epochs over unpruned'),
        *(mean(within(0.1, 0.5)), pruned / twins),
        by="record",
        because="Counting the retraining alone would flatter it: a start from trained weights is "
        "quick with or without pruning.",
    )
    ledger.cannot(
        *("ch. 6", 'convergence "sometimes easier" when pruned and retrained'),
        "needs an unpruned network that is started again from its trained weights; the total can "
        "only grow",
    )


def _enter_latency(ledger: Ledger, evidence: Evidence, pruned: pd.Series) -> None:
    held, times = evidence.held, evidence.base["training_latency_ms"]
    large = times.index.str.contains("5f")
    quantised = held[held["bit_width"] < 32]
    dense = quantised[quantised["pruning_percent"] == 0]
    blurred = evidence.blurred(LATENCY, 0.1)
    place, figures = "ch. 5, latency", "ch. 5, Fig. 5 and 6"
    ledger.cannot(place, '"2.5 ms for the larger models and 1.7ms for the smaller"', ON_GPU)
    ledger.add(
        *(place, "larger over smaller models: 2.5 over 1.7 ms", about(2.5 / 1.7)),
        conditions=[(CPU, times[large].mean() / times[~large].mean())],
        by="training_speed",
        weak=GPU,
    )
    ledger.add(
        *(place, '"much lower" for smaller models: 1.7 over 2.5 ms', within(0.1, 0.5)),
        printed=1.7 / 2.5,
        by="text of the thesis",
        because=f"On one CPU thread it is {times[SECOND] / times[LARGEST]:.2f}, but {GPU}.",
    )
    ledger.add(
        *(place, 'pruning has "very little effect"', mean(within(0.9, 1.1))),
        conditions=[(CPU, pruned)],
        by="training_speed",
        untestable=blurred,
    )
    ledger.add(
        *(place, '"roughly a factor of five, so from 2.5 ms to 15 ms"', mean(about(5))),
        printed=[15 / 2.5],
        conditions=[(CPU, dense[LATENCY])],
        by="training_speed",
        weak=GPU,
    )
    shown = quantised[quantised["architecture"].isin([LARGEST, SECOND])]
    for which, rule in (("on average", mean(within(4, 6))), ("each", each(within(4, 6)))):
        ledger.add(
            *(figures, f'"a factor of 4-6", {which}', rule),
            conditions=[(CPU, shown[LATENCY])],
            by="training_speed",
            weak=GPU,
        )
    ledger.add(
        *(figures, 'pruning gives latency "a slight benefit"', clear(within(0.9, 0.99), off=1)),
        conditions=[(CPU, pruned.loc[[LARGEST, SECOND]])],
        by="training_speed",
        because="PyTorch computes zeroed channels like any other, and holding the masks costs a "
        "multiplication a layer.",
        untestable=blurred,
    )

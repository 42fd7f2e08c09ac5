"""What the thesis says of accuracy: reached, kept, and what it stands for."""

import numpy as np

from amrpkg.book.claims.evidence import (
    BY_HEART,
    FRESH_TRAINING,
    LARGEST,
    RETUNED,
    SMALLEST,
    TRAINING_CHUNKS,
    Evidence,
    percent,
)
from amrpkg.book.ledger import Ledger, relative
from amrpkg.book.rules import above, at_least, at_most, each, mean, some, true, within
from amrpkg.evaluation.bounds import ceiling
from amrpkg.evaluation.decisions import binomial_interval
from amrpkg.grid.points import THESIS_GRID
from amrpkg.signals.chunks import make_chunks

HIGH = 97.1  # percent, what the thesis calls high
HUNDRED = 99.84  # percent: how the thesis reads 2,304 of 2,304


def best_possible(noise_power: float, seed: int) -> float:
    """Percent of 2,304 fresh chunks that the likeliest class gets right."""
    chunks = make_chunks(noise_power=noise_power, seed=seed, split="evaluation")
    return 100 * ceiling(chunks, noise_power).accuracy


def enter(ledger: Ledger, evidence: Evidence) -> None:
    held, earned = evidence.held, evidence.earned
    fresh, trained = percent(held), percent(held, "training")
    from_8, from_6 = (percent(earned[earned["bit_width"] >= bits]) for bits in (8, 6))
    eight = f"{FRESH_TRAINING}, float and 8 bits"
    six = f"{FRESH_TRAINING}, 6 bits and more"
    on_training = (TRAINING_CHUNKS, trained)
    retuned = evidence.retuned_of(THESIS_GRID)
    until_right = [(RETUNED, percent(retuned, "training"))] if len(retuned) else []
    ledger.add(
        *("abstract; ch. 6", '"maintaining high classification accuracy"'),
        *(each(at_least(HIGH)), fresh),
        conditions=[on_training, (six, from_6)],
        by="record",
    )
    ledger.add(
        *("ch. 1", 'accuracy "reaches 100%" on separate data'),
        *(some(at_least(HUNDRED)), fresh),
        conditions=[(FRESH_TRAINING, percent(earned))],
        by="record",
    )
    ledger.add(
        "ch. 3; ch. 4",
        '"the desired accuracy (100%)" on "a separately generated evaluation dataset", each model',
        *(each(at_least(HUNDRED)), fresh),
        conditions=[on_training, *until_right, (eight, from_8)],
        by="record",
    )
    ledger.add(
        *("ch. 4, evaluation", 'a "real-world accuracy between 99.84% and 100%"'),
        *(each(within(HUNDRED, 100)), fresh),
        conditions=[(eight, from_8)],
        by="record",
    )
    middle = 50 * sum(binomial_interval(2304, 2304))
    ledger.add(
        "ch. 4, evaluation",
        f'it "would likely perform even better": than the middle of the interval, {middle:.2f} %',
        *(mean(above(middle)), fresh),
        conditions=[(eight, from_8)],
        by="record",
    )
    ledger.add(
        "ch. 4, data",
        'a separate evaluation set: the model is not "simply memorizing" (points between '
        "training and fresh chunks)",
        *(each(at_most(1)), trained - fresh),
        by="record",
        because=BY_HEART,
    )
    ledger.add(
        "ch. 4, evaluation",
        'a "dataset size" of 2,304 chunks is "sufficient": accuracy of networks trained on so many',
        *(each(at_least(HIGH)), fresh),
        by="record",
        correction=(
            "to evaluate with: 100 % of so many excludes less than 97.1 %",
            100 * binomial_interval(2304, 2304)[0],
            at_least(HIGH),
        ),
    )
    _enter_compression(ledger, evidence, six)
    hidden = 2 * (1 / 3) ** 2  # a deviation is half the gap of 16QAM's points
    ledger.add(
        "ch. 4, data",
        '100 % with noise "almost undiscernible on data plots" (here: deviation of half the gap '
        "of 16QAM), best possible classifier",
        *(at_least(HUNDRED), best_possible(hidden, evidence.seed)),
        by="ceiling",
        correction=(
            "the best possible classifier keeps it up to five times the thesis's noise, 0.025",
            best_possible(0.025, evidence.seed),
            at_least(HUNDRED),
        ),
    )


def _enter_compression(ledger: Ledger, evidence: Evidence, six: str) -> None:
    def kept(frame):  # share of the accuracy of the float, unpruned network
        return relative(frame, "fresh_accuracy", bit_width=32, pruning_percent=0)

    held, earned = evidence.held, evidence.earned
    ledger.add(
        "ch. 3",
        'all three techniques compress "without significantly affecting accuracy": share kept',
        *(each(at_least(0.99)), kept(held)),
        conditions=[(six, kept(earned[earned["bit_width"] >= 6]))],
        by="record",
    )

    def at_8_bits(frame):
        return kept(frame[frame["pruning_percent"] == 0]).xs(8, level="bit_width")

    ledger.add(
        *("ch. 2", '"8-bit quantization leads to no loss of accuracy": share kept'),
        *(each(at_least(0.99)), at_8_bits(held)),
        conditions=[(FRESH_TRAINING, at_8_bits(earned))],
        by="record",
    )

    def of_largest(frame):  # the smallest network's accuracy over the largest's
        accuracy = frame.set_index(["architecture", "bit_width", "pruning_percent"])[
            "fresh_accuracy"
        ]
        return (accuracy[SMALLEST] / accuracy[LARGEST]).dropna()

    ledger.add(
        "ch. 2",
        'networks "scaled down without sacrificing performance": accuracy of the smallest over '
        "that of the largest",
        *(each(at_least(0.99)), of_largest(held)),
        conditions=[(FRESH_TRAINING, of_largest(earned))],
        by="record",
    )

    def optimal(frame):  # at each bit width: as accurate, at half the DSP blocks or fewer?
        frame = frame[frame["pruning_percent"] == 0]
        large = frame["architecture"].str.contains("5f")
        means = [
            rows.groupby("bit_width")[["fresh_accuracy", "dsp"]].mean()
            for rows in (frame[~large], frame[large])
        ]
        ratio = means[0] / means[1]
        return np.array((ratio["fresh_accuracy"] >= 0.99) & (ratio["dsp"] <= 0.5))

    ledger.add(
        "ch. 6",
        '"smaller model architectures being the most optimal": 99 % of the accuracy of the '
        "larger at half their DSP blocks, at each bit width",
        *(each(true()), optimal(held)),
        conditions=[(FRESH_TRAINING, optimal(earned))],
        by="record",
    )

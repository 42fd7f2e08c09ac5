"""What a classifier decided, counted by true class, and how sure such a count is: no torch."""

from dataclasses import dataclass

import numpy as np

from amrpkg.common.arguments import (
    require_choice,
    require_count,
    require_kind,
    require_number,
)
from amrpkg.signals.chunks import Chunks
from amrpkg.signals.constellations import CONSTELLATIONS


@dataclass(frozen=True)
class Evaluation:
    """A confusion matrix and what the chunks were to the model.

    data : ``"training chunks"`` or ``"fresh chunks"``; an accuracy is never told without it
    confusion : int64[9, 9], rows the true class, columns the decision
    """

    data: str
    confusion: np.ndarray

    @property
    def correct(self) -> int:
        return int(np.trace(self.confusion))

    @property
    def count(self) -> int:
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        return self.correct / self.count

    def __str__(self) -> str:
        low, high = binomial_interval(self.correct, self.count)
        return (
            f"{self.correct} of {self.count} {self.data} right: {self.accuracy:.2%}, "
            f"exact 95 % interval {low:.2%} to {high:.2%}"
        )


def count_decisions(chunks: Chunks, decisions: np.ndarray) -> Evaluation:
    """The `Evaluation` of one decision a chunk, ``int64[n]``."""
    require_kind("chunks", chunks, Chunks)
    classes = len(CONSTELLATIONS)
    cells = chunks.labels * classes + decisions
    confusion = np.bincount(cells, minlength=classes**2).reshape(classes, classes)
    data = "training chunks" if chunks.split == "training" else "fresh chunks"
    return Evaluation(data, confusion)


WIDTH = 0.02  # of the exact interval at which sampling an accuracy stops
METHODS = ("clopper-pearson", "normal")


def binomial_interval(
    correct: int, count: int, confidence: float = 0.95, method: str = "clopper-pearson"
) -> tuple[float, float]:
    """Two-sided confidence interval of a success probability.

    method : ``"clopper-pearson"`` is exact: it covers with at least the stated confidence at
        every true value. ``"normal"`` is the approximation p +- z sqrt(p (1 - p) / n) of the
        thesis's chapter 4; it has zero width at p = 1 and is not cut at 0 and 1.

    Returns (low, high). Raises ``ValueError`` or ``TypeError`` that names the argument.
    """
    from scipy.special import betaincinv, ndtri  # here: it takes as long as NumPy

    require_count("count", count)
    require_count("correct", correct, minimum=0)
    if correct > count:
        raise ValueError(f"correct is {correct}; allowed: at most count = {count}")
    require_number("confidence", confidence, below=1)
    require_choice("method", method, METHODS)
    if method == "normal":
        p = correct / count
        half = ndtri((1 + confidence) / 2) * np.sqrt(p * (1 - p) / count)
        return float(p - half), float(p + half)
    tail, wrong = (1 - confidence) / 2, count - correct  # of a beta distribution, on either side
    low = betaincinv(correct, wrong + 1, tail) if correct else 0.0
    high = betaincinv(correct + 1, wrong, 1 - tail) if wrong else 1.0
    return float(low), float(high)

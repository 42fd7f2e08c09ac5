"""What a classifier decided, counted by true class; no model and no torch needed."""

from dataclasses import dataclass

import numpy as np

from amrpkg.constellations import CONSTELLATIONS
from amrpkg.intervals import binomial_interval
from amrpkg.signals import Chunks


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
    classes = len(CONSTELLATIONS)
    cells = chunks.labels * classes + decisions
    confusion = np.bincount(cells, minlength=classes**2).reshape(classes, classes)
    data = "training chunks" if chunks.split == "training" else "fresh chunks"
    return Evaluation(data, confusion)

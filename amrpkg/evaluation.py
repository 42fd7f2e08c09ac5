"""Accuracy on training and on fresh chunks, its confidence interval, and inference speed."""

from dataclasses import dataclass
from statistics import median
from time import perf_counter

import numpy as np
import torch
from torch import nn

from amrpkg.architectures import CLASSES
from amrpkg.arguments import require_count
from amrpkg.intervals import binomial_interval
from amrpkg.signals import Chunks

__all__ = ["Evaluation", "Speed", "binomial_interval", "evaluate", "time_inference"]

DATA = {"training": "training chunks", "evaluation": "fresh chunks", "stream": "fresh chunks"}
BATCH_SIZE = 32  # of a timed batch: the thesis's, recovered as throughput x inference time


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


def evaluate(model: nn.Module, chunks: Chunks, batch_size: int = 1024) -> Evaluation:
    """Classify every chunk and count; the model is left in evaluation mode."""
    require_count("batch_size", batch_size)
    model.eval()
    with torch.inference_mode():
        decisions = [model(iq).argmax(1) for iq in torch.from_numpy(chunks.iq).split(batch_size)]
    cells = chunks.labels * CLASSES + torch.cat(decisions).numpy()
    confusion = np.bincount(cells, minlength=CLASSES**2).reshape(CLASSES, CLASSES)
    return Evaluation(DATA[chunks.split], confusion)


@dataclass(frozen=True)
class Speed:
    """Measured inference speed: milliseconds per batch (median), chunks per second, how."""

    inference_ms: float
    throughput: float
    batch_size: int
    threads: int


def time_inference(
    model: nn.Module, batch_size: int = BATCH_SIZE, repeats: int = 100, warm_up: int = 20
) -> Speed:
    """Measure the median time of a batch of random samples on the current torch threads.

    The first `warm_up` batches are not counted. Throughput is ``batch_size`` over that time,
    as in the thesis's tables.
    """
    for argument, value in (("batch_size", batch_size), ("repeats", repeats)):
        require_count(argument, value)
    require_count("warm_up", warm_up, minimum=0)
    iq = torch.randn(batch_size, 2, model.chunk_size, generator=torch.Generator().manual_seed(0))
    model.eval()
    seconds = []
    with torch.inference_mode():
        for _ in range(warm_up + repeats):
            begin = perf_counter()
            model(iq)
            seconds.append(perf_counter() - begin)
    batch_seconds = median(seconds[warm_up:])
    return Speed(
        1e3 * batch_seconds, batch_size / batch_seconds, batch_size, torch.get_num_threads()
    )

"""Accuracy on training and on fresh chunks, its confidence interval, and inference speed."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import nn

from amrpkg.architectures import CLASSES
from amrpkg.arguments import require_count
from amrpkg.intervals import binomial_interval
from amrpkg.signals import Chunks
from amrpkg.timing import time_side_by_side

__all__ = ["Evaluation", "Speed", "binomial_interval", "evaluate", "time_inference"]

DATA = {"training": "training chunks"} | dict.fromkeys(
    ("evaluation", "validation", "stream"), "fresh chunks"
)
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
    *models: nn.Module, batch_size: int = BATCH_SIZE, turns: int = 10
) -> list[Speed]:
    """Measure, side by side, the median time of a batch of random samples for each model.

    The models take turns of ten counted batches, on the current torch threads. Throughput is
    ``batch_size`` over the time, as in the thesis's tables.
    """
    require_count("batch_size", batch_size)
    rng = torch.Generator().manual_seed(0)
    iq = torch.randn(batch_size, 2, models[0].chunk_size, generator=rng)
    for model in models:
        model.eval()
    with torch.inference_mode():
        tasks = [partial(model, iq) for model in models]
        times = time_side_by_side(tasks, turns)
    threads = torch.get_num_threads()
    return [Speed(ms, 1e3 * batch_size / ms, batch_size, threads) for ms in times]

"""Accuracy on training and on fresh chunks, its confidence interval, and inference speed."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import nn

from amrpkg.arguments import require_count
from amrpkg.confusion import Evaluation, count_decisions
from amrpkg.intervals import binomial_interval
from amrpkg.signals import Chunks
from amrpkg.timing import time_side_by_side

__all__ = ["Evaluation", "Speed", "binomial_interval", "decide", "evaluate", "time_inference"]

BATCH_SIZE = 32  # of a timed batch: the thesis's, recovered as throughput x inference time


def decide(model: nn.Module, iq: np.ndarray, batch_size: int = 1024) -> np.ndarray:
    """Classify ``float32[n, 2, chunk_size]`` in batches on the current torch threads, ``int64[n]``.

    The model is left in evaluation mode.
    """
    require_count("batch_size", batch_size)
    model.eval()
    with torch.inference_mode():
        decisions = [model(batch).argmax(1) for batch in torch.from_numpy(iq).split(batch_size)]
    return torch.cat(decisions).numpy()


def evaluate(model: nn.Module, chunks: Chunks, batch_size: int = 1024) -> Evaluation:
    """Classify every chunk and count; the model is left in evaluation mode."""
    return count_decisions(chunks, decide(model, chunks.iq, batch_size))


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

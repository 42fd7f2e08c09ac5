"""The speed of networks as PyTorch computes them, in inference and in training."""

from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from amrpkg.common.arguments import require_count
from amrpkg.models.network import Network, build
from amrpkg.signals.chunks import stream
from amrpkg.speed.timing import time_side_by_side
from amrpkg.training.fixed_set import make_optimizer, train_batch
from amrpkg.training.protocols import Settings
from amrpkg.training.pruning import prune_channels

BATCH_SIZE = 32  # of a timed batch: the thesis's, recovered as throughput x inference time


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


def time_training(*models: nn.Module, turns: int = 8) -> list[float]:
    """Measure, side by side, the median time of one batch forward, backward and step.

    The thesis's batch of 32 and Adam. Milliseconds, a model each, on the current torch threads.
    The models are trained by it.
    """
    settings = Settings(learning_rate=1e-3)
    batch = next(stream(settings.batch_size))
    iq, labels = torch.from_numpy(batch.iq), torch.from_numpy(batch.labels)
    for model in models:
        model.train()
    tasks = [
        partial(train_batch, model, make_optimizer(model, settings), iq, labels) for model in models
    ]
    return time_side_by_side(tasks, turns, calls=5)


def compare_with_float(
    model: Network, pruning_percent: float, pruning_variant: str
) -> dict[str, float]:
    """Measure a trained model's speed, and side by side that of the unpruned float model.

    Times of a batch of 32 in inference and in training (forward, backward and step) on the
    current torch threads, in milliseconds and, ``..._to_float``, over those of the float model
    of the architecture. `model` is trained further by it.
    """
    twin = build(model.architecture)
    inference, reference = time_inference(model, twin)
    if pruning_percent:
        prune_channels(model, pruning_percent / 100, pruning_variant)  # as it was trained
    training = time_training(model, twin)
    return {
        "training_latency_ms": training[0],
        "inference_time_ms": inference.inference_ms,
        "throughput_chunks_per_s": inference.throughput,
        "inference_time_to_float": inference.inference_ms / reference.inference_ms,
        "training_latency_to_float": training[0] / training[1],
    }

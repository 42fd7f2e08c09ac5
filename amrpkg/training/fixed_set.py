"""The training loop of the thesis's protocol: a fixed set, Adam, stop at a target loss.

Quantised networks compute as in `models.fusing`: the bits of Brevitas in a third of the time.
"""

import math
from dataclasses import dataclass
from time import perf_counter

import pandas as pd
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from amrpkg.common.arguments import require_count, require_kind
from amrpkg.models.fusing import fused
from amrpkg.signals.chunks import Chunks
from amrpkg.training.protocols import Settings


@dataclass(frozen=True)
class Training:
    """What a training did.

    history : a row an epoch with ``epoch``, ``loss`` (mean cross entropy, nats), ``accuracy``
        (running, on the training chunks, while the weights move) and ``chunks`` (trained on)
    seconds : wall time of all epochs
    throughput : training chunks per second
    """

    history: pd.DataFrame
    seconds: float
    throughput: float


def train(
    model: nn.Module, chunks: Chunks, settings: Settings, seed: int = 0, progress: bool = True
) -> Training:
    """Train `model` in place until an epoch's mean loss is at or below the target.

    chunks : the fixed training set; every epoch passes over it once in a new order
    seed : of the order; held masks stay held

    Raises ``TypeError`` for another kind of argument, such as knobs of `train_on_stream`, and
    ``ValueError`` for evaluation chunks: they are there to be new to the model.
    A target that is not reached within ``settings.max_epochs`` is an outcome, not an error:
    the last row of the history tells. The model is left in evaluation mode.
    """
    require_kind("model", model, nn.Module)
    require_kind("chunks", chunks, Chunks)
    require_kind("settings", settings, Settings)
    require_count("seed", seed, minimum=0)
    if chunks.split == "evaluation":
        raise ValueError("chunks are of the split 'evaluation'; allowed: training, stream")
    rng = torch.Generator().manual_seed(seed)
    iq, labels = torch.from_numpy(chunks.iq), torch.from_numpy(chunks.labels)
    optimizer = make_optimizer(model, settings)
    model.train()
    forward = fused(model)
    epochs, start = [], perf_counter()
    bar = tqdm(range(1, settings.max_epochs + 1), unit="epoch", disable=not progress)
    for epoch in bar:
        loss_sum, correct = 0.0, 0
        order = torch.randperm(len(labels), generator=rng)
        for batch in order.split(settings.batch_size):
            scores, loss = train_batch(forward, optimizer, iq[batch], labels[batch])
            loss_sum += loss * len(batch)
            correct += int((scores.argmax(1) == labels[batch]).sum())
        loss_mean, accuracy = loss_sum / len(labels), correct / len(labels)
        epochs.append((epoch, loss_mean, accuracy, len(labels)))
        bar.set_postfix(loss=f"{loss_mean:.3f}", accuracy=f"{accuracy:.1%}")
        if loss_mean <= settings.target_loss or not math.isfinite(loss_mean):
            break
    bar.close()
    seconds = perf_counter() - start
    model.eval()
    return Training(
        history=pd.DataFrame(epochs, columns=["epoch", "loss", "accuracy", "chunks"]),
        seconds=seconds,
        throughput=len(epochs) * len(labels) / seconds,
    )


def make_optimizer(model: nn.Module, settings: Settings) -> torch.optim.Adam:
    """Fused: on a CPU nearly twice as fast a step of the largest network."""
    return torch.optim.Adam(
        model.parameters(),
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=True,
    )


def train_batch(forward, optimizer, iq, labels) -> tuple[torch.Tensor, float]:
    """One batch; returns its scores and its mean cross entropy, which waits for the end.

    forward : a function of chunks that gives scores, such as a model
    """
    optimizer.zero_grad()
    scores = forward(iq)
    loss = cross_entropy(scores, labels)
    loss.backward()
    optimizer.step()
    return scores.detach(), loss.item()

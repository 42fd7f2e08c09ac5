"""The training loop of the thesis's protocol: a fixed set, Adam, stop at a target loss."""

import math
from dataclasses import dataclass
from time import perf_counter

import pandas as pd
import torch
from torch import nn
from tqdm import tqdm

from amrpkg.arguments import require_count
from amrpkg.protocols import Settings
from amrpkg.signals import Chunks


@dataclass(frozen=True)
class Training:
    """What a training did.

    history : a row an epoch with ``epoch``, ``loss`` (mean cross entropy, nats) and ``accuracy``
        (running, on the training chunks, while the weights move)
    converged : whether the target loss was reached within the epoch limit
    seconds : wall time of all epochs
    latency_ms : median time of one batch forward, backward and step
    throughput : training chunks per second
    """

    history: pd.DataFrame
    converged: bool
    seconds: float
    latency_ms: float
    throughput: float


def train(
    model: nn.Module, chunks: Chunks, settings: Settings, seed: int = 0, progress: bool = True
) -> Training:
    """Train `model` in place until an epoch's mean loss is at or below the target.

    chunks : the fixed training set; every epoch passes over it once in a new order
    seed : of the order; held masks stay held

    Raises ``ValueError`` for evaluation chunks: they are there to be new to the model.
    A target that is not reached within ``settings.max_epochs`` is an outcome, not an error:
    ``converged`` is then false. The model is left in evaluation mode.
    """
    require_count("seed", seed, minimum=0)
    if chunks.split == "evaluation":
        raise ValueError("chunks are of the split 'evaluation'; allowed: training, stream")
    rng = torch.Generator().manual_seed(seed)
    iq, labels = torch.from_numpy(chunks.iq), torch.from_numpy(chunks.labels)
    optimizer = torch.optim.Adam(
        model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    criterion = nn.CrossEntropyLoss()
    model.train()
    epochs, latencies, start = [], [], perf_counter()
    bar = tqdm(range(1, settings.max_epochs + 1), unit="epoch", disable=not progress)
    for epoch in bar:
        loss_sum, correct = 0.0, 0
        order = torch.randperm(len(labels), generator=rng)
        for batch in order.split(settings.batch_size):
            begin = perf_counter()
            optimizer.zero_grad()
            scores = model(iq[batch])
            loss = criterion(scores, labels[batch])
            loss.backward()
            optimizer.step()
            loss_sum += loss.item() * len(batch)  # waits for the batch to be done
            latencies.append(1e3 * (perf_counter() - begin))
            correct += int((scores.argmax(1) == labels[batch]).sum())
        loss_mean, accuracy = loss_sum / len(labels), correct / len(labels)
        epochs.append((epoch, loss_mean, accuracy))
        bar.set_postfix(loss=f"{loss_mean:.3f}", accuracy=f"{accuracy:.1%}")
        if loss_mean <= settings.target_loss or not math.isfinite(loss_mean):
            break
    bar.close()
    seconds = perf_counter() - start
    model.eval()
    return Training(
        history=pd.DataFrame(epochs, columns=["epoch", "loss", "accuracy"]),
        converged=loss_mean <= settings.target_loss,
        seconds=seconds,
        latency_ms=float(pd.Series(latencies).median()),
        throughput=len(epochs) * len(labels) / seconds,
    )

"""The thesis's way to its 100 %: knobs are adjusted until every chunk of the set is right.

The thesis adjusts the learning rate and trains again. Here training goes on from where the
thesis's protocol stopped, which is one more adjustment and not a new draw: the network ends in
the same place as seen from the set, right on all of it, at a fraction of the epochs.
"""

from time import perf_counter

import pandas as pd
import torch
from torch import nn
from tqdm import tqdm

from amrpkg.evaluation.accuracy import decide
from amrpkg.models.fusing import fused
from amrpkg.signals.chunks import Chunks
from amrpkg.training.fixed_set import Training, make_optimizer, train_batch
from amrpkg.training.protocols import RetuningSettings


def train_until_right(
    model: nn.Module,
    chunks: Chunks,
    settings: RetuningSettings,
    seed: int = 0,
    progress: bool = True,
) -> Training:
    """Train a trained `model` further, in place, until it is right on every one of `chunks`.

    Each adjustment halves the rate and has ``settings.max_epochs`` to get there; after the last
    one it is an outcome that it did not. Whether all are right is asked of the model at rest, in
    evaluation mode, after every epoch and before the first. The model is left in that mode.

    seed : of the order of the chunks

    The history has a row an epoch, with ``adjustments`` so far, and one before all, epoch 0, of
    the model as it came.
    """
    rng = torch.Generator().manual_seed(seed)
    iq, labels = torch.from_numpy(chunks.iq), torch.from_numpy(chunks.labels)
    optimizer, forward = make_optimizer(model, settings), fused(model)
    epochs, start = [_as_it_came(model, iq, labels)], perf_counter()
    adjustments = (k for k in range(settings.most_adjustments) for _ in range(settings.max_epochs))
    for epoch, before in enumerate(tqdm(list(adjustments), unit="epoch", disable=not progress), 1):
        if (decide(model, chunks.iq) == chunks.labels).all():
            break
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate / 2 ** (before + 1)
        model.train()
        loss_sum, correct = 0.0, 0
        for batch in torch.randperm(len(labels), generator=rng).split(settings.batch_size):
            scores, loss = train_batch(forward, optimizer, iq[batch], labels[batch])
            loss_sum += loss * len(batch)
            correct += int((scores.argmax(1) == labels[batch]).sum())
        size = len(labels)
        epochs.append((epoch, loss_sum / size, correct / size, size, before + 1))
    seconds = perf_counter() - start
    model.eval()
    return Training(
        history=pd.DataFrame(
            epochs, columns=["epoch", "loss", "accuracy", "chunks", "adjustments"]
        ),
        seconds=seconds,
        throughput=(len(epochs) - 1) * len(labels) / seconds,
    )


def _as_it_came(model, iq, labels) -> tuple:
    model.eval()
    with torch.inference_mode():
        scores = model(iq)
    loss = nn.functional.cross_entropy(scores, labels).item()
    return 0, loss, (scores.argmax(1) == labels).double().mean().item(), 0, 0

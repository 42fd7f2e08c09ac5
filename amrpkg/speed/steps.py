"""The time of a training step of all networks of an architecture, side by side in one process."""

from collections.abc import Sequence
from functools import partial

import pandas as pd
import torch

from amrpkg.models.fusing import fused
from amrpkg.models.network import Network, build
from amrpkg.models.quantization import COLLECT_STATS_STEPS
from amrpkg.signals.chunks import stream
from amrpkg.speed.timing import time_side_by_side
from amrpkg.training.fixed_set import make_optimizer, train_batch
from amrpkg.training.protocols import Settings
from amrpkg.training.pruning import prune_channels


def time_steps(
    architecture: str, networks: Sequence[tuple[int, float]], turns: int = 12, calls: int = 3
) -> pd.DataFrame:
    """Measure a step on a batch of 32, forward, backward and Adam's, on the current threads.

    networks : bit width and percent of pruned channels, whose masks are held

    A row a network: ``ms``, the median, as Brevitas computes, and ``to_float``, over that of a
    float network without pruning. That one is beside those asked for, so the ratio of another
    like it says how well ratios are resolved. ``fused_ms`` and ``fused_to_float`` are of the same
    steps, of quantised networks, as `models.fusing` computes them.

    The networks are untrained, which no step is longer or shorter for. Raises ``ValueError`` as
    `build`, `prune_channels` and `time_side_by_side`.
    """
    knobs = Settings(learning_rate=1e-3)
    batch = next(stream(knobs.batch_size))
    iq, labels = torch.from_numpy(batch.iq), torch.from_numpy(batch.labels)

    def steps(model, forward):
        return partial(train_batch, forward, make_optimizer(model, knobs), iq, labels)

    models = [_make(architecture, *network, iq) for network in networks]
    twin = _make(architecture, 32, 0, iq)
    quantised = [model for model in models if model.bit_width != 32]
    tasks = [steps(model, model) for model in (twin, *models)]
    tasks += [steps(model, fused(model)) for model in quantised]
    reference, *times = time_side_by_side(tasks, turns, calls)
    rows = pd.DataFrame(networks, columns=["bit_width", "pruning_percent"])
    rows.insert(0, "architecture", architecture)
    rows["ms"] = times[: len(models)]
    rows["to_float"] = rows["ms"] / reference
    rows.loc[rows["bit_width"] != 32, "fused_ms"] = times[len(models) :]
    rows["fused_to_float"] = rows["fused_ms"] / reference
    return rows


def _make(architecture: str, bit_width: int, percent: float, iq: torch.Tensor) -> Network:
    """A network in training, its activation scales past their statistics."""
    model = build(architecture, bit_width)
    model.train()
    with torch.no_grad():
        for _ in range((COLLECT_STATS_STEPS + 1) * (bit_width != 32)):
            model(iq[:1])
    if percent:
        prune_channels(model, percent / 100)
    return model

"""Training in passes over a set of any number of distinct chunks, none of which need be kept."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch

from amrpkg.common.arguments import require_count
from amrpkg.models.network import Network
from amrpkg.signals.chunks import Chunks, make_chunks
from amrpkg.signals.constellations import CONSTELLATIONS
from amrpkg.training.fixed_set import make_optimizer, train_batch
from amrpkg.training.protocols import Settings
from amrpkg.training.stream import has_bfloat16, rate_share

PER_CLASS = 256  # of a block
BLOCK = PER_CLASS * len(CONSTELLATIONS)  # chunks: as many as the thesis's set has
BATCH = BLOCK // 6
_TOGETHER = 64  # blocks that are shuffled as one
_WARM_UP = 0.05  # share of the steps in which the rate rises


def passes(blocks: int, seed: int = 0) -> Iterator[Chunks]:
    """Yield batches of 384 without end from a set of so many blocks, all of it in each pass.

    blocks : of 2,304 distinct chunks each. The k-th is a function of the seed and k and is made
        whenever it is due: a set contains those that are smaller, and ten million chunks take no
        memory.

    A pass takes the blocks in a new order, and shuffles up to 64 neighbours of it as one.
    Raises ``ValueError`` or ``TypeError`` that names the argument.
    """
    require_count("blocks", blocks)
    require_count("seed", seed, minimum=0)
    return _passes(blocks, seed)


def _passes(blocks: int, seed: int) -> Iterator[Chunks]:
    rng = np.random.default_rng(seed)
    while True:
        order = rng.permutation(blocks)
        for start in range(0, blocks, _TOGETHER):
            part = [
                make_chunks(PER_CLASS, seed=seed, block=int(k))
                for k in order[start : start + _TOGETHER]
            ]
            iq = np.concatenate([chunks.iq for chunks in part])
            labels = np.concatenate([chunks.labels for chunks in part])
            for batch in rng.permutation(len(labels)).reshape(-1, BATCH):
                yield Chunks(iq[batch], labels[batch], "training", part[0].noise_power)


def train_in_passes(
    model: Network, blocks: int, steps: int, learning_rate: float, seed: int = 0
) -> pd.DataFrame:
    """Train a float network in place by so many steps of Adam on a set of `passes`.

    The rate rises linearly and then falls to zero along half a cosine, over all steps, however
    often the set comes. Returns ``loss`` and ``accuracy`` of each batch before it was learnt
    from. The model is left in evaluation mode.
    """
    require_count("steps", steps)
    optimizer = make_optimizer(model, Settings(learning_rate))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda k: rate_share(k, steps, _WARM_UP)
    )
    halved = has_bfloat16("cpu")  # products, as in `train_on_stream`

    def forward(iq: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=halved):
            return model(iq).float()

    model.train()
    rows = []
    for _, batch in zip(range(steps), passes(blocks, seed), strict=False):
        labels = torch.from_numpy(batch.labels)
        scores, loss = train_batch(forward, optimizer, torch.from_numpy(batch.iq), labels)
        schedule.step()
        rows.append((loss, float((scores.argmax(1) == labels).float().mean())))
    model.eval()
    return pd.DataFrame(rows, columns=["loss", "accuracy"])

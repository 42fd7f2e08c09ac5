"""Soft labels: how likely each class is to one who knows the noise of a chunk.

A network learns the same from them as from labels, on average: the mean of the labels of all
chunks that look alike is their posterior. But where much noise leaves several classes open, a
label is a throw of dice and the posterior is its mean, so each chunk teaches more.
"""

import numpy as np
import torch

from amrpkg.signals.chunks import Chunks
from amrpkg.signals.constellations import CONSTELLATIONS

_FARTHEST = (
    -80.0
)  # exponent of a point's likelihood; smaller numbers are no longer normal, and slow
_BLOCK = 64  # chunks at a time, so that the temporaries stay in cache


def posterior(chunks: Chunks) -> torch.Tensor:
    """The probability of each class, ``float32[n, 9]``: the likelihoods of `bounds`, normalised.

    chunks : with their noise powers, and as they were made: no gain, rotation or frequency

    One core does 100,000 chunks of 32 a second. Raises ``ValueError`` for chunks without noise.
    """
    power = chunks.noise_power
    if power is None or not (np.asarray(power) > 0).all():
        raise ValueError(f"chunks have a noise power of {power}; allowed: above 0, or one a chunk")
    points, shares = _points()
    scale = torch.as_tensor(power, dtype=torch.float32).expand(len(chunks)).reshape(-1, 1, 1)
    samples = torch.from_numpy(chunks.iq)
    scaled = torch.cat([samples, torch.ones_like(samples[:, :1])], 1) / scale
    room = torch.empty(len(points), _BLOCK * chunks.iq.shape[2])  # new memory takes a third
    blocks = [_logs(block, points, shares, room) for block in scaled.split(_BLOCK)]
    return torch.cat(blocks).softmax(1)


def _points() -> tuple[torch.Tensor, torch.Tensor]:
    """Factors of I, Q and 1 for each distinct point, ``[points, 3]``; the share that a class has
    of it, ``[9, points]``. Most points of the PSKs are shared."""
    rounded = [np.round(points, 9) for points in CONSTELLATIONS.values()]
    distinct = np.unique(np.concatenate(rounded))
    factors = np.stack([2 * distinct.real, 2 * distinct.imag, -(np.abs(distinct) ** 2)], axis=1)
    shares = np.stack([np.isin(distinct, points) / len(points) for points in rounded])
    return torch.from_numpy(factors.astype(np.float32)), torch.from_numpy(shares).float()


def _logs(scaled, points, shares, room) -> torch.Tensor:
    """Sums of log-likelihoods over the chunk, ``float32[n, 9]``, up to a constant of the chunk."""
    count, _, chunk_size = scaled.shape
    i, q, one = scaled.transpose(0, 1).reshape(3, -1)
    of_i, of_q, of_one = points.T[:, :, None]
    closeness = torch.mul(of_i, i, out=room[:, : len(i)])
    closeness.addcmul_(of_q, q).addcmul_(of_one, one)
    closeness.sub_(closeness.amax(0)).clamp_(min=_FARTHEST).exp_()
    logs = (shares @ closeness).log_()
    return logs.view(-1, count, chunk_size).sum(2).T

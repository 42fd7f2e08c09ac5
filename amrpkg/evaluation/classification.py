"""Which modulation is in a recording: a decision, with what speaks for it, for every chunk.

The networks know one sample a symbol, no carrier, phase or timing offset, and the scale of
`constellations`. What of that shows in the samples is checked by `doubts`.
"""

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from amrpkg.evaluation.accuracy import score
from amrpkg.evaluation.normalisation import HIGHEST, LOWEST, is_possible, level
from amrpkg.signals.chunks import NOISE_POWER
from amrpkg.signals.constellations import CONSTELLATIONS

if TYPE_CHECKING:
    import pandas as pd

SHIPPED = Path(__file__).parent / "weights" / "pointwise_48_32_16_8bit.safetensors"
"""The integers of the network that comes with the package: small, trained across noise powers."""

FAR = 0.09  # r.m.s. distance; noise of the convention gives 0.071, by chance 0.09 in 1 chunk of 800
FALSE_ALARM = 1e-6  # probability that symbols of the convention are doubted by their use of points
_FEW = 0.01  # share of the chunks; fewer of a class are single wrong decisions, which all make
_BLOCK = 1024  # chunks at a time


def classify(model, samples: np.ndarray) -> "pd.DataFrame":
    """Classify a recording chunk by chunk.

    model : any form of a network, as of `accuracy.score`; its ``chunk_size`` cuts the samples
    samples : complex[n]; a rest shorter than a chunk is left out

    Returns a row a chunk: ``first_sample``; ``modulation``, the decision; ``confidence``, the
    softmax of its class score, which is no calibrated probability: far from what the network
    was trained on it means nothing; ``distance``, the r.m.s. distance of the samples from the
    nearest points of the decided class, about 0.07 where the convention holds; and what else
    `doubts` asks: ``points``, with bit k set if sample by sample point k of the class was ever
    nearest, and ``repeats``, how many samples lie nearest to the same point as the one before.

    Raises ``ValueError`` if the samples are not complex[n] or do not fill a chunk.
    """
    import pandas as pd  # here: it takes longer than NumPy

    size, samples = model.chunk_size, np.asarray(samples)
    if samples.ndim != 1 or samples.dtype.kind != "c" or len(samples) < size:
        raise ValueError(
            f"samples are {samples.dtype.name}{list(samples.shape)}; allowed: complex, one "
            f"dimension, at least a chunk of {size}"
        )
    chunks = samples[: len(samples) // size * size].reshape(-1, size)
    columns = []
    for start in range(0, len(chunks), _BLOCK):
        block = chunks[start : start + _BLOCK].astype(np.complex64)
        scores = score(model, np.stack([block.real, block.imag], axis=1)).astype(float)
        labels = scores.argmax(axis=1)
        confidence = 1 / np.exp(scores - scores.max(axis=1, keepdims=True)).sum(axis=1)
        columns.append((labels, confidence, *_compare(block, labels)))
    labels, confidence, distance, points, repeats = map(np.concatenate, zip(*columns, strict=True))
    return pd.DataFrame(
        {
            "first_sample": np.arange(len(chunks)) * size,
            "modulation": pd.Categorical.from_codes(labels, list(CONSTELLATIONS)),
            "confidence": confidence,
            "distance": distance,
            "points": points,
            "repeats": repeats,
        }
    )


def _compare(block: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distance, points and repeats of chunks against their classes, see `classify`."""
    distance = np.empty(len(block))
    points, repeats = np.empty(len(block), np.uint32), np.empty(len(block), int)
    for label in np.unique(labels):
        chosen = labels == label
        table = list(CONSTELLATIONS.values())[label].astype(np.complex64)
        samples = block[chosen]
        # |r - s|^2 is least where Re(r s*) - |s|^2 / 2 is largest
        axes = np.stack([table.real, table.imag, -(np.abs(table) ** 2) / 2])
        parts = np.stack([samples.real, samples.imag, np.ones_like(samples.real)], axis=-1)
        nearest = (parts @ axes).argmax(axis=-1)
        apart = np.abs(samples - table[nearest]).astype(float)
        distance[chosen] = np.sqrt((apart**2).mean(axis=-1))
        points[chosen] = np.bitwise_or.reduce(np.uint32(1) << nearest.astype(np.uint32), axis=-1)
        repeats[chosen] = (nearest[:, 1:] == nearest[:, :-1]).sum(axis=-1)
    return distance, points, repeats


def doubts(samples: np.ndarray, table: "pd.DataFrame") -> list[str]:
    """What speaks against the convention: sentences, none if nothing does.

    samples, table : what `classify` took and gave. Checked are the level, whether the samples
    lie about the points of the classes decided as the convention's noise lets them, and, class
    by class, whether they make use of those points as independent and equally likely symbols do
    but for `FALSE_ALARM`. QPSK turned by 45 degrees lies on points of 8PSK, but on half of them.
    """
    found, rms = [], level(samples)
    if not is_possible(rms, len(samples)):
        found.append(
            f"the r.m.s. of the samples is {rms:.3g}; expected: {LOWEST:.2f} (8ASK) to "
            f"{HIGHEST:.2f} (16QAM); --normalise finds the level"
        )
    if (distance := table["distance"].median()) > FAR:
        found.append(
            f"the samples lie {distance:.2f} from the points of the classes decided; expected: "
            f"about {NOISE_POWER**0.5:.2f}. Level, phase, carrier, timing, noise or modulation "
            "are not those the networks know: do not trust the classes"
        )
        return found  # what is nearest says nothing
    size = int(table["first_sample"].diff().max()) if len(table) > 1 else len(samples)
    for name, chunks in table.groupby("modulation", observed=True):
        if len(chunks) >= _FEW * len(table):
            found += _doubt_use(name, chunks, size)
    return found


def _doubt_use(name: str, chunks: "pd.DataFrame", size: int) -> list[str]:
    """At most one sentence on how the chunks decided as `name` make use of its points.

    Of n independent symbols, u of the M points or more stay unused with a probability of at most
    C(M, u) (1 - u / M)^n, the union bound. Each symbol repeats the one before with probability
    1 / M whatever came earlier, so repeats are binomial; their share q is as far from p = 1 / M
    with a probability of at most 2 exp(-n (q log(q / p) + (1 - q) log((1 - q) / (1 - p)))), by
    Chernoff.
    """
    order, pairs = len(CONSTELLATIONS[name]), len(chunks) * (size - 1)
    share, expected = chunks["repeats"].sum() / max(pairs, 1), 1 / order
    divergence = sum(
        q * math.log(q / p) for q, p in ((share, expected), (1 - share, 1 - expected)) if q > 0
    )
    if 2 * math.exp(-pairs * divergence) < FALSE_ALARM:
        return [
            f"{name}: successive samples lie at the same point in {share:.0%} of the cases; "
            f"expected: {expected:.0%}. Symbols are held, sampled more than once or not "
            f"independent: do not trust {name}"
        ]
    used = int(np.bitwise_or.reduce(chunks["points"])).bit_count()
    unused, samples = order - used, len(chunks) * size
    if unused and math.comb(order, unused) * (used / order) ** samples < FALSE_ALARM:
        return [
            f"{name}: its {samples} samples use {used} of the {order} points; expected: all. "
            "A modulation with fewer points, turned or of another shape, is taken for it: do not "
            f"trust {name}"
        ]
    return []

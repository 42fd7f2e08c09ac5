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
_LOOKED_AT = 1024  # chunks of a class whose points are counted, spread over the recording
_RARE = 0.1  # of what it should be; a point used less counts as unused
_BLOCK = 1024  # chunks at a time


def classify(model, samples: np.ndarray) -> "pd.DataFrame":
    """Classify a recording chunk by chunk.

    model : any form of a network, as of `accuracy.score`; its ``chunk_size`` cuts the samples
    samples : complex[n]; a rest shorter than a chunk is left out

    Returns a row a chunk: ``first_sample``; ``modulation``, the decision; ``confidence``, the
    softmax of its class score, which is no calibrated probability: far from what the network
    was trained on it means nothing; ``distance``, the r.m.s. distance of the samples from the
    nearest points of the decided class, about 0.07 where the convention holds (see `doubts`).

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
        labels, confidence = decide_chunks(model, block)
        columns.append((labels, confidence, _distances(block, labels)))
    labels, confidence, distance = map(np.concatenate, zip(*columns, strict=True))
    return pd.DataFrame(
        {
            "first_sample": np.arange(len(chunks)) * size,
            "modulation": pd.Categorical.from_codes(labels, list(CONSTELLATIONS)),
            "confidence": confidence,
            "distance": distance,
        }
    )


def decide_chunks(model, chunks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Class and confidence of ``complex64[n, chunk_size]`` alone: ``int64[n]``, ``float64[n]``."""
    scores = score(model, np.stack([chunks.real, chunks.imag], axis=1)).astype(float)
    confidence = 1 / np.exp(scores - scores.max(axis=1, keepdims=True)).sum(axis=1)
    return scores.argmax(axis=1), confidence


def _nearest(samples: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The place of the nearest of `points` to each sample: largest Re(r s*) - |s|^2 / 2."""
    axes = np.stack([points.real, points.imag, -(np.abs(points) ** 2) / 2])
    parts = np.stack([samples.real, samples.imag, np.ones_like(samples.real)], axis=-1)
    return (parts @ axes.astype(parts.dtype)).argmax(axis=-1)


def _distances(block: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """R.m.s. distance of each chunk's samples from the nearest points of its class."""
    distances = np.empty(len(block))
    for label, points in enumerate(CONSTELLATIONS.values()):
        samples = block[chosen := labels == label]
        apart = np.abs(samples - points[_nearest(samples, points)])
        distances[chosen] = np.sqrt((apart**2).mean(axis=-1))
    return distances


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
    size = int(table["first_sample"][1]) if len(table) > 1 else len(samples)
    for name, chunks in table.groupby("modulation", observed=True)["first_sample"]:
        if len(chunks) >= _FEW * len(table):
            starts = chunks.to_numpy()[:: -(-len(chunks) // _LOOKED_AT), None]
            found += _doubt_use(name, samples[starts + np.arange(size)])
    return found


def _doubt_use(name: str, chunks: np.ndarray) -> list[str]:
    """At most one sentence on how ``complex[n, size]`` make use of the points of a class.

    Each of independent, equally likely symbols repeats the one before with probability 1 / M
    whatever came earlier, and u of the M points get a share of u / M: binomial counts, by
    Chernoff as far from their mean with a probability of at most exp(-n D), D the divergence.
    There are C(M, u) ways to choose u points.
    """
    order, nearest = len(CONSTELLATIONS[name]), _nearest(chunks, CONSTELLATIONS[name])
    counts = np.bincount(nearest.ravel(), minlength=order) / nearest.size
    rare = counts < _RARE / order  # noise brings a sample to the next point now and then
    used, repeats = order - int(rare.sum()), nearest[:, 1:] == nearest[:, :-1]
    expected = 1 / max(used, 2)  # of the points used, lest unused ones are told as repeats
    if 2 * _chance(repeats.mean() if repeats.size else 0, expected, repeats.size) < FALSE_ALARM:
        return [
            f"{name}: successive samples lie at the same point in {repeats.mean():.0%} of the "
            f"cases; expected: {expected:.0%}. Symbols are held, sampled more than once or not "
            f"independent: do not trust {name}"
        ]
    sets = math.comb(order, used)
    if (
        used < order
        and sets * _chance(counts[rare].sum(), 1 - used / order, nearest.size) < FALSE_ALARM
    ):
        return [
            f"{name}: {nearest.size} samples use {used} of the {order} points; expected: all. A "
            "modulation with fewer points, turned or of another shape, is taken for it: do not "
            f"trust {name}"
        ]
    return []


def _chance(share: float, expected: float, count: int) -> float:
    """Chernoff's bound on a share of `count` trials as far from the expected one, to one side."""
    pairs = ((share, expected), (1 - share, 1 - expected))
    return math.exp(-count * sum(q * math.log(q / p) for q, p in pairs if q > 0))

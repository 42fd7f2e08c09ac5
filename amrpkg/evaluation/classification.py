"""Which modulation is in a recording: a decision, with what speaks for it, for every chunk.

The networks know one sample a symbol, no carrier, phase or timing offset, and the scale of
`constellations`. What of that shows in the samples is checked by `doubts`.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from amrpkg.evaluation.normalisation import HIGHEST, LOWEST, is_possible, level
from amrpkg.signals.chunks import NOISE_POWER
from amrpkg.signals.constellations import CONSTELLATIONS

SHIPPED = Path(__file__).parent / "weights" / "pointwise_48_32_16_8bit.safetensors"
"""The weights of the network that comes with the package: small, trained across noise powers."""

FAR = 0.09  # r.m.s. distance; noise of the convention gives 0.071, by chance 0.09 in 1 chunk of 800
_BLOCK = 1024  # chunks at a time


def classify(model: nn.Module, samples: np.ndarray) -> pd.DataFrame:
    """Classify a recording chunk by chunk; the model is left in evaluation mode.

    model : of `models.build` or `models.load_model`; its ``chunk_size`` cuts the samples
    samples : complex[n]; a rest shorter than a chunk is left out

    Returns a row a chunk: ``first_sample``; ``modulation``, the decision; ``confidence``, the
    softmax of its class score, which is no calibrated probability: far from what the network
    was trained on it means nothing; ``distance``, the r.m.s. distance of the samples from the
    nearest points of the decided class, about 0.07 where the convention holds (see `doubts`).

    Raises ``ValueError`` if the samples are not complex[n] or do not fill a chunk.
    """
    size = model.chunk_size
    if samples.ndim != 1 or samples.dtype.kind != "c" or len(samples) < size:
        raise ValueError(
            f"samples are {samples.dtype.name}{list(samples.shape)}; allowed: complex, one "
            f"dimension, at least a chunk of {size}"
        )
    chunks = samples[: len(samples) // size * size].reshape(-1, size)
    model.eval()
    labels, confidences, distances = [], [], []
    for start in range(0, len(chunks), _BLOCK):
        block = chunks[start : start + _BLOCK].astype(np.complex64)
        with torch.inference_mode():
            scores = model(torch.from_numpy(np.stack([block.real, block.imag], axis=1)))
        confidence, label = scores.softmax(dim=1).max(dim=1)
        labels.append(label.numpy())
        confidences.append(confidence.numpy())
        distances.append(_distances(block, label.numpy()))
    labels = np.concatenate(labels)
    return pd.DataFrame(
        {
            "first_sample": np.arange(len(chunks)) * size,
            "modulation": pd.Categorical.from_codes(labels, list(CONSTELLATIONS)),
            "confidence": np.concatenate(confidences),
            "distance": np.concatenate(distances),
        }
    )


def _distances(block: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """R.m.s. distance of each chunk's samples from the nearest points of its class."""
    distances = np.empty(len(block))
    for label, points in enumerate(CONSTELLATIONS.values()):
        chosen = labels == label
        nearest = np.abs(block[chosen][..., None] - points).min(axis=-1)
        distances[chosen] = np.sqrt((nearest**2).mean(axis=-1))
    return distances


def doubts(samples: np.ndarray, table: pd.DataFrame) -> list[str]:
    """What speaks against the convention: sentences, none if nothing does.

    samples, table : what `classify` took and gave. Checked are the level, and whether the
    samples lie about the points of the classes decided as the convention's noise lets them.
    Samples that lie on points of another class, as QPSK turned by 45 degrees does on those of
    8PSK, cannot be told from it.
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
    return found

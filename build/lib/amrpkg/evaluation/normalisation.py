"""The level of a recording: what it should be, and the factor that brings it there.

The classes differ in mean energy (8ASK 0.43 to 16QAM 1.11, noise apart) and in peak, so that no
one rule such as "peak 1" or "r.m.s. 1" suits a recording whose class is not known. A factor a is
therefore judged by how well a r fits the signal model of `signals` at N_a = `NOISE_POWER`, each
chunk being of any class m with equal odds:

    log p(a) = sum_chunks log sum_m prod_t a^2 sum_{s in m} exp(-|a r_t - s|^2 / N_a) / M_m + const.

A network's own confidence does not serve: it is as sure of samples at a wrong level.
"""

import numpy as np

from amrpkg.evaluation.bounds import log_likelihoods
from amrpkg.signals.chunks import CHUNK_SIZE, NOISE_POWER
from amrpkg.signals.constellations import CONSTELLATIONS

_ENERGIES = [np.mean(np.abs(points) ** 2) for points in CONSTELLATIONS.values()]
LOWEST, HIGHEST = (float(np.sqrt(f(_ENERGIES) + NOISE_POWER)) for f in (min, max))
_SPREAD = 1.8  # four standard deviations of the r.m.s. of one 8ASK sample, relative
_QUIETEST = 1e-30
_MOST_CHUNKS = 64  # looked at, spread over the recording
_STEP = 1.015  # between factors; it moves the outermost point by a fifth of the noise


def level(samples: np.ndarray) -> float:
    """The r.m.s. of complex samples of any shape."""
    return float(np.sqrt(np.mean(np.abs(samples, dtype=np.float64) ** 2)))


def is_possible(rms: float, count: int) -> bool:
    """Whether `count` samples of one of the nine classes can have this r.m.s."""
    slack = _SPREAD / np.sqrt(count)
    return LOWEST * (1 - slack) <= rms <= HIGHEST * (1 + slack)


def matching_factor(samples: np.ndarray) -> float:
    """The factor that brings samples of unknown level to the convention: maximum likelihood.

    samples : complex[n], n at least 32, one level throughout, no carrier or phase offset;
        64 chunks of 32, spread over the recording, are looked at

    Classes may change from chunk to chunk. Where the convention holds but for the level, the
    factor is right to about 1 %. At four times its noise BPSK is taken for a smaller 8ASK; what
    is wrong then shows in the distances of `classify`.

    Raises ``ValueError`` if all these samples are zero, or so small or large that a factor is no
    number of 32 bits.
    """
    chunks = samples[: len(samples) // CHUNK_SIZE * CHUNK_SIZE].reshape(-1, CHUNK_SIZE)
    chunks = chunks[:: -(-len(chunks) // _MOST_CHUNKS)]
    rms = level(chunks)
    if not _QUIETEST < rms < 1 / _QUIETEST:
        came = f"of an r.m.s. of {rms:.3g}" if rms else "all zero"
        raise ValueError(
            f"samples are {came}; allowed: a recording with a signal to normalise, of an r.m.s. "
            f"between {_QUIETEST} and {1 / _QUIETEST}"
        )
    chunks = (chunks / rms).astype(np.complex64)
    slack = _SPREAD / np.sqrt(chunks.size)
    low, high = LOWEST / (1 + slack), HIGHEST * (1 + slack)
    factors = low * _STEP ** np.arange(np.log(high / low) / np.log(_STEP) + 1)
    return float(max(factors, key=lambda factor: _log_likelihood(chunks, factor)) / rms)


def _log_likelihood(chunks: np.ndarray, factor: float) -> float:
    scaled = np.float32(factor) * chunks
    classes = log_likelihoods(np.stack([scaled.real, scaled.imag], axis=1), NOISE_POWER)
    energy = np.sum(np.abs(scaled) ** 2, dtype=np.float64)  # what `log_likelihoods` leaves out
    per_chunk = np.logaddexp.reduce(classes, axis=1)
    return per_chunk.sum() - energy / NOISE_POWER + 2 * chunks.size * np.log(factor)

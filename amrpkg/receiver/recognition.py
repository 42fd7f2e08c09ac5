"""The class of every 32 symbols behind the front end, or "unknown".

Each class is fitted to the block of 256 symbols (see `fitting`). Phase, level, carrier and noise of
the one that is likeliest over the block are taken, and with them the likeliest class over the 32.
The block as a whole has to pass two others, or its chunks are unknown: there is a line at
the symbol rate (`front_end`), and the symbols look like those of the class (`plausibility`).
Source: Panagiotou, Anastasopoulos and Polydoros, Likelihood ratio tests for modulation
classification, MILCOM 2000.
"""

from dataclasses import dataclass

import numpy as np

from amrpkg.receiver.fitting import Fit, fit, log_likelihoods
from amrpkg.receiver.front_end import Blocks
from amrpkg.receiver.plausibility import FALSE_ALARM, probability
from amrpkg.signals.chunks import CHUNK_SIZE
from amrpkg.signals.constellations import CONSTELLATIONS, OTHER_SHAPES

NAMES = tuple(CONSTELLATIONS)
UNKNOWN = "unknown"
REASONS = ("", "no signal", "another shape", "unlike every class", "too much noise")
LEAST_ES_N0_DB = 9.0  # below, 32 symbols tell few classes apart
MOST_ES_N0_DB = 35.0  # above, what is left of neighbours is more than the noise, and not like it
SURE = 0.9  # probability of a class, at least, for a chunk to be called by it
_LINES = 8  # tried for other shapes, as that of cross 32QAM is low
_AT_ONCE = 16  # blocks


@dataclass(frozen=True)
class Recognition:
    """Of b blocks.

    likeliest : int64[b], the class of each block as a whole
    reason : int64[b], the place in `REASONS` why a block is unknown, 0 if it is not
    posterior : float64[b, BLOCK / 32, 9], of every chunk, classes equally likely beforehand
    gain, frequency, noise_power : [b], those of the block's class, as of `Fit`
    symbols : complex128[b, BLOCK], without carrier, phase and level, as that class has them
    """

    likeliest: np.ndarray
    reason: np.ndarray
    posterior: np.ndarray
    gain: np.ndarray
    frequency: np.ndarray
    noise_power: np.ndarray
    symbols: np.ndarray

    @property
    def classes(self) -> np.ndarray:
        """The likeliest class of every chunk, ``int64[b, BLOCK / 32]``, unknown or not."""
        return self.posterior.argmax(axis=2)

    @property
    def is_known(self) -> np.ndarray:
        """Whether a chunk is called by its class: no reason against it, and `SURE` of it."""
        return (self.reason == 0)[:, None] & (self.posterior.max(axis=2) >= SURE)

    @property
    def es_n0_db(self) -> np.ndarray:
        """Es/N0 as found, ``float64[b]``, Es the mean energy of the class's symbols."""
        energies = np.array([np.mean(np.abs(points) ** 2) for points in CONSTELLATIONS.values()])
        es = energies[self.likeliest] * np.abs(self.gain) ** 2
        return 10 * np.log10(es / self.noise_power)


def recognise(blocks: Blocks) -> Recognition:
    """Decide every chunk of synchronised blocks."""
    silent = ~blocks.symbols.any(axis=1)
    y = np.where(silent[:, None], 1e-20, blocks.symbols.astype(np.complex128))
    found, is_other = _recognise_all(y)
    if (quiet := found.es_n0_db > MOST_ES_N0_DB).any():
        found, is_other = _recognise_all(_with_noise(y, quiet))
    found.reason[found.es_n0_db < LEAST_ES_N0_DB] = 4
    for k in np.flatnonzero(found.reason == 0):
        noise_power = found.noise_power[k] / abs(found.gain[k]) ** 2
        if probability(found.symbols[k], NAMES[found.likeliest[k]], noise_power) < FALSE_ALARM:
            found.reason[k] = 3
    found.reason[is_other] = 2
    found.reason[silent | ~blocks.has_signal] = 1
    return found


def fit_likeliest(y: np.ndarray) -> tuple[np.ndarray, np.ndarray, Fit]:
    """The likeliest class of blocks ``complex[b, n]``, its log-likelihood a block, its fit."""
    fits = [fit(y, points) for points in CONSTELLATIONS.values()]
    logs = np.array([found.log_likelihoods.sum(axis=1) for found in fits])
    likeliest, each = logs.argmax(axis=0), np.arange(len(y))
    fields = zip(*(vars(found).values() for found in fits), strict=True)
    best = Fit(*(np.stack(values)[likeliest, each] for values in fields))
    return likeliest, logs.max(axis=0), best


def chunk_scores(y: np.ndarray, gain, frequency, noise_power) -> np.ndarray:
    """Log-likelihoods of chunks in blocks ``complex[b, n]``: ``float64[b, n / 32, 9]``."""
    scores = [
        log_likelihoods(y, points, gain, frequency, noise_power)
        for points in CONSTELLATIONS.values()
    ]
    return np.stack(scores, axis=2).reshape(len(y), -1, CHUNK_SIZE, len(scores)).sum(axis=2)


def _with_noise(y: np.ndarray, quiet: np.ndarray) -> np.ndarray:
    """Blocks, the quiet ones with noise at `MOST_ES_N0_DB`, the same from call to call."""
    power = quiet * np.mean(np.abs(y) ** 2, axis=1) * 10 ** (-MOST_ES_N0_DB / 10)
    noise = np.random.default_rng(0).normal(size=(2, *y.shape)) * np.sqrt(power / 2)[:, None]
    return y + noise[0] + 1j * noise[1]


def _recognise_all(y: np.ndarray) -> tuple[Recognition, np.ndarray]:
    """Before anything speaks against it, and whether another shape is likelier."""
    parts = [_recognise(y[k : k + _AT_ONCE]) for k in range(0, len(y), _AT_ONCE)]
    likeliest, *found, is_other = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Recognition(likeliest, np.zeros(len(y), dtype=int), *found), is_other


def _recognise(y: np.ndarray) -> tuple[np.ndarray, ...]:
    likeliest, logs, best = fit_likeliest(y)
    chunks = chunk_scores(y, best.gain, best.frequency, best.noise_power)
    posterior = np.exp(chunks - np.logaddexp.reduce(chunks, axis=2, keepdims=True))
    others = [fit(y, points, _LINES).log_likelihoods for points in OTHER_SHAPES.values()]
    is_other = np.sum(others, axis=2).max(axis=0) > logs
    found = best.gain, best.frequency, best.noise_power, best.corrected(y)
    return likeliest, posterior, *found, is_other

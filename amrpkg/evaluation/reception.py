"""A recording of a radio, classified: receiver and decisions, chunk by chunk."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from amrpkg.evaluation.accuracy import score
from amrpkg.receiver import (
    NAMES,
    REASONS,
    UNKNOWN,
    Band,
    find_band,
    find_samples_per_symbol,
    recognise,
    synchronise,
)
from amrpkg.signals.chunks import CHUNK_SIZE

if TYPE_CHECKING:
    import pandas as pd

_DC_FALSE_ALARM = 1e-6
_DC_NEIGHBOURS = 16  # bins to each side
_CLIPPED, _FEW = 1e-3, 8  # samples at the largest value, as a share and in number; else it is one


@dataclass(frozen=True)
class Reception:
    """samples_per_symbol and band as given or found; a row a chunk; what was seen besides."""

    samples_per_symbol: float
    band: Band
    table: "pd.DataFrame"
    notes: list[str]


def receive_recording(
    samples: np.ndarray,
    samples_per_symbol: float | None = None,
    roll_off: float | None = None,
    carrier: float | None = None,
    model=None,
) -> Reception:
    """Classify a recording of shaped pulses, more than a sample a symbol.

    samples : complex[n], at least 290 symbols and 512 samples
    samples_per_symbol, roll_off, carrier : found where they are not given; the carrier is the
        middle of the band in cycles a sample
    model : a network that decides on symbols without offsets in place of their likelihood; its
        chunk_size has to be 32

    The table has ``first_sample``, ``modulation`` (a class or "unknown"), ``confidence`` (the
    probability of the likeliest class, or the network's softmax), ``reason`` of an unknown, and of
    its block of 256 symbols ``es_n0_db``, ``carrier`` in cycles a sample, ``phase`` in degrees at
    the middle of the block, up to turns that leave the class as it is, and ``level``, the factor
    on the points of `CONSTELLATIONS`.

    Raises ``ValueError`` or ``TypeError`` as `find_samples_per_symbol` and `synchronise`, and for
    a recording without any signal.
    """
    import pandas as pd  # here: it takes longer than NumPy

    samples = np.asarray(samples, dtype=np.complex64)
    if not samples.any():
        raise ValueError(f"samples are {len(samples)}, all zero; allowed: a recording of a signal")
    if len(samples) < 512:
        raise ValueError(f"samples are {len(samples)}; allowed: at least 512")
    if not (finite := np.isfinite(samples)).all():
        bad = int(finite.argmin())
        raise ValueError(f"samples has {samples[bad]} at {bad}; allowed: finite numbers")
    samples, notes = _without_defects(samples)
    if samples_per_symbol is None:
        samples_per_symbol = find_samples_per_symbol(samples)
    if not samples_per_symbol >= 2:
        raise ValueError(f"samples_per_symbol is {samples_per_symbol}; allowed: at least 2")
    band = find_band(samples, samples_per_symbol, carrier, roll_off)
    blocks = synchronise(samples, samples_per_symbol, band.roll_off, band.carrier)
    found = recognise(blocks)
    posterior = found.posterior if model is None else _softmax(model, found.symbols)
    likely, classes = posterior.max(axis=2), posterior.argmax(axis=2)
    named = found.is_known if model is None else (found.reason == 0)[:, None] & (likely > 0)
    chunks = np.arange(posterior.shape[1]) * CHUNK_SIZE * samples_per_symbol

    def each(values) -> np.ndarray:
        return np.repeat(values, posterior.shape[1])

    names = np.where(named, np.array(NAMES)[classes], UNKNOWN).ravel()
    reason = np.array(REASONS)[each(found.reason)]
    table = pd.DataFrame(
        {
            "first_sample": np.rint(blocks.start[:, None] + chunks).astype(int).ravel(),
            "modulation": pd.Categorical(names, [*NAMES, UNKNOWN]),
            "confidence": likely.ravel(),
            "reason": np.where((names == UNKNOWN) & (reason == ""), "unsure", reason),
            "es_n0_db": each(found.es_n0_db),
            "carrier": each(band.carrier + found.frequency / samples_per_symbol),
            "phase": each(np.rad2deg(np.angle(found.gain))),
            "level": each(np.abs(found.gain)),
        }
    )
    return Reception(samples_per_symbol, band, table, notes)


def _softmax(model, symbols: np.ndarray) -> np.ndarray:
    chunks = symbols.reshape(-1, CHUNK_SIZE).astype(np.complex64)
    scores = score(model, np.stack([chunks.real, chunks.imag], axis=1)).astype(float)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return (weights / weights.sum(axis=1, keepdims=True)).reshape(len(symbols), -1, len(NAMES))


def _without_defects(samples: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """The recording without a constant in it, and what is to be said of it."""
    notes = []
    parts = (np.abs(samples.real), np.abs(samples.imag))
    count = max(np.count_nonzero(part == part.max()) for part in parts if part.any())
    if count > max(_FEW, _CLIPPED * len(samples)):
        notes.append(f"{count / len(samples):.1%} of the samples have the largest value: clipped?")
    power = np.abs(np.fft.fft(samples[: 1 << 16])) ** 2
    around = np.mean(np.r_[power[3 : 3 + _DC_NEIGHBOURS], power[-2 - _DC_NEIGHBOURS : -2]])
    n = 2 * _DC_NEIGHBOURS
    if (1 + power[0] / max(around, 1e-30) / n) ** -n < _DC_FALSE_ALARM:
        notes.append(f"a constant of {abs(samples.mean()):.3g} was taken out")
        samples = samples - samples.mean()
    return samples, notes

"""What each step of the receiver costs: decisions with ever less known beforehand.

The same burst is decided again and again, 32 symbols at a time, by the likeliest class. Under
"perfect" timing, carrier, phase, level and noise are known, as for the ceilings; each further
step finds one of them itself, from a block of 256 symbols.
"""

import numpy as np

from amrpkg.evaluation.accuracy import score
from amrpkg.receiver import (
    BLOCK,
    MatchedFilter,
    chunk_scores,
    fit_likeliest,
    squared_envelope_timing,
)
from amrpkg.signals import CONSTELLATIONS, Burst
from amrpkg.signals.chunks import CHUNK_SIZE

STEPS = ("perfect", "timing", "carrier", "phase", "level", "noise")
"""Each finds what it names, and what those before it name."""

_EDGE = 24  # symbols left out at both ends


def decide_by_steps(
    name: str, burst: Burst, blocks: int, rng: np.random.Generator, model
) -> dict[str, np.ndarray]:
    """Step -> the class of every chunk of one burst, ``int64[blocks, BLOCK / 32]``.

    model : a network of 32 symbols that decides on what all steps leave, as "network"
    """
    x = burst.transmit(CONSTELLATIONS[name], blocks * BLOCK + 2 * _EDGE, rng)
    matched = MatchedFilter(burst.samples_per_symbol, burst.roll_off)
    start = _EDGE + BLOCK * np.arange(blocks)[:, None] + burst.timing
    late = squared_envelope_timing(matched(x, start + np.arange(4 * BLOCK) / 4))[:, None]
    known = matched(x, start + np.arange(BLOCK)).astype(np.complex128)
    found = matched(x, start + late + np.arange(BLOCK)).astype(np.complex128)
    carrier = burst.carrier * burst.samples_per_symbol
    middle = start[:, 0] + (BLOCK - 1) / 2
    gain = burst.gain * np.exp(1j * (burst.phase + 2 * np.pi * carrier * middle))
    later = gain * np.exp(2j * np.pi * carrier * late[:, 0])
    frequency = np.full(blocks, carrier)
    energy = np.mean(np.abs(CONSTELLATIONS[name]) ** 2)
    noise = np.full(blocks, burst.gain**2 * energy * 10 ** (-burst.es_n0_db / 10))
    _, _, own = fit_likeliest(found)
    turned = burst.gain * np.exp(1j * np.angle(own.gain))
    scores = {
        "perfect": chunk_scores(known, gain, frequency, noise),
        "timing": chunk_scores(found, later, frequency, noise),
        "carrier": chunk_scores(found, later, own.frequency, noise),
        "phase": chunk_scores(found, turned, own.frequency, noise),
        "level": chunk_scores(found, own.gain, own.frequency, noise),
        "noise": chunk_scores(found, own.gain, own.frequency, own.noise_power),
    }
    decided = {step: values.argmax(axis=2) for step, values in scores.items()}
    chunks = own.corrected(found).reshape(-1, CHUNK_SIZE)
    iq = np.stack([chunks.real, chunks.imag], axis=1).astype(np.float32)
    return decided | {"network": score(model, iq).argmax(axis=1).reshape(blocks, -1)}

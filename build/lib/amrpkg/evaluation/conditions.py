"""The conditions that classifiers are measured under, as data.

The axis of the noise sweep is Es/N0 in decibels. N0 is the total power N_a of the complex noise
(one sample a symbol), Es the energy of a symbol of unit amplitude, such as any of the PSK
ones: Es/N0 = 1 / N_a, and the thesis's N_a = 0.005 lies at 23 dB. Averaged over the symbols of
all nine classes the energy is 0.858, so on an axis of that mean every value is 0.67 dB less.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from amrpkg.evaluation.bounds import classify_maximum_likelihood
from amrpkg.signals.chunks import CHUNK_SIZE, NOISE_POWER, Chunks, make_chunks
from amrpkg.signals.constellations import CONSTELLATIONS, OTHER_SHAPES
from amrpkg.signals.impairments import change_gain, offset_frequency, rotate

ES_N0_DB = tuple(range(24, -3, -2))  # from a ceiling of 100 % to one of about 30 %
CHUNK_SIZES = (4, 8, 16, 64, 128)
IMPAIRMENTS = {
    "gain": (change_gain, (-6, -3, -1, 1, 3, 6)),
    "rotation": (rotate, (1, 2, 5, 10, 15, 22.5, 45)),
    "frequency offset": (offset_frequency, (3e-4, 1e-3, 3e-3, 1e-2, 3e-2)),
}
UNITS = {
    "thesis": "",
    "noise": "Es/N0 (dB)",
    "chunk size": "symbols per chunk",
    "gain": "gain error (dB)",
    "rotation": "rotation (degrees)",
    "frequency offset": "frequency offset (cycles per symbol)",
    "other shape": "points of the QAM with another shape",
}
"""Name of a condition -> what its value is and in which unit."""


def noise_power_at(es_n0_db: float) -> float:
    """N_a at an Es/N0 in decibels, Es that of unit amplitude."""
    return 10 ** (-es_n0_db / 10)


@dataclass(frozen=True)
class Condition:
    """Under what chunks are made: a name of `UNITS`, its value, and what follows from it."""

    name: str
    value: float
    noise_power: float = NOISE_POWER
    chunk_size: int = CHUNK_SIZE
    constellations: Mapping[str, np.ndarray] = field(default_factory=lambda: CONSTELLATIONS)

    @property
    def unknown(self) -> bool:
        """Is it one that a receiver is not told of, so that knowing it helps?"""
        return self.name in IMPAIRMENTS or self.constellations is not CONSTELLATIONS

    def draw(self, block: int, seed: int = 0) -> Chunks:
        """The block of 2,304 fresh chunks of that number, independent of recorded sets.

        Blocks of one number hold the same symbols and noise under all conditions of a chunk
        size, as far as they can, so that differences are due to the condition.
        """
        chunks = self.draw_matched(block, seed)
        if self.name in IMPAIRMENTS:
            return IMPAIRMENTS[self.name][0](chunks, self.value)
        return chunks

    def draw_matched(self, block: int, seed: int = 0) -> Chunks:
        """The same after a receiver that knows gain, rotation and frequency has undone them."""
        return make_chunks(
            chunk_size=self.chunk_size,
            noise_power=self.noise_power,
            seed=seed,
            split="evaluation",
            block=block,
            constellations=self.constellations,
        )

    def decide_matched(self, iq: np.ndarray) -> np.ndarray:
        """The likeliest class for one who knows the shapes, on chunks of `draw_matched`.

        Phase noise is neglected, see `bounds.log_likelihoods` for what that changes.
        """
        return classify_maximum_likelihood(iq, self.noise_power, constellations=self.constellations)

    def decide_unmatched(self, iq: np.ndarray) -> np.ndarray:
        """The likeliest class for one who takes the chunks of `draw` to be usual ones."""
        return classify_maximum_likelihood(iq, self.noise_power)


CONDITIONS: tuple[Condition, ...] = (
    Condition("thesis", 0),
    *(Condition("noise", level, noise_power=noise_power_at(level)) for level in ES_N0_DB),
    *(Condition("chunk size", size, chunk_size=size) for size in CHUNK_SIZES),
    *(Condition(name, value) for name, (_, values) in IMPAIRMENTS.items() for value in values),
    *(
        Condition("other shape", len(points), constellations=CONSTELLATIONS | {name: points})
        for name, points in OTHER_SHAPES.items()
    ),
)

"""Who can send a burst: our own `Burst`, liquid-dsp, GNU Radio and komm, a row each."""

import numpy as np

from amrpkg.signals.bursts import Burst
from amrpkg.signals.constellations import CONSTELLATIONS, OTHER_SHAPES
from amrpkg.signals.gnu_radio import GNU_RADIO_SHAPES, transmit_with_gnu_radio
from amrpkg.signals.komm_pulses import KOMM_SHAPES, transmit_with_komm
from amrpkg.signals.liquid import SCHEMES, transmit_with_liquid


def _shapes() -> dict[str, np.ndarray]:
    """What we send; the names of other shapes are liquid's."""
    others = {"8QAM, rectangular": OTHER_SHAPES["8QAM"], "32QAM, cross": OTHER_SHAPES["32QAM"]}
    return CONSTELLATIONS | others


def _send(burst: Burst, name: str, count: int, rng: np.random.Generator) -> np.ndarray:
    return burst.transmit(_shapes()[name], count, rng)


SOURCES = {
    "ours": (tuple(_shapes()), _send),
    "liquid-dsp": (tuple(SCHEMES), transmit_with_liquid),
    "GNU Radio": (GNU_RADIO_SHAPES, transmit_with_gnu_radio),
    "komm": (KOMM_SHAPES, transmit_with_komm),
}
"""Name -> what it sends, and the function that sends it."""

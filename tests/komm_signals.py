"""Noisy symbols that komm made, of the thesis's nine classes and in its scale."""

import komm
import numpy as np

# komm's constellation and the factor to the thesis's scale; no shape is rotated.
KOMM = {
    "4ASK": (komm.PAMConstellation(4), 1 / 3),
    "8ASK": (komm.PAMConstellation(8), 1 / 7),
    "BPSK": (komm.PSKConstellation(2), 1),
    "QPSK": (komm.PSKConstellation(4), 1),
    "8PSK": (komm.PSKConstellation(8), 1),
    "16PSK": (komm.PSKConstellation(16), 1),
    "8QAM": (komm.APSKConstellation((4, 4), (1.0, 0.5), (0.0, 1 / 8)), 1),
    "16QAM": (komm.QAMConstellation(16), 1 / 3),
    # Every other point of the square grid of 64; its energy is that of the grid, 10.5 / 0.25.
    "32QAM": (komm.QAMConstellation(64), 1 / 2 / 10.5**0.5),
}


def komm_points(name: str) -> np.ndarray:
    """The points of a class in the thesis's scale; of komm's 64QAM the 32 of the checkerboard."""
    constellation, scale = KOMM[name]
    points = constellation.matrix.ravel() + 0j
    if name == "32QAM":
        points = points[(points.real + points.imag) / 2 % 2 == 1]  # -7 - 7j is kept
    return points * scale


def komm_receive(name: str, count: int, seed: int, noise_power: float = 0.005) -> np.ndarray:
    """`count` symbols, uniform over the class, through komm's channel, ``complex128[count]``."""
    rng = np.random.default_rng(seed)
    channel = komm.GaussianChannel(noise_power, rng)
    return channel.transmit(rng.choice(komm_points(name), count))

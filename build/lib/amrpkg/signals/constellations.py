"""The nine constellations of the thesis, in its order, at one sample per symbol.

Convention: amplitudes are peak-normalised, except 16QAM (levels -1, -1/3, 1/3, 1 on both
axes, so that its corners lie at sqrt(2)) and 32QAM (unit mean energy). Source: thesis,
chapter 4 (names and order); the tables themselves are those of the author's public
follow-up code. Two usual shapes that it does not use stand apart, scaled as those they replace.
"""

import numpy as np


def _ask(order: int) -> np.ndarray:
    return np.linspace(-1, 1, order) + 0j


def _psk(order: int) -> np.ndarray:
    return np.exp(2j * np.pi * np.arange(order) / order)


def _star_8qam() -> np.ndarray:
    return np.where(np.arange(8) % 2 == 0, 1.0, 0.5) * _psk(8)


def _square_16qam() -> np.ndarray:
    level = np.array([-3, -1, 1, 3]) / 3
    return (level[:, None] + 1j * level[None, :]).ravel()


def _checkerboard_32qam() -> np.ndarray:
    column, row = np.indices((8, 8))
    kept = (column + row) % 2 == 0
    points = (column - 3.5 + 1j * (row - 3.5))[kept]
    return points / np.sqrt(np.mean(np.abs(points) ** 2))


def _rectangular_8qam() -> np.ndarray:
    points = np.array([-3, -1, 1, 3])[:, None] + 1j * np.array([-1, 1])
    return points.ravel() / np.sqrt(10)


def _cross_32qam() -> np.ndarray:
    level = np.array([-5, -3, -1, 1, 3, 5])
    points = level[:, None] + 1j * level
    return points[np.abs(points) < 7] / np.sqrt(20)  # the corners go; 20 is the mean energy


CONSTELLATIONS: dict[str, np.ndarray] = {
    "4ASK": _ask(4),
    "8ASK": _ask(8),
    "BPSK": _psk(2),
    "QPSK": _psk(4),
    "8PSK": _psk(8),
    "16PSK": _psk(16),
    "8QAM": _star_8qam(),
    "16QAM": _square_16qam(),
    "32QAM": _checkerboard_32qam(),
}
"""Name -> points, ``complex128[M]``, read-only; the position of a name is its class label."""

OTHER_SHAPES: dict[str, np.ndarray] = {"8QAM": _rectangular_8qam(), "32QAM": _cross_32qam()}
"""Other points under the same names: 8QAM as 4 x 2 with its corners at radius 1, 32QAM as a
6 x 6 grid without its corners at unit mean energy. ``CONSTELLATIONS | OTHER_SHAPES`` replaces
them and keeps the order."""

for _points in (*CONSTELLATIONS.values(), *OTHER_SHAPES.values()):
    _points.setflags(write=False)


def symmetry(points: np.ndarray) -> int:
    """The largest k for which 1 / k of a turn leaves the constellation as it is."""

    def is_same_after(k):
        turned = points * np.exp(2j * np.pi / k)
        return np.abs(turned[:, None] - points).min(axis=1).max() < 1e-9

    return next(k for k in range(len(points), 0, -1) if is_same_after(k))

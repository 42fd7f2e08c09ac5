"""The root raised cosine, the pulse that most transmitters shape their symbols with.

With t in symbols and roll-off b its spectrum is the square root of the raised cosine

    G(f)^2 = 1                                        for |f| <= (1 - b) / 2,
             (1 + cos(pi / b (|f| - (1 - b) / 2))) / 2  up to (1 + b) / 2, 0 beyond,

so that a filter of the same shape, the matched one, leaves no interference at whole t.
Source: Proakis and Salehi, Digital Communications, 5th edition, section 9.2.
"""

import numpy as np

_NEAR = 1e-8  # to the instants where the formula is 0 / 0


def root_raised_cosine(t: np.ndarray, roll_off: float) -> np.ndarray:
    """The pulse at the instants `t`, in symbols, ``float64`` of the shape of `t`; unit energy.

        g(t) = (sin(pi t (1 - b)) + 4 b t cos(pi t (1 + b))) / (pi t (1 - (4 b t)^2))

    roll_off : b, above 0 and at most 1
    """
    b, t = roll_off, np.asarray(t, dtype=float)
    zero, edge = np.abs(t) < _NEAR, np.abs(np.abs(4 * b * t) - 1) < _NEAR
    safe = np.where(zero | edge, 0.1 / b, t)
    pulse = np.sin(np.pi * safe * (1 - b)) + 4 * b * safe * np.cos(np.pi * safe * (1 + b))
    pulse /= np.pi * safe * (1 - (4 * b * safe) ** 2)
    sine, cosine = np.sin(np.pi / (4 * b)), np.cos(np.pi / (4 * b))
    limit = b / np.sqrt(2) * ((1 + 2 / np.pi) * sine + (1 - 2 / np.pi) * cosine)
    return np.where(zero, 1 - b + 4 * b / np.pi, np.where(edge, limit, pulse))


def raised_cosine_spectrum(f: np.ndarray, roll_off: float) -> np.ndarray:
    """G(f)^2 at the frequencies `f`, in cycles a symbol; one in the middle."""
    beyond = np.clip((np.abs(f) - (1 - roll_off) / 2) / roll_off, 0, 1)
    return (1 + np.cos(np.pi * beyond)) / 2

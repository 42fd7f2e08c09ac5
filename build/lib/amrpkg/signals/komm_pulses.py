"""Signals that komm makes: its constellations, its root raised cosine, its channel.

komm (https://komm.dev) is a library for communication systems in Python, of which nothing here
was written by us; it comes with the extra ``book``. Its channel has white noise only: carrier,
phase and gain are put on here.
"""

import numpy as np

from amrpkg.common.arguments import require_choice
from amrpkg.signals.bursts import Burst

_SPAN = 24  # symbols to each side of a pulse


def _points(name: str) -> np.ndarray:
    """The points of komm's constellation, at its own scale, ``complex128[M]``."""
    import komm  # here: it comes with an extra, and takes a second

    if name.endswith("ASK"):
        found = komm.PAMConstellation(int(name[:-3]))
    elif name.endswith("PSK"):
        found = komm.PSKConstellation({"B": 2, "Q": 4}.get(name[0]) or int(name[:-3]))
    else:
        found = {
            "8QAM": lambda: komm.APSKConstellation((4, 4), (1.0, 0.5), (0.0, 1 / 8)),
            "16QAM": lambda: komm.QAMConstellation(16),
            "32QAM": lambda: komm.QAMConstellation(64),
            "8QAM, rectangular": lambda: komm.QAMConstellation((4, 2)),
            "32QAM, cross": lambda: komm.CrossQAMConstellation(32),
        }[name]()
    points = found.matrix.ravel() + 0j
    # The thesis's 32QAM is every other point of the square grid of 64.
    return points[(points.real + points.imag) / 2 % 2 == 1] if name == "32QAM" else points


KOMM_SHAPES = (
    *("4ASK", "8ASK", "BPSK", "QPSK", "8PSK", "16PSK", "8QAM", "16QAM", "32QAM"),
    *("8QAM, rectangular", "32QAM, cross"),
)


def transmit_with_komm(burst: Burst, name: str, count: int, seed: int) -> np.ndarray:
    """`count` random symbols as komm sends and receives them: ``complex64[about count * N]``.

    burst : as of `Burst`
    name : of `KOMM_SHAPES`

    Raises ``ImportError`` without komm, ``ValueError`` for another name.
    """
    import komm

    require_choice("name", name, KOMM_SHAPES)
    rng, rate = np.random.default_rng(seed), burst.samples_per_symbol
    pulse = komm.RaisedCosinePulse(burst.roll_off).root()
    symbols = np.pad(rng.choice(_points(name), count), _SPAN)
    n = np.arange(int(count * rate))
    t = n / rate - burst.timing
    k = np.floor(t).astype(int)[:, None] + np.arange(1 - _SPAN, _SPAN + 1)
    x = np.einsum("nk,nk->n", pulse.waveform(t[:, None] - k), symbols[k + _SPAN])
    x = x / np.sqrt(np.mean(np.abs(x) ** 2)) * np.exp(1j * burst.phase)
    channel = komm.GaussianChannel(rate * 10 ** (-burst.es_n0_db / 10), rng)
    received = channel.transmit(x * np.exp(2j * np.pi * burst.carrier * n))
    return (burst.gain * received).astype(np.complex64)

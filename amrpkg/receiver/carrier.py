"""The carrier left over: the line that a power of the symbols has in its spectrum.

The k-th power of symbols that look the same after 1 / k of a turn has a mean, so that behind a
carrier f of the symbol rate and a phase theta the spectrum of y^k has a line at k f of phase
k theta + arg E[s^k]. With k theta known only to a turn, 1 / k of a turn stays open, and f is
known to 1 / k of the symbol rate.
Source: Viterbi and Viterbi, Nonlinear estimation of PSK-modulated carrier phase, IEEE
Transactions on Information Theory 29(4), 1983; Mengali and D'Andrea, section 5.
"""

import numpy as np

POWERS = (2, 4, 8, 16)
FURTHEST = 1 / 64  # of the symbol rate; beyond 1/32 the 16th power takes f for f - 1/16
_FINER = 4  # zeros that are added, in lengths of the signal


def lowest_power(points: np.ndarray) -> int:
    """The lowest of `POWERS` that has a mean over the points: 2 for BPSK, 4 for QPSK and so on."""
    means = {k: abs(np.mean(points**k)) / np.mean(np.abs(points) ** k) for k in POWERS}
    return next(k for k in POWERS if means[k] > 0.1)


def line_frequencies(y: np.ndarray, power: int, count: int = 1) -> np.ndarray:
    """Carriers that symbols ``complex[b, n]`` may have, cycles a symbol, ``float64[b, count]``.

    power : k of `lowest_power`
    count : of the tallest lines, the tallest first; others may stand taller than the right one
        where the power has little mean, as with 32QAM, or much noise

    The top of a line is that of a parabola through the logarithms of three neighbours.
    """
    size = _FINER * y.shape[1]
    spectrum = np.abs(np.fft.fft(raised(y, power), size)) + 1e-30
    reach = int(FURTHEST * power * size)
    bins = np.arange(-reach, min(reach + 1, size - reach))
    inside, found, beside = spectrum[:, bins], [], np.array([-1, 0, 1])
    for _ in range(count):
        top = bins[inside.argmax(axis=1)][:, None]
        left, middle, right = np.log(np.take_along_axis(spectrum, (top + beside) % size, 1)).T
        bend = np.minimum(left - 2 * middle + right, -1e-12)
        shift = np.clip((left - right) / (2 * bend), -0.5, 0.5)
        found.append((top[:, 0] + shift) / (power * size))
        inside = np.where(np.abs(bins - top) < 2 * _FINER, 0, inside)
    return np.stack(found, axis=1)


def raised(y: np.ndarray, power: int) -> np.ndarray:
    """The k-th power of symbols; from the eighth on without amplitude, which only adds noise."""
    return y**power if power <= 4 else np.exp(1j * power * np.angle(y))

"""Where the band lies and how steep its edges are: the likeliest raised cosine under a spectrum.

An averaged periodogram P of a signal behind root raised cosine pulses has the mean

    S(f) = A G((f - f0) N)^2 + B

with G as in `pulses`, N samples a symbol and white noise B. Whittle's likelihood, - sum_f
(log S + P / S), is maximised over f0 and the roll-off, with A and B by weighted least squares.
Source: Whittle, The analysis of multiple stationary time series, Journal of the Royal Statistical
Society B 15(1), 1953; Welch, IEEE Transactions on Audio and Electroacoustics 15(2), 1967.
"""

from typing import NamedTuple

import numpy as np

from amrpkg.signals.pulses import raised_cosine_spectrum

_SEGMENT = 512  # samples of a periodogram, overlapping by half
_LOOKED_AT = 1 << 17  # samples from the first on
_ROLL_OFFS = np.arange(0.1, 1.0001, 0.05)
_QUIETEST = 1e-4  # noise beside the band; what is less is the window's, not white
_STEPS = (0.02, 0.005)  # of f0 in symbol rates, and about the best of these


class Band(NamedTuple):
    """carrier : f0, cycles a sample; roll_off : b."""

    carrier: float
    roll_off: float


def periodogram(samples: np.ndarray) -> np.ndarray:
    """The averaged periodogram of complex[n], n at least 512, at k / 512 cycles a sample."""
    segments = np.lib.stride_tricks.sliding_window_view(samples[:_LOOKED_AT], _SEGMENT)
    window = np.hanning(_SEGMENT)
    spectra = np.fft.fft(segments[:: _SEGMENT // 2] * (window / np.linalg.norm(window)))
    return np.mean(np.abs(spectra) ** 2, axis=0)


def find_band(
    samples: np.ndarray,
    samples_per_symbol: float,
    carrier: float | None = None,
    roll_off: float | None = None,
) -> Band:
    """The band of a recording complex[n], n at least 512; what is given is kept.

    The carrier is right to about a hundredth of the symbol rate (`carrier` finds the rest), the
    roll-off to about 0.05.
    """
    power = periodogram(samples)
    f = np.fft.fftfreq(_SEGMENT)
    power = np.maximum(power, _QUIETEST * power.max())
    middle = np.angle(np.sum(power * np.exp(2j * np.pi * f))) / (2 * np.pi)
    roll_offs = _ROLL_OFFS if roll_off is None else [roll_off]

    def best(carriers, roll_offs) -> Band:
        pairs = np.array([(c, b) for c in carriers for b in roll_offs], dtype=float)
        values = _likelihood(power, f, pairs, samples_per_symbol)
        return Band(*map(float, pairs[values.argmax()]))

    if carrier is not None:
        return best([carrier], roll_offs)
    wide = np.arange(-0.5, 0.5001, _STEPS[0]) / samples_per_symbol
    near = np.arange(-4, 5) * _STEPS[1] / samples_per_symbol
    found = best(best(middle + wide, roll_offs).carrier + near, roll_offs)
    return found._replace(carrier=(found.carrier + 0.5) % 1 - 0.5)


def _likelihood(power, f, bands, samples_per_symbol) -> np.ndarray:
    """Whittle's, of bands ``float64[n, 2]``: carrier and roll-off."""
    away = (f - bands[:, :1] + 0.5) % 1 - 0.5
    shape = raised_cosine_spectrum(away * samples_per_symbol, bands[:, 1:])
    model = np.full_like(shape, power.mean())
    for _ in range(3):  # least squares, weighted by the variance S^2
        weight = 1 / model**2
        w, s, p = (np.sum(weight * values, axis=1) for values in (1, shape, power))
        ss, sp = (np.sum(weight * shape * values, axis=1) for values in (shape, power))
        height = np.maximum((sp * w - s * p) / np.maximum(ss * w - s * s, 1e-300), 0)
        floor = (p - height * s) / w
        model = np.maximum(height[:, None] * shape + floor[:, None], 1e-3 * power.min())
    return -np.sum(np.log(model) + power / model, axis=1)

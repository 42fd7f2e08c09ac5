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
    power = np.maximum(power, 1e-9 * power.mean())
    middle = np.angle(np.sum(power * np.exp(2j * np.pi * f))) / (2 * np.pi)
    roll_offs = _ROLL_OFFS if roll_off is None else [roll_off]

    def best(carriers, roll_offs) -> Band:
        bands = [Band(float(c), float(b)) for c in carriers for b in roll_offs]
        return max(bands, key=lambda band: _likelihood(power, f, band, samples_per_symbol))

    if carrier is not None:
        return best([carrier], roll_offs)
    wide = np.arange(-0.5, 0.5001, _STEPS[0]) / samples_per_symbol
    near = np.arange(-4, 5) * _STEPS[1] / samples_per_symbol
    found = best(middle + wide, roll_offs[::6]).carrier
    found = best(found + near, roll_offs)
    return found._replace(carrier=(found.carrier + 0.5) % 1 - 0.5)


def _likelihood(power, f, band, samples_per_symbol) -> float:
    away = (f - band.carrier + 0.5) % 1 - 0.5
    shape = raised_cosine_spectrum(away * samples_per_symbol, band.roll_off)
    model = np.full_like(power, power.mean())
    for _ in range(3):  # least squares, weighted by the variance S^2
        weight = 1 / model**2
        s, ss = (weight * shape).sum(), (weight * shape**2).sum()
        p, sp, w = (weight * power).sum(), (weight * shape * power).sum(), weight.sum()
        height = max((sp * w - s * p) / max(ss * w - s * s, 1e-300), 0)
        model = np.maximum(height * shape + (p - height * s) / w, 1e-3 * power.min())
    return float(-np.sum(np.log(model) + power / model))

"""How many samples a symbol has: the line of the squared envelope at the symbol rate.

Pulses whose spectrum is wider than the symbol rate make |x|^2 periodic on average: its spectrum
has a line at 1 / N, at which the cyclic spectrum of x is taken. A line stands over its n
neighbours by the ratio u, which noise alone passes with a probability of (1 + u / n)^-n, as the
powers of its bins are exponential.
Source: Gardner, Exploitation of spectral redundancy in cyclostationary signals, IEEE Signal
Processing Magazine 8(2), 1991.
"""

import numpy as np

FALSE_ALARM = 1e-6  # probability that noise has a line somewhere
LEAST, MOST = 2.0, 16.0  # samples a symbol that are found
_LOOKED_AT = 1 << 15  # samples from the first on
_NEIGHBOURS = 64


def exceeded_by_noise(ratio: np.ndarray, neighbours: int) -> np.ndarray:
    """The probability that the power of a bin of noise is `ratio` times its neighbours' mean."""
    return (1 + ratio / neighbours) ** -float(neighbours)


def _wiener(x: np.ndarray) -> np.ndarray:
    """The share of the signal in the power of every bin of a spectrum, the noise taken to be
    what a tenth of the band lies below: out of the band there is only noise to be squared."""
    segment = min(256, len(x))
    pieces = x[: len(x) // segment * segment].reshape(-1, segment) * np.hanning(segment)
    power = np.mean(np.abs(np.fft.fft(pieces)) ** 2, axis=0)
    share = 1 - np.quantile(power, 0.1) / np.maximum(power, 1e-300)
    near = np.fft.fftfreq(len(x)) % 1 * segment
    return np.interp(near, np.arange(segment + 1), np.append(share, share[0]).clip(0))


def find_samples_per_symbol(samples: np.ndarray) -> float:
    """N of a recording complex[n] of shaped pulses, about right to 1 / n of itself.

    Raises ``ValueError`` if there is no such line between 2 and 16 samples a symbol.
    """
    x = np.asarray(samples[:_LOOKED_AT], dtype=np.complex128)
    n = len(x)
    spectrum = np.fft.fft(x) * _wiener(x)
    half = n // 2
    wide = np.concatenate([spectrum[:half], np.zeros(n), spectrum[half:]])
    energy = np.abs(np.fft.ifft(wide)) ** 2  # at twice the rate, where squaring makes no aliases
    energy = (energy - energy.mean()) * np.hanning(2 * n)
    power = np.abs(np.fft.rfft(energy, 4 * n)) ** 2  # bin k is k / (2 n) cycles a sample
    sums = np.cumsum(np.concatenate([[0.0], power]))
    k = np.arange(max(int(2 * n / MOST), 3 * _NEIGHBOURS), int(2 * n / LEAST) + 3)
    if not len(k) or not energy.any():
        raise ValueError(f"samples are {n}, all alike or too few; allowed: a signal of 1,000")
    gap, reach = 8, 8 + 2 * _NEIGHBOURS  # bins to each side: a line is up to 8 wide
    around = sums[k + reach + 1] - sums[k + gap + 1] + sums[k - gap] - sums[k - reach]
    ratio = power[k] / (around / (2 * (reach - gap)) + 1e-300)
    top = int(ratio.argmax())
    if len(k) * exceeded_by_noise(ratio[top], _NEIGHBOURS) > FALSE_ALARM:
        raise ValueError(
            f"samples show no symbol rate between {LEAST:g} and {MOST:g} samples a symbol; "
            "allowed: one signal of shaped pulses, or its samples_per_symbol"
        )
    left, middle, right = np.log(power[k[top] + np.array([-1, 0, 1])] + 1e-300)
    shift = (left - right) / (2 * min(left - 2 * middle + right, -1e-12))
    return float(2 * n / (k[top] + np.clip(shift, -0.5, 0.5)))

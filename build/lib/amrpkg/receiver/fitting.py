"""Phase, level, fine carrier and noise of symbols, for each class that they may be of.

With a class's points s, the symbols of a block are modelled as

    y_t = a s_t exp(j w t) + sqrt(N0) n_t,    t = 0 in the middle of the block,

and a (level and phase), w and N0 maximise the likelihood sum_t log mean_s exp(-|y_t - a s
exp(j w t)|^2 / N0) / (pi N0). The maximum is climbed by expectation and maximisation: with the
mean symbol m_t and energy p_t that the points have, given y_t and the last a, w and N0,

    a = sum_t z_t m_t* / sum_t p_t,   w += sum_t t Im(z_t m_t* a*) / (|a|^2 sum_t t^2 p_t),
    N0 = mean_t (|z_t|^2 - 2 Re(z_t m_t* a*) + |a|^2 p_t),    z_t = y_t exp(-j w t).

It starts from the line of a power of the symbols (see `carrier`) and from the second and fourth
moments. A class that looks the same after 1 / k of a turn is known up to such turns, which change
nothing; where the power leaves more turns open than that, all are tried.
Source: Dempster, Laird and Rubin, Journal of the Royal Statistical Society B 39(1), 1977.
"""

from dataclasses import dataclass

import numpy as np

from amrpkg.receiver.carrier import line_frequencies, lowest_power, raised
from amrpkg.signals.constellations import symmetry

_FIRST_STEPS, _STEPS = 4, 12  # for each try, and from the best of them
_QUIETEST = 1e-4  # noise as a share of the power
_FIRST_NOISE = 0.02  # likewise, at least, for the first step


@dataclass(frozen=True)
class Fit:
    """Of ``[b]`` blocks of n symbols to one class.

    gain : complex128[b], a
    frequency : float64[b], w / (2 pi), cycles a symbol
    noise_power : float64[b], N0 in the units of the symbols
    log_likelihoods : float64[b, n], of every symbol
    """

    gain: np.ndarray
    frequency: np.ndarray
    noise_power: np.ndarray
    log_likelihoods: np.ndarray

    def corrected(self, y: np.ndarray) -> np.ndarray:
        """The symbols as the convention has them: without carrier, phase and level."""
        return turn(y, -self.frequency) / self.gain[:, None]


def turn(y: np.ndarray, frequency: np.ndarray) -> np.ndarray:
    """Turn the symbols of each block by `frequency` cycles a symbol, about the block's middle."""
    n = y.shape[-1]
    t = np.arange(n) - (n - 1) / 2
    return y * np.exp(2j * np.pi * frequency[:, None] * t)


def first_level(y: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Power of the signal and of the noise from the second and the fourth moment.

    With kurtosis c = E|s|^4 / E[|s|^2]^2: M2 = S + N, M4 = c S^2 + 4 S N + 2 N^2, so that
    S^2 = (2 M2^2 - M4) / (2 - c). Source: Pauluzzi and Beaulieu, A comparison of SNR estimation
    techniques for the AWGN channel, IEEE Transactions on Communications 48(10), 2000.
    """
    energy = np.abs(y) ** 2
    m2, m4 = energy.mean(axis=1), (energy**2).mean(axis=1)
    c = np.mean(np.abs(points) ** 4) / np.mean(np.abs(points) ** 2) ** 2
    signal = np.sqrt(np.clip((2 * m2**2 - m4) / (2 - c), 0.1 * m2**2, m2**2))
    return signal, np.maximum(m2 - signal, _FIRST_NOISE * m2)


def fit(y: np.ndarray, points: np.ndarray, lines: int = 3) -> Fit:
    """Fit blocks of symbols ``complex[b, n]``, none all zero, by a class's points.

    lines : how many of the spectrum are tried
    """
    power = lowest_power(points)
    frequencies = line_frequencies(y, power, lines)
    turns = np.arange(max(1, power // symmetry(points))) / power
    signal, noise = first_level(y, points)
    level = np.sqrt(signal / np.mean(np.abs(points) ** 2))
    tries = []
    for frequency in frequencies.T:
        line = raised(turn(y, -frequency), power).sum(axis=1)
        phase = (np.angle(line) - np.angle(np.mean(points**power))) / power
        for part in turns:
            first = level * np.exp(1j * (phase + 2 * np.pi * part)), frequency, noise
            tries.append(_climb(y, points, *first, _FIRST_STEPS))
    best = np.argmax([found.log_likelihoods.sum(axis=1) for found in tries], axis=0)
    start = (
        np.stack([getattr(found, name) for found in tries])[best, np.arange(len(y))]
        for name in ("gain", "frequency", "noise_power")
    )
    return _climb(y, points, *start, _STEPS)


def log_likelihoods(
    y: np.ndarray,
    points: np.ndarray,
    gain: np.ndarray,
    frequency: np.ndarray,
    noise_power: np.ndarray,
) -> np.ndarray:
    """Of every symbol of blocks ``complex[b, n]``, under given a, w / (2 pi) and N0 ``[b]``."""
    return _climb(y, points, gain, frequency, noise_power, 0).log_likelihoods


def _climb(y, points, gain, frequency, noise, steps) -> Fit:
    t = np.arange(y.shape[1]) - (y.shape[1] - 1) / 2
    energy = np.abs(points) ** 2
    least = _QUIETEST * np.mean(np.abs(y) ** 2, axis=1)
    rows = np.stack([points.real, points.imag, -energy / 2])
    for step in range(steps + 1):
        z = turn(y, -frequency)
        # |z|^2 - |z - a s|^2 = 2 Re(z a* s*) - |a|^2 |s|^2, of which the largest is nearest
        size = np.abs(gain) ** 2
        seen = z * gain.conj()[:, None]
        parts = np.stack([seen.real, seen.imag, np.broadcast_to(size[:, None], z.shape)], axis=-1)
        closeness = (parts * (2 / noise)[:, None, None]).astype(np.float32) @ rows.astype("f4")
        peak = closeness.max(axis=-1)
        weight = np.exp(closeness - peak[..., None])
        total = weight.sum(axis=-1)
        if step == steps:
            logs = np.log(total / (len(points) * np.pi * noise[:, None]))
            return Fit(gain, frequency, noise, logs + peak - np.abs(z) ** 2 / noise[:, None])
        mean, p = (weight @ points.astype(np.complex64)) / total, (weight @ energy) / total
        along = seen * mean.conj()
        left = np.abs(z) ** 2 - 2 * along.real + size[:, None] * p
        gain = (z * mean.conj()).sum(axis=1) / p.sum(axis=1)
        slope = (t * along.imag).sum(axis=1) / (size * (t**2 * p).sum(axis=1))
        frequency = frequency + slope / (2 * np.pi)
        noise = np.maximum(left.mean(axis=1), least)

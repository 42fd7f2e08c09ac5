"""Whether symbols are what a class's symbols look like: the test behind "unknown".

The likeliest of nine classes may still be none. For symbols without carrier, phase and level
four counts are compared with those of the class at the noise found: how often each point is the
nearest one, how many symbols lie how far from it and how far from zero, and how many pairs of
symbols lie close together. Of the first three Pearson's chi-square is taken,

    X = sum_c (n_c - T p_c)^2 / (T p_c),

the last is compared with a gamma distribution of its mean and variance. What is expected is
counted on symbols drawn once a class and half decibel. Rectangular 8QAM lies on points of 16QAM,
but on half of them; the clusters of cross 32QAM are tighter than the noise that it takes to make
them a checkerboard.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from amrpkg.signals.constellations import CONSTELLATIONS

FALSE_ALARM = 1e-3  # probability that a block of one of the nine is called unknown
_RINGS = 8  # of a distance, equally likely
_DRAWN = 1 << 15  # symbols to count on
_CLOSE = 0.25  # squared distance of a pair, in noise powers
_STEP = 0.5  # dB


def probability(symbols: np.ndarray, name: str, noise_power: float) -> float:
    """How likely symbols of the class are as far from what is expected, all counts together.

    symbols : complex[n], n at least 64 and the same from call to call, without carrier and
        phase, at the level of `CONSTELLATIONS`
    noise_power : N_a of them
    """
    step = round(10 * np.log10(max(noise_power, 1e-6)) / _STEP)
    expected = _expected(name, step, len(symbols))
    nearest, distance = _nearest(symbols, CONSTELLATIONS[name])
    used = np.bincount(nearest, minlength=len(expected.shares))
    found = (
        _chi_square(used, expected.shares),
        _rings(distance / noise_power, expected.distances),
        _rings(np.abs(symbols), expected.radii),
        _gamma(_pairs(symbols, noise_power), expected.mean_pairs, expected.variance_of_pairs),
    )
    return min(1.0, len(found) * min(found))


class _Expected(NamedTuple):
    """Shares of the points, edges of the rings about them and about zero, moments of the pairs."""

    shares: np.ndarray
    distances: np.ndarray
    radii: np.ndarray
    mean_pairs: float
    variance_of_pairs: float


@cache
def _expected(name: str, step: int, count: int) -> _Expected:
    rng, points, power = np.random.default_rng(0), CONSTELLATIONS[name], 10 ** (step * _STEP / 10)
    noise = rng.normal(size=(2, _DRAWN)) * np.sqrt(power / 2)
    symbols = rng.choice(points, _DRAWN) + noise[0] + 1j * noise[1]
    nearest, distance = _nearest(symbols, points)
    blocks = symbols[: _DRAWN // count * count].reshape(-1, count)
    pairs = [_pairs(block, power) for block in blocks]
    return _Expected(
        shares=np.bincount(nearest, minlength=len(points)) / _DRAWN,
        distances=np.quantile(distance / power, np.arange(1, _RINGS) / _RINGS),
        radii=np.quantile(np.abs(symbols), np.arange(1, _RINGS) / _RINGS),
        mean_pairs=float(np.mean(pairs)),
        variance_of_pairs=float(np.var(pairs, ddof=1)),
    )


def _nearest(symbols, points) -> tuple[np.ndarray, np.ndarray]:
    """Place of the nearest point and squared distance from it."""
    distance = np.abs(symbols[:, None] - points) ** 2
    place = distance.argmin(axis=1)
    return place, np.take_along_axis(distance, place[:, None], axis=1)[:, 0]


def _pairs(symbols: np.ndarray, noise_power: float) -> int:
    """How many ordered pairs of symbols lie close together, each symbol with itself counted."""
    energy = np.abs(symbols) ** 2
    apart = energy[:, None] + energy - 2 * (symbols[:, None] * symbols.conj()).real
    return int(np.count_nonzero(apart < _CLOSE * noise_power))


def _rings(values: np.ndarray, edges: np.ndarray) -> float:
    counts = np.bincount(np.searchsorted(edges, values), minlength=_RINGS)
    return _chi_square(counts, np.full(_RINGS, 1 / _RINGS))


def _chi_square(counts: np.ndarray, shares: np.ndarray) -> float:
    """The probability of counts as far from their shares, one degree of freedom less than both."""
    from scipy.special import gammaincc  # here: it takes as long as NumPy

    expected = counts.sum() * shares
    statistic = np.sum((counts - expected) ** 2 / np.maximum(expected, 1e-9))
    return float(gammaincc((len(counts) - 1) / 2, statistic / 2))


def _gamma(value: float, mean: float, variance: float) -> float:
    """The probability of a value as far out in a gamma distribution, to either side."""
    from scipy.special import gammainc, gammaincc

    shape, at = mean**2 / variance, value * mean / variance
    return float(2 * min(gammainc(shape, at), gammaincc(shape, at), 0.5))

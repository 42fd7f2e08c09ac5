"""The steps of the receiver, each alone: against theory, with what breaks it."""

import numpy as np
import pytest

from amrpkg.receiver import (
    BLOCK,
    MatchedFilter,
    find_band,
    find_samples_per_symbol,
    fit,
    line_frequencies,
    lowest_power,
    squared_envelope_timing,
    synchronise,
)
from amrpkg.signals import (
    CONSTELLATIONS,
    OTHER_SHAPES,
    Burst,
    raised_cosine_spectrum,
    root_raised_cosine,
    symmetry,
)

QUIET = 300.0  # dB
T = np.arange(BLOCK) - (BLOCK - 1) / 2


def noisy(points, blocks, es_n0_db, seed, frequency=0.0, gain=1.0):
    """Symbols ``complex128[blocks, BLOCK]`` without pulses, turned about the block's middle."""
    rng = np.random.default_rng(seed)
    symbols = rng.choice(points, (blocks, BLOCK))
    power = np.mean(np.abs(points) ** 2) * 10 ** (-es_n0_db / 10)
    noise = rng.normal(size=(2, blocks, BLOCK)) * np.sqrt(power / 2)
    turning = np.exp(2j * np.pi * frequency * T)
    return gain * (symbols * turning + noise[0] + 1j * noise[1])


def rms(values):
    return float(np.sqrt(np.mean(np.abs(values) ** 2)))


# The least that deviations can be: the modified Cramer-Rao bounds of Mengali and D'Andrea,
# Synchronization Techniques for Digital Receivers, 1997, section 2.4, for L symbols.


def timing_bound(es_n0_db, symbols, roll_off):
    """In symbols: 1 / (8 pi^2 xi L Es/N0), xi = 1/12 + b^2 (1/4 - 2 / pi^2), roll-off b."""
    xi = 1 / 12 + roll_off**2 * (1 / 4 - 2 / np.pi**2)
    return (8 * np.pi**2 * xi * symbols * 10 ** (es_n0_db / 10)) ** -0.5


def frequency_bound(es_n0_db, symbols):
    """In cycles a symbol: 3 / (2 pi^2 L^3 Es/N0)."""
    return (1.5 / (np.pi**2 * symbols**3 * 10 ** (es_n0_db / 10))) ** 0.5


def phase_bound(es_n0_db, symbols):
    """In radians, the carrier known: 1 / (2 L Es/N0)."""
    return (0.5 / (symbols * 10 ** (es_n0_db / 10))) ** 0.5


# The pulse and the burst


@pytest.mark.parametrize("roll_off", [0.2, 0.25, 0.5, 1.0])
def test_the_pulse_has_unit_energy_no_neighbours_and_its_spectrum(roll_off):
    """0.25 has an instant of 0 / 0 on the grid, t = 1; 0.5 has t = 1/2."""
    step = 1 / 64
    t = np.arange(-64, 64, step)
    g = root_raised_cosine(t, roll_off)
    assert np.abs(np.diff(g)).max() < 0.06
    for shift in range(4):
        shifted = root_raised_cosine(t - shift, roll_off)
        assert np.sum(g * shifted) * step == pytest.approx(float(shift == 0), abs=2e-4)
    f = np.linspace(-1, 1, 41)
    spectrum = np.abs(np.exp(-2j * np.pi * f[:, None] * t) @ g * step) ** 2
    np.testing.assert_allclose(spectrum, raised_cosine_spectrum(f, roll_off), atol=0.01)


def test_a_burst_has_the_noise_and_the_symbols_that_it_says():
    rng = np.random.default_rng(0)
    burst = Burst(es_n0_db=10, samples_per_symbol=2.7, roll_off=0.3, timing=0.4, phase=1, gain=3)
    x = burst.transmit(CONSTELLATIONS["QPSK"], 4000, rng)
    y = MatchedFilter(2.7, 0.3)(x, np.arange(30, 3900) + 0.4) * np.exp(-1j) / 3
    nearest = np.exp(0.5j * np.pi * np.rint(np.angle(y) / (0.5 * np.pi)))
    assert rms(y - nearest) ** 2 == pytest.approx(0.1, rel=0.06)
    assert rms(y) ** 2 == pytest.approx(1.1, rel=0.03)


# The matched filter


@pytest.mark.parametrize(("rate", "roll_off"), [(2.0, 0.2), (3.3, 0.35), (8.0, 0.5)])
def test_the_matched_filter_leaves_no_interference(rate, roll_off):
    rng = np.random.default_rng(1)
    burst = Burst(QUIET, rate, roll_off, timing=0.37)
    y = MatchedFilter(rate, roll_off)(burst.transmit(np.array([1, -1]), 400, rng), T[:200] + 180.87)
    assert rms(np.abs(y) - 1) < 10 ** (-40 / 20)
    assert rms(y.imag) < 1e-3


# The timing


@pytest.mark.parametrize("timing", [-0.4, 0.0, 0.25, 0.49])
def test_the_timing_is_found(timing):
    rng = np.random.default_rng(2)
    x = Burst(QUIET, 4, 0.5, timing=timing).transmit(CONSTELLATIONS["QPSK"], 1100, rng)
    y = MatchedFilter(4, 0.5)(x, 30 + np.arange(4 * 1024) / 4)
    away = squared_envelope_timing(y) - timing
    assert abs((away + 0.5) % 1 - 0.5) < 4e-3


@pytest.mark.parametrize(("roll_off", "worst"), [(0.3, 4.0), (0.5, 2.5), (1.0, 1.6)])
def test_the_timing_comes_near_its_bound(roll_off, worst):
    rng = np.random.default_rng(3)
    x = Burst(10, 4, roll_off, carrier=0.002).transmit(CONSTELLATIONS["QPSK"], 64 * BLOCK + 64, rng)
    instants = 32 + np.arange(4 * 64 * BLOCK).reshape(64, -1) / 4
    found = squared_envelope_timing(MatchedFilter(4, roll_off)(x, instants))
    assert 0.85 < rms(found) / timing_bound(10, BLOCK, roll_off) < worst


# The carrier


def test_the_powers_are_those_of_the_shapes():
    found = {name: lowest_power(points) for name, points in CONSTELLATIONS.items()}
    assert found == dict.fromkeys(("4ASK", "8ASK", "BPSK"), 2) | {
        "QPSK": 4,
        "8PSK": 8,
        "16PSK": 16,
        **dict.fromkeys(("8QAM", "16QAM", "32QAM"), 4),
    }
    assert {name: lowest_power(points) for name, points in OTHER_SHAPES.items()} == {
        "8QAM": 2,
        "32QAM": 4,
    }


@pytest.mark.parametrize("name", ["BPSK", "QPSK", "8PSK"])
def test_the_coarse_carrier_of_psk_is_at_its_bound(name):
    """Of the PSK classes the line is the estimate of maximum likelihood, but for noise squared."""
    y = noisy(CONSTELLATIONS[name], 200, 25, 4, frequency=0.0123)
    found = line_frequencies(y, lowest_power(CONSTELLATIONS[name]))[:, 0]
    assert 0.9 < rms(found - 0.0123) / frequency_bound(25, BLOCK) < 1.3


@pytest.mark.parametrize("name", CONSTELLATIONS)
def test_fine_carrier_phase_level_and_noise_are_at_their_bounds(name):
    """Up to a turn that leaves the class as it is, at 20 dB and a level of 0.02."""
    points, gain = CONSTELLATIONS[name], 0.02 * np.exp(0.7j)
    es = np.mean(np.abs(points) ** 2)
    found = fit(noisy(points, 64, 20, 5, frequency=-0.0091, gain=gain), points)
    assert 0.8 < rms(found.frequency + 0.0091) / frequency_bound(20, BLOCK) < 1.35
    order = symmetry(points)
    away = np.angle((found.gain / gain) ** order) / order
    assert 0.8 < rms(away) / phase_bound(20, BLOCK) < 1.35
    assert 0.7 < rms(np.abs(found.gain / gain) - 1) / phase_bound(20, BLOCK) < 1.4
    noise = found.noise_power / (0.01 * es * 0.02**2)
    assert np.mean(noise) == pytest.approx(1, rel=0.03)
    assert 0.7 < np.std(noise) * BLOCK**0.5 < 1.4  # Cramer and Rao: N0 / sqrt(L)


@pytest.mark.parametrize("name", CONSTELLATIONS)
def test_symbols_without_offsets_lie_on_the_points(name):
    points = CONSTELLATIONS[name]
    y = noisy(points, 4, 40, 6, frequency=0.004, gain=30 * np.exp(-2j))
    symbols = fit(y, points).corrected(y)
    assert rms(np.abs(symbols[..., None] - points).min(axis=-1)) < 0.02


# Rate and band


@pytest.mark.parametrize("rate", [2.0, 2.6, 4.0, 7.9])
def test_rate_and_band_are_found(rate):
    rng = np.random.default_rng(7)
    burst = Burst(15, rate, roll_off=0.3, timing=0.3, carrier=0.11 / rate, gain=0.01)
    x = burst.transmit(CONSTELLATIONS["16QAM"], 1500, rng)
    assert find_samples_per_symbol(x) == pytest.approx(rate, rel=1e-4)
    band = find_band(x, rate)
    assert band.carrier * rate == pytest.approx(0.11, abs=0.008)
    assert band.roll_off == pytest.approx(0.3, abs=0.06)
    assert find_band(x, rate, carrier=0.1, roll_off=0.4) == (0.1, 0.4)


@pytest.mark.parametrize("kind", ["noise", "tone", "silence", "short", "held"])
def test_what_has_no_symbol_rate_is_refused(kind):
    rng = np.random.default_rng(8)
    noise = rng.normal(size=8000) + 1j * rng.normal(size=8000)
    samples = {
        "noise": noise,
        "tone": np.exp(0.3j * np.arange(8000)) + 0.01 * noise,
        "silence": np.zeros(8000, complex),
        "short": noise[:100],
        "held": rng.choice(CONSTELLATIONS["QPSK"], 8000),  # a sample a symbol
    }[kind]
    with pytest.raises(ValueError, match=r"samples .*allowed"):
        find_samples_per_symbol(samples)


# All of it


def test_blocks_follow_each_other_and_noise_has_no_signal():
    rng = np.random.default_rng(9)
    x = Burst(15, 3.3, 0.25, timing=0.2).transmit(CONSTELLATIONS["8PSK"], 5 * BLOCK + 40, rng)
    blocks = synchronise(x, 3.3, 0.25)
    assert blocks.symbols.shape == (5, BLOCK) and blocks.has_signal.all()
    away = (blocks.start / 3.3 - 0.2 + 0.5) % 1 - 0.5
    assert np.abs(away).max() < 0.05
    np.testing.assert_allclose(np.diff(blocks.start) / 3.3, BLOCK, atol=0.1)
    noise = rng.normal(size=len(x)) + 1j * rng.normal(size=len(x))
    assert not synchronise(noise, 3.3, 0.25).has_signal.any()


def test_noise_is_taken_for_a_signal_as_rarely_as_said():
    """1 block of 1,000; of 1,500 more than 7 come by chance 1 time in 1,000."""
    rng = np.random.default_rng(10)
    x = rng.normal(size=2 * 1501 * BLOCK) + 1j * rng.normal(size=2 * 1501 * BLOCK)
    assert synchronise(x, 2, 0.35).has_signal.sum() <= 7


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((np.zeros(5000, complex), 1.9, 0.3), "samples_per_symbol is 1.9"),
        ((np.zeros(5000, complex), np.nan, 0.3), "samples_per_symbol is nan"),
        ((np.zeros(5000, complex), 4, 0.0), "roll_off is 0.0"),
        ((np.zeros(5000, complex), 4, 1.5), "roll_off is 1.5"),
        ((np.zeros(5000, complex), 4, 0.3, 0.7), "carrier is 0.7"),
        ((np.zeros(1000, complex), 4, 0.3), r"samples are \[1000\]; allowed: at least 11"),
        ((np.zeros((2, 5000), complex), 4, 0.3), r"samples are \[2, 5000\]"),
    ],
)
def test_what_cannot_be_synchronised_is_refused(arguments, named):
    with pytest.raises(ValueError, match=named):
        synchronise(*arguments)

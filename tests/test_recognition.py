"""Classes behind the receiver, and what is called unknown."""

import numpy as np
import pytest

from amrpkg.receiver import NAMES, REASONS, probability, recognise, synchronise
from amrpkg.receiver.plausibility import FALSE_ALARM
from amrpkg.signals import CONSTELLATIONS, OTHER_SHAPES, Burst

SYMBOLS = 3 * 256 + 40  # three blocks
GRID = np.arange(-7, 8, 2)


def recognised(points, es_n0_db, seed):
    rng = np.random.default_rng(seed)
    burst = Burst.draw(es_n0_db, rng)
    x = burst.transmit(points, SYMBOLS, rng)
    return burst, recognise(synchronise(x, burst.samples_per_symbol, burst.roll_off))


@pytest.mark.parametrize("name", NAMES)
def test_every_class_is_recognised_with_its_offsets(name):
    for seed, es_n0_db in enumerate([20, 30]):
        burst, found = recognised(CONSTELLATIONS[name], es_n0_db, seed)
        assert not found.reason.any() and found.is_known.all()
        assert (found.classes == NAMES.index(name)).all()
        offset = burst.carrier * burst.samples_per_symbol
        np.testing.assert_allclose(found.frequency, offset, atol=5e-5)
        np.testing.assert_allclose(np.abs(found.gain), burst.gain, rtol=0.03)
        np.testing.assert_allclose(found.es_n0_db, es_n0_db, atol=1.2)


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        (OTHER_SHAPES["8QAM"], "another shape"),
        (OTHER_SHAPES["32QAM"], "another shape"),
        ((GRID[:, None] + 1j * GRID).ravel(), "unlike every class"),  # 64QAM
    ],
)
def test_other_constellations_are_unknown(points, reason):
    for seed in range(2):
        _, found = recognised(points, 27, seed)
        assert [REASONS[place] for place in found.reason] == [reason] * 3


def test_a_signal_of_any_amplitudes_is_unknown():
    rng = np.random.default_rng(3)
    points = rng.normal(size=5000) + 1j * rng.normal(size=5000)
    _, found = recognised(points, 25, 4)
    assert found.reason.all()


def test_silence_noise_and_two_signals_are_unknown():
    rng = np.random.default_rng(5)
    x = Burst(25, 4, 0.35).transmit(CONSTELLATIONS["QPSK"], SYMBOLS, rng)
    other = Burst(25, 4, 0.35, timing=0.3, carrier=0.002)
    both = x + other.transmit(CONSTELLATIONS["8PSK"], SYMBOLS, rng)
    x[: 4 * 300] = 0  # a drop-out of more than the first block
    found = recognise(synchronise(x, 4, 0.35))
    assert [REASONS[place] for place in found.reason[[0, 2]]] == ["no signal", ""]
    assert found.reason[1]  # half of it is silent
    assert recognise(synchronise(both, 4, 0.35)).is_known.mean() <= 0.05
    noise = rng.normal(size=(2, len(x)))
    assert recognise(synchronise(noise[0] + 1j * noise[1], 4, 0.35)).reason.all()


def test_the_wrong_pulse_is_no_class():
    """16QAM with a roll-off of 0.2 filtered as if it were 1.0 at half the rate."""
    rng = np.random.default_rng(6)
    x = Burst(30, 4, 0.2).transmit(CONSTELLATIONS["16QAM"], 2 * SYMBOLS, rng)
    assert recognise(synchronise(x, 8, 1.0)).reason.all()


def test_classes_are_called_unknown_as_rarely_as_said():
    """1 block of 1,000; of 360 more than 3 come by chance 1 time in 1,800."""
    rng, unlikely = np.random.default_rng(7), 0
    for name, points in CONSTELLATIONS.items():
        noise = rng.normal(size=(2, 40, 256)) * np.sqrt(0.01 / 2)
        blocks = rng.choice(points, (40, 256)) + noise[0] + 1j * noise[1]
        unlikely += sum(probability(block, name, 0.01) < FALSE_ALARM for block in blocks)
    assert unlikely <= 3


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda s: s, "8PSK"),  # half of the points
        (lambda s: s * 1.2, "QPSK"),
        (lambda s: s + 0.1, "QPSK"),
        (lambda s: np.round(s, 1), "QPSK"),
    ],
)
def test_symbols_unlike_a_class_are_improbable(change, name):
    rng = np.random.default_rng(8)
    noise = rng.normal(size=(2, 256)) * np.sqrt(0.005)
    symbols = rng.choice(CONSTELLATIONS["QPSK"], 256) + noise[0] + 1j * noise[1]
    assert probability(symbols, "QPSK", 0.01) > 1e-3
    assert probability(change(symbols), name, 0.01) < 1e-3


def test_confidence_is_what_it_says():
    """At 10 dB, of what is called by a class; the fit of a wrong one makes it a little too sure."""
    sure, right = [], []
    for number, (name, points) in enumerate(CONSTELLATIONS.items()):
        _, found = recognised(points, 10, 20 + number)
        sure.extend(found.posterior.max(axis=2)[found.is_known])
        right.extend((found.classes == NAMES.index(name))[found.is_known])
    assert len(sure) > 90
    assert -0.03 < np.mean(sure) - np.mean(right) < 0.06

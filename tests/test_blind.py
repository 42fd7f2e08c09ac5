"""The ceilings of the untold against brute force on dense grids, limits and invariances."""

from dataclasses import replace

import numpy as np
import pytest

from amrpkg.evaluation import blind, blind_ceiling, blind_log_likelihoods, ceiling, log_likelihoods
from amrpkg.signals import CONSTELLATIONS, OTHER_SHAPES, make_chunks, rotate, symmetry

SHAPES = CONSTELLATIONS | OTHER_SHAPES


def brute_force(iq, noise_range, phases=(0.0,), constellations=CONSTELLATIONS, count=401):
    """Chunk by chunk from the density's own formula in double precision, by the trapezoid rule."""
    powers = np.geomspace(*noise_range, count)
    weights = np.ones(count)
    weights[[0, -1]] = 0.5
    logs = np.log(weights / weights.sum() / len(phases))[:, None, None]
    scores = np.empty((len(iq), len(constellations)))
    for row, (i, q) in zip(scores, iq.astype(float), strict=True):
        turned = (i + 1j * q) * np.exp(-1j * np.asarray(phases))[:, None]
        for label, points in enumerate(constellations.values()):
            gap = np.abs(turned[..., None] - points) ** 2  # [phases, samples, points]
            density = -gap / powers[:, None, None, None] - np.log(
                np.pi * len(points) * powers[:, None, None, None]
            )
            total = np.logaddexp.reduce(density, axis=-1)
            row[label] = np.logaddexp.reduce(total.sum(axis=-1, keepdims=True) + logs, axis=None)
    return scores


def largest_error(found, exact):
    """Of the classes that are within 10 of the likeliest."""
    near = exact > exact.max(axis=1, keepdims=True) - 10
    return np.abs(found - exact)[near].max()


@pytest.mark.parametrize("noise_range", [(0.004, 0.12), (0.1, 0.2), (0.01, 3)])
@pytest.mark.parametrize("chunk_size", [1, 7, 32])
def test_unknown_noise_is_that_of_brute_force(noise_range, chunk_size):
    iq = make_chunks(1, chunk_size, np.prod(noise_range) ** 0.5, constellations=SHAPES).iq
    found = blind_log_likelihoods(iq, noise_range, constellations=SHAPES)
    assert found.dtype == np.float64 and found.shape == (9, 9)
    assert largest_error(found, brute_force(iq, noise_range, constellations=SHAPES)) < 0.01


@pytest.mark.parametrize("chunk_size", [1, 8])
def test_unknown_phase_is_that_of_brute_force_over_the_full_turn(chunk_size):
    noise_range = (0.02, 0.12)
    chunks = make_chunks(1, chunk_size, 0.05)
    iq = rotate(chunks, np.arange(9) * 40.0).iq
    phases = 2 * np.pi * np.arange(200) / 200
    exact = brute_force(iq, noise_range, phases, count=61)
    assert largest_error(blind_log_likelihoods(iq, noise_range, False), exact) < 0.03


@pytest.mark.parametrize("noise_power", [0.004, 0.03, 0.12])
def test_twice_the_nodes_change_nothing(noise_power, monkeypatch):
    iq = make_chunks(60, noise_power=noise_power, split="validation").iq
    found = blind_log_likelihoods(iq)
    monkeypatch.setattr(blind, "_NODE", blind._NODE / 2)
    exact = blind_log_likelihoods(iq)
    assert largest_error(found, exact) < 3e-3
    assert (found.argmax(axis=1) == exact.argmax(axis=1)).all()


def test_twice_the_steps_of_the_phase_change_nothing(monkeypatch):
    noise_range = (0.01, 0.04)
    iq = make_chunks(3, noise_power=0.02, split="validation").iq
    found = blind_log_likelihoods(iq, noise_range, knows_phase=False)
    monkeypatch.setattr(blind, "_STEP", blind._STEP / 2)
    exact = blind_log_likelihoods(iq, noise_range, knows_phase=False)
    assert largest_error(found, exact) < 0.05
    assert (found.argmax(axis=1) == exact.argmax(axis=1)).all()


@pytest.mark.parametrize("noise_power", [0.005, 0.1])
def test_a_narrow_prior_is_to_know_the_noise(noise_power):
    iq = make_chunks(20, noise_power=noise_power).iq
    untold = blind_log_likelihoods(iq, (noise_power, noise_power * (1 + 1e-9)))
    energy = np.sum(iq.astype(float) ** 2, axis=(1, 2), keepdims=True)[..., 0]
    told = log_likelihoods(iq, noise_power) - energy / noise_power
    told -= 32 * np.log(np.pi * noise_power)
    assert np.abs(untold - told).max() < 1e-3 + 1e-8 * np.abs(told).max()


def test_the_phase_that_is_not_told_does_not_matter():
    noise_range = (0.02, 0.08)
    chunks = make_chunks(2, 16, 0.04)
    usual = blind_log_likelihoods(chunks.iq, noise_range, knows_phase=False)
    for degrees in (17, 45, 90, 200):
        turned = rotate(chunks, degrees).iq
        assert largest_error(blind_log_likelihoods(turned, noise_range, False), usual) < 0.05
        if degrees != 90:
            assert largest_error(blind_log_likelihoods(turned, noise_range), usual) > 1


def test_symmetries_are_those_of_the_figures():
    found = {name: symmetry(points) for name, points in CONSTELLATIONS.items()}
    two = dict.fromkeys(["4ASK", "8ASK", "BPSK", "32QAM"], 2)  # a checkerboard has not four
    assert found == two | {"QPSK": 4, "8PSK": 8, "16PSK": 16, "8QAM": 4, "16QAM": 4}
    assert {n: symmetry(p) for n, p in OTHER_SHAPES.items()} == {"8QAM": 2, "32QAM": 4}


def test_who_is_told_less_is_right_less_often():
    chunks = make_chunks(60, noise_power=0.1, split="validation")
    few = replace(chunks, iq=chunks.iq[:180], labels=chunks.labels[:180])
    told, untold = ceiling(chunks, 0.1), blind_ceiling(chunks)
    assert told.correct + 3 * np.sqrt(len(chunks) * 0.01) > untold.correct > 0.97 * told.correct
    assert blind_ceiling(few, (0.05, 0.12), knows_phase=False).correct < ceiling(few, 0.1).correct
    assert untold.data == "fresh chunks" and untold.count == 540


def test_blocks_do_not_show():
    iq = make_chunks(60, 16, 0.1).iq  # two blocks
    whole = blind_log_likelihoods(iq)
    parts = np.concatenate([blind_log_likelihoods(part) for part in np.array_split(iq, 7)])
    assert np.abs(whole - parts).max() < 1e-3


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"noise_range": 0.1}, "noise_range is of type float; allowed: tuple"),
        ({"noise_range": (0.1,)}, r"noise_range is \(0.1,\); allowed"),
        ({"noise_range": (0.2, 0.1)}, r"noise_range is \(0.2, 0.1\); allowed: .* low < high"),
        ({"noise_range": (0, 0.1)}, "noise_range is 0; allowed"),
        ({"noise_range": (0.1, np.inf)}, "noise_range is inf; allowed"),
        ({"noise_range": ("a", 0.1)}, "noise_range is 'a'; allowed"),
        ({"constellations": OTHER_SHAPES}, "constellations has points .*; allowed"),
        ({"iq": np.zeros((2, 32))}, r"iq has shape \(2, 32\); allowed"),
        ({"iq": np.zeros((2, 2, 0))}, r"iq has shape \(2, 2, 0\); allowed"),
        ({"iq": [[0.0]]}, "iq is of type list; allowed: ndarray"),
    ],
)
def test_bad_input(arguments, named):
    arguments = {"iq": np.zeros((2, 2, 32), np.float32)} | arguments
    with pytest.raises((ValueError, TypeError), match=named):
        blind_log_likelihoods(**arguments)
    with pytest.raises(TypeError, match="chunks is of type ndarray"):
        blind_ceiling(np.zeros((2, 2, 32), np.float32))

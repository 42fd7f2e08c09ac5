"""The ceiling against brute force, closed forms and numeric integration, and its known values."""

import numpy as np
import pytest
from scipy import integrate, stats

from amrpkg.evaluation import (
    binomial_interval,
    ceiling,
    classify_maximum_likelihood,
    log_likelihoods,
)
from amrpkg.signals import CONSTELLATIONS, OTHER_SHAPES, make_chunks

NAMES = list(CONSTELLATIONS)


def brute_force(iq, noise_power, phase_noise=0.0, constellations=CONSTELLATIONS):
    """Sample by sample in double precision, the phase by the trapezoid rule over 8 deviations."""
    phases = np.linspace(-8, 8, 2001) * phase_noise if phase_noise else np.zeros(1)
    density = stats.norm.pdf(phases, scale=phase_noise or 1)
    scores = np.zeros((len(iq), len(constellations)))
    for row, (i, q) in zip(scores, iq.astype(float), strict=True):
        for label, points in enumerate(constellations.values()):
            for r in i + 1j * q:
                gap = np.abs(r - points[:, None] * np.exp(1j * phases)) ** 2 - np.abs(r) ** 2
                least = gap.min()
                mean = (np.exp((least - gap) / noise_power) * density).mean() / density.mean()
                row[label] += np.log(mean) - least / noise_power
    return scores


@pytest.mark.parametrize("noise_power", [1e-4, 0.005, 0.2, 10])
@pytest.mark.parametrize("chunk_size", [1, 7, 32])
def test_log_likelihoods_are_those_of_brute_force(noise_power, chunk_size):
    iq = make_chunks(1, chunk_size, noise_power).iq
    error = np.abs(log_likelihoods(iq, noise_power) - brute_force(iq, noise_power))
    assert error.max() < 1e-4 + 4e-6 / noise_power


@pytest.mark.parametrize("noise_power", [0.005, 0.1])
def test_integrated_phase_noise_is_that_of_brute_force(noise_power):
    iq = make_chunks(1, 8, noise_power).iq
    error = log_likelihoods(iq, noise_power, 0.005) - brute_force(iq, noise_power, 0.005)
    assert np.abs(error).max() < 1e-3


def test_with_much_phase_noise_integrating_it_decides_better():
    power, phase = 0.02, 0.14
    chunks = make_chunks(1000, 8, power, phase, split="evaluation")
    neglected, integrated = (ceiling(chunks, power, known).correct for known in (0, phase))
    assert integrated > 1.05 * neglected


def test_other_shapes_are_matched_by_their_own_points():
    shapes = CONSTELLATIONS | OTHER_SHAPES
    chunks = make_chunks(2, 4, 0.05, constellations=shapes)
    error = log_likelihoods(chunks.iq, 0.05, constellations=shapes)
    error -= brute_force(chunks.iq, 0.05, constellations=shapes)
    assert np.abs(error).max() < 1e-3


def test_blocks_do_not_show():
    iq = make_chunks(150, 16, 0.1).iq  # three blocks
    whole = log_likelihoods(iq, 0.1)
    assert whole.dtype == np.float64 and whole.shape == (1350, 9)
    parts = np.concatenate([log_likelihoods(part, 0.1) for part in np.array_split(iq, 7)])
    assert np.abs(whole - parts).max() < 1e-4
    decisions = classify_maximum_likelihood(iq, 0.1)
    assert decisions.dtype == np.int64 and (decisions == whole.argmax(axis=1)).all()


def test_two_classes_of_one_symbol_err_as_integrated_numerically():
    """BPSK or QPSK from one sample: the least error is half the integral of the lesser density."""
    power = 0.5

    def lesser(y, x):
        densities = [
            np.exp(-(np.abs(x + 1j * y - CONSTELLATIONS[name]) ** 2) / power).mean()
            for name in ("BPSK", "QPSK")
        ]
        return min(densities) / (np.pi * power)

    error = integrate.dblquad(lesser, -4, 4, -4, 4, epsabs=1e-4)[0] / 2
    chunks = make_chunks(20_000, 1, power, phase_noise=0, split="evaluation")
    two = [NAMES.index("BPSK"), NAMES.index("QPSK")]
    kept = np.isin(chunks.labels, two)
    decided = np.take(two, log_likelihoods(chunks.iq[kept], power)[:, two].argmax(axis=1))
    wrong = int((decided != chunks.labels[kept]).sum())
    low, high = binomial_interval(wrong, int(kept.sum()), confidence=0.999)
    assert low < error < high


def test_without_a_hint_bpsk_is_told_from_4ask_by_a_closed_form():
    """On the real axis the log-likelihood ratio is one of hyperbolic cosines."""
    power, x = 0.3, np.linspace(-2, 2, 41)
    iq = np.stack([x, np.full(41, 0.4)], axis=1)[:, :, None].astype(np.float32)
    scores = log_likelihoods(iq, power)
    ratio = scores[:, NAMES.index("BPSK")] - scores[:, NAMES.index("4ASK")]
    outer = np.exp(-1 / power) * np.cosh(2 * x / power)
    inner = np.exp(-1 / 9 / power) * np.cosh(2 * x / 3 / power)
    assert np.abs(ratio - np.log(outer / ((outer + inner) / 2))).max() < 1e-4


def test_all_of_the_evaluation_set_is_right_at_the_noise_of_the_thesis():
    evaluation = ceiling(make_chunks(split="evaluation"))
    assert (evaluation.correct, evaluation.count) == (2304, 2304)
    assert evaluation.data == "fresh chunks"


@pytest.mark.parametrize(
    ("noise_power", "percent"), [(0.03, 99.72), (0.05, 97.70), (0.1, 86.9), (0.2, 75.0)]
)
def test_known_values_of_the_ceiling(noise_power, percent):
    """Measured on 50 004 other chunks; facts of the notebook's formula on 2304 agree."""
    chunks = make_chunks(2000, noise_power=noise_power, seed=5, split="evaluation")
    bound = ceiling(chunks, noise_power)
    low, high = binomial_interval(bound.correct, bound.count)
    assert 100 * low - 0.3 < percent < 100 * high + 0.3


def test_overwhelming_and_vanishing_noise_give_finite_numbers():
    iq = make_chunks(1).iq
    for power in (1e-12, 1e11):
        assert np.isfinite(log_likelihoods(iq, power)).all()
    loud = make_chunks(2000, noise_power=1e4, split="evaluation")
    assert ceiling(loud, 1e4).accuracy == pytest.approx(1 / 9, abs=0.01)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"noise_power": 0}, "noise_power is 0; allowed"),
        ({"noise_power": -1.0}, "noise_power is -1.0; allowed"),
        ({"noise_power": np.nan}, "noise_power is nan; allowed"),
        ({"noise_power": "loud"}, "noise_power is 'loud'; allowed"),
        ({"phase_noise": -0.1}, "phase_noise is -0.1; allowed"),
        ({"phase_noise": 0.2}, "phase_noise is 0.2; allowed: at most .* 0.0707"),
        ({"constellations": OTHER_SHAPES}, "constellations has points .*; allowed"),
        ({"iq": np.zeros((2, 32))}, r"iq has shape \(2, 32\); allowed"),
        ({"iq": np.zeros((2, 3, 32))}, r"iq has shape \(2, 3, 32\); allowed"),
        ({"iq": np.zeros((2, 2, 0))}, r"iq has shape \(2, 2, 0\); allowed"),
    ],
)
def test_bad_input(arguments, named):
    arguments = {"iq": np.zeros((2, 2, 32), np.float32), "noise_power": 0.005} | arguments
    with pytest.raises((ValueError, TypeError), match=named):
        log_likelihoods(**arguments)


def test_no_chunks_give_no_decisions():
    assert len(classify_maximum_likelihood(np.zeros((0, 2, 32), np.float32))) == 0

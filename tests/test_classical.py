"""Cumulants against the formula of partitions and known values; classifiers that use them."""

from math import factorial

import numpy as np
import pytest

from amrpkg.evaluation import ceiling, evaluate
from amrpkg.signals import (
    CONSTELLATIONS,
    CUMULANTS,
    Chunks,
    cumulants,
    make_chunks,
    rotate,
    stream,
)
from amrpkg.training import CLASSICAL, fit_classical


def partitions(items):
    """All ways to put items into unordered groups."""
    if not items:
        yield []
        return
    first, *rest = items
    for groups in partitions(rest):
        yield [[first], *groups]
        for k, group in enumerate(groups):
            yield [*groups[:k], [first, *group], *groups[k + 1 :]]


def joint_cumulant(points, order, conjugates):
    """sum over partitions of (-1)^(b - 1) (b - 1)! times the product of the groups' moments."""
    variables = [points] * (order - conjugates) + [points.conj()] * conjugates
    total = 0
    for groups in partitions(list(range(order))):
        moments = [np.mean(np.prod([variables[k] for k in group], axis=0)) for group in groups]
        total += (-1) ** (len(groups) - 1) * factorial(len(groups) - 1) * np.prod(moments)
    return total


def expected(points):
    """The values of `cumulants`, for one whose symbols are as frequent as the points are."""
    power = np.mean(np.abs(points) ** 2)
    values = {}
    for name in CUMULANTS:
        order, conjugates = int(name[1]), int(name[2])
        values[name] = joint_cumulant(points, order, conjugates) / power ** (order / 2)
    return list((values | {"C21": power}).values())


def as_chunk(points):
    return np.stack([points.real, points.imag])[None].astype(np.float32)


@pytest.mark.parametrize("name", CONSTELLATIONS)
def test_every_point_once_gives_the_closed_form(name):
    points = CONSTELLATIONS[name]
    assert cumulants(as_chunk(points))[0] == pytest.approx(expected(points), abs=1e-5)


def test_general_zero_mean_samples_give_the_closed_form():
    """Samples that are no constellation: no moment of even order vanishes by symmetry."""
    rng = np.random.default_rng(5)
    points = rng.normal(size=20) ** 3 + 1j * rng.normal(size=20) + 0.3
    points = np.concatenate([points, -points])  # odd moments are zero
    assert cumulants(as_chunk(points))[0] == pytest.approx(expected(points), rel=1e-5)


def test_known_values_of_the_literature():
    """Swami and Sadler, table I, and the sixth order of the same constellations."""
    found = {
        name: dict(zip(CUMULANTS, cumulants(as_chunk(points))[0], strict=True))
        for name, points in CONSTELLATIONS.items()
    }
    known = {
        ("BPSK", "C20"): 1, ("BPSK", "C40"): -2, ("BPSK", "C42"): -2, ("BPSK", "C60"): 16,
        ("BPSK", "C63"): 16, ("QPSK", "C20"): 0, ("QPSK", "C40"): 1, ("QPSK", "C42"): -1,
        ("QPSK", "C60"): 0, ("QPSK", "C61"): -4, ("QPSK", "C63"): 4, ("8PSK", "C40"): 0,
        ("8PSK", "C42"): -1, ("16PSK", "C40"): 0, ("16PSK", "C63"): 4, ("4ASK", "C40"): -1.36,
        ("4ASK", "C42"): -1.36, ("16QAM", "C40"): -0.68, ("16QAM", "C42"): -0.68,
        ("16QAM", "C63"): 2.08,
    }  # fmt: skip
    for (name, which), value in known.items():
        assert found[name][which] == pytest.approx(value, abs=1e-5), (name, which)


def test_long_chunks_come_near_the_closed_form_and_noise_adds_to_the_power_alone():
    chunks = make_chunks(1, 200_000, 0.1, phase_noise=0)
    for row, label in zip(cumulants(chunks.iq), chunks.labels, strict=True):
        exact = np.array(expected(list(CONSTELLATIONS.values())[label]))
        signal, power = exact[1], exact[1] + 0.1
        exact *= (signal / power) ** np.array([1, 0, 2, 2, 2, 3, 3, 3, 3])
        exact[1] = power
        assert row == pytest.approx(exact, abs=0.12, rel=0.02)


def test_a_rotation_turns_their_phases():
    chunks = make_chunks(2, noise_power=0.1)
    turns = np.array([int(name[1]) - 2 * int(name[2]) for name in CUMULANTS])
    expected = cumulants(chunks.iq) * np.exp(1j * np.deg2rad(33) * turns)
    assert cumulants(rotate(chunks, 33).iq) == pytest.approx(expected, abs=1e-4)
    diagonal = cumulants(rotate(Chunks(as_chunk(CONSTELLATIONS["QPSK"]), [3], "x"), 45).iq)[0]
    assert diagonal[CUMULANTS.index("C40")] == pytest.approx(-1, abs=1e-6)


TRAINING = next(stream(6000, noise_power=(0.004, 0.12)))


@pytest.mark.parametrize("name", CLASSICAL)
def test_a_classifier_is_evaluated_like_a_network(name):
    classifier = fit_classical(name, TRAINING)
    chunks = make_chunks(200, split="validation")
    found = evaluate(classifier, chunks)
    assert found.accuracy > (0.8 if name == "random forest" else 0.75)
    assert found.correct < ceiling(chunks).correct and found.data == "fresh chunks"
    scores = classifier.scores(chunks.iq)
    assert scores.shape == (1800, 9) and np.allclose(scores.sum(axis=1), 1)
    noisy = make_chunks(200, noise_power=0.1, split="validation")
    assert 0.6 < evaluate(classifier, noisy).accuracy < ceiling(noisy, 0.1).accuracy


def test_one_seed_decides_alike_and_another_otherwise():
    iq = make_chunks(200, noise_power=0.05).iq
    scores = [fit_classical("random forest", TRAINING, seed).scores(iq) for seed in (1, 1, 2)]
    assert (scores[0] == scores[1]).all() and (scores[0] != scores[2]).any()


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: fit_classical("perceptron", TRAINING), "name is 'perceptron'; allowed: logistic"),
        (lambda: fit_classical(CLASSICAL[0], TRAINING.iq), "chunks is of type ndarray; allowed"),
        (lambda: fit_classical(CLASSICAL[0], TRAINING, -1), "seed is -1; allowed"),
        (
            lambda: fit_classical(CLASSICAL[0], Chunks(TRAINING.iq[:1], TRAINING.labels[:1], "x")),
            "chunks has 1 classes; allowed: all 9",
        ),
        (lambda: cumulants([[0.0]]), "iq is of type list; allowed: ndarray"),
        (lambda: cumulants(np.zeros((2, 32))), r"iq has shape \(2, 32\); allowed"),
        (lambda: cumulants(np.zeros((2, 2, 0))), r"iq has shape \(2, 2, 0\); allowed"),
    ],
)
def test_bad_input(call, named):
    with pytest.raises((ValueError, TypeError), match=named):
        call()

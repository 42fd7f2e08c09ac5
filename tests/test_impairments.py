"""Impairments by what they do to single samples, other shapes by their points, and leakage."""

from dataclasses import replace

import numpy as np
import pytest

from amrpkg.evaluation import binomial_interval, ceiling, evaluate
from amrpkg.models import build
from amrpkg.signals import (
    CONSTELLATIONS,
    OTHER_SHAPES,
    change_gain,
    conjugate,
    make_chunks,
    offset_frequency,
    rotate,
)
from amrpkg.training import settings, train

CHUNKS = make_chunks(2, split="evaluation")
ALL = [change_gain, rotate, offset_frequency]


def received(chunks):
    return chunks.iq[:, 0] + 1j * chunks.iq[:, 1]


def test_six_decibels_are_a_factor_of_two():
    assert np.abs(change_gain(CHUNKS, 20 * np.log10(2)).iq - 2 * CHUNKS.iq).max() < 1e-6


def test_ninety_degrees_turn_i_into_q():
    turned = rotate(CHUNKS, 90)
    assert np.abs(turned.iq[:, 1] - CHUNKS.iq[:, 0]).max() < 1e-6
    assert np.abs(turned.iq[:, 0] + CHUNKS.iq[:, 1]).max() < 1e-6


def test_an_eighth_of_a_cycle_turns_each_sample_45_degrees_further():
    turned = received(offset_frequency(CHUNKS, 1 / 8)) / received(CHUNKS)
    for k in (0, 1, 8, 31):
        assert np.abs(turned[:, k] - np.exp(2j * np.pi * k / 8)).max() < 1e-5


def test_an_inverted_spectrum_conjugates_and_a_second_mixer_gives_it_back():
    assert (received(conjugate(CHUNKS)) == received(CHUNKS).conj()).all()
    assert (conjugate(conjugate(CHUNKS)).iq == CHUNKS.iq).all()
    assert (conjugate(CHUNKS, 0).iq == CHUNKS.iq).all()
    first = conjugate(CHUNKS, np.eye(len(CHUNKS), dtype=int)[0])
    assert (first.iq[0, 1] == -CHUNKS.iq[0, 1]).all() and (first.iq[1:] == CHUNKS.iq[1:]).all()
    with pytest.raises(ValueError, match="inverted is 2; allowed: 0 and 1"):
        conjugate(CHUNKS, 2)


@pytest.mark.parametrize("impair", ALL)
def test_one_value_a_chunk_is_as_one_by_one(impair):
    values = np.linspace(-0.4, 0.4, len(CHUNKS))
    together = impair(CHUNKS, values)
    for k, value in enumerate(values):
        one = impair(
            replace(CHUNKS, iq=CHUNKS.iq[k : k + 1], labels=CHUNKS.labels[k : k + 1]), value
        )
        assert np.abs(one.iq[0] - together.iq[k]).max() < 1e-6


@pytest.mark.parametrize("impair", ALL)
def test_labels_and_split_stay_zero_changes_nothing_and_what_came_is_left_alone(impair):
    before = CHUNKS.iq.copy()
    changed = impair(CHUNKS, 0.3)
    assert changed.iq.dtype == np.float32 and changed.iq.shape == CHUNKS.iq.shape
    assert (changed.labels == CHUNKS.labels).all() and changed.split == "evaluation"
    assert (CHUNKS.iq == before).all()
    assert (impair(CHUNKS, 0).iq == CHUNKS.iq).all()


@pytest.mark.parametrize("impair", ALL)
@pytest.mark.parametrize("value", [np.nan, np.inf, np.zeros(3), "loud", np.zeros((18, 1)), 1j])
def test_bad_values_are_refused(impair, value):
    with pytest.raises(ValueError, match=r"(decibels|degrees|cycles_per_symbol) is .*; allowed: "):
        impair(CHUNKS, value)


def test_a_known_impairment_undone_gives_the_chunks_back():
    back = offset_frequency(rotate(change_gain(CHUNKS, 3), 40), 0.01)
    back = change_gain(rotate(offset_frequency(back, -0.01), -40), -3)
    assert np.abs(back.iq - CHUNKS.iq).max() < 1e-6


def test_other_shapes_have_their_scale_and_symmetry():
    rectangular, cross = OTHER_SHAPES["8QAM"], OTHER_SHAPES["32QAM"]
    assert len(set(rectangular.real)) == 4 and len(set(rectangular.imag)) == 2
    assert np.abs(rectangular).max() == pytest.approx(1)
    assert len(set(cross.real)) == len(set(cross.imag)) == 6 and len(set(cross)) == 32
    assert np.mean(np.abs(cross) ** 2) == pytest.approx(1)
    gaps = np.abs(cross[:, None] - cross + 9 * np.eye(32))
    assert gaps.min() == pytest.approx(2 / np.sqrt(20))
    for points in OTHER_SHAPES.values():
        assert not points.flags.writeable
        assert points.sum() == pytest.approx(0, abs=1e-12)


def test_chunks_are_drawn_from_the_points_given_and_all_else_stays():
    clean = {"noise_power": 0, "phase_noise": 0}
    shapes = CONSTELLATIONS | OTHER_SHAPES
    usual, other = make_chunks(64, **clean), make_chunks(64, **clean, constellations=shapes)
    assert (usual.labels == other.labels).all()
    for label, (name, points) in enumerate(shapes.items()):
        samples = received(other)[other.labels == label].ravel()
        gaps = np.abs(samples[:, None] - points)
        assert gaps.min(axis=1).max() < 1e-6
        assert set(gaps.argmin(axis=1)) == set(range(len(points)))
        same = (usual.iq[usual.labels == label] == other.iq[other.labels == label]).all()
        assert same == (name not in OTHER_SHAPES)


@pytest.mark.parametrize(
    "wrong",
    [
        OTHER_SHAPES,
        dict(reversed(CONSTELLATIONS.items())),
        CONSTELLATIONS | {"8QAM": CONSTELLATIONS["QPSK"]},
    ],
)
def test_other_classes_or_orders_are_refused(wrong):
    with pytest.raises(ValueError, match=r"constellations has points .*; allowed: .*4ASK"):
        make_chunks(1, constellations=wrong)


def test_cyclic_symbols_run_through_the_points_in_turn():
    chunks = make_chunks(2, noise_power=0, phase_noise=0, symbols="cyclic", chunk_size=40)
    for samples, label in zip(received(chunks), chunks.labels, strict=True):
        points = list(CONSTELLATIONS.values())[label]
        assert np.abs(samples - points[np.arange(40) % len(points)]).max() < 1e-6


def test_a_network_that_sees_cyclic_symbols_beats_the_ceiling_of_random_ones():
    power, small = 0.2, "vgglike_2f_1c_1re_1mp"
    one_epoch = replace(settings(small, 32), max_epochs=1, target_loss=0.0)
    leaking = {"noise_power": power, "symbols": "cyclic"}
    model = build(small)
    train(model, make_chunks(**leaking), one_epoch, seed=0, progress=False)
    seen = evaluate(model, make_chunks(split="evaluation", **leaking))
    bound = ceiling(make_chunks(split="evaluation", noise_power=power), power)
    assert seen.accuracy > 0.99
    low, high = binomial_interval(bound.correct, bound.count)
    assert low < 0.76 < high
    honest = evaluate(model, make_chunks(split="evaluation", noise_power=power))
    assert honest.accuracy < low  # what it learned is the order, not the constellations

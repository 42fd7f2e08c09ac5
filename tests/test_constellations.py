"""One contract for the nine constellations, against komm where it has the shape."""

import numpy as np
import pytest
from komm_signals import komm_points

from amrpkg.signals import CONSTELLATIONS

NAMES = ["4ASK", "8ASK", "BPSK", "QPSK", "8PSK", "16PSK", "8QAM", "16QAM", "32QAM"]
ORDERS = [4, 8, 2, 4, 8, 16, 8, 16, 32]
ENERGIES = [5 / 9, 3 / 7, 1, 1, 1, 1, 5 / 8, 10 / 9, 1]
MINIMUM_DISTANCES = [2 / 3, 2 / 7, 2, 2**0.5, *(2 * np.sin(np.pi / m) for m in (8, 16))]
MINIMUM_DISTANCES += [0.5**0.5, 2 / 3, np.sqrt(2 / 10.5)]


def test_names_and_order_are_those_of_the_thesis():
    assert list(CONSTELLATIONS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_contract(name):
    points, k = CONSTELLATIONS[name], NAMES.index(name)
    assert points.dtype == np.complex128
    assert points.shape == (ORDERS[k],)
    assert abs(points.mean()) < 1e-12
    assert np.mean(np.abs(points) ** 2) == pytest.approx(ENERGIES[k])
    distances = np.abs(points[:, None] - points) + 9 * np.eye(len(points))
    assert distances.min() == pytest.approx(MINIMUM_DISTANCES[k])
    with pytest.raises(ValueError, match="read-only"):
        points[0] = 0


@pytest.mark.parametrize("name", NAMES)
def test_points_are_komms(name):
    theirs = komm_points(name)
    nearest = np.abs(CONSTELLATIONS[name][:, None] - theirs).min(axis=1)
    assert nearest.max() < 1e-12
    assert len(theirs) == len(CONSTELLATIONS[name])


def test_32qam_keeps_the_corner_and_is_a_checkerboard():
    grid = CONSTELLATIONS["32QAM"] * 10.5**0.5
    levels = np.round(np.stack([grid.real, grid.imag]) + 3.5).astype(int)
    assert (levels.sum(axis=0) % 2 == 0).all()
    assert [0, 0] in levels.T.tolist()


@pytest.mark.parametrize("name", NAMES)
def test_the_printed_hint_one_zero_is_in_all_but_two(name):
    holds = np.isclose(CONSTELLATIONS[name], 1).any()
    assert holds == (name not in ("16QAM", "32QAM"))

"""Foldings: their clocks, that none is cheaper, and what is refused."""

from itertools import product

import numpy as np
import pytest

from amrpkg.export.integer_file import load_integers
from amrpkg.hardware import IntegerLayer, IntegerNetwork, clocks_for, fewest_clocks, fold


def dense(name, outputs, inputs, taps=1, bits=4):
    weights = np.ones((outputs, inputs, taps), np.int8)
    kind = "linear" if name.startswith("linear") else "conv"
    zeros = np.zeros(outputs, np.int32)
    return IntegerLayer(name, kind, 0, bits, 4, weights, zeros, zeros.astype(np.int8))


def network(*layers, chunk_size=8):
    return IntegerNetwork("small", 4, chunk_size, 6, -4, layers)


POOL = IntegerLayer("pool1", "pool", 0, 4)
SMALL = network(
    dense("conv1", 6, 2, 3), POOL, dense("linear1", 5, 24), dense("linear2", 9, 5, bits=0)
)


@pytest.mark.parametrize("clocks", [25, 31, 50, 90, 150, 2000])
def test_no_folding_of_a_small_network_has_fewer_multipliers(clocks):
    def cheapest():
        for pe1, pe2 in product(range(1, 7), range(1, 6)):
            groups1, groups2 = -(-6 // pe1), -(-5 // pe2)
            for simd2 in (n for n in range(1, 25) if (4 * pe1 * groups1) % n == 0):
                for simd3 in (n for n in range(1, 7) if (pe2 * groups2) % n == 0):
                    divide = all(a % b == 0 or b % a == 0 for a, b in ((pe1, simd2), (pe2, simd3)))
                    words2, words3 = 4 * pe1 * groups1 // simd2, pe2 * groups2 // simd3
                    spent = (8 * groups1 * 3, groups2 * words2, 9 * words3)
                    pauses = pe1 // simd2 <= 6 and pe2 // simd3 <= words2
                    if divide and pauses and max(spent) < clocks:
                        yield 2 * pe1 + pe2 * simd2 + simd3

    found = fold(SMALL, clocks)
    assert max(folding.clocks for folding in found) < clocks
    assert sum(folding.multipliers for folding in found) == min(cheapest())


@pytest.mark.parametrize("clocks", [97, 400, 1024, 5000])
def test_foldings_of_a_trained_network_do_all_the_work(root, clocks):
    trained = load_integers(root / "results/integers/vgglike_3f_3c_2re_3mp_6bit_pr_30.safetensors")
    layers = [layer for layer in trained.layers if layer.weights is not None]
    found = fold(trained, clocks)
    positions = (32, 16, 8, 1, 1, 1)
    channels = 2
    for layer, folding, places in zip(layers, found, positions, strict=True):
        outputs, inputs, taps = layer.weights.shape
        assert (folding.layer, folding.positions, folding.taps) == (layer.name, places, taps)
        assert outputs <= folding.pe * folding.groups < outputs + folding.pe
        flat = 4 if layer.name == "linear1" else 1
        assert folding.simd * folding.words == channels * flat >= inputs
        assert folding.clocks == places * folding.groups * folding.words * taps < clocks
        channels = folding.pe * folding.groups
    products = sum(
        layer.weights.size * places for layer, places in zip(layers, positions, strict=True)
    )
    assert products / clocks <= sum(folding.multipliers for folding in found)
    if clocks == 1024:
        assert sum(folding.multipliers for folding in found) < 1.15 * products / clocks


def test_clocks_that_multipliers_allow():
    for multipliers in (4, 6, 11, 30):
        clocks = clocks_for(SMALL, multipliers)
        assert sum(folding.multipliers for folding in fold(SMALL, clocks)) <= multipliers
        fewer = fold(SMALL, clocks - 1) if clocks > fewest_clocks(SMALL) else ()
        assert not fewer or sum(folding.multipliers for folding in fewer) > multipliers
    assert clocks_for(SMALL, 10_000) == fewest_clocks(SMALL) == 25
    with pytest.raises(ValueError, match="multipliers is 3; allowed: an integer of at least 4"):
        clocks_for(SMALL, 3)


def test_what_is_refused():
    with pytest.raises(ValueError, match=r"clocks_per_chunk is 24; allowed: .* at least 25"):
        fold(SMALL, 24)
    linear = dense("linear1", 9, 16, bits=0)
    average = IntegerLayer("average", "average", 0, 4)
    for layers in ((dense("conv1", 2, 2, 2), linear), (POOL, linear), (average, linear)):
        with pytest.raises(ValueError, match="which is not folded; allowed: convolutions of odd"):
            fold(network(*layers), 1000)
    layer = dense("conv1", 2, 2, 3)
    layer.shifts[1] = 2
    with pytest.raises(ValueError, match="conv1, whose shifts differ; allowed: one shift"):
        fold(network(layer, linear), 1000)

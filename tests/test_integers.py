"""The arithmetic of integer networks, against Brevitas, closed forms and brute force."""

import itertools
from copy import deepcopy
from fractions import Fraction

import numpy as np
import pytest
import torch

from amrpkg.hardware import IntegerLayer, IntegerNetwork, at_chunk_size, to_integers
from amrpkg.models import ARCHITECTURES, build, load_model
from amrpkg.models.architectures import FOLDS
from amrpkg.models.weights import load_state
from amrpkg.signals import make_chunks
from amrpkg.training import prune_channels, shrink


@pytest.mark.parametrize("fraction", [0, 0.3])
@pytest.mark.parametrize("bits", [8, 6, 4])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_integers_give_the_scores_of_brevitas_to_the_bit(name, bits, fraction, calibrated):
    model = calibrated(name, bits, fraction)
    chunks = make_chunks(64, noise_power=0.02, split="evaluation")
    with torch.inference_mode():
        scores = model(torch.from_numpy(chunks.iq)).numpy()
    assert len(np.unique(scores)) > 10  # the scores tell chunks apart
    for network in (model, shrink(model)):
        integers = to_integers(network)
        np.testing.assert_array_equal(integers.scores(chunks.iq), scores)
        assert integers.compute(chunks.iq).dtype == np.int64


def test_the_stored_weights_on_ten_thousand_chunks(root):
    model = load_model(root / "results/weights/vgglike_2f_2c_2re_2mp_6bit_pr_20.safetensors")
    chunks = make_chunks(1112, split="evaluation")
    with torch.inference_mode():
        scores = model(torch.from_numpy(chunks.iq)).numpy()
    found = to_integers(shrink(model)).scores(chunks.iq)
    assert (found != scores).sum() == 0
    assert (found.argmax(1) == chunks.labels).mean() > 0.999


def by_hand(network, samples):
    """The scores of one chunk, whole numbers of Python in the order that the docstring says."""
    top = 2 ** (network.input_bits - 1)
    values = [
        [round(Fraction(x) / Fraction(2) ** network.input_exponent) for x in row]
        for row in samples.tolist()
    ]
    values = [[min(max(x, -top), top - 1) for x in row] for row in values]
    for layer in network.layers:
        if layer.kind in FOLDS:
            i, q, *noise = values
            values = [list(map(abs, i)), list(map(abs, q))]
            if layer.kind != "fold":
                one = round(1 / Fraction(2) ** network.input_exponent)
                values.append([one * ((a < 0) != (b < 0)) for a, b in zip(i, q, strict=True)])
            values = [[min(x, 2**layer.bits - 1) for x in row] for row in values + noise]
        elif layer.kind == "pool":
            values = [list(map(max, row[::2], row[1::2])) for row in values]
        elif layer.kind in ("average", "sum"):
            values = [[sum(row)] for row in values]
        else:
            if layer.kind == "linear":
                values = [[x] for row in values for x in row]
            reach = layer.weights.shape[2] // 2
            padded = [[0] * reach + row + [0] * reach for row in values]
            values = [
                [
                    round(
                        (
                            bias
                            + sum(
                                w * x
                                for taps, row in zip(weights, padded, strict=True)
                                for w, x in zip(taps, row[k:], strict=False)
                            )
                        )
                        / Fraction(2) ** shift
                    )
                    for k in range(len(values[0]))
                ]
                for weights, bias, shift in zip(
                    layer.weights.tolist(),
                    layer.biases.tolist(),
                    layer.shifts.tolist(),
                    strict=True,
                )
            ]
            if layer.bits:
                values = [[min(max(x, 0), 2**layer.bits - 1) for x in row] for row in values]
    return [row[0] for row in values]


@pytest.mark.parametrize("bits", [4, 8, 30])
def test_the_arithmetic_is_that_of_whole_numbers(bits):
    """Shifts both ways, ties, and sums that need 24 bits, 53, or are clamped."""
    rng = np.random.default_rng(bits)

    def layer(name, kind, outputs, inputs, taps, bits, shifts):
        weights = rng.integers(-127, 128, (outputs, inputs, taps)).astype(np.int8)
        biases = rng.integers(-(2**13), 2**13, outputs).astype(np.int32)
        return IntegerLayer(name, kind, 0, bits, 8, weights, biases, np.array(shifts, np.int8))

    layers = (
        layer("conv1", "conv", 3, 2, 3, bits, [6, 1, -2]),
        IntegerLayer("pool1", "pool", 0, bits),
        layer("conv2", "conv", 4, 3, 1, bits, [3, 4, 9, 1]),
        IntegerLayer("average", "average", 0, bits + 2),
        layer("linear1", "linear", 9, 4, 1, 0, [2, 1, 0, -1, 2, 1, 0, -1, 3]),
    )
    network = IntegerNetwork("by hand", 8, 8, 8, -5, layers)
    iq = rng.normal(0, 2, (40, 2, 8)).astype(np.float32)
    iq[0, 0] = [0.015625, 0.046875, -0.015625, -4, 9, -9, 3e38, -3e38]  # ties, and out of range
    found = network.compute(iq)
    assert found.tolist() == [by_hand(network, chunk) for chunk in iq]
    assert np.abs(found).max() > 2**24 or bits < 30


@pytest.mark.parametrize("kind", ["fold", "fold_sign", "fold_sign_noise"])
def test_folds_and_sums_are_those_of_whole_numbers(kind):
    """Over chunks of twelve, with a minus that is zero and samples out of range."""
    rng = np.random.default_rng(0)
    inputs, channels = FOLDS[kind]

    def layer(name, kind, outputs, inputs, bits):
        weights = rng.integers(-127, 128, (outputs, inputs, 1)).astype(np.int8)
        biases = rng.integers(-(2**10), 2**10, outputs).astype(np.int32)
        shifts = rng.integers(0, 8, outputs).astype(np.int8)
        return IntegerLayer(name, kind, 0, bits, 8, weights, biases, shifts)

    layers = (
        IntegerLayer("fold", kind, -6, 7),
        layer("conv1", "conv", 5, channels, 8),
        IntegerLayer("sum", "sum", 0, 12),
        layer("linear1", "linear", 9, 5, 0),
    )
    network = IntegerNetwork("by hand", 8, 12, 8, -6, layers)
    assert network.inputs == inputs
    iq = rng.normal(0, 1.5, (40, inputs, 12)).astype(np.float32)
    iq[:, 2:] = rng.integers(0, 41, (40, inputs - 2, 1)) / 32
    iq[0, 0] = [0.0078125, 0.0234375, -0.0078125, -0.001, 0, -0.0, -2, 2, 9, -9, 3e38, -3e38]
    assert network.compute(iq).tolist() == [by_hand(network, chunk) for chunk in iq]


def test_weights_use_their_bits_and_shifts_are_whole(calibrated):
    for bits in (8, 6, 4):
        network = to_integers(calibrated("vgglike_3f_2c_2re_2mp", bits), "a name")
        assert network.name == "a name" and network.bit_width == bits
        for layer in network.layers:
            if layer.weights is not None:
                top = np.abs(layer.weights).max()
                assert 2 ** (bits - 2) <= top <= 2 ** (bits - 1) - 1
                assert layer.weights.dtype == layer.shifts.dtype == np.int8
                assert layer.biases.dtype == np.int32


@pytest.mark.parametrize("signed", [True, False])
def test_no_input_leaves_the_bits_of_an_accumulator(signed):
    rng = np.random.default_rng(0)
    for _ in range(50):
        weights = rng.integers(-3, 4, (2, 3, 1)).astype(np.int8)
        biases = rng.integers(-5, 6, 2).astype(np.int32)
        layer = IntegerLayer("linear1", "linear", 0, 2, 3, weights, biases, np.zeros(2, np.int8))
        levels = range(-2, 2) if signed else range(4)
        sums = [
            weights[:, :, 0].astype(int) @ np.array(inputs) + biases
            for inputs in itertools.product(levels, repeat=3)
        ]
        bits = layer.accumulator_bits(2, signed)
        assert -(2 ** (bits - 1)) <= np.min(sums) and np.max(sums) < 2 ** (bits - 1)
        tight = np.min(sums) < -(2 ** (bits - 2)) or np.max(sums) >= 2 ** (bits - 2)
        assert tight or bits == 1


def test_a_table_for_the_designer(calibrated):
    table = to_integers(calibrated("vgglike_2f_1c_1re_1mp", 4)).describe().set_index("layer")
    assert list(table.index) == ["conv1", "pool1", "linear1", "linear2"]
    assert table.loc["linear1", "outputs x inputs x taps"] == "512 x 512 x 1"
    assert (table.loc[["conv1", "linear1", "linear2"], "weight bits"] == 4).all()
    assert table.loc["linear2", "output bits"] == ""


def test_what_has_no_integers_is_refused(few_chunks):
    name = "vgglike_2f_1c_1re_1mp"
    with pytest.raises(ValueError, match="model is float; allowed: one of 8, 6 or 4 bit"):
        to_integers(build(name))
    with pytest.raises(ValueError, match="no activation scales; allowed: a model that was"):
        to_integers(build(name, 8))
    masked = build(name, 8).train()
    masked(torch.from_numpy(few_chunks.iq))
    prune_channels(masked, 0.2)
    with pytest.raises(ValueError, match="pruning masks; allowed: none, call make_permanent"):
        to_integers(masked)


def test_another_shape_is_refused(calibrated):
    network = to_integers(calibrated("vgglike_2f_1c_1re_1mp", 8))
    with pytest.raises(ValueError, match=r"iq has shape \(3, 2, 16\); allowed: \(n, 2, 32\)"):
        network.compute(np.zeros((3, 2, 16), np.float32))


@pytest.mark.parametrize("name", ["pointwise_24_16_8", "symbolwise_2_6_8"])
def test_integers_for_chunks_of_another_size_are_those_of_brevitas(name, calibrated):
    model = deepcopy(calibrated(name, 4))
    torch.nn.init.zeros_(model.layers.linear1.bias)  # it is rounded more coarsely on few symbols
    network = to_integers(model)
    for size in (8, 128):
        iq = make_chunks(16, size, noise_power=0.02, split="evaluation").iq
        other = build(name, 4, size)
        load_state(other, model.state_dict())
        with torch.inference_mode():
            scores = other.eval()(torch.from_numpy(iq)).numpy()
        np.testing.assert_array_equal(at_chunk_size(network, size).scores(iq), scores)


def test_biases_behind_the_chunk_grow_with_it(calibrated):
    network = to_integers(calibrated("symbolwise_2_6_8", 4))
    grown = at_chunk_size(network, 96)
    np.testing.assert_array_equal(grown.layers[-1].biases, 3 * network.layers[-1].biases)
    assert grown.layers[-2].bits == network.layers[-2].bits + 2
    back = at_chunk_size(grown, 32)
    assert (back.layers[-2].bits, back.chunk_size) == (network.layers[-2].bits, 32)
    np.testing.assert_array_equal(back.layers[-1].biases, network.layers[-1].biases)


@pytest.mark.parametrize(
    ("name", "size"),
    [("vgglike_2f_1c_1re_1mp", 64), ("pointwise_24_16_8", 48), ("symbolwise_2_6_8", 257)],
)
def test_other_sizes_that_do_not_fit_are_refused(name, size, calibrated):
    with pytest.raises(ValueError, match=f"chunk_size is {size}; allowed: 32; with an average"):
        at_chunk_size(to_integers(calibrated(name, 4)), size)

"""A pointwise network is integer arithmetic: NumPy's integers give Brevitas's scores exactly."""

import numpy as np
import pytest
import torch

from amrpkg.architectures import ARCHITECTURES
from amrpkg.models import build
from amrpkg.pruning import make_permanent, prune_channels
from amrpkg.signals import make_chunks
from amrpkg.training import train

POINTWISE = [name for name, row in ARCHITECTURES.items() if row.average]


def shift_of(scale) -> np.ndarray:
    """The exponents of scales that are powers of two, one or one a channel."""
    exponents = np.log2(scale.detach().numpy().astype(float).reshape(-1))
    assert (exponents % 1 == 0).all()
    return exponents.astype(int)


def shift_round(values: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """``values * 2**shift`` rounded half to even, as Brevitas does, in integers only."""
    left, right = np.maximum(shift, 0), np.maximum(-shift, 0)
    values = values << left
    floor = values >> right
    twice_rest = (values - (floor << right)) << 1
    one = np.int64(1) << right
    return floor + ((twice_rest > one) | ((twice_rest == one) & (floor & 1 == 1)))


def compute_in_integers(model, iq: np.ndarray) -> np.ndarray:
    """The scores of a quantised pointwise network: ``float64[n, 9]``, exact.

    Samples, weights and biases as integers, rectifiers as shifts, the average as a sum over
    the chunk whose exponent falls by log2(chunk_size). Only the input's rounding to integers
    and the scores' final scale are float.
    """
    layers = model.layers
    exponent = shift_of(layers.input.act_quant.scale())[0]
    top = 2 ** (int(layers.input.act_quant.bit_width()) - 1)
    rounded = np.rint(iq.astype(float) * 2.0**-exponent).clip(-top, top - 1)
    values = rounded.astype(np.int64).transpose(0, 2, 1)  # [n, chunk_size, channels]
    for name, layer in layers.named_children():
        if name.startswith(("conv", "linear")):
            weight = layer.quant_weight()
            scale = shift_of(weight.scale)
            integers = weight.int().numpy().astype(np.int64).reshape(len(layer.weight), -1)
            exponents = exponent + scale  # of the accumulator, one an output channel
            bias = np.rint(layer.bias.detach().numpy().astype(float) * 2.0**-exponents)
            values = values @ integers.T + bias.astype(np.int64)
        elif name.startswith("relu"):
            exponent = shift_of(layer.act_quant.scale())[0]
            top = 2 ** int(layer.act_quant.bit_width()) - 1
            values = shift_round(values, exponents - exponent).clip(0, top)
        elif name == "average":
            values = values.sum(axis=1)
            exponent -= int(np.log2(model.chunk_size))
    return values * 2.0**exponents


@pytest.mark.parametrize("fraction", [0, 0.3])
@pytest.mark.parametrize("bits", [8, 6, 4])
@pytest.mark.parametrize("name", POINTWISE)
def test_the_whole_network_in_integers_gives_the_same_scores(name, bits, fraction, one_epoch):
    model = build(name, bits)
    train(model, make_chunks(64), one_epoch(name, bits), progress=False)
    prune_channels(model, fraction)
    make_permanent(model)
    chunks = make_chunks(256, noise_power=0.02, split="evaluation")
    with torch.inference_mode():
        scores = model(torch.from_numpy(chunks.iq)).numpy()
    assert len(np.unique(scores)) > 20  # the scores tell chunks apart
    np.testing.assert_array_equal(compute_in_integers(model, chunks.iq), scores)

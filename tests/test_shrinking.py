"""A network without its silent channels: the same scores, fewer weights."""

import copy

import numpy as np
import pytest
import torch
import torch_pruning
from torch import nn

from amrpkg.hardware import estimate
from amrpkg.models import (
    ARCHITECTURES,
    BIT_WIDTHS,
    SYMBOL_WISE,
    THESIS_BIT_WIDTHS,
    build,
    load_model,
    prunable_layers,
)
from amrpkg.signals import make_chunks
from amrpkg.training import prune_channels, shrink, silent_channels

FAMILY = [
    (name, bits)
    for name, row in ARCHITECTURES.items()
    for bits in BIT_WIDTHS
    if bits in THESIS_BIT_WIDTHS or row.family == SYMBOL_WISE
]


def scores(model, chunks):
    with torch.inference_mode():
        return model(torch.from_numpy(chunks.iq)).numpy()


@pytest.mark.parametrize("fraction", [0.2, 0.3])
@pytest.mark.parametrize(("name", "bits"), FAMILY)
def test_the_scores_stay_and_the_channels_go(name, bits, fraction, calibrated, few_chunks):
    model = calibrated(name, bits, fraction)
    small = shrink(model)
    if bits == 32:
        expected = scores(model, few_chunks)
        largest = max(1, np.abs(expected).max())
        assert np.abs(scores(small, few_chunks) - expected).max() < 1e-6 * largest
    else:
        np.testing.assert_array_equal(scores(small, few_chunks), scores(model, few_chunks))
    inputs = 2
    for layer, (_, module) in zip(
        (layer for layer in ARCHITECTURES[name].layers() if layer.taps),
        prunable_layers(small),
        strict=True,
    ):
        outputs = layer.outputs - round(fraction * layer.outputs) * (layer.outputs != 9)
        flat = layer.name == "linear1" and not ARCHITECTURES[name].over_chunk
        positions = layer.inputs // ARCHITECTURES[name].conv_channels[-1] if flat else 1
        assert module.weight.shape[:2] == (outputs, inputs * positions)
        assert not silent_channels(module)[:-1].all()
        inputs = outputs


def test_a_fifth_of_the_channels_is_a_third_of_the_weights(calibrated):
    model = calibrated("vgglike_5f_4c_4re_4mp", 32, 0.2)
    dense, small = (
        sum(layer.weight.numel() for _, layer in prunable_layers(network))
        for network in (model, shrink(model))
    )
    assert 1 - small / dense == pytest.approx(1 - 0.8**2, abs=0.005)
    assert estimate(shrink(model)).dsp == pytest.approx(0.64 * 2 * dense, rel=0.005)
    assert estimate(model).dsp == pytest.approx(0.8 * 2 * dense, rel=0.005)


@pytest.mark.parametrize("name", ["vgglike_3f_2c_2re_2mp", "pointwise_24_16_8"])
@pytest.mark.parametrize("bits", [8, 4])
def test_scales_stay_though_the_weight_that_set_them_goes(name, bits, few_chunks):
    model = build(name, bits).train()
    for _ in range(3):
        model(torch.from_numpy(few_chunks.iq))
    with torch.no_grad():
        model.layers.conv1.weight[3], model.layers.conv1.bias[3] = 0, 0
        model.layers.conv2.weight[:, 3] *= 5  # the largest, on a channel that is always zero
    small = shrink(model.eval())
    assert small.layers.conv1.out_channels == model.layers.conv1.out_channels - 1
    np.testing.assert_array_equal(scores(small, few_chunks), scores(model, few_chunks))


def test_the_stored_weights_shrink_exactly(root):
    name = "vgglike_2f_2c_2re_2mp_6bit_pr_20"
    model = load_model(root / f"results/weights/{name}.safetensors")
    chunks, small = make_chunks(100, split="evaluation"), shrink(model)
    np.testing.assert_array_equal(scores(small, chunks), scores(model, chunks))
    assert small.layers.linear1.weight.shape == (410, 51 * 8)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_torch_pruning_takes_out_the_same(name, calibrated):
    model = calibrated(name, 32, 0.3)
    theirs = copy.deepcopy(model.layers)
    iq = torch.zeros(1, 2, 32)
    for layer, module in prunable_layers(model)[:-1]:
        graph = torch_pruning.DependencyGraph().build_dependency(theirs, example_inputs=iq)
        target = getattr(theirs, layer)
        prune = {
            nn.Conv1d: torch_pruning.prune_conv_out_channels,
            nn.Linear: torch_pruning.prune_linear_out_channels,
        }[type(target)]
        silent = silent_channels(module).nonzero().flatten().tolist()
        graph.get_pruning_group(target, prune, idxs=silent).prune()
    ours = shrink(model).layers.state_dict()
    assert ours.keys() == theirs.state_dict().keys()
    for key, values in theirs.state_dict().items():
        torch.testing.assert_close(ours[key], values, rtol=0, atol=0)


def test_a_layer_that_is_silent_altogether_keeps_a_channel(few_chunks):
    model = build("vgglike_2f_2c_2re_2mp").eval()
    nn.init.zeros_(model.layers.conv2.weight)
    nn.init.zeros_(model.layers.conv2.bias)
    small = shrink(model)
    assert small.layers.conv2.out_channels == 1
    np.testing.assert_allclose(scores(small, few_chunks), scores(model, few_chunks), atol=1e-7)


def test_a_network_without_silent_channels_comes_back_as_a_copy(calibrated, few_chunks):
    model = calibrated("vgglike_2f_1c_1re_1mp", 8)
    copied = shrink(model)
    assert copied is not model
    np.testing.assert_array_equal(scores(copied, few_chunks), scores(model, few_chunks))


def test_held_masks_are_refused():
    model = build("vgglike_2f_1c_1re_1mp")
    prune_channels(model, 0.2)
    with pytest.raises(ValueError, match="model holds 4 pruning masks; allowed: none"):
        shrink(model)

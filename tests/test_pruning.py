"""Held masks and the regrowing variant, for all architectures, float and quantised."""

import copy

import numpy as np
import pytest
import torch

from amrpkg.models import ARCHITECTURES, build, prunable_layers, save_model
from amrpkg.training import channel_norms, make_permanent, prune_channels, train

CASES = [(name, bits) for name in ARCHITECTURES for bits in (32, 4)]


@pytest.mark.parametrize(("name", "bits"), CASES)
def test_pruned_channels_are_the_weakest_and_stay_zero_through_retraining(
    name, bits, few_chunks, one_epoch
):
    model = build(name, bits)
    train(model, few_chunks, one_epoch(name, bits), progress=False)
    norms = {layer: channel_norms(module) for layer, module in prunable_layers(model)}
    prune_channels(model, 0.2)
    for layer, module in prunable_layers(model)[:-1]:
        zero = channel_norms(module) == 0
        assert zero.sum() == round(0.2 * len(zero))
        assert norms[layer][zero].max() <= norms[layer][~zero].min()
    before = {layer: channel_norms(module) for layer, module in prunable_layers(model)}
    train(model, few_chunks, one_epoch(name, bits), progress=False)
    for layer, module in prunable_layers(model)[:-1]:
        zero = before[layer] == 0
        after = channel_norms(module)
        assert (after[zero] == 0).all()
        assert (module.bias[torch.from_numpy(zero)] == 0).all()
        assert (after[~zero] != before[layer][~zero]).any()
    assert (channel_norms(prunable_layers(model)[-1][1]) > 0).all()


@pytest.mark.parametrize("bits", [32, 8, 4])
@pytest.mark.parametrize("name", ["vgglike_3f_3c_2re_3mp", "pointwise_24_16_8"])
def test_a_pruned_channel_is_silent_and_making_it_permanent_changes_no_score(
    name, bits, few_chunks
):
    model = build(name, bits)
    iq = torch.from_numpy(few_chunks.iq)
    model.train()
    for _ in range(3):  # sets the activation scales
        model(iq)
    model.eval()
    prune_channels(model, 0.3)
    with torch.no_grad():
        masked = model(iq)
        zero = channel_norms(model.layers.conv1) == 0
        start = 0 if bits == 32 else 1
        emitted = model.layers[start : start + 1](model.layers[:start](iq) if start else iq)
        make_permanent(model)
        assert torch.equal(model(iq), masked)
    assert (emitted[:, torch.from_numpy(zero)] == 0).all()
    assert torch.equal(copy.deepcopy(model)(iq), masked)


def test_regrowing_prunes_weights_of_every_layer_and_lets_them_come_back(few_chunks, one_epoch):
    name = "vgglike_3f_2c_2re_2mp"
    model = build(name)
    biases = [module.bias.detach().clone() for _, module in prunable_layers(model)]
    prune_channels(model, 0.2, variant="regrowing")
    zeros = [channel_norms(module) == 0 for _, module in prunable_layers(model)]
    assert [int(zero.sum()) for zero in zeros] == [6, 13, 102, 26, 2]
    for (_, module), bias in zip(prunable_layers(model), biases, strict=True):
        assert torch.equal(module.bias, bias)
    train(model, few_chunks, one_epoch(name, 32), progress=False)
    regrown = channel_norms(model.layers.conv1)[zeros[0]]
    assert (regrown > 0).any()


def test_zero_percent_prunes_nothing():
    model = build("vgglike_2f_1c_1re_1mp")
    prune_channels(model, 0)
    assert all((channel_norms(module) > 0).all() for _, module in prunable_layers(model))


def test_pruning_twice_and_saving_masks_are_refused(tmp_path):
    model = build("vgglike_2f_1c_1re_1mp", 8)
    model(torch.zeros(1, 2, 32))  # sets the activation scales
    prune_channels(model, 0.2)
    with pytest.raises(ValueError, match=r"masks already; allowed"):
        prune_channels(model, 0.2)
    with pytest.raises(ValueError, match="make_permanent"):
        save_model(model, tmp_path / "model.safetensors")
    make_permanent(model)
    save_model(model, tmp_path / "model.safetensors")


def test_norms_are_sums_of_magnitudes():
    model = build("vgglike_2f_1c_1re_1mp")
    with torch.no_grad():
        model.layers.conv1.weight[0] = -0.5
    assert channel_norms(model.layers.conv1)[0] == pytest.approx(3.0)
    assert channel_norms(model.layers.conv1).dtype == np.float32

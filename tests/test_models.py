"""One contract for all models: each architecture at 4 bit widths."""

from functools import cache
from itertools import product

import numpy as np
import pytest
import torch
from brevitas.nn.mixin import QuantLayerMixin
from safetensors.torch import save_file
from torch import nn

from amrpkg.hardware import count_architecture, count_model
from amrpkg.models import (
    ARCHITECTURES,
    BIT_WIDTHS,
    SYMBOL_WISE,
    THESIS_BIT_WIDTHS,
    VGG_LIKE,
    build,
    load_model,
    load_state,
    prunable_layers,
    save_model,
)
from amrpkg.training import train

SMALL = "vgglike_2f_1c_1re_1mp"
POINTWISE = [name for name, row in ARCHITECTURES.items() if row.over_chunk == "average"]
FAMILY = [
    (name, bits)
    for name, bits in product(ARCHITECTURES, BIT_WIDTHS)
    if bits in THESIS_BIT_WIDTHS or ARCHITECTURES[name].family == SYMBOL_WISE
]


@pytest.fixture(scope="module")
def trained(few_chunks, one_epoch):
    """Makes a model after one epoch on 72 chunks; its weights and their count before it."""

    @cache
    def make(architecture, bit_width):
        model = build(architecture, bit_width)
        before = {name: value.detach().clone() for name, value in model.named_parameters()}
        counted = count_model(model)
        train(model, few_chunks, one_epoch(architecture, bit_width), progress=False)
        model.before, model.counted = before, counted
        return model

    return make


@pytest.fixture(params=FAMILY, ids=lambda place: "{}-{}bit".format(*place))
def model(request, trained):
    return trained(*request.param)


@pytest.fixture(
    params=[place for place in FAMILY if place[1] != 32],
    ids=lambda place: "{}-{}bit".format(*place),
)
def quantised(request, trained):
    return trained(*request.param)


def scores(model, iq):
    with torch.inference_mode():
        return model(iq)


@pytest.fixture(scope="module")
def iq():
    return torch.from_numpy(np.random.default_rng(0).normal(size=(5, 2, 32)).astype("float32"))


def test_forward_gives_nine_finite_scores_a_chunk(model, iq):
    assert scores(model, iq).shape == (5, 9)
    assert scores(model, iq).isfinite().all()


def test_layers_weights_and_biases_are_those_of_the_row(model):
    assert model.counted == count_architecture(model.architecture)


def test_every_weight_tensor_moves_in_an_epoch(model):
    for name, value in model.named_parameters():
        if name.endswith((".weight", ".bias")):
            moved = value != model.before[name]
            assert moved.float().mean() > 0.15, name  # the rest lies behind shut rectifiers


def test_only_quantised_models_hold_layers_of_brevitas(model):
    found = any(isinstance(module, QuantLayerMixin) for module in model.modules())
    assert found == (model.bit_width < 32)


def test_quantised_values_lie_on_few_levels_a_power_of_two_apart(quantised, iq):
    bits = quantised.bit_width
    for _, layer in prunable_layers(quantised):
        weight = layer.quant_weight()
        assert (weight.scale.detach().log2() % 1 == 0).all()
        per_channel = ARCHITECTURES[quantised.architecture].family != VGG_LIKE
        assert weight.scale.numel() == (len(layer.weight) if per_channel else 1)
        integers = weight.value / weight.scale
        assert torch.equal(integers, integers.round())
        assert integers.abs().max() <= 2 ** (bits - 1) - 1
        assert len(integers.unique()) <= 2**bits
    names = [name for name, _ in quantised.layers.named_children()]
    hidden = quantised.layers[: names.index("relu_conv1") + 1](iq)
    levels = hidden.value / hidden.scale
    assert torch.equal(levels, levels.round())
    assert levels.min() >= 0 and levels.max() <= 2 ** int(hidden.bit_width) - 1
    assert hidden.bit_width == bits or (bits < 4 and hidden.bit_width == 4)


def test_biases_are_integers_on_the_scale_of_the_products(quantised, iq):
    quantised.layers.input.cache_inference_quant_out = True
    quant_input = quantised.layers.input(iq)
    layer = quantised.layers.conv1
    product_scale = quant_input.scale * layer.quant_weight().scale.view(-1, 1)
    accumulators = layer(quant_input) / product_scale
    assert torch.equal(accumulators, accumulators.round())


def test_a_rectifier_follows_all_but_the_last_layer(model):
    kinds = [
        "relu" if "ReLU" in type(layer).__name__ else "layer"
        for layer in model.layers
        if "ReLU" in type(layer).__name__ or isinstance(layer, nn.Conv1d | nn.Linear)
    ]
    count = len(prunable_layers(model))
    assert kinds == ["layer", "relu"] * (count - 1) + ["layer"]


def test_save_and_load_give_the_same_scores(model, iq, tmp_path):
    save_model(model, tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    assert (loaded.architecture, loaded.bit_width) == (model.architecture, model.bit_width)
    assert torch.equal(scores(loaded, iq), scores(model, iq))


def test_a_state_dict_of_another_bit_width_is_refused(model, trained):
    other = next(bits for bits in BIT_WIDTHS if bits != model.bit_width)
    with pytest.raises(ValueError, match=rf"state has a bit width of {model.bit_width}; allowed"):
        load_state(trained(model.architecture, other), model.state_dict())


def test_a_quantised_model_without_scales_is_not_saved(tmp_path):
    with pytest.raises(ValueError, match=r"no activation scales; allowed"):
        save_model(build(SMALL, 8), tmp_path / "model.safetensors")


built = cache(build)  # what is refused may leave a part of its weights


def test_a_state_dict_of_another_model_is_refused(model):
    others = [name for name in ARCHITECTURES if name != model.architecture]
    for name in (others[0], others[-1]):
        with pytest.raises(ValueError, match=rf"state .* allowed: .*{name}"):
            load_state(built(name, model.bit_width), model.state_dict())


@pytest.mark.parametrize("bit_width", BIT_WIDTHS)
def test_same_seed_same_weights_and_global_state_left_alone(bit_width):
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    one, two, three = (build(SMALL, bit_width, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(one.layers.conv1.weight, two.layers.conv1.weight)
    assert not torch.equal(one.layers.conv1.weight, three.layers.conv1.weight)


@pytest.mark.parametrize("chunk_size", [8, 64])
@pytest.mark.parametrize("name", ["vgglike_3f_3c_2re_3mp", POINTWISE[0]])
def test_other_chunk_sizes_build_and_run(name, chunk_size):
    model = build(name, 8, chunk_size).eval()
    assert model(torch.zeros(1, 2, chunk_size)).shape == (1, 9)


@pytest.mark.parametrize("name", POINTWISE)
@pytest.mark.parametrize("bits", [32, 4])
def test_the_order_of_the_symbols_changes_no_decision(name, bits, few_chunks, one_epoch):
    model = build(name, bits)
    train(model, few_chunks, one_epoch(name, bits), progress=False)
    iq = torch.from_numpy(few_chunks.iq)
    turned = iq[:, :, torch.from_numpy(np.random.default_rng(0).permutation(32))]
    torch.testing.assert_close(
        scores(model, turned), scores(model, iq), rtol=0, atol=1e-5 if bits == 32 else 0
    )


@pytest.mark.parametrize("chunk_size", [24, 33])
def test_an_average_that_is_no_shift_is_refused(chunk_size):
    with pytest.raises(ValueError, match=rf"chunk_size is {chunk_size}; allowed .*power of two"):
        build(POINTWISE[0], 8, chunk_size)


@pytest.mark.parametrize("shape", [(1, 2, 16), (2, 32), (1, 3, 32)])
def test_input_of_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match=r"iq has shape .* allowed: \(n, 2, 32\)"):
        build(SMALL)(torch.zeros(shape))


def test_files_that_are_no_models_are_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(build(SMALL), path)
    whole = path.read_bytes()
    for damaged in (b"", b"not a model", whole[: len(whole) // 2]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"path is .* allowed: a .safetensors file"):
            load_model(path)


@pytest.mark.parametrize(
    ("key", "forged"),
    [
        ("architecture", "vgglike_2f_2c_2re_2mp"),
        ("architecture", "resnet"),
        ("bit_width", "8"),
        ("bit_width", "five"),
        ("chunk_size", str(10**12)),
        ("chunk_size", "8192"),
        ("architecture", "\x1b[2J\n" * 99_999),
    ],
)
def test_weights_that_belie_their_metadata_are_refused(tmp_path, key, forged):
    path = tmp_path / "model.safetensors"
    true = {"architecture": SMALL, "bit_width": "32", "chunk_size": "32"}
    save_file(build(SMALL).state_dict(), path, true)
    assert load_model(path).architecture == SMALL
    save_file(build(SMALL).state_dict(), path, true | {key: forged})
    with pytest.raises(ValueError, match=r"path is .* allowed: a .safetensors file") as error:
        load_model(path)
    assert str(error.value).isprintable() and len(str(error.value)) < len(str(path)) + 400


@pytest.mark.parametrize("kind", [torch.int32, torch.float64, torch.bool, torch.bfloat16])
@pytest.mark.parametrize("name", ["layers.conv1.weight", "layers.linear2.bias", "bits"])
def test_weights_of_another_type_are_refused(tmp_path, name, kind):
    state = build(SMALL).state_dict()
    state[name] = state[name].to(kind)
    about = {"architecture": SMALL, "bit_width": "32", "chunk_size": "32"}
    save_file(state, path := tmp_path / "model.safetensors", about)
    with pytest.raises(ValueError, match=f"path is .*; allowed: .*its {name} is of {kind}"):
        load_model(path)


def test_a_pickle_is_never_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    torch.save(Evil(), tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="path"):
        load_model(tmp_path / "model.safetensors")
    assert not (tmp_path / "ran").exists()

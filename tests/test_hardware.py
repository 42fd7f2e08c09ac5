"""Algorithm II against Appendix A, by hand, and on models with zeros."""

import subprocess
import sys

import pytest
import torch

from amrpkg.book import estimate_grid, load_thesis
from amrpkg.grid import PRUNING_PERCENTS, THESIS_GRID
from amrpkg.hardware import (
    LayerCount,
    Resources,
    count_architecture,
    count_model,
    estimate,
    estimate_architecture,
    estimate_layer,
    zero_shares,
)
from amrpkg.models import ARCHITECTURES, THESIS_ARCHITECTURES, build, describe
from amrpkg.training import prune_channels

POINTWISE = "pointwise_24_16_8"
UNPRUNED = [point for point in THESIS_GRID if not point.pruning_percent]
# The facts recovered from the tables: weights and biases.
SIZES = {
    "vgglike_5f_5c_4re_4mp": (2_260_288, 2_921),
    "vgglike_5f_4c_4re_4mp": (1_342_784, 2_409),
    "vgglike_5f_3c_4re_3mp": (1_244_480, 2_153),
    "vgglike_3f_3c_2re_3mp": (359_744, 873),
    "vgglike_3f_2c_2re_2mp": (335_168, 745),
    "vgglike_2f_2c_2re_2mp": (273_088, 617),
    "vgglike_2f_1c_1re_1mp": (266_944, 553),
}
# name: (printed, by the rule)
BRAM_CELLS = {
    "vgglike_5f_4c_4re_4mp": (38, 40),
    "vgglike_5f_5c_4re_4mp_8bit": (14, 16),
    "vgglike_5f_5c_4re_4mp_6bit": (9, 11),
    "vgglike_5f_5c_4re_4mp_4bit": (6, 7),
}


@pytest.fixture(scope="module")
def printed():
    return load_thesis().set_index(["architecture", "bit_width", "pruning_percent"])


@pytest.mark.parametrize("point", UNPRUNED, ids=lambda point: point.name)
def test_appendix_a_cell_by_cell(point, printed):
    row = printed.loc[(point.architecture, point.bit_width, 0)]
    ours = estimate_architecture(point.architecture, point.bit_width)
    assert (ours.dsp, ours.ff, ours.lut) == (row["dsp"], row["ff"], row["lut"])
    expected = BRAM_CELLS.get(point.name, (row["bram"], row["bram"]))
    assert (row["bram"], ours.bram) == expected


@pytest.mark.parametrize("name", THESIS_ARCHITECTURES)
def test_sizes_and_names(name):
    layers = count_architecture(name)
    weights, biases = (sum(getattr(x, k) for x in layers) for k in ("weights", "biases"))
    assert (weights, biases) == SIZES[name]
    kinds = [layer.kind for layer in layers]
    fully, convs, relus, pools = (int("".join(filter(str.isdigit, s))) for s in name.split("_")[1:])
    assert (kinds.count("linear"), kinds.count("conv"), kinds.count("pool")) == (
        fully,
        convs,
        pools,
    )
    # The name counts the classifier's rectifiers, but for 2f_2c_2re, which has one of them.
    assert relus == (2 if name == "vgglike_2f_2c_2re_2mp" else fully - 1)
    row = describe().set_index("architecture").loc[name.removeprefix("vgglike_")]
    assert (row["weights"], row["biases"]) == SIZES[name]


def test_a_pointwise_network_by_hand():
    counts = [(layer.name, layer.weights, layer.biases) for layer in count_architecture(POINTWISE)]
    assert counts == [
        ("conv1", 2 * 24, 24),
        ("conv2", 24 * 16, 16),
        ("average", 0, 0),
        ("linear1", 16 * 8, 8),
        ("linear2", 8 * 9, 9),
    ]
    # Words of 32 bits at 8 bit: weights 12, 96, 32, 18; biases 6, 4, 2, 2; the average 25 LUTs.
    assert estimate_architecture(POINTWISE, 8) == Resources(
        dsp=2 * 158, ff=2 * 158 + 14, lut=4 * 108 + 25 + 50, bram=0
    )
    # 20 % of its channels: 5 of 24, 3 of 16 and 2 of 8, none of the nine scores.
    pruned = count_architecture(POINTWISE, 20)
    assert [layer.weights for layer in pruned] == [2 * 19, 24 * 13, 0, 16 * 6, 8 * 9]


def test_a_layer_by_hand():
    assert estimate_layer(LayerCount("c", "conv", 192, 32), 32) == Resources(384, 416, 768, 0)
    assert estimate_layer(LayerCount("c", "conv", 191, 33), 6) == Resources(70, 76, 140, 0)
    assert estimate_layer(LayerCount("l", "linear", 262_144, 512), 8) == Resources(
        131_072, 131_200, 65_536, 2
    )
    assert estimate_layer(LayerCount("p", "pool", 0, 0), 6) == Resources(0, 0, 18, 0)


@pytest.mark.parametrize("bit_width", [32, 8, 6, 4])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_built_model_gives_what_its_architecture_gives(name, bit_width):
    assert estimate(build(name, bit_width)) == estimate_architecture(name, bit_width)


@pytest.mark.parametrize("percent", PRUNING_PERCENTS)
@pytest.mark.parametrize("name", ["vgglike_5f_5c_4re_4mp", "vgglike_2f_1c_1re_1mp", POINTWISE])
def test_held_masks_give_what_the_layer_sizes_give(name, percent):
    model = build(name, 6)
    prune_channels(model, percent / 100)
    assert count_model(model) == count_architecture(name, percent)
    assert estimate(model) == estimate_architecture(name, 6, percent)


def test_single_zeros_are_counted():
    model = build("vgglike_2f_1c_1re_1mp")
    with torch.no_grad():
        model.layers.linear1.weight[3, :100] = 0
        model.layers.conv1.bias[:2] = 0
    dense, ours = count_architecture(model.architecture), count_model(model)
    assert ours[0].biases == dense[0].biases - 2
    assert ours[2].weights == dense[2].weights - 100
    shares = zero_shares(ours, model.architecture)
    assert shares["conv"] == 0
    assert shares["linear"] == pytest.approx(100 / (512 * 512 + 512 * 9))


def test_grid_of_estimates_keeps_the_biases_of_the_printed_difference(printed):
    grid = estimate_grid().set_index(["architecture", "bit_width", "pruning_percent"])
    assert list(grid.index) == list(printed.index)
    # Printed: FF - DSP does not change with pruning, so biases were never pruned. Ours are.
    for bits in (32, 8):
        key = ("vgglike_5f_3c_4re_3mp", bits)
        printed_gap = [
            printed.loc[(*key, p), "ff"] - printed.loc[(*key, p), "dsp"] for p in (0, 30)
        ]
        ours = [grid.loc[(*key, p), "ff"] - grid.loc[(*key, p), "dsp"] for p in (0, 30)]
        assert printed_gap[0] == printed_gap[1] == ours[0] > ours[1]


def test_27_rows_without_loading_torch():
    code = (
        "import sys; from amrpkg.hardware import estimate_architecture;"
        "from amrpkg.grid import THESIS_GRID;"
        "from amrpkg.book.thesis import load_thesis; import amrpkg.signals.constellations;"
        "[estimate_architecture(p.architecture, p.bit_width) for p in THESIS_GRID[:27]];"
        "assert 'torch' not in sys.modules and 'brevitas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

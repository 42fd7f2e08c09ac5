"""A colour means one thing in all figures, and what has an order is told apart in grey."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from amrpkg.book.figures import plot_earned, plot_noise, style
from amrpkg.grid import PRUNING_PERCENTS
from amrpkg.records import load_grid, load_robustness

VGG, SMALL = "vgglike_2f_2c_2re_2mp", "pointwise_48_32_16"


def grey(color):
    """Relative luminance, of 1."""
    parts = np.array(to_rgb(color))
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def drawn(series):
    ax = plot_noise(load_robustness(), series).axes[0]
    return {line.get_label(): (line.get_color(), line.get_marker()) for line in ax.lines}


def test_bit_widths_and_pruning_rates_run_from_dark_to_light():
    bits = [grey(style.bit_width_color(bits)) for bits in (32, 8, 7, 6, 5, 4, 3, 2)]
    pruning = [grey(style.PRUNING_COLORS[percent]) for percent in PRUNING_PERCENTS]
    assert bits[0] == 0 and np.diff(bits).min() > 0.01 and np.diff(pruning).min() > 0.1
    meant = [*map(style.bit_width_color, (32, 8, 6, 4)), *style.PRUNING_COLORS.values()]
    assert not {color for color, _ in style.TRAINING_LOOKS.values()} & set(meant)


def test_a_training_has_its_colour_in_every_figure():
    series = {"heart": f"thesis/{VGG}_8bit", "fresh": f"streaming/{VGG}_8bit"}
    looks = drawn(series | {"ours": f"streaming/{SMALL}_8bit"})
    assert [looks[name][0] for name in series] == [style.BY_HEART, style.FRESH]
    assert looks["ours"][0] == style.OURS
    assert len({marker for _, marker in looks.values()} - {"None"}) == 3
    earned = load_grid("streaming").query("architecture == @VGG")
    legend = plot_earned(load_grid().query("architecture == @VGG"), earned).axes[0].lines
    shown = {line.get_label(): line.get_color() for line in legend}
    assert shown["learnt by heart"] == looks["heart"][0]
    assert shown["trained on fresh chunks"] == looks["fresh"][0]


@pytest.mark.parametrize("protocol", ["thesis", "streaming"])
def test_networks_that_differ_by_bit_width_have_its_colours(protocol):
    looks = drawn({"float": f"{protocol}/{VGG}", "4": f"{protocol}/{VGG}_4bit"})
    assert [looks[name][0] for name in ("float", "4")] == ["black", style.bit_width_color(4)]
    assert looks["float"][1] != looks["4"][1]

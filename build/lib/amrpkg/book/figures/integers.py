"""Figures of deployable forms over the grid: how fast, how large."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from amrpkg.book.comparison import compare_grid
from amrpkg.book.deployment import compare_speed
from amrpkg.book.figures.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PRUNING_MARKERS,
    bit_width_color,
    in_style,
    label_points,
    subplots,
)
from amrpkg.grid.points import KEYS
from amrpkg.models.architectures import ARCHITECTURES, THESIS_ARCHITECTURES, THESIS_BIT_WIDTHS
from amrpkg.records.exports import EXPORTS, load_exports
from amrpkg.records.speed import SPEED

_PLACES = np.arange(len(THESIS_BIT_WIDTHS))


@in_style
def plot_speed(batch_size: int = 32, path: Path = SPEED) -> Figure:
    """How many times as fast as the float network in PyTorch: a panel an architecture.

    The thesis's printed throughput, ours as trained and in the fastest deployable form, each
    unpruned and with 30 % of the channels pruned, in the last case taken out.
    """
    ours = compare_speed(batch_size, path)
    printed = compare_grid("throughput_chunks_per_s").set_index(KEYS)["thesis"]
    lines = {
        "thesis, printed (GPU)": (printed, 0, GREY, "x", "-"),
        "thesis, 30 % pruned": (printed, 30, GREY, "x", ":"),
        "as trained (Brevitas)": (ours["trained"], 0, ORANGE, "s", "-"),
        "30 % as zeros": (ours["trained"], 30, ORANGE, "s", ":"),
        "exported": (ours["to_eager"], 0, BLUE, "o", "-"),
        "30 % taken out": (ours["to_eager"], 30, GREEN, "^", "-"),
    }
    figure, axes = subplots(1, len(THESIS_ARCHITECTURES), figsize=(8, 3.2), sharey=True)
    for ax, name in zip(axes, THESIS_ARCHITECTURES, strict=True):
        for label, (values, percent, color, marker, style) in lines.items():
            ratios = [values.get((name, bits, percent), np.nan) for bits in THESIS_BIT_WIDTHS]
            look = {"color": color, "marker": marker, "linestyle": style, "markersize": 4}
            look["linewidth"] = 0.9
            ax.plot(_PLACES, ratios, label=label, **look)
        ax.axhline(1, color="0.3", linewidth=0.6)
        ax.set_title(ARCHITECTURES[name].short, fontsize=7)
        ax.set_xticks(_PLACES, ["float", "8", "6", "4"], fontsize=7)
        ax.grid(axis="y", color="0.9", linewidth=0.6)
    axes[0].set_yscale("log")
    axes[0].yaxis.set_major_locator(FixedLocator([0.03, 0.1, 0.3, 1, 3, 10]))
    axes[0].yaxis.set_minor_locator(NullLocator())
    axes[0].yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes[0].set_ylabel("speed, ratio to float in PyTorch\n(measured; the thesis's as printed)")
    figure.supxlabel("bit width", fontsize=9)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


@in_style
def plot_sizes(accuracies, path: Path = EXPORTS) -> Figure:
    """Bytes of every point's smallest file against its share of fresh chunks decided wrong.

    accuracies : on fresh chunks, a series with the keys for its index
    """
    rows = load_exports(path).set_index(KEYS)
    size = rows["bytes_integer"].fillna(rows["bytes_onnx"])
    wrong = 100 * (1 - accuracies.reindex(size.index))
    least = 100 / 23040 / 2  # what is drawn for none wrong: half a chunk
    figure, ax = subplots(figsize=(7, 3.8))
    for (_, bits, percent), place in zip(
        size.index, zip(size, wrong.clip(lower=least), strict=True), strict=True
    ):
        look = {"color": bit_width_color(bits), "marker": PRUNING_MARKERS[percent]}
        ax.plot(*place, linestyle="none", markersize=5, fillstyle="none", **look)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("file (bytes): packed integers, ONNX if float")
    ax.set_ylabel("fresh chunks decided wrong (%)")
    ax.axhline(0.1, color="0.5", linewidth=0.8, linestyle=":")
    look = {"color": "0.35", "fontsize": 7, "ha": "center", "va": "bottom"}
    ax.text(0.3, 0.1, "99.9 % right", transform=ax.get_yaxis_transform(), **look)
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    label_points(ax)
    figure.legend(*ax.get_legend_handles_labels(), loc="outside right center")
    return figure

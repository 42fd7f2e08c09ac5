"""Figures of the whole grid: the thesis's printed values beside ours, on shared scales.

A metric is a name of `comparison.METRICS`, `path` the record, as in `records.load_grid`.
Bit widths run from float to 4, architectures from the largest to the smallest, and a pruning
rate has the same colour and marker everywhere.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm, SymLogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import NullFormatter, NullLocator

from amrpkg.book.comparison import METRICS, SERIES, compare_grid
from amrpkg.book.figures.style import (
    GREY,
    PRUNING_COLORS,
    PRUNING_MARKERS,
    bit_width_color,
    bit_width_name,
    carry,
    in_style,
    label_points,
    name_mark,
    name_network,
    subplots,
)
from amrpkg.book.thesis import load_thesis
from amrpkg.common.arguments import require_choice
from amrpkg.grid.points import KEYS, PRUNING_PERCENTS
from amrpkg.models.architectures import ARCHITECTURES, THESIS_ARCHITECTURES, THESIS_BIT_WIDTHS
from amrpkg.records.grid import load_grid

TITLES = {"thesis": "thesis", "held": "ours, masks held", "regrowing": "ours, regrowing"}
_MACHINES = {"thesis": "GPU", "held": "CPU"}
SHORT = [ARCHITECTURES[name].short for name in THESIS_ARCHITECTURES]
BITS = [bit_width_name(bits) for bits in THESIS_BIT_WIDTHS]
PLACES = np.arange(len(THESIS_BIT_WIDTHS))
TEXT_RANGE = (4, 6)  # the thesis's text: training latency when quantised, ratio to float


@in_style
def plot_model(metric: str, architecture: str, path: Path | None = None) -> Figure:
    """Bars of one architecture: a panel a series, bit widths apart, a colour a pruning rate."""
    require_choice("architecture", architecture, THESIS_ARCHITECTURES)
    frame = compare_grid(metric, path)
    series = _filled(frame)
    figure, axes = subplots(1, len(series), figsize=(8, 2.9), sharey=True)
    for ax, name in zip(axes, series, strict=True):
        for k, percent in enumerate(PRUNING_PERCENTS):
            values = _cube(frame, name)[k][THESIS_ARCHITECTURES.index(architecture)]
            places = PLACES + 0.28 * (k - 1)
            bars = ax.bar(
                places, values, 0.26, color=PRUNING_COLORS[percent], label=f"{percent} % pruned"
            )
            ax.bar_label(bars, map(compact, values), rotation=90, fontsize=6.5, padding=2)
        for place in PLACES[np.isnan(values)]:
            look = {"rotation": 90, "color": "0.4", "fontsize": 7}
            ax.text(place, 0, " not in the grid", ha="center", va="bottom", **look)
        if metric == "training_latency_ms":
            _mark_text_range(ax)
        ax.set_title(TITLES[name])
        ax.set_xticks(PLACES, BITS)
        ax.set_xlim(-0.6, 3.6)
        ax.margins(y=0.22)
        ax.yaxis.set_major_formatter(lambda value, _: compact(value))
    axes[0].set_ylabel(METRICS[metric].label.replace(" (", "\n("))
    _legend(figure, axes[0])
    return carry(figure, frame)


@in_style
def plot_times(path: Path | None = None) -> Figure:
    """Milliseconds a batch of every point, from the largest architecture to the smallest.

    A panel a machine, the thesis's GPU and our CPU, each on a scale of its own; lines join the
    unpruned points of a bit width.
    """
    printed = load_thesis().set_index(KEYS)["inference_time_ms"]
    ours = load_grid(pruning_variant="held", path=path).set_index(KEYS)["inference_time_ms"]
    frame = pd.DataFrame({"thesis": printed, "held": ours.reindex(printed.index)}).reset_index()
    figure, axes = subplots(1, 2, figsize=(8, 3.6), sharex=True)
    for ax, name in zip(axes, ("thesis", "held"), strict=True):
        for point in frame.dropna(subset=name).to_dict("records"):
            place = THESIS_ARCHITECTURES.index(point["architecture"])
            look = {"color": bit_width_color(point["bit_width"]), "fillstyle": "none"}
            look["marker"] = PRUNING_MARKERS[point["pruning_percent"]]
            [mark] = ax.plot(place, point[name], markersize=4.5, linestyle="", **look)
            name_mark(mark, name_network(point), TITLES[name], f"{point[name]:.3g} ms")
        for bits, column in zip(THESIS_BIT_WIDTHS, _cube(frame, name)[0].T, strict=True):
            ax.plot(range(len(SHORT)), column, color=bit_width_color(bits), linewidth=0.9)
        ax.set(yscale="log", title=f"{TITLES[name]} ({_MACHINES[name]})")
        ax.yaxis.set_major_formatter(lambda value, _: compact(value))
        ax.yaxis.set_minor_formatter(NullFormatter())
        ax.set_xticks(range(len(SHORT)), [short[:5] for short in SHORT], rotation=90)
        ax.grid(axis="y", color="0.9")
    axes[0].set_ylabel("inference time, batch of 32\n(ms, measured)")
    label_points(axes[0])
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=7)
    return carry(figure, frame)


@in_style
def plot_all_models(metric: str, path: Path | None = None) -> Figure:
    """All architectures on one scale: a row of panels a series, a column an architecture."""
    frame = compare_grid(metric, path)
    series = _filled(frame)
    size = (8, 1.45 * len(series) + 0.9)
    figure, axes = subplots(len(series), len(SHORT), figsize=size, sharex=True, sharey=True)
    for row, name in zip(axes, series, strict=True):
        for ax, *lines in zip(row, *_cube(frame, name), strict=True):
            for percent, values in zip(PRUNING_PERCENTS, lines, strict=True):
                look = {
                    "color": PRUNING_COLORS[percent],
                    "marker": PRUNING_MARKERS[percent],
                    "markersize": 3.5,
                }
                ax.plot(PLACES, values, linewidth=0.9, label=f"{percent} % pruned", **look)
            if metric == "training_latency_ms":
                _mark_text_range(ax)
            ax.grid(axis="y", color="0.9", linewidth=0.6)
        row[0].set_ylabel(TITLES[name].replace(", ", ",\n"), fontsize=8)
    for ax, name in zip(axes[0], SHORT, strict=True):
        ax.set_title(name, fontsize=7)
    ax.set_xticks(PLACES, ["float", "8", "6", "4"])
    ax.set_xlim(-0.7, 3.4)
    ax.set_yscale(**_scale(metric))
    low, high = frame[series].min(axis=None) / 1.3, frame[series].max(axis=None) * 1.3
    ax.set_ylim(low or -0.3, high)
    ax.set_yticks(_ticks(low, high))
    ax.yaxis.set_major_formatter(lambda value, _: compact(value))
    ax.yaxis.set_minor_locator(NullLocator())
    for ax in axes.flat:
        ax.tick_params(axis="both", labelsize=7)
    figure.supxlabel("bit width", fontsize=9)
    figure.supylabel(METRICS[metric].label, fontsize=9)
    _legend(figure, ax)
    return carry(figure, frame)


@in_style
def plot_overview(metric: str, path: Path | None = None) -> Figure:
    """The whole grid as numbers on colours: a panel a series, one scale of colours for all."""
    frame = compare_grid(metric, path)
    series = _filled(frame)
    size = (8, 1.85 * len(series) + 0.6)
    figure, axes = subplots(len(series), 1, figsize=size, sharex=True)
    low, high = frame[series].min(axis=None), frame[series].max(axis=None)
    norm = LogNorm(low, high) if low > 0 else SymLogNorm(1, vmin=low, vmax=high)
    colors = plt.get_cmap("cividis").with_extremes(bad="0.93")
    for ax, name in zip(axes, series, strict=True):
        cells = _cube(frame, name).transpose(1, 2, 0).reshape(len(SHORT), -1)
        image = ax.imshow(cells, cmap=colors, norm=norm, aspect="auto")
        for (row, column), value in np.ndenumerate(cells):
            dark = norm(value) < 0.45
            look = {"color": "white" if dark else "black", "fontsize": 7}
            ax.text(column, row, compact(value) or "–", ha="center", va="center", **look)
        for k, bits in enumerate(BITS):
            ax.text(3 * k + 1, -0.65, bits, ha="center", va="bottom", fontsize=8)
            ax.axvline(3 * k - 0.5, color="white", linewidth=3)
        ax.set_yticks(range(len(SHORT)), SHORT, fontsize=7.5)
        ax.set_title(TITLES[name], loc="left", fontsize=9, fontweight="bold", pad=14)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
    ax.set_xticks(range(12), [f"{percent} %" for percent in PRUNING_PERCENTS] * 4, fontsize=7.5)
    ax.set_xlabel("pruning")
    place = {"ax": axes, "aspect": 40, "ticks": _ticks(low, high)}
    bar = figure.colorbar(image, label=METRICS[metric].label, **place)
    bar.ax.yaxis.set_major_formatter(lambda value, _: compact(value))
    bar.minorticks_off()
    return carry(figure, frame)


@in_style
def plot_overview_3d(metric: str, path: Path | None = None) -> Figure:
    """Architecture, bit width and value as axes, a layer a pruning rate: thesis, masks held."""
    frame = compare_grid(metric, path)
    series = [name for name in _filled(frame) if name != "regrowing"]
    size, space = (4 * len(series), 4), {"projection": "3d"}
    figure, axes = subplots(1, len(series), figsize=size, subplot_kw=space, squeeze=False)
    log = _scale(metric)["value"] == "log" and not METRICS[metric].to_float
    x, y = np.meshgrid(range(len(SHORT)), PLACES, indexing="ij")
    for ax, name in zip(axes.flat, series, strict=True):
        for percent, layer in zip(PRUNING_PERCENTS, _cube(frame, name), strict=True):
            z, look = np.log10(layer) if log else layer, {"color": PRUNING_COLORS[percent]}
            ax.plot_surface(
                x, y, z, alpha=0.15, edgecolor=PRUNING_COLORS[percent], linewidth=0.7, **look
            )
            ax.scatter(x, y, z, s=6, depthshade=False, **look)
        ax.set_title(TITLES[name], y=0.97)
        ax.set_xticks(range(len(SHORT)), SHORT, fontsize=5.5, rotation=38, ha="right", va="top")
        ax.set_yticks(PLACES, BITS, fontsize=6.5)
        ax.tick_params(axis="x", pad=-5)
        ax.tick_params(axis="y", pad=-3)
        ax.tick_params(axis="z", pad=1, labelsize=7)
        ax.view_init(elev=24, azim=-52)
        ax.set_box_aspect(None, zoom=1.05)
    low, high = frame[series].min(axis=None), frame[series].max(axis=None)
    for ax in axes.flat:
        if log:
            ticks = _ticks(low, high)
            ax.set_zticks(np.log10(ticks), map(compact, ticks))
        ax.set_zlim(*(np.log10([low, high]) if log else (0, high)))
    figure.supxlabel(f"height: {METRICS[metric].label}", fontsize=9)
    layers = [
        Patch(color=color, label=f"{rate} % pruned") for rate, color in PRUNING_COLORS.items()
    ]
    figure.legend(handles=layers, loc="outside upper center", ncols=3, frameon=False)
    return carry(figure, frame)


def _filled(frame: pd.DataFrame) -> list[str]:
    """The series with a value: the thesis prints no training latency."""
    return [name for name in SERIES if frame[name].notna().any()]


def _cube(frame: pd.DataFrame, name: str) -> np.ndarray:
    """A series as [pruning rate, architecture, bit width]; NaN where there is no point."""
    keys = ["pruning_percent", "architecture", "bit_width"]
    points = pd.MultiIndex.from_product(
        [PRUNING_PERCENTS, THESIS_ARCHITECTURES, THESIS_BIT_WIDTHS], names=keys
    )
    values = frame.set_index(keys)[name].reindex(points).to_numpy(dtype=float)
    return values.reshape(len(PRUNING_PERCENTS), len(THESIS_ARCHITECTURES), len(THESIS_BIT_WIDTHS))


def _scale(metric: str) -> dict:
    """Of an axis: values span decades; small models have no block RAM."""
    return {"value": "symlog", "linthresh": 1} if metric == "bram" else {"value": "log"}


def _ticks(low: float, high: float) -> list[float]:
    """1, 2, 5, 10, ... between the limits; from 0, which no logarithm has, 0 and then 1."""
    least = low if low > 0 else 1
    steps = [step * 10.0**power for power in range(-3, 8) for step in (1, 2, 5)]
    return ([] if low > 0 else [0.0]) + [step for step in steps if least <= step <= high]


def _mark_text_range(ax) -> None:
    """The thesis prints no table of the training latency; its text names a range."""
    ax.fill_between([0.55, 3.45], *TEXT_RANGE, color=GREY, alpha=0.3, linewidth=0, zorder=0)


def _legend(figure: Figure, ax) -> None:
    handles, labels = ax.get_legend_handles_labels()
    if ax.collections:
        handles, labels = [*handles, *ax.collections], [*labels, "thesis's text: 4 to 6"]
    figure.legend(handles, labels, loc="outside upper center", ncols=4, frameon=False)


def compact(value: float) -> str:
    """Three digits at most: 4.52M, 848k, 0.13; nothing for NaN."""
    if np.isnan(value):
        return ""
    for factor, unit in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= 0.9995 * factor:
            return f"{value / factor:.3g}{unit}"
    return f"{value:.3g}"

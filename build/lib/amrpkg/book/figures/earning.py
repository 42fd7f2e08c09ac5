"""Figures of accuracy that is earned: error rates on fresh chunks, on a logarithmic scale."""

import pandas as pd
from matplotlib.figure import Figure

from amrpkg.book.figures.style import (
    BY_HEART,
    FRESH,
    PRUNING_MARKERS,
    bit_width_color,
    bit_width_name,
    in_style,
    label_points,
    label_pruning,
    subplots,
)
from amrpkg.evaluation.decisions import binomial_interval
from amrpkg.grid.points import PRUNING_PERCENTS
from amrpkg.models.architectures import ARCHITECTURES, THESIS_ARCHITECTURES, THESIS_BIT_WIDTHS

_OFFSETS = dict(zip(PRUNING_PERCENTS, (-0.25, 0, 0.25), strict=True))  # within a column


def _mark_errors(ax, x: float, row: pd.Series, **look) -> None:
    """The share of wrong decisions with its exact interval; no error at all: the upper bound."""
    low, high = (1 - bound for bound in binomial_interval(row["fresh_correct"], row["fresh_count"]))
    look |= {"marker": PRUNING_MARKERS[row["pruning_percent"]], "linestyle": ""}
    wrong = 1 - row["fresh_correct"] / row["fresh_count"]
    if wrong:
        ax.plot([x, x], [100 * low, 100 * high], color=look["color"], linewidth=3, alpha=0.3)
        ax.plot(x, 100 * wrong, **look)
    else:
        ax.plot(x, 100 * low, **look | {"marker": "v", "fillstyle": "none"})


def _target(ax) -> None:
    ax.axhline(0.1, color="0.4", linestyle="--", linewidth=0.8)
    ax.set_ylim(bottom=2e-3)  # an interval may go down to nothing


@in_style
def plot_earned(memorised: pd.DataFrame, earned: pd.DataFrame) -> Figure:
    """Wrong decisions on fresh chunks over the grid, a panel a bit width, a column an architecture.

    memorised, earned : recorded series (`records.load_grid`) of two protocols
    """
    figure, axes = subplots(1, len(THESIS_BIT_WIDTHS), figsize=(9, 3.8), sharey=True)
    names = list(dict.fromkeys(earned["architecture"]))
    heart, fresh = {"color": BY_HEART, "fillstyle": "none"}, {"color": FRESH}
    for ax, bits in zip(axes, THESIS_BIT_WIDTHS, strict=True):
        for grid, look in ((memorised, heart), (earned, fresh)):
            for _, row in grid[grid["bit_width"] == bits].iterrows():
                x = names.index(row["architecture"]) + _OFFSETS[row["pruning_percent"]]
                _mark_errors(ax, x, row, markersize=4, **look)
        ax.set(yscale="log", title=bit_width_name(bits))
        _target(ax)
        short = [ARCHITECTURES[name].short[:5] for name in names]
        ax.set_xticks(range(len(names)), short, rotation=90)
        ax.grid(axis="y", color="0.9")
    axes[0].set_ylabel("wrong on fresh chunks (%)")
    for look, label in ((heart, "learnt by heart"), (fresh, "trained on fresh chunks")):
        axes[0].plot([], [], "o", label=label, **look)
    label_pruning(axes[0])
    figure.legend(loc="outside upper center", ncols=5, frameon=False)
    return figure


@in_style
def plot_size(runs: pd.DataFrame) -> Figure:
    """Wrong decisions on fresh chunks against non-zero weights, a colour a bit width.

    runs : rows of the record, of any family; hollow marks for the thesis's architectures
    """
    figure, ax = subplots(figsize=(8, 4))
    for _, row in runs.iterrows():
        style = "none" if row["architecture"] in THESIS_ARCHITECTURES else "full"
        look = {"color": bit_width_color(row["bit_width"]), "markersize": 5, "fillstyle": style}
        _mark_errors(ax, row["nonzero_weights"], row, **look)
    ax.set(xscale="log", yscale="log")
    _target(ax)
    ax.set(xlabel="weights that are not zero", ylabel="wrong on fresh chunks (%)")
    ax.grid(color="0.9")
    label_points(ax, sorted(runs["bit_width"].unique(), reverse=True))
    ax.plot([], [], "v", color="0.3", fillstyle="none", label="no mistake: upper bound")
    figure.legend(loc="outside upper center", ncols=4, frameon=False, fontsize=8)
    return figure

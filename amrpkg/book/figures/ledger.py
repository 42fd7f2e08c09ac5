"""Figures of chapter 7: what holds."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from amrpkg.book.figures.style import (
    PRUNING_MARKERS,
    bit_width_color,
    carry,
    in_style,
    label_points,
    name_mark,
    name_network,
    subplots,
)
from amrpkg.grid.points import KEYS
from amrpkg.models.architectures import ARCHITECTURES


@in_style
def plot_regrowth(savings: pd.DataFrame) -> Figure:
    """DSP blocks saved when weights may grow back against those the thesis prints, by point.

    savings : of `compare_savings`
    """
    figure, ax = subplots(figsize=(5.6, 4.2))
    for (bits, percent), rows in savings.groupby(level=["bit_width", "pruning_percent"]):
        look = {"color": bit_width_color(bits), "marker": PRUNING_MARKERS[percent]}
        ax.plot(rows["thesis"], rows["regrowing"], alpha=0.8, linestyle="", **look)
    ax.axline((0, 0), slope=1, color="0.2", linestyle=":", label="equal")
    label_points(ax, percents=savings.index.unique("pruning_percent"))
    ax.set(xlabel="DSP blocks saved, thesis's tables (%)", ylabel="saved here, regrowing (%)")
    ax.set(xlim=(-1, 33), ylim=(-1, 33))
    ax.grid(color="0.9")
    figure.legend(loc="outside right upper", frameon=False)
    return carry(figure, savings.reset_index())


@in_style
def plot_seeds(rows: pd.DataFrame) -> Figure:
    """Accuracy on fresh chunks of each point from its lowest seed to its highest, a bar a point.

    rows : of `compare_seeds`
    """
    drawn = rows.groupby(KEYS, sort=False)["fresh_accuracy"].agg(["min", "median", "max"])
    order = {"by": ["pruning_percent", "bit_width"], "ascending": [True, False]}
    drawn = (100 * drawn).reset_index().sort_values(**order)
    names = list(dict.fromkeys(rows["architecture"]))
    figure, ax = subplots(figsize=(7, 3.4))
    for place, name in enumerate(names):
        points = drawn[drawn["architecture"] == name]
        at = place + np.linspace(-0.36, 0.36, len(points))
        for x, (_, row) in zip(at, points.iterrows(), strict=True):
            color = bit_width_color(row["bit_width"])
            look = {"color": color, "marker": PRUNING_MARKERS[row["pruning_percent"]]}
            ax.plot([x, x], [row["min"], row["max"]], color=color, linewidth=1.2)
            (mark,) = ax.plot(x, row["median"], markersize=4, **look)
            said = f"{row['min']:.1f} to {row['max']:.1f} % of fresh chunks"
            name_mark(mark, name_network(row), said)
    label_points(ax)
    ax.set_xticks(range(len(names)), [ARCHITECTURES[name].short for name in names], rotation=15)
    ax.set_ylabel("fresh chunks right (%)")
    ax.grid(color="0.9", axis="y")
    figure.legend(loc="outside right upper", frameon=False)
    return carry(figure, drawn)

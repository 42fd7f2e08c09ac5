"""Figures of chapter 7: what holds."""

import pandas as pd
from matplotlib.figure import Figure

from amrpkg.book.figures.style import (
    PRUNING_MARKERS,
    bit_width_color,
    in_style,
    label_points,
    subplots,
)


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
    label_points(ax)
    ax.set(xlabel="DSP blocks saved, thesis's tables (%)", ylabel="saved here, regrowing (%)")
    ax.set(xlim=(-1, 33), ylim=(-1, 33))
    ax.grid(color="0.9")
    figure.legend(loc="outside right upper", frameon=False)
    return figure

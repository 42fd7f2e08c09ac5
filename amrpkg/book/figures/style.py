"""The look that all figures of the book share."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import IO

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from amrpkg.grid.points import PRUNING_PERCENTS
from amrpkg.models.architectures import ARCHITECTURES, THESIS_BIT_WIDTHS

# Colour-blind safe. One map for what is trained how, one for bit widths, one for pruning rates; the
# last two run from dark to light, so that grey tells them apart too.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#8a8a8a"
PINK, SKY = "#CC79A7", "#56B4E9"
BY_HEART, FRESH, OURS = ORANGE, BLUE, GREEN  # the thesis's networks under two trainings, and ours
TRAINING_LOOKS = {
    # protocol, whether the network is one of the thesis's -> colour, marker
    ("thesis", True): (BY_HEART, "x"),
    ("streaming", True): (FRESH, "o"),
    ("streaming", False): (OURS, "s"),
    ("ranging", False): (PINK, "^"),
    ("offsets", False): (SKY, "D"),
}
_FLOAT = "black"
# From 8 bits down to 2: plasma, without its darkest and lightest.
_BY_BITS = ("#5901a5", "#8305a7", "#a82296", "#c8437b", "#e16462", "#f68f44", "#fdc527")
MARKERS = "os^Dv"  # of lines that are told apart by nothing else but colour
PRUNING_COLORS = dict(zip(PRUNING_PERCENTS, ("#0b3c5d", "#3a8fb7", "#8cc6de"), strict=True))
PRUNING_MARKERS = dict(zip(PRUNING_PERCENTS, "os^", strict=True))
STYLE = {
    "figure.dpi": 110,
    "font.size": 9,
    "axes.facecolor": "none",  # the ground of the page
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.constrained_layout.use": True,
}


def in_style(plot: Callable[..., Figure]) -> Callable[..., Figure]:
    """Draw in the book's style and leave the caller's matplotlib settings alone."""

    @wraps(plot)
    def styled(*args, **kwargs):
        with plt.rc_context(STYLE):
            return plot(*args, **kwargs)

    return styled


def bit_width_name(bit_width: int) -> str:
    """What figures call a bit width: "float" or "8 bit"."""
    return "float" if bit_width == 32 else f"{bit_width} bit"


def bit_width_color(bit_width: int) -> str:
    """The colour of a bit width in all figures: float, or of two to eight bits."""
    return _FLOAT if bit_width == 32 else _BY_BITS[8 - bit_width]


def label_points(
    ax,
    bit_widths: Iterable[int] = THESIS_BIT_WIDTHS,
    percents: Iterable[int] = tuple(PRUNING_MARKERS),
) -> None:
    """Legend entries for the colours of bit widths and the markers of pruning rates."""
    for bits in bit_widths:
        ax.plot([], [], "o", color=bit_width_color(bits), label=bit_width_name(bits))
    label_pruning(ax, percents)


def label_pruning(ax, percents: Iterable[int] = tuple(PRUNING_MARKERS)) -> None:
    """Legend entries for the markers of pruning rates."""
    for percent in percents:
        marker = PRUNING_MARKERS[percent]
        ax.plot([], [], marker, color="0.3", fillstyle="none", label=f"{percent} % pruned")


def carry(figure: Figure, data: pd.DataFrame) -> Figure:
    """Have a figure hold the table that it draws; the book gives it to its readers as CSV."""
    figure.data = data
    return figure


def name_mark(mark, network: str, *said: str) -> None:
    """Have a mark say in its SVG what it stands for; the book's pages tell it to a pointer."""
    mark.set_gid(f"{network}: {', '.join(said)}")


def name_network(row: pd.Series) -> str:
    """What a mark calls a network: architecture, bit width and, if pruned, the rate."""
    known = ARCHITECTURES.get(row["architecture"])
    pruned = f", {row['pruning_percent']} % pruned" if row["pruning_percent"] else ""
    short = known.short if known else row["architecture"]
    return f"{short}, {bit_width_name(row['bit_width'])}{pruned}"


def save_svg(figure: Figure, file: IO[bytes], **options) -> None:
    """Write a figure so that the same one gives the same bytes, and letters need no font.

    options : of ``Figure.savefig``. The table that the figure carries stands in the description.
    """
    data = getattr(figure, "data", None)
    said = {} if data is None else {"Description": data.to_csv(index=False)}
    with plt.rc_context({"svg.hashsalt": "amrpkg", "svg.fonttype": "path"}):
        figure.savefig(file, format="svg", metadata={"Date": None, **said}, **options)


def subplots(*args, **kwargs):
    """``plt.subplots``, taken off pyplot's list, or a notebook would show the figure twice."""
    figure, axes = plt.subplots(*args, **kwargs)
    plt.close(figure)
    return figure, axes

"""The look that all figures of the book share."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import IO

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from amrpkg.grid.points import PRUNING_PERCENTS
from amrpkg.models.architectures import THESIS_BIT_WIDTHS

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
PRUNING_COLORS = dict(zip(PRUNING_PERCENTS, ("#0b3c5d", "#3a8fb7", "#a9d6e5"), strict=True))
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


def label_points(ax, bit_widths: Iterable[int] = THESIS_BIT_WIDTHS) -> None:
    """Legend entries for the colours of bit widths and the markers of pruning rates."""
    for bits in bit_widths:
        ax.plot([], [], "o", color=bit_width_color(bits), label=bit_width_name(bits))
    label_pruning(ax)


def label_pruning(ax) -> None:
    """Legend entries for the markers of pruning rates."""
    for percent, marker in PRUNING_MARKERS.items():
        ax.plot([], [], marker, color="0.3", fillstyle="none", label=f"{percent} % pruned")


def save_svg(figure: Figure, file: IO[bytes]) -> None:
    """Write a figure so that the same one gives the same bytes, and letters need no font."""
    with plt.rc_context({"svg.hashsalt": "amrpkg", "svg.fonttype": "path"}):
        figure.savefig(file, format="svg", metadata={"Date": None})


def subplots(*args, **kwargs):
    """``plt.subplots``, taken off pyplot's list, or a notebook would show the figure twice."""
    figure, axes = plt.subplots(*args, **kwargs)
    plt.close(figure)
    return figure, axes

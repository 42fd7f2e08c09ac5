"""The look that all figures of the book share."""

from collections.abc import Callable
from functools import wraps

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#8a8a8a"  # colour-blind safe
STYLE = {
    "figure.dpi": 110,
    "font.size": 9,
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


def subplots(*args, **kwargs):
    """``plt.subplots``, taken off pyplot's list, or a notebook would show the figure twice."""
    figure, axes = plt.subplots(*args, **kwargs)
    plt.close(figure)
    return figure, axes

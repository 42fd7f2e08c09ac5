"""The figure that the book opens with. Captions stand with the pages that show it."""

import pandas as pd
from matplotlib.figure import Figure

from amrpkg.book.figures.style import BY_HEART, FRESH, OURS, in_style, subplots
from amrpkg.book.story import DEVICES, GOAL, HEART, POINTWISE, STREAMED, SYMBOL_WISE
from amrpkg.evaluation.bounds import recorded_ceiling
from amrpkg.evaluation.decisions import binomial_interval

_LOOKS = {
    HEART: {"color": BY_HEART, "marker": "x"},
    STREAMED: {"color": FRESH, "marker": "o", "fillstyle": "none"},
    POINTWISE: {"color": OURS, "marker": "s"},
    SYMBOL_WISE: {"color": OURS, "marker": "D", "fillstyle": "none"},
}
_NONE_WRONG = "v"
_SYNTHESISED = {"marker": "*", "markersize": 10, "fillstyle": "full"}


@in_style
def plot_story(story: pd.DataFrame) -> Figure:
    """Wrong decisions against look-up tables, a mark a network; `story` as of `tell_story`.

    A network without a mistake stands at the upper bound of its interval, as the ceiling does.
    Every mark carries the name of its series and network for an id. Large letters: on a phone
    the figure is as wide as the screen.
    """
    figure, ax = subplots(figsize=(5.6, 6.6))
    for row in story.itertuples():
        look = {"markersize": 6, "markeredgewidth": 1.2, **_LOOKS[row.series]}
        if not row.wrong:
            look["marker"] = _NONE_WRONG
        [mark] = ax.plot(row.lut, 100 * (row.wrong or row.high), linestyle="", **look)
        mark.set_gid(f"{row.series}: {row.network}")
        if row.synthesised_lut > 0:
            ends = [row.lut, row.synthesised_lut], [mark.get_ydata()[0]] * 2
            ax.plot(*ends, color=look["color"], linewidth=0.8, alpha=0.6)
            look |= _SYNTHESISED
            [mark] = ax.plot(ends[0][1], ends[1][1], linestyle="", **look)
            mark.set_gid(f"synthesised: {row.network}")
    for series, look in _LOOKS.items():
        ax.plot([], [], linestyle="", label=series, **look)
    ax.plot([], [], _NONE_WRONG, color="0.3", label="no mistake: upper bound")
    if story["synthesised_lut"].notna().any():
        ax.plot([], [], color="0.3", linestyle="", label="the same, synthesised", **_SYNTHESISED)
    ceiling = recorded_ceiling()
    bound = 1 - binomial_interval(ceiling.correct, ceiling.count)[0]
    small = {"fontsize": 11, "color": "0.25"}
    at_right = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "ha": "right"}
    ax.axhline(100 * GOAL, color="0.25", linestyle="--", linewidth=1, zorder=0)
    goal = f"{100 * (1 - GOAL):g} %\nright"
    ax.annotate(goal, (1, 100 * GOAL), (0, 3), va="bottom", **at_right, **small)
    ax.axhline(100 * bound, color="0.25", linewidth=1, zorder=0)
    text = "the ceiling is below: no mistake"
    ax.annotate(text, (1, 2.2e-3), (-2, 0), va="bottom", **at_right, **small)
    for name, device in DEVICES.items():
        ax.axvline(device.lut, color="0.45", linestyle=":", linewidth=1.2, zorder=0)
        place = {"rotation": 90, "ha": "right", "va": "top"}
        ax.text(device.lut / 1.05, 95, f"{name}: {device.lut:,}", **place, **small)
    ax.set(xscale="log", yscale="log", ylim=(2e-3, 110), xlim=(25, 3e7))
    ax.set_xlabel("look-up tables (LUT), an estimate", fontsize=12)
    ax.set_ylabel("wrong on fresh chunks (%)", fontsize=12)
    ax.yaxis.set_major_formatter("{x:g}")
    ax.tick_params(labelsize=11)
    figure.legend(loc="outside upper left", frameon=False, fontsize=12)
    return figure

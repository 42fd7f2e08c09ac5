"""Figures of networks across noise powers, and of what the number of distinct chunks does."""

import pandas as pd
from matplotlib.figure import Figure

from amrpkg.book.figures.style import (
    BLUE,
    GREEN,
    MARKERS,
    ORANGE,
    PINK,
    bit_width_name,
    carry,
    in_style,
    subplots,
)
from amrpkg.evaluation.decisions import binomial_interval
from amrpkg.models.architectures import ARCHITECTURES

_COLORS = {"told": BLUE, "taught": GREEN, "centred": PINK, "blind": ORANGE}
_MARKERS = {8: "o", 4: "s"}


@in_style
def plot_ratios(rows: pd.DataFrame) -> Figure:
    """Accuracy over the ceiling that knows as much, against the noise power; a line a network.

    rows : ``network`` (a key of `_COLORS`), ``bit_width`` (8 or 4), ``noise_power``, ``ratio``;
        of several seeds the median is drawn and each is a mark
    """
    figure, ax = subplots(figsize=(7, 3.6))
    for (network, bits), part in rows.groupby(["network", "bit_width"], sort=False):
        color, marker = _COLORS[network], _MARKERS[bits]
        ax.plot(part["noise_power"], part["ratio"], marker, color=color, markersize=4)
        middle = part.groupby("noise_power")["ratio"].median()
        style, label = "-" if bits == 8 else "--", f"{network}, {bit_width_name(bits)}"
        ax.plot(middle.index, middle, style, marker=marker, color=color, markersize=4, label=label)
    ax.axhline(1, color="0.2", linewidth=0.8)
    ax.set(xscale="log", xlabel="$N_a$", ylabel="accuracy over its ceiling")
    powers = sorted(rows["noise_power"].unique())
    ax.set_xticks(powers, [f"{power:g}" for power in powers])
    ax.minorticks_off()
    ax.grid(color="0.9")
    figure.legend(loc="outside upper center", ncols=4, frameon=False)
    return carry(figure, rows[["network", "bit_width", "noise_power", "ratio"]])


@in_style
def plot_learning(rows: pd.DataFrame) -> Figure:
    """Wrong decisions on fresh chunks against the distinct chunks trained on; bands are exact.

    rows : as of `records.load_learning`, a line for each network and number of steps
    """
    figure, ax = subplots(figsize=(7, 3.8))
    names = rows["architecture"].unique()
    looks = zip((GREEN, ORANGE, BLUE), MARKERS, strict=False)
    looks = dict(zip(names, looks, strict=False))
    styles = dict(zip(sorted(rows["steps"].unique()), ("--", "-", ":"), strict=False))
    for (name, steps), part in rows.groupby(["architecture", "steps"], sort=False):
        part = part.sort_values("chunks")
        wrong = 100 * (1 - part["fresh_correct"] / part["fresh_count"])
        counts = part[["fresh_correct", "fresh_count"]].itertuples(index=False)
        low, high = zip(*(binomial_interval(*pair) for pair in counts), strict=True)
        band = [[100 * (1 - bound) for bound in bounds] for bounds in (high, low)]
        color, marker = looks[name]
        label = f"{ARCHITECTURES[name].short}, {steps:,} steps"
        look = f"{marker}{styles[steps]}"
        ax.plot(part["chunks"], wrong, look, color=color, markersize=4, label=label)
        ax.fill_between(part["chunks"], *band, color=color, alpha=0.25, linewidth=0)
    ax.set(xscale="log", yscale="log")
    ax.set(xlabel="distinct chunks trained on", ylabel="wrong on fresh chunks (%)")
    ax.grid(color="0.9")
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    return carry(figure, rows[["architecture", "steps", "chunks", "fresh_correct", "fresh_count"]])

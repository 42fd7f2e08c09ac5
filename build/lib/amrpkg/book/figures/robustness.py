"""Figures of the robustness record: lines are accuracies, bands their exact 95 % intervals.

`series` maps what the legend says to the name of a classifier in the record, at most five: in the
colours of bit widths where only these differ, else in those of the trainings. The ceiling is drawn
with every figure; dashed is the one that is not told of the impairment.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from amrpkg.book.figures.style import (
    GREY,
    MARKERS,
    TRAINING_LOOKS,
    bit_width_color,
    in_style,
    subplots,
)
from amrpkg.common.arguments import require_choice
from amrpkg.evaluation.conditions import UNITS
from amrpkg.models.architectures import THESIS_ARCHITECTURES
from amrpkg.records.robustness import CEILING, UNMATCHED
from amrpkg.signals.chunks import CHUNK_SIZE, NOISE_POWER

PANELS = ("gain", "rotation", "frequency offset", "other shape", "chunk size")
CHANCE = 100 / 9
# Where the thesis's own condition stands on an axis; a logarithmic one has no zero.
_THESIS = {"gain": 0.0, "rotation": 0.0, "chunk size": float(CHUNK_SIZE), "other shape": 0.0}


@in_style
def plot_noise(rows: pd.DataFrame, series: Mapping[str, str]) -> Figure:
    """Accuracy over Es/N0; `rows` as of `robustness.measure`.

    Raises ``ValueError`` for a classifier that `rows` does not hold and more than five.
    """
    figure, ax = subplots(figsize=(7.5, 3.8))
    _panel(ax, rows, "noise", _looks(rows, series))
    ax.axvline(-10 * np.log10(NOISE_POWER), color=GREY, linestyle=":", label="the thesis's noise")
    figure.legend(loc="outside upper center", ncols=4, frameon=False)
    return figure


@in_style
def plot_impairments(rows: pd.DataFrame, series: Mapping[str, str]) -> Figure:
    """Small multiples at the thesis's noise: a panel a kind of condition, one scale of accuracy.

    Raises as `plot_noise`.
    """
    figure, axes = subplots(2, 3, figsize=(8, 4.8), sharey=True)
    looks = _looks(rows, series)
    for ax, name in zip(axes.flat, PANELS, strict=False):
        _panel(ax, rows, name, looks)
    for ax, name in zip(axes.flat, PANELS, strict=False):
        if name == "frequency offset":
            ax.set_xscale("log")
        if name == "chunk size":
            ax.set_xscale("log", base=2)
            ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        if name == "other shape":
            ax.set_xticks(range(3), ["none", "8QAM\n4 x 2", "32QAM\ncross"])
            ax.set(xlabel="class with another shape", xlim=(-0.3, 2.3))
    handles, labels = axes.flat[0].get_legend_handles_labels()
    axes.flat[-1].axis("off")
    axes.flat[-1].legend(handles, labels, loc="center", frameon=False)
    return figure


def _looks(rows: pd.DataFrame, series: Mapping[str, str]) -> list[tuple[str, str, dict]]:
    """(label, classifier, how to draw it), the ceilings first."""
    if len(series) > (most := len(TRAINING_LOOKS)):
        raise ValueError(f"series has {len(series)} entries; allowed: at most {most}")
    for classifier in series.values():
        require_choice("series", classifier, list(rows["classifier"].unique()))
    looks = [("ceiling", CEILING, {"color": "0.2"})]
    looks.append(("ceiling, not told", UNMATCHED, {"color": "0.2", "linestyle": "--"}))
    marks = _marks(rows.drop_duplicates("classifier").set_index("classifier").loc[series.values()])
    for (label, classifier), (color, marker) in zip(series.items(), marks, strict=False):
        looks.append((label, classifier, {"color": color, "marker": marker, "markersize": 4}))
    return looks


def _marks(networks: pd.DataFrame) -> list[tuple[str, str]]:
    """Colour and marker of each: by bit widths, by trainings, or, if neither tells, in a row."""
    if len(networks[["architecture", "protocol"]].drop_duplicates()) == 1 < len(networks):
        return list(
            zip(map(bit_width_color, networks["bit_width"].astype(int)), MARKERS, strict=False)
        )
    theirs = networks["architecture"].isin(THESIS_ARCHITECTURES)
    trainings = list(zip(networks["protocol"], theirs, strict=True))
    if len(set(trainings)) == len(trainings) and TRAINING_LOOKS.keys() >= set(trainings):
        return [TRAINING_LOOKS[training] for training in trainings]
    return list(TRAINING_LOOKS.values())


def _panel(ax, rows, name, looks) -> None:
    for label, classifier, look in looks:
        part = rows[(rows["classifier"] == classifier) & (rows["condition"] == name)]
        if name in _THESIS and len(part):
            # Without an impairment there is nothing not to be told of.
            usual = rows[rows["classifier"] == (CEILING if classifier == UNMATCHED else classifier)]
            usual = usual[usual["condition"] == "thesis"].assign(value=_THESIS[name])
            part = pd.concat([part, usual]).sort_values("value")
        if not len(part):  # a network of one chunk size; noise is never unknown
            continue
        share = 100 * part["correct"] / part["count"]
        x = range(len(part)) if name == "other shape" else part["value"]
        ax.plot(x, share, linewidth=1.1, label=label, **look)
        band = {"color": look["color"], "alpha": 0.25, "linewidth": 0}
        ax.fill_between(x, 100 * part["low"], 100 * part["high"], **band)
    ax.axhline(CHANCE, color=GREY, linewidth=0.8, linestyle="-.", label="chance")
    ax.set(xlabel=UNITS[name], ylim=(0, 103))
    if ax.get_subplotspec().is_first_col():
        ax.set_ylabel("fresh chunks right (%)")
    ax.grid(color="0.9")

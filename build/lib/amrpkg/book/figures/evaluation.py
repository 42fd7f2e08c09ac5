"""Figures of decisions and accuracies. Captions stand in the chapters."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from amrpkg.book.figures.style import BLUE, ORANGE, in_style, subplots
from amrpkg.evaluation.bounds import recorded_ceiling
from amrpkg.evaluation.decisions import binomial_interval
from amrpkg.signals.constellations import CONSTELLATIONS


@in_style
def plot_confusion(confusion: np.ndarray) -> Figure:
    """Rows: true modulation, in percent of its chunks; empty cells are below 0.5 %."""
    percent = 100 * confusion / confusion.sum(axis=1, keepdims=True)
    names = list(CONSTELLATIONS)
    figure, ax = subplots(figsize=(6, 5))
    image = ax.imshow(percent, cmap="Blues", vmin=0, vmax=100)
    for (row, column), value in np.ndenumerate(percent):
        if value >= 0.5:
            color = "white" if value > 55 else "black"
            ax.text(column, row, f"{value:.0f}", ha="center", va="center", color=color, fontsize=8)
    ax.set_xticks(range(len(names)), names, rotation=45, ha="right")
    ax.set_yticks(range(len(names)), names)
    ax.set(xlabel="decision", ylabel="true modulation")
    figure.colorbar(image, label="share of the true modulation's chunks (%)")
    return figure


@in_style
def plot_accuracies(accuracies: pd.DataFrame) -> Figure:
    """Accuracies with exact 95 % intervals, a row a run.

    accuracies : index: the runs; columns ``training_correct``, ``training_count``,
        ``fresh_correct``, ``fresh_count``
    """
    figure, ax = subplots(figsize=(7.5, 0.22 * len(accuracies) + 1.2))
    for data, color, marker in (("training", ORANGE, "|"), ("fresh", BLUE, "d")):
        correct, count = accuracies[f"{data}_correct"], accuracies[f"{data}_count"]
        intervals = [binomial_interval(*pair) for pair in zip(correct, count, strict=True)]
        for row, (low, high) in enumerate(intervals):
            ax.plot([100 * low, 100 * high], [row, row], color=color, linewidth=4, alpha=0.5)
        share = 100 * correct / count
        look = {"color": color, "markersize": 8 if marker == "|" else 4}
        ax.plot(share, range(len(share)), marker, label=f"{data} chunks", **look)
    best = 100 * recorded_ceiling().accuracy
    ax.axvline(best, color="0.2", linestyle=":", label="ceiling on fresh chunks")
    ax.set_yticks(range(len(accuracies)), accuracies.index)
    ax.set(xlabel="accuracy (%)", xlim=(None, 101), ylim=(len(accuracies) - 0.4, -0.6))
    ax.grid(axis="x", color="0.9")
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    return figure

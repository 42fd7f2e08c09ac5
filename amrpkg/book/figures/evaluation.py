"""Figures of decisions and accuracies. Captions stand in the chapters."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from amrpkg.book.figures.style import BLUE, ORANGE, bit_width_name, carry, in_style, subplots
from amrpkg.evaluation.bounds import recorded_ceiling
from amrpkg.evaluation.decisions import binomial_interval
from amrpkg.models.architectures import ARCHITECTURES
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
    table = pd.DataFrame(confusion, columns=names)
    table.insert(0, "true modulation", names)
    return carry(figure, table)


@in_style
def plot_accuracies(accuracies: pd.DataFrame) -> Figure:
    """Accuracies with exact 95 % intervals, a row a run.

    accuracies : index: the runs; columns ``training_correct``, ``training_count``,
        ``fresh_correct``, ``fresh_count``; with the keys of points the runs of an architecture
        stand together below its name
    """
    names = list(accuracies.index)
    heads = []
    if "architecture" in accuracies and len(accuracies) > 1:
        accuracies, names, heads = _group(accuracies)
    rows = [row for row in range(len(names)) if row not in heads]
    figure, ax = subplots(figsize=(7.5, (0.17 if heads else 0.22) * len(names) + 1.2))
    for data, color, marker in (("training", ORANGE, "|"), ("fresh", BLUE, "d")):
        correct, count = accuracies[f"{data}_correct"], accuracies[f"{data}_count"]
        intervals = [binomial_interval(*pair) for pair in zip(correct, count, strict=True)]
        for row, (low, high) in zip(rows, intervals, strict=True):
            ax.plot([100 * low, 100 * high], [row, row], color=color, linewidth=4, alpha=0.5)
        share = 100 * correct / count
        look = {"color": color, "markersize": 8 if marker == "|" else 4}
        ax.plot(share, rows, marker, label=f"{data} chunks", **look)
    best = 100 * recorded_ceiling().accuracy
    ax.axvline(best, color="0.2", linestyle=":", label="ceiling on fresh chunks")
    ax.set_yticks(range(len(names)), names, fontsize=8)
    for row in heads:
        ax.axhspan(row - 0.5, row + 0.5, color="0.5", alpha=0.15, linewidth=0)
        ax.get_yticklabels()[row].set_fontweight("bold")
    ax.set(xlabel="accuracy (%)", xlim=(None, 101), ylim=(len(names) - 0.4, -0.6))
    ax.grid(axis="x", color="0.9")
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    drawn = [f"{data}_{what}" for data in ("training", "fresh") for what in ("correct", "count")]
    return carry(figure, accuracies[drawn].rename_axis("run").reset_index())


def _group(accuracies: pd.DataFrame) -> tuple[pd.DataFrame, list[str], list[int]]:
    """The runs by architecture, what their rows say, and which rows are heads."""
    names, heads, groups = [], [], []
    for architecture, runs in accuracies.groupby("architecture", sort=False):
        heads.append(len(names))
        settings = zip(runs["bit_width"], runs["pruning_percent"], strict=True)
        names += [
            ARCHITECTURES[architecture].short,
            *(f"{bit_width_name(bits)}, {percent} %" for bits, percent in settings),
        ]
        groups.append(runs)
    return pd.concat(groups), names, heads

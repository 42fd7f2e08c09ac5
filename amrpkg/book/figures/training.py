"""Figures of training and pruning. Captions stand in the chapters."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from amrpkg.book.figures.style import BLUE, GREEN, GREY, ORANGE, carry, in_style, subplots

PRUNED = {"color": ORANGE, "hatch": "////", "edgecolor": "white", "linewidth": 0}
KEPT = {"color": BLUE}


@in_style
def plot_workflow() -> Figure:
    """The road of a grid point (after the thesis's Figure 2)."""
    steps = [
        ("signals:\nchunks\nand labels", BLUE),
        ("architecture,\nbit width", GREEN),
        ("train to the\ntarget loss", ORANGE),
        ("prune,\nretrain", ORANGE),
        ("evaluate:\ntraining and\nfresh chunks", BLUE),
        ("estimate\nFPGA\nresources", GREY),
    ]
    figure, ax = subplots(figsize=(8, 1.7))
    ax.set(xlim=(-0.1, len(steps) * 1.6 - 0.2), ylim=(-0.75, 1.15))
    ax.axis("off")
    arrow = {"arrowstyle": "-|>", "color": "0.3"}
    for k, (text, color) in enumerate(steps):
        x = 1.6 * k
        look = {"facecolor": color + "22", "edgecolor": color, "linewidth": 1.2}
        style = "round,pad=0.02,rounding_size=0.08"
        ax.add_patch(FancyBboxPatch((x, 0), 1.3, 1, boxstyle=style, **look))
        ax.text(x + 0.65, 0.5, text, ha="center", va="center", fontsize=8)
        if k:
            ax.annotate("", (x, 0.5), (x - 0.28, 0.5), arrowprops=arrow)
    back = {"connectionstyle": "bar,fraction=-0.1", "linestyle": "--"}
    ax.annotate("", (1.6 * 2 + 0.65, -0.05), (1.6 * 4 + 0.65, -0.05), arrowprops=arrow | back)
    ax.text(1.6 * 3 + 0.65, -0.62, "thesis: adjust the knobs, repeat", ha="center", fontsize=8)
    return figure


@in_style
def plot_training(history: pd.DataFrame, target_loss: float | None) -> Figure:
    """Loss and running accuracy per epoch, each phase of the training in a colour of its own."""
    figure, axes = subplots(1, 2, figsize=(8, 3), sharex=True)
    history = history.assign(x=range(1, len(history) + 1))
    for phase, color in (("training", BLUE), ("fine-tuning", GREEN), ("retraining", ORANGE)):
        if phase not in set(history["phase"]):
            continue
        part = history[history["phase"] == phase]
        axes[0].semilogy(part["x"], part["loss"], "o-", markersize=3, color=color, label=phase)
        axes[1].plot(
            part["x"], 100 * part["accuracy"], "o-", markersize=3, color=color, label=phase
        )
    if target_loss is not None:
        axes[0].axhline(target_loss, color=GREY, linestyle="--", label=f"target {target_loss:g}")
    axes[0].set(xlabel="epoch", ylabel="mean cross entropy (nats)")
    axes[1].set(xlabel="epoch", ylabel="running accuracy on\ntraining chunks (%)", ylim=(0, 102))
    axes[0].legend(frameon=False)
    axes[1].legend(frameon=False, loc="lower right")
    return carry(figure, history.drop(columns="x"))


@in_style
def plot_channel_norms(norms: dict[str, np.ndarray], pruned: dict[str, np.ndarray]) -> Figure:
    """Sorted L1 norms of each layer's output channels, the pruned ones in a second colour."""
    figure, axes = subplots(1, len(norms), figsize=(8, 2.6))
    drawn = []
    for ax, (name, values) in zip(axes, norms.items(), strict=True):
        order = np.argsort(values)
        for shown, look in ((pruned[name][order], PRUNED), (~pruned[name][order], KEPT)):
            ax.stairs(values[order] * shown, np.arange(len(shown) + 1) - 0.5, fill=True, **look)
        sorted_norms = {"layer": name, "channel": order, "norm": values[order]}
        drawn.append(pd.DataFrame(sorted_norms | {"pruned": pruned[name][order]}))
        ax.set_title(name)
        ax.set(xlabel="channel, sorted", ylim=(0, None))
    axes[0].set_ylabel("L1 norm of its weights")
    axes[0].bar(0, 0, label="pruned", **PRUNED)
    axes[0].bar(0, 0, label="kept", **KEPT)
    axes[0].legend(frameon=False, fontsize=8)
    return carry(figure, pd.concat(drawn))

"""Figures of architectures and their weights. Captions stand in the chapters."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from amrpkg.book.figures.style import BLUE, GREEN, GREY, carry, in_style, subplots
from amrpkg.models.architectures import ARCHITECTURES, WEIGHTLESS
from amrpkg.signals.chunks import CHUNK_SIZE

KIND_COLORS = {"conv": BLUE, "linear": GREEN} | dict.fromkeys(WEIGHTLESS, GREY)
KIND_NAMES = {kind: kind for kind in WEIGHTLESS} | {
    "conv": "convolution",
    "pool": "max-pool",
    "linear": "fully connected",
}


@in_style
def plot_architecture(architecture: str) -> Figure:
    """A network as blocks: height for the samples left, width for channels or features."""
    blocks, length = [("input", GREY, 2, CHUNK_SIZE)], CHUNK_SIZE
    for layer in ARCHITECTURES[architecture].layers():
        length = {"pool": length // 2, "average": 1, "sum": 1, "linear": 1}.get(layer.kind, length)
        blocks.append((layer.name, KIND_COLORS[layer.kind], layer.outputs, length))
    figure, ax = subplots(figsize=(8, 2.8))
    x = 0.0
    for name, color, channels, samples in blocks:
        width, height = 0.25 + 0.09 * np.log2(channels), 0.25 + 0.35 * np.log2(samples)
        box = {"facecolor": color + "55", "edgecolor": color}
        ax.add_patch(Rectangle((x, -height / 2), width, height, **box))
        size = f"{channels}" if name.startswith("linear") else f"{channels} x {samples}"
        label = f"{name}\n{size}"
        ax.text(x + width / 2, -height / 2 - 0.12, label, ha="center", va="top", fontsize=7)
        x += max(width, 0.9) + 0.2
    ax.set(xlim=(-0.4, x), ylim=(-1.7, 1.15))
    ax.axis("off")
    for kind, text in (
        ("conv", "convolution, kernel 3, and ReLU"),
        ("pool", "max-pool by 2"),
        ("linear", "fully connected"),
    ):
        ax.plot([], [], "s", color=KIND_COLORS[kind], label=text)
    figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=8)
    table = pd.DataFrame(blocks, columns=["layer", "color", "channels", "samples"])
    return carry(figure, table.drop(columns="color"))


@in_style
def plot_weight_levels(weights: dict[str, np.ndarray]) -> Figure:
    """Histograms of one layer's weights, a panel a bit width."""
    figure, axes = subplots(1, len(weights), figsize=(8, 2.3), sharex=True)
    drawn = []
    for ax, (title, values) in zip(axes, weights.items(), strict=True):
        levels, counts = np.unique(values, return_counts=True)
        if len(levels) > 260:
            counts, edges, _ = ax.hist(values, bins=60, color=GREY)
            levels = (edges[:-1] + edges[1:]) / 2
        else:
            ax.vlines(levels, 0, counts, color=BLUE, linewidth=1)
        drawn.append(pd.DataFrame({"weights": title, "level": levels, "count": counts}))
        ax.set_title(title)
        ax.set(xlabel="weight (dimensionless)", ylim=(0, None))
    axes[0].set_ylabel("count")
    return carry(figure, pd.concat(drawn))

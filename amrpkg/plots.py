"""One function a figure. Each returns a matplotlib figure; captions stand in the chapters."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle

from amrpkg.architectures import ARCHITECTURES
from amrpkg.constellations import CONSTELLATIONS
from amrpkg.intervals import binomial_interval
from amrpkg.signals import CHUNK_SIZE, Chunks, receive

BLUE, ORANGE, GREEN, GREY = ("#0072B2", "#D55E00", "#009E73", "#8a8a8a")  # colour-blind safe
KIND_COLORS = {"conv": BLUE, "pool": GREY, "linear": GREEN}
plt.rcParams.update(
    {
        "figure.dpi": 110,
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "figure.constrained_layout.use": True,
    }
)


def _subplots(*args, **kwargs):
    """``plt.subplots``, taken off pyplot's list, or a notebook would show the figure twice."""
    figure, axes = plt.subplots(*args, **kwargs)
    plt.close(figure)
    return figure, axes


def _iq_axes(ax, limit: float = 1.6) -> None:
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
    ax.grid(color="0.9", linewidth=0.6)
    ax.set_axisbelow(True)


def plot_constellations(noise_power: float, phase_noise: float, seed: int = 0) -> Figure:
    """The nine constellations: 500 received samples each, ideal points on top."""
    figure, axes = _subplots(3, 3, figsize=(7.2, 7.2), sharex=True, sharey=True)
    for ax, (name, points) in zip(axes.flat, CONSTELLATIONS.items(), strict=True):
        r = receive(name, 500, noise_power, phase_noise, seed)
        _iq_axes(ax)
        ax.scatter(r.real, r.imag, s=5, color=BLUE, alpha=0.35, linewidths=0, label="received")
        ax.scatter(points.real, points.imag, s=14, color=ORANGE, label="ideal")
        ax.set_title(name)
    figure.supxlabel("in-phase I (amplitude, dimensionless)")
    figure.supylabel("quadrature Q (amplitude, dimensionless)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2, frameon=False)
    return figure


def plot_received(
    modulation: str, count: int, noise_power: float, phase_noise: float, seed: int = 0
) -> Figure:
    """`count` received samples of one modulation (thesis, Figure 3)."""
    r = receive(modulation, count, noise_power, phase_noise, seed)
    figure, ax = _subplots(figsize=(4.6, 4.6))
    _iq_axes(ax)
    ax.scatter(r.real, r.imag, s=4, color=BLUE, alpha=0.5, linewidths=0)
    ax.set(xlabel="in-phase I (dimensionless)", ylabel="quadrature Q (dimensionless)")
    ax.set_title(f"{modulation}, {count:,} symbols")
    return figure


def _box(ax, x, y, width, height, text, color) -> None:
    ax.add_patch(
        FancyBboxPatch(
            (x, y),
            width,
            height,
            boxstyle="round,pad=0.02,rounding_size=0.08",
            facecolor=color + "22",
            edgecolor=color,
            linewidth=1.2,
        )
    )
    ax.text(x + width / 2, y + height / 2, text, ha="center", va="center", fontsize=8)


def _arrow(ax, start, end) -> None:
    ax.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": "0.3"})


def plot_workflow() -> Figure:
    """The road of a grid point (after the thesis's Figure 2)."""
    steps = [
        ("signals:\nchunks with labels", BLUE),
        ("architecture", GREEN),
        ("bit width:\nfloat or Brevitas", GREEN),
        ("train to the\ntarget loss", ORANGE),
        ("prune channels,\nretrain", ORANGE),
        ("evaluate:\ntraining and\nfresh chunks", BLUE),
        ("estimate\nFPGA resources", GREY),
    ]
    figure, ax = _subplots(figsize=(9, 1.7))
    ax.set(xlim=(-0.1, len(steps) * 1.6 - 0.2), ylim=(-0.75, 1.15))
    ax.axis("off")
    for k, (text, color) in enumerate(steps):
        _box(ax, 1.6 * k, 0, 1.3, 1, text, color)
        if k:
            _arrow(ax, (1.6 * k - 0.28, 0.5), (1.6 * k, 0.5))
    ax.annotate(
        "",
        (1.6 * 3 + 0.65, -0.05),
        (1.6 * 5 + 0.65, -0.05),
        arrowprops={
            "arrowstyle": "-|>",
            "color": "0.5",
            "connectionstyle": "bar,fraction=-0.1",
            "linestyle": "--",
        },
    )
    ax.text(
        1.6 * 4 + 0.65,
        -0.6,
        "thesis: adjust the knobs, repeat",
        ha="center",
        fontsize=8,
        color="0.35",
    )
    return figure


def plot_chunking(chunks: Chunks, shown: int = 5) -> Figure:
    """Algorithm I drawn from real chunks (after the thesis's Figure 4)."""
    names = list(CONSTELLATIONS)
    size = chunks.iq.shape[2]
    picked = [np.flatnonzero(chunks.labels == label)[:shown] for label in (0, 3, 7)]
    figure, axes = _subplots(1, 3, figsize=(9, 3), width_ratios=(1.15, 1, 1))
    titles = (
        "1  generate pairs per modulation",
        f"2  cut into chunks of {size}, label",
        "3  shuffle the chunks",
    )
    for ax, title in zip(axes, titles, strict=True):
        ax.set_title(title, fontsize=9, loc="left")
        ax.axis("off")
    colors = (BLUE, ORANGE, GREEN)
    for row, (index, color) in enumerate(zip(picked, colors, strict=True)):
        iq = chunks.iq[index].transpose(1, 0, 2).reshape(2, -1)
        axes[0].plot(
            np.linspace(0, 1, iq.shape[1]), 2 - row + 0.22 * iq[0], color=color, linewidth=0.5
        )
        axes[0].plot(
            np.linspace(0, 1, iq.shape[1]),
            2 - row - 0.45 + 0.1 * iq[1],
            color=color,
            linewidth=0.4,
            alpha=0.5,
        )
        axes[0].text(-0.03, 2 - row, names[(0, 3, 7)[row]], ha="right", va="center", color=color)
        for k in range(shown):
            axes[1].add_patch(
                Rectangle((k, 2 - row - 0.3), 0.86, 0.6, facecolor=color + "44", edgecolor=color)
            )
            axes[1].text(
                k + 0.43, 2 - row, names[(0, 3, 7)[row]], ha="center", va="center", fontsize=6.5
            )
    axes[0].text(0, -0.85, "line: I, fainter line below: Q", fontsize=7, color="0.35")
    axes[1].set(xlim=(-0.1, shown), ylim=(-1, 2.6))
    order = np.random.default_rng(1).permutation(3 * shown)
    for place, which in enumerate(order):
        row, color = which // shown, colors[which // shown]
        x, y = place % shown, 2 - place // shown
        axes[2].add_patch(
            Rectangle((x, y - 0.3), 0.86, 0.6, facecolor=color + "44", edgecolor=color)
        )
        axes[2].text(x + 0.43, y, names[(0, 3, 7)[row]], ha="center", va="center", fontsize=6.5)
    axes[2].set(xlim=(-0.1, shown), ylim=(-1, 2.6))
    axes[0].set(ylim=(-1, 2.6))
    return figure


def plot_architecture(architecture: str) -> Figure:
    """A network as blocks: height for the samples left, width for channels or features."""
    layers = ARCHITECTURES[architecture].layers()
    figure, ax = _subplots(figsize=(9, 2.9))
    length, x = CHUNK_SIZE, 0.0
    blocks = [("input", GREY, 2, f"2 x {length}")]
    heights = [length]
    for layer in layers:
        if layer.kind == "pool":
            length //= 2
        elif layer.kind == "linear":
            length = 1
        size = f"{layer.outputs} x {length}" if layer.kind != "linear" else f"{layer.outputs}"
        blocks.append((layer.name, KIND_COLORS[layer.kind], layer.outputs, size))
        heights.append(length)
    for (name, color, channels, size), samples in zip(blocks, heights, strict=True):
        width, height = 0.25 + 0.09 * np.log2(channels), 0.25 + 0.35 * np.log2(samples)
        ax.add_patch(
            Rectangle((x, -height / 2), width, height, facecolor=color + "55", edgecolor=color)
        )
        ax.text(
            x + width / 2,
            -height / 2 - 0.12,
            f"{name}\n{size}",
            ha="center",
            va="top",
            fontsize=6.5,
        )
        x += max(width, 0.75) + 0.25
    ax.set(xlim=(-0.3, x), ylim=(-1.7, 1.15))
    ax.axis("off")
    for kind, color in KIND_COLORS.items():
        label = {
            "conv": "convolution, kernel 3, and ReLU",
            "pool": "max-pool by 2",
            "linear": "fully connected",
        }[kind]
        ax.plot([], [], "s", color=color, label=label)
    ax.legend(loc="upper right", ncols=3, frameon=False, fontsize=8)
    return figure


def plot_weight_levels(weights: dict[str, np.ndarray]) -> Figure:
    """Histograms of one layer's weights, a panel a bit width."""
    figure, axes = _subplots(1, len(weights), figsize=(9, 2.3), sharex=True)
    for ax, (title, values) in zip(axes, weights.items(), strict=True):
        levels, counts = np.unique(values, return_counts=True)
        if len(levels) > 260:
            ax.hist(values, bins=60, color=GREY)
        else:
            ax.vlines(levels, 0, counts, color=BLUE, linewidth=1)
        ax.set_title(title)
        ax.set(xlabel="weight (dimensionless)", ylim=(0, None))
    axes[0].set_ylabel("count")
    return figure


def plot_training(history: pd.DataFrame, target_loss: float) -> Figure:
    """Loss and running accuracy per epoch; retraining after pruning in a second colour."""
    figure, axes = _subplots(1, 2, figsize=(9, 3), sharex=True)
    history = history.assign(x=range(1, len(history) + 1))
    for phase, color in (("training", BLUE), ("retraining", ORANGE)):
        part = history[history["phase"] == phase]
        axes[0].semilogy(part["x"], part["loss"], "o-", markersize=3, color=color, label=phase)
        axes[1].plot(
            part["x"], 100 * part["accuracy"], "o-", markersize=3, color=color, label=phase
        )
    axes[0].axhline(target_loss, color=GREY, linestyle="--", label=f"target {target_loss:g}")
    axes[0].set(xlabel="epoch", ylabel="mean cross entropy (nats)")
    axes[1].set(xlabel="epoch", ylabel="running accuracy on\ntraining chunks (%)", ylim=(0, 102))
    axes[0].legend(frameon=False)
    axes[1].legend(frameon=False, loc="lower right")
    return figure


def plot_channel_norms(norms: dict[str, np.ndarray], pruned: dict[str, np.ndarray]) -> Figure:
    """Sorted L1 norms of each layer's output channels, the pruned ones in a second colour."""
    figure, axes = _subplots(1, len(norms), figsize=(9, 2.6))
    for ax, (name, values) in zip(axes, norms.items(), strict=True):
        order = np.argsort(values)
        colors = np.where(pruned[name][order], ORANGE, BLUE)
        ax.bar(np.arange(len(values)), values[order], width=1.0, color=colors)
        ax.set_title(name)
        ax.set(xlabel="channel, sorted", ylim=(0, None))
    axes[0].set_ylabel("L1 norm of its weights")
    axes[0].bar(0, 0, color=ORANGE, label="pruned")
    axes[0].bar(0, 0, color=BLUE, label="kept")
    axes[0].legend(frameon=False, fontsize=8)
    return figure


def plot_confusion(confusion: np.ndarray) -> Figure:
    """Rows: true modulation, in percent of its chunks; empty cells are below 0.5 %."""
    percent = 100 * confusion / confusion.sum(axis=1, keepdims=True)
    names = list(CONSTELLATIONS)
    figure, ax = _subplots(figsize=(6, 5))
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


def plot_accuracies(accuracies: pd.DataFrame) -> Figure:
    """Accuracies with exact 95 % intervals, a row a run.

    accuracies : index: the runs; columns ``training_correct``, ``training_count``,
        ``fresh_correct``, ``fresh_count``
    """
    figure, ax = _subplots(figsize=(7.5, 0.22 * len(accuracies) + 1.2))
    for data, color in (("training", ORANGE), ("fresh", BLUE)):
        correct, count = accuracies[f"{data}_correct"], accuracies[f"{data}_count"]
        intervals = [binomial_interval(*pair) for pair in zip(correct, count, strict=True)]
        for row, (low, high) in enumerate(intervals):
            ax.plot([100 * low, 100 * high], [row, row], color=color, linewidth=4, alpha=0.5)
        share = 100 * correct / count
        ax.plot(share, range(len(share)), "|", color=color, markersize=8, label=f"{data} chunks")
    ax.set_yticks(range(len(accuracies)), accuracies.index)
    ax.set(xlabel="accuracy (%)", xlim=(None, 101), ylim=(len(accuracies) - 0.4, -0.6))
    ax.grid(axis="x", color="0.9")
    figure.legend(loc="outside upper center", ncols=2, frameon=False)
    return figure


def plot_resources(resources: pd.DataFrame) -> Figure:
    """Grouped bars per resource; index: what is estimated, columns: dsp, ff, lut, bram."""
    figure, axes = _subplots(1, len(resources.columns), figsize=(9, 2.8))
    colors = [BLUE, ORANGE, GREEN, GREY][: len(resources)]
    for ax, column in zip(axes, resources.columns, strict=True):
        bars = ax.bar(range(len(resources)), resources[column], color=colors)
        ax.bar_label(bars, [f"{value:,}" for value in resources[column]], fontsize=7)
        ax.set_title(column.upper())
        ax.set_xticks([])
        ax.ticklabel_format(style="plain")
        ax.margins(y=0.15)
    axes[0].set_ylabel("estimated count")
    figure.legend(
        bars, resources.index, loc="outside lower center", ncols=len(resources), frameon=False
    )
    return figure


def plot_layer_resources(layers: pd.DataFrame) -> Figure:
    """Estimated DSP and LUT by layer; columns: layer, kind, dsp, lut."""
    figure, axes = _subplots(1, 2, figsize=(9, 2.6))
    colors = layers["kind"].map(KIND_COLORS)
    for ax, column in zip(axes, ("dsp", "lut"), strict=True):
        ax.barh(layers["layer"], layers[column], color=colors)
        ax.set(xlabel=f"estimated {column.upper()}")
        ax.invert_yaxis()
        ax.ticklabel_format(axis="x", style="plain")
        ax.tick_params(axis="x", labelsize=7)
    return figure

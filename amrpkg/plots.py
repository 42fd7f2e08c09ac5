"""One function a figure. Each returns a matplotlib figure; captions stand in the chapters."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle

from amrpkg.architectures import ARCHITECTURES
from amrpkg.bounds import recorded_ceiling
from amrpkg.constellations import CONSTELLATIONS
from amrpkg.intervals import binomial_interval
from amrpkg.plot_style import (
    BIT_WIDTH_COLORS,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PRUNING_MARKERS,
    in_style,
    label_points,
    subplots,
)
from amrpkg.signals import CHUNK_SIZE, Chunks, receive

KIND_COLORS = {"conv": BLUE, "pool": GREY, "average": GREY, "linear": GREEN}


def _iq_axes(ax, limit: float = 1.6) -> None:
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
    ax.grid(color="0.9", linewidth=0.6)
    ax.set_axisbelow(True)


@in_style
def plot_constellations(noise_power: float, phase_noise: float, seed: int = 0) -> Figure:
    """The nine constellations: 500 received samples each, ideal points on top."""
    figure, axes = subplots(3, 3, figsize=(7.2, 7.2), sharex=True, sharey=True)
    for k, (ax, name) in enumerate(zip(axes.flat, CONSTELLATIONS, strict=True)):
        points = CONSTELLATIONS[name]
        r = receive(name, 500, noise_power, phase_noise, seed + k)
        _iq_axes(ax)
        ax.scatter(r.real, r.imag, s=5, color=BLUE, alpha=0.35, linewidths=0, label="received")
        ax.scatter(points.real, points.imag, s=14, color=ORANGE, label="ideal")
        ax.set_title(name)
    figure.supxlabel("in-phase I (amplitude, dimensionless)")
    figure.supylabel("quadrature Q (amplitude, dimensionless)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside upper center", ncols=2, frameon=False, markerscale=2.5
    )
    return figure


@in_style
def plot_received(
    modulation: str, count: int, noise_power: float, phase_noise: float, seed: int = 0
) -> Figure:
    """`count` received samples of one modulation (thesis, Figure 3)."""
    r = receive(modulation, count, noise_power, phase_noise, seed)
    figure, ax = subplots(figsize=(4.6, 4.6))
    _iq_axes(ax)
    ax.scatter(r.real, r.imag, s=4, color=BLUE, alpha=0.5, linewidths=0)
    ax.set(xlabel="in-phase I (dimensionless)", ylabel="quadrature Q (dimensionless)")
    ax.set_title(f"{modulation}, {count:,} symbols")
    return figure


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
def plot_chunking(chunks: Chunks, shown: int = 4) -> Figure:
    """Algorithm I on three classes: real samples, then the order of chunks as a sketch."""
    size = chunks.iq.shape[2]
    classes = {name: list(CONSTELLATIONS).index(name) for name in ("4ASK", "QPSK", "16QAM")}
    colors = dict(zip(classes, (BLUE, ORANGE, GREEN), strict=True))
    figure, axes = subplots(1, 3, figsize=(8, 2.9), width_ratios=(1.2, 1, 1))
    titles = (
        "1  pairs of each modulation",
        f"2  chunks of {size}, labelled",
        "3  chunks shuffled",
    )
    for ax, title in zip(axes, titles, strict=True):
        ax.set_title(title, fontsize=9, loc="left")
        ax.set(ylim=(-0.9, 2.6))
        ax.axis("off")
    for row, (name, label) in enumerate(classes.items()):
        picked = chunks.iq[chunks.labels == label][:shown]
        i, q = picked.transpose(1, 0, 2).reshape(2, -1)
        time = np.linspace(0, shown, i.size)
        axes[0].plot(time, 2.1 - row + 0.18 * i, color=colors[name], linewidth=0.6)
        axes[0].plot(time, 1.65 - row + 0.18 * q, color=colors[name], linewidth=0.6, alpha=0.5)
        axes[0].text(-0.15, 2 - row, name, ha="right", va="center", color=colors[name])
    axes[0].text(0, -0.85, "upper line I, lower line Q", fontsize=8, color="0.35")
    in_order = [name for name in classes for _ in range(shown)]
    shuffled = np.random.default_rng(1).permutation(in_order)
    for ax, names in ((axes[1], in_order), (axes[2], shuffled)):
        ax.set(xlim=(-0.1, shown))
        for place, name in enumerate(names):
            x, y = place % shown, 2 - place // shown
            box = {"facecolor": colors[name] + "44", "edgecolor": colors[name]}
            ax.add_patch(Rectangle((x, y - 0.3), 0.9, 0.6, **box))
            ax.text(x + 0.45, y, name, ha="center", va="center", fontsize=7)
    return figure


@in_style
def plot_architecture(architecture: str) -> Figure:
    """A network as blocks: height for the samples left, width for channels or features."""
    blocks, length = [("input", GREY, 2, CHUNK_SIZE)], CHUNK_SIZE
    for layer in ARCHITECTURES[architecture].layers():
        length = {"conv": length, "pool": length // 2, "average": 1, "linear": 1}[layer.kind]
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
    return figure


@in_style
def plot_weight_levels(weights: dict[str, np.ndarray]) -> Figure:
    """Histograms of one layer's weights, a panel a bit width."""
    figure, axes = subplots(1, len(weights), figsize=(8, 2.3), sharex=True)
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
    return figure


@in_style
def plot_channel_norms(norms: dict[str, np.ndarray], pruned: dict[str, np.ndarray]) -> Figure:
    """Sorted L1 norms of each layer's output channels, the pruned ones in a second colour."""
    figure, axes = subplots(1, len(norms), figsize=(8, 2.6))
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
    for data, color in (("training", ORANGE), ("fresh", BLUE)):
        correct, count = accuracies[f"{data}_correct"], accuracies[f"{data}_count"]
        intervals = [binomial_interval(*pair) for pair in zip(correct, count, strict=True)]
        for row, (low, high) in enumerate(intervals):
            ax.plot([100 * low, 100 * high], [row, row], color=color, linewidth=4, alpha=0.5)
        share = 100 * correct / count
        ax.plot(share, range(len(share)), "|", color=color, markersize=8, label=f"{data} chunks")
    best = 100 * recorded_ceiling().accuracy
    ax.axvline(best, color="0.2", linestyle=":", label="ceiling on fresh chunks")
    ax.set_yticks(range(len(accuracies)), accuracies.index)
    ax.set(xlabel="accuracy (%)", xlim=(None, 101), ylim=(len(accuracies) - 0.4, -0.6))
    ax.grid(axis="x", color="0.9")
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    return figure


@in_style
def plot_resources(resources: pd.DataFrame) -> Figure:
    """Grouped bars per resource; index: what is estimated, columns: dsp, ff, lut, bram."""
    figure, axes = subplots(1, len(resources.columns), figsize=(8, 2.8))
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


@in_style
def plot_layer_resources(layers: pd.DataFrame) -> Figure:
    """Estimated DSP and LUT by layer; columns: layer, kind, dsp, lut."""
    figure, axes = subplots(1, 2, figsize=(8, 2.6))
    colors = layers["kind"].map(KIND_COLORS)
    for ax, column in zip(axes, ("dsp", "lut"), strict=True):
        ax.barh(layers["layer"], layers[column], color=colors)
        ax.set(xlabel=f"estimated {column.upper()}")
        ax.invert_yaxis()
        ax.ticklabel_format(axis="x", style="plain")
        ax.tick_params(axis="x", labelsize=7)
    for kind, color in KIND_COLORS.items():
        axes[0].bar(0, 0, color=color, label=kind)
    axes[0].legend(frameon=False, fontsize=8)
    return figure


@in_style
def plot_tradeoff(grid: pd.DataFrame) -> Figure:
    """Fresh accuracy against estimated DSP blocks, a mark a point of the grid."""
    figure, ax = subplots(figsize=(7.5, 3.6))
    for (bits, percent), rows in grid.groupby(["bit_width", "pruning_percent"]):
        look = {"color": BIT_WIDTH_COLORS[bits], "marker": PRUNING_MARKERS[percent]}
        ax.plot(rows["dsp"], 100 * rows["fresh_accuracy"], alpha=0.8, linestyle="", **look)
    label_points(ax)
    ax.axhline(100 * recorded_ceiling().accuracy, color="0.2", linestyle=":", label="ceiling")
    ax.set(xscale="log", xlabel="estimated DSP blocks", ylabel="fresh chunks right (%)")
    ax.grid(color="0.9")
    figure.legend(loc="outside upper center", ncols=8, frameon=False)
    return figure

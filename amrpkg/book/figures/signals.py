"""Figures of signals and chunks. Captions stand in the chapters."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from amrpkg.book.figures.style import BLUE, GREEN, ORANGE, carry, in_style, subplots
from amrpkg.signals.chunks import Chunks, receive
from amrpkg.signals.constellations import CONSTELLATIONS, OTHER_SHAPES

# Of thousands of samples, as a bitmap within vector graphics.
_MANY = {"color": BLUE, "alpha": 0.4, "linewidths": 0, "rasterized": True}


def _iq_axes(ax, limit: float = 1.6) -> None:
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
    ax.grid(color="0.9", linewidth=0.6)
    ax.set_axisbelow(True)


@in_style
def plot_constellations(noise_power: float, phase_noise: float, seed: int = 0) -> Figure:
    """The nine constellations: 500 received samples each, ideal points on top."""
    figure, axes = subplots(3, 3, figsize=(7.2, 7.2), sharex=True, sharey=True)
    drawn = []
    for k, (ax, name) in enumerate(zip(axes.flat, CONSTELLATIONS, strict=True)):
        points = CONSTELLATIONS[name]
        r = receive(name, 500, noise_power, phase_noise, seed + k)
        _iq_axes(ax)
        ax.scatter(r.real, r.imag, s=5, label="received", **_MANY)
        ax.scatter(points.real, points.imag, s=14, color=ORANGE, label="ideal")
        ax.set_title(name)
        for kind, values in (("received", r), ("ideal", points)):
            drawn.append(_iq_table(values, modulation=name, samples=kind))
    figure.supxlabel("in-phase I (amplitude, dimensionless)")
    figure.supylabel("quadrature Q (amplitude, dimensionless)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside upper center", ncols=2, frameon=False, markerscale=2.5
    )
    return carry(figure, pd.concat(drawn))


@in_style
def plot_received(
    modulation: str, count: int, noise_power: float, phase_noise: float, seed: int = 0
) -> Figure:
    """`count` received samples of one modulation (thesis, Figure 3)."""
    r = receive(modulation, count, noise_power, phase_noise, seed)
    figure, ax = subplots(figsize=(4.6, 4.6))
    _iq_axes(ax)
    ax.scatter(r.real, r.imag, s=4, **_MANY)
    ax.set(xlabel="in-phase I (dimensionless)", ylabel="quadrature Q (dimensionless)")
    ax.set_title(f"{modulation}, {count:,} symbols")
    return carry(figure, _iq_table(r))


@in_style
def plot_shapes() -> Figure:
    """QPSK, 8QAM and 32QAM as here, and as they could be; a ring where (1, 0) would be."""
    others = {"QPSK": CONSTELLATIONS["QPSK"] * np.exp(0.25j * np.pi)} | OTHER_SHAPES
    figure, axes = subplots(2, 3, figsize=(7.2, 4.9), sharex=True, sharey=True)
    drawn = []
    for column, name in enumerate(others):
        for row, (whose, points) in enumerate({"here": CONSTELLATIONS, "usual": others}.items()):
            ax = axes[row, column]
            _iq_axes(ax)
            ax.scatter(1, 0, s=110, facecolor="none", edgecolor=ORANGE, label="(1, 0)")
            ax.scatter(points[name].real, points[name].imag, s=14, color=BLUE)
            ax.set_title(f"{name}, {'as here' if whose == 'here' else 'also usual'}")
            drawn.append(_iq_table(points[name], modulation=name, shape=whose))
    figure.supxlabel("in-phase I (amplitude, dimensionless)")
    figure.supylabel("quadrature Q (amplitude, dimensionless)")
    return carry(figure, pd.concat(drawn))


@in_style
def plot_phases(received: dict[str, np.ndarray], points: np.ndarray) -> Figure:
    """A chunk under each kind of phase noise, dark at its start and light at its end.

    received : title -> ``complex[chunk_size]``; points : ideal, of their modulation
    """
    figure, axes = subplots(1, len(received), figsize=(7.2, 3.9), sharey=True)
    drawn = []
    for ax, (title, r) in zip(axes, received.items(), strict=True):
        _iq_axes(ax, 1.35)
        ax.scatter(points.real, points.imag, s=60, facecolor="none", edgecolor=ORANGE)
        marks = ax.scatter(r.real, r.imag, s=16, c=np.arange(len(r)), cmap="viridis")
        ax.set(title=title, xlabel="in-phase I (dimensionless)")
        drawn.append(_iq_table(r, phase=title).assign(symbol=np.arange(len(r))))
    axes[0].set_ylabel("quadrature Q (dimensionless)")
    figure.colorbar(marks, ax=axes, label="symbol of the chunk", shrink=0.8)
    return carry(figure, pd.concat(drawn))


def _iq_table(values: np.ndarray, **said: str) -> pd.DataFrame:
    return pd.DataFrame(said | {"I": values.real.round(4), "Q": values.imag.round(4)})


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

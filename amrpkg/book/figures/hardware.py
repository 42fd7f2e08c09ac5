"""Figures of estimated resources. Captions stand in the chapters."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from amrpkg.book.figures.models import KIND_COLORS, KIND_NAMES
from amrpkg.book.figures.results import compact
from amrpkg.book.figures.style import BLUE, GREEN, GREY, ORANGE, carry, in_style, subplots


@in_style
def plot_resources(resources: pd.DataFrame) -> Figure:
    """Grouped bars per resource; index: what is estimated, columns: dsp, ff, lut, bram."""
    figure, axes = subplots(1, len(resources.columns), figsize=(8, 2.8))
    looks = {"color": [BLUE, ORANGE, GREEN, GREY], "hatch": ["", "///", "...", "xxx"]}
    looks = {name: values[: len(resources)] for name, values in looks.items()}
    for ax, column in zip(axes, resources.columns, strict=True):
        bars = ax.bar(range(len(resources)), resources[column], edgecolor="white", **looks)
        ax.bar_label(bars, [compact(value) for value in resources[column]], fontsize=7)
        ax.set_title(column.upper())
        ax.set_xticks([])
        ax.yaxis.set_major_formatter(lambda value, _: compact(value))
        ax.margins(y=0.15)
    axes[0].set_ylabel("estimated count")
    figure.legend(
        bars, resources.index, loc="outside lower center", ncols=len(resources), frameon=False
    )
    return carry(figure, resources.rename_axis("estimated").reset_index())


@in_style
def plot_layer_resources(layers: pd.DataFrame) -> Figure:
    """Estimated DSP and LUT by layer; columns: layer, kind, dsp, lut."""
    figure, axes = subplots(1, 2, figsize=(8, 2.6))
    colors = layers["kind"].map(KIND_COLORS)
    for ax, column in zip(axes, ("dsp", "lut"), strict=True):
        ax.barh(layers["layer"], layers[column], color=colors)
        ax.set(xlabel=f"estimated {column.upper()}")
        ax.invert_yaxis()
        ax.xaxis.set_major_formatter(lambda value, _: compact(value))
        ax.tick_params(axis="x", labelsize=7)
    kinds = [
        Patch(color=KIND_COLORS[kind], label=KIND_NAMES[kind]) for kind in layers["kind"].unique()
    ]
    figure.legend(handles=kinds, loc="outside upper center", ncols=len(kinds), frameon=False)
    return carry(figure, layers)

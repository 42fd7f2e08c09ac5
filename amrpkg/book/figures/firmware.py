"""Figures of the chapter on firmware."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from amrpkg.book.figures.style import (
    BLUE,
    GREY,
    MARKERS,
    ORANGE,
    OURS,
    PRUNING_COLORS,
    carry,
    in_style,
    subplots,
)
from amrpkg.hardware.adder_graphs import AdderGraph

_ESTIMATE_LOOKS = {
    "Algorithm II": {"color": ORANGE, "marker": "x"},
    "adder graph": {"color": OURS, "marker": "o", "fillstyle": "none"},
    "FINN-R": {"color": BLUE, "marker": "s", "fillstyle": "none"},
}


@in_style
def plot_adder_graph(graph: AdderGraph) -> Figure:
    """A block of constant multipliers: inputs at the left, a circle an adder, sums at the right.

    An edge says by how many bits its signal is shifted and whether it is subtracted.
    """
    figure, ax = subplots(figsize=(7.5, 5))
    columns, places = {}, {}
    used = {term.signal for pair in graph.adders for term in pair}
    first = graph.inputs + graph.constants  # of the adders
    for k, depth in enumerate(graph.depths):
        if k in used or k >= first:
            columns.setdefault(depth, []).append(k)
    for depth, column in columns.items():
        for place, k in enumerate(column):
            places[k] = (depth, -(place + 0.5) / len(column))
    for k, pair in enumerate(graph.adders, start=first):
        for term in pair:
            (x, y), (u, v) = places[term.signal], places[k]
            color, style = (ORANGE, "--") if term.sign < 0 else (GREY, "-")
            ax.plot([x, u], [y, v], style, color=color, linewidth=0.9, zorder=1)
            if term.shift:
                ax.text(x + 0.25 * (u - x), y + 0.25 * (v - y), f"≪{term.shift}", fontsize=7)
    for k, (x, y) in places.items():
        adder, constant = k >= first, graph.inputs <= k < first
        name = "+" if adder else f"b{k - graph.inputs}" if constant else f"x{k}"
        face = OURS if adder else "0.85" if constant else "0.7"
        ax.scatter(x, y, s=150, color=face, zorder=2)
        ax.text(x, y, name, ha="center", va="center", fontsize=8, zorder=3)
    for k, term in enumerate(graph.outputs):
        x, y = places[term.signal]
        shift = f" ≪{term.shift}" if term.shift else ""
        ax.text(x + 0.12, y, f"y{k}{shift}", va="center", fontsize=8)
    ax.set_xticks(sorted(columns))
    ax.set(xlabel="adders behind the input = clocks", yticks=[])
    ax.spines["left"].set_visible(False)
    edges = [
        (k, term.signal, term.sign, term.shift)
        for k, pair in enumerate(graph.adders, start=first)
        for term in pair
    ]
    return carry(figure, pd.DataFrame(edges, columns=["adder", "adds signal", "sign", "shift"]))


@in_style
def plot_lut_estimates(table: pd.DataFrame) -> Figure:
    """Estimated against synthesised LUT, a mark an estimate and design; of `compare_estimates`."""
    figure, ax = subplots(figsize=(5.6, 4.6))
    for name, look in _ESTIMATE_LOOKS.items():
        if name in table:
            ax.plot(table["synthesised"], table[name], linestyle="", label=name, **look)
    ends = [table["synthesised"].min() / 2, table["synthesised"].max() * 2]
    ax.plot(ends, ends, color="0.3", linewidth=0.8, label="as synthesised")
    ax.set(xscale="log", yscale="log")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter("{x:,.0f}")
        axis.set_minor_formatter(NullFormatter())
    ax.set(xlabel="LUT, synthesised for Xilinx 7 (Yosys)", ylabel="LUT, an estimate")
    ax.legend(frameon=False)
    return carry(figure, table)


@in_style
def plot_gates(table: pd.DataFrame) -> Figure:
    """Synthesised LUT over the bit width, unrolled and folded, and memory and time of folded ones.

    table : of `list_gates`; a marker an architecture, a colour a pruning rate
    """
    figure, axes = subplots(2, 2, figsize=(7.5, 5.2))
    panels = (
        ("streaming", "synthesised_lut", "LUT, unrolled"),
        ("folded", "synthesised_lut", "LUT, folded"),
        ("folded", "synthesised_bram", "block RAM of 36 Kbit, folded"),
        ("folded", "clocks_per_chunk", "clocks a chunk, folded"),
    )
    for ax, (generator, column, title) in zip(axes.flat, panels, strict=True):
        rows = table[table["generator"] == generator]
        looks = dict(zip(rows["architecture"].unique(), MARKERS + "Ph<>", strict=False))
        for (name, percent), line in rows.groupby(["architecture", "pruning_percent"]):
            style = {"marker": looks[name], "color": PRUNING_COLORS[percent]}
            ax.plot(line["bit_width"], line[column], fillstyle="none", linewidth=0.9, **style)
        bits = sorted(table["bit_width"].unique())
        ax.set(title=title, xlabel="bits", xticks=bits, xlim=(bits[0] - 0.4, bits[-1] + 0.4))
        if column != "synthesised_lut":  # from the smallest to the largest a factor of ten
            ax.set_yscale("log")
            ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            ax.yaxis.set_major_formatter("{x:,.0f}")
            ax.yaxis.set_minor_formatter(NullFormatter())
            continue
        for name, marker in looks.items():
            short = name.removeprefix("vgglike_").replace("symbolwise_", "")
            ax.plot([], [], marker, color="0.3", fillstyle="none", label=short)
        ax.set_ylim(0, 1.6 * rows[column].max())  # room for the names
        ax.yaxis.set_major_formatter("{x:,.0f}")
        ax.legend(frameon=False, fontsize=7, ncols=2, loc="upper left")
    for percent, color in PRUNING_COLORS.items():
        axes[1, 0].plot([], [], color=color, label=f"{percent} % pruned")
    axes[1, 0].legend(frameon=False, fontsize=7)
    return carry(figure, table)

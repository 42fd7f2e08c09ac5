"""Figures of a design at work: which chunk is in which module when, and its pins over time."""

import pandas as pd
from matplotlib.figure import Figure

from amrpkg.book.figures.style import BLUE, GREEN, GREY, ORANGE, carry, in_style, subplots
from amrpkg.hardware.design import Design

_CHUNK_COLORS = (BLUE, ORANGE, GREEN)
_WAVES = {  # pin -> its name in the figure
    "s_axis_tvalid": "symbol: valid",
    "s_axis_tready": "symbol: ready",
    "s_axis_tlast": "symbol: last",
    "x0": "symbol: I",
    "x1": "symbol: Q",
    "m_axis_tvalid": "class: valid",
    "m_axis_tdata": "class",
}


@in_style
def plot_pipeline(design: Design) -> Figure:
    """Three chunks on their way through a streaming design, a row a module, time to the right.

    A bar is as long as symbols of its chunk, or what became of them, are in the module; dots are
    the clocks in which the last symbol of the first chunk enters and leaves.
    """
    figure, ax = subplots(figsize=(7.5, 3.6))
    beats, enters = design.clocks_per_chunk, 0
    sums = [step.name for step in design.steps].index("chunk_sum")
    for row, step in enumerate(design.steps):
        leaves, symbols = enters + step.clocks, beats - 1 if row <= sums else 0
        for chunk, color in enumerate(_CHUNK_COLORS):
            start = beats * (chunk + 1) - 1 + enters
            width = symbols + step.clocks
            ax.barh(row, width, left=start - symbols, height=0.6, color=color, alpha=0.55)
        ends = [beats - 1 + enters, beats - 1 + leaves]
        ax.plot(ends, [row, row], color="0.2", marker=".", linewidth=1)
        enters = leaves
    names = [f"{x.name}: {x.clocks} clock{'s'[: x.clocks - 1]}, {x.bits} bit" for x in design.steps]
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    ax.set(xlabel="clocks behind the first symbol")
    table = pd.DataFrame([(x.name, x.clocks, x.bits) for x in design.steps])
    return carry(figure, table.set_axis(["module", "clocks", "bits"], axis=1))


@in_style
def plot_waveform(pins: pd.DataFrame, latency: int) -> Figure:
    """The first chunk at the pins of a simulated design; of `hardware.waveform.sample_pins`.

    latency : clocks from the last symbol to the class, which is marked
    """
    taken = pins["s_axis_tlast"] * pins["s_axis_tvalid"] * pins["s_axis_tready"]
    last = int(taken.argmax())
    shown = pins[: last + latency + 6]
    figure, axes = subplots(len(_WAVES), 1, figsize=(7.5, 4.4), sharex=True)
    for ax, (pin, name) in zip(axes, _WAVES.items(), strict=True):
        values = shown[pin]
        if pin == "m_axis_tdata":
            values = values.where(shown["m_axis_tvalid"] == 1)
            for clock, value in values.dropna().items():
                ax.text(clock + 1.3, 0.5, f"{value:.0f}", va="center")
            values = shown["m_axis_tvalid"]
        ax.step(
            shown.index, values, where="post", color=BLUE if name.startswith("symbol") else GREEN
        )
        ax.set_ylabel(name, rotation=0, ha="right", va="center")
        ax.set_yticks([])
        ax.margins(x=0, y=0.2)
        ax.spines["left"].set_visible(False)
        ax.spines["bottom"].set_visible(ax is axes[-1])
        ax.tick_params(bottom=ax is axes[-1])
        for clock in (last, last + latency):
            ax.axvline(clock, color=GREY, linewidth=0.8, linestyle=":")
    wave = axes[2]
    ends = {"xy": (last, 0.5), "xytext": (last + latency, 0.5)}
    wave.annotate("", **ends, arrowprops={"arrowstyle": "<->", "color": ORANGE})
    wave.text(last + latency / 2, 0.6, f"{latency} clocks", ha="center", color=ORANGE)
    axes[-1].set_xlabel("clock")
    return carry(figure, shown)

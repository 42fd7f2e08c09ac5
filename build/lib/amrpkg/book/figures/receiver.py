"""Figures of a recording on its way through the receiver. Captions stand in the chapter."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from amrpkg.book.figures.style import BLUE, GREEN, GREY, ORANGE, PINK, SKY, in_style, subplots
from amrpkg.receiver import BLOCK, Band, Fit, MatchedFilter, periodogram
from amrpkg.signals import CONSTELLATIONS, raised_cosine_spectrum

_LOOKS = {
    "perfect": ("black", "o"),
    "timing": (BLUE, "s"),
    "carrier": (SKY, "^"),
    "phase": (GREEN, "D"),
    "level": (ORANGE, "v"),
    "noise": (PINK, "P"),
    "network": (GREY, "x"),
}


def _decibels(power: np.ndarray) -> np.ndarray:
    return 10 * np.log10(power / power.max())


@in_style
def plot_recorded_spectrum(samples: np.ndarray, samples_per_symbol: float, band: Band) -> Figure:
    """The spectrum with the band found, and that of the squared envelope with its line."""
    figure, (left, right) = subplots(1, 2, figsize=(7.2, 3))
    power = np.fft.fftshift(periodogram(samples))
    f = np.arange(len(power)) / len(power) - 0.5
    shape = raised_cosine_spectrum((f - band.carrier) * samples_per_symbol, band.roll_off)
    floor = np.median(power[shape < 0.01])
    left.plot(f, _decibels(power), color=BLUE, linewidth=0.8, label="recorded")
    model = floor + (np.median(power[shape > 0.9]) - floor) * shape
    left.plot(f, 10 * np.log10(model / power.max()), color=ORANGE, label="band found")
    left.set(xlabel="frequency (cycles a sample)", ylabel="power (dB)", title="the samples")
    left.legend(frameon=False)
    energy = np.abs(np.fft.rfft(np.abs(samples) ** 2)) ** 2
    f = np.arange(len(energy)) / len(samples)
    right.plot(f[20:], _decibels(energy[20:]), color=BLUE, linewidth=0.6)
    right.axvline(1 / samples_per_symbol, color=ORANGE, linestyle=":", label="rate found")
    right.set(xlabel="frequency (cycles a sample)", ylim=(-50, 3), title="their squared envelope")
    right.legend(frameon=False)
    return figure


@in_style
def plot_eye(
    samples: np.ndarray, samples_per_symbol: float, band: Band, start: float, found: Fit
) -> Figure:
    """In-phase part of the first block before and after the filter, two symbols wide.

    samples : without the band's carrier; start : the instant of symbol 0, in samples; found : of
    blocks of which the first is drawn, to take carrier, phase and level out
    """
    figure, axes = subplots(1, 2, figsize=(7.2, 2.8), sharex=True)
    matched = MatchedFilter(samples_per_symbol, band.roll_off)
    t = np.linspace(-1, 1, 41)
    for k in range(2, 120):
        place = (start / samples_per_symbol + k + t) * samples_per_symbol
        turning = np.exp(-2j * np.pi * found.frequency[0] * (k + t - (BLOCK - 1) / 2))
        before = np.interp(place, np.arange(len(samples)), samples.real)
        after = matched(samples, place / samples_per_symbol) * turning / found.gain[0]
        for ax, values in zip(axes, (before, after.real), strict=True):
            ax.plot(t, values, color=BLUE, alpha=0.25, linewidth=0.6, rasterized=True)
    titles = ("as recorded", "filtered; no carrier, phase and level")
    for ax, title in zip(axes, titles, strict=True):
        ax.axvline(0, color=ORANGE, linestyle=":")
        ax.set(xlabel="time from the instant found (symbols)", title=title)
    axes[0].set_ylabel("in-phase part")
    return figure


@in_style
def plot_steps(steps: dict[str, np.ndarray], name: str) -> Figure:
    """The symbols of a block after each step, and the points of the class on the last."""
    figure, axes = subplots(1, len(steps), figsize=(7.2, 2.3))
    for ax, (title, symbols) in zip(axes, steps.items(), strict=True):
        limit = 1.25 * np.abs(symbols).max()
        ax.scatter(symbols.real, symbols.imag, s=4, color=BLUE, linewidths=0)
        ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", title=title)
        ax.tick_params(labelsize=6)
    points = CONSTELLATIONS[name]
    axes[-1].scatter(points.real, points.imag, s=14, color=ORANGE, marker="+", label="points")
    figure.supxlabel("in-phase part")
    axes[0].set_ylabel("quadrature part")
    return figure


@in_style
def plot_losses(record: pd.DataFrame) -> Figure:
    """Errors of 32-symbol decisions over Es/N0, with ever more found by the receiver itself."""
    figure, ax = subplots(figsize=(7.2, 3.4))
    counts = record.groupby(["step", "es_n0_db"])[["right", "count"]].sum()
    for step, (color, marker) in _LOOKS.items():
        own = counts.loc[step]
        wrong = 100 * (1 - own["right"] / own["count"])
        ax.plot(own.index, wrong, color=color, marker=marker, markersize=4, label=step)
    ax.set(xlabel="Es/N0 (dB)", ylabel="wrong decisions (%)", yscale="symlog")
    ax.set_yscale("symlog", linthresh=0.1)
    ax.set_ylim(bottom=0)
    ax.legend(frameon=False, ncols=2, title="found, with all above it")
    return figure

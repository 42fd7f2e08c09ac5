"""Bursts that a recording's annotations point to, each through the receiver on its own.

What an annotation says is taken: when the burst is there, its band where the edges are told, and
how many samples a symbol has. The band is cut out of the spectrum of the burst with half its
width to each side, which leaves fewer samples: white noise stays white, and neighbours are gone.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from amrpkg.evaluation.reception import Reception, receive_recording
from amrpkg.receiver import Band
from amrpkg.signals.recordings import Annotation


def receive_annotated(
    samples: np.ndarray,
    annotations: Sequence[Annotation],
    samples_per_symbol: float | None = None,
    roll_off: float | None = None,
    carrier: float | None = None,
    model=None,
) -> tuple[list[Reception], list[str]]:
    """What `receive_recording` finds in each, places in the recording, and why not in others.

    samples_per_symbol : for annotations that do not say it

    Raises ``ValueError`` if nothing is received, as the first of them.
    """
    found, missed = [], []
    for annotation in annotations:
        given = annotation.samples_per_symbol or samples_per_symbol, roll_off, carrier, model
        try:
            found.append(_receive(samples, annotation, *given))
        except ValueError as error:
            last = annotation.start + annotation.count
            missed.append(f"the annotation of samples {annotation.start} to {last}: {error}")
    if not found:
        raise ValueError(missed[0])
    return found, missed


def _receive(samples, annotation, samples_per_symbol, roll_off, carrier, model) -> Reception:
    burst = np.asarray(samples[annotation.start :][: annotation.count], dtype=np.complex64)
    middle, share = 0.0, 1.0
    if annotation.edges and len(burst):
        middle = sum(annotation.edges) / 2
        burst, share = cut_band(burst, middle, 2 * (annotation.edges[1] - annotation.edges[0]))
    found = receive_recording(
        burst,
        samples_per_symbol and samples_per_symbol * share,
        roll_off,
        None if carrier is None else (carrier - middle) / share,
        model,
    )
    table, band = found.table, found.band
    table["first_sample"] = np.rint(table["first_sample"] / share).astype(int) + annotation.start
    table["carrier"] = table["carrier"] * share + middle
    return replace(
        found,
        samples_per_symbol=found.samples_per_symbol / share,
        band=Band(band.carrier * share + middle, band.roll_off),
    )


def cut_band(samples: np.ndarray, middle: float, width: float) -> tuple[np.ndarray, float]:
    """The part of a spectrum about `middle`, in cycles a sample, as samples at a lower rate.

    Returns ``complex64[m]`` and m / n. The noise a sample is what it was, and so is the level
    behind a matched filter; a tone is larger by the root of n / m.
    """
    n = len(samples)
    kept = min(n, max(1, round(width * n)))
    bins = (round(middle * n) + np.arange(kept) - kept // 2) % n
    part = np.fft.ifft(np.fft.ifftshift(np.fft.fft(samples)[bins]))
    turned = np.exp(2j * np.pi * (round(middle * n) - middle * n) * np.arange(kept) / kept)
    return (part * turned * np.sqrt(kept / n)).astype(np.complex64), kept / n

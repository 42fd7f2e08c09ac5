"""Noisy symbols per second of `make_chunks` beside komm's modulation and channel, on one core.

Ours makes labelled chunks of all nine modulations, komm's side as many symbols of one (8PSK),
both with additive and phase noise, in turn and in one process; the ratio is the claim. komm
has no phase-noise channel, so its side is given the phase rotation by NumPy.

    python benchmarks/signals.py
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

from statistics import median
from time import perf_counter

import komm
import numpy as np

from amrpkg.signals import NOISE_POWER, PHASE_NOISE, make_chunks

REPEATS = 9
CHUNKS_PER_CLASS = 4096
SYMBOLS = 9 * CHUNKS_PER_CLASS * 32


def ours() -> None:
    make_chunks(CHUNKS_PER_CLASS)


def theirs() -> None:
    rng = np.random.default_rng(0)
    constellation = komm.PSKConstellation(8)
    channel = komm.GaussianChannel(NOISE_POWER, rng)
    symbols = constellation.indices_to_symbols(rng.integers(8, size=SYMBOLS))
    _ = channel.transmit(symbols) * np.exp(1j * PHASE_NOISE * rng.standard_normal(SYMBOLS))


def main() -> None:
    rates = {ours: [], theirs: []}
    for repeat in range(REPEATS + 1):
        for make, measured in rates.items():
            begin = perf_counter()
            make()
            if repeat:  # the first round warms up
                measured.append(SYMBOLS / (perf_counter() - begin))
    ratios = [a / b for a, b in zip(rates[ours], rates[theirs], strict=True)]
    print(f"make_chunks: {median(rates[ours]) / 1e6:.1f} million symbols/s (median of {REPEATS})")
    print(f"komm:        {median(rates[theirs]) / 1e6:.1f} million symbols/s")
    print(f"ratio:       {median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})")


if __name__ == "__main__":
    main()

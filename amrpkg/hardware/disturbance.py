"""A simulated design under all that a receiver may do to it at its pins."""

from typing import NamedTuple

import numpy as np

from amrpkg.hardware.simulation import RtlNetwork, quantise

PLAYS = 20  # each with gaps, stalls and a reset of its own


class Disturbed(NamedTuple):
    """Chunks of the right length.

    chunks : that were streamed
    given_up : under way when a reset came
    equal : of the others, with the class and all nine scores of the integers
    """

    chunks: int
    given_up: int
    equal: int


def disturb(rtl: RtlNetwork, iq: np.ndarray, rng: np.random.Generator) -> Disturbed:
    """Stream chunks, ``float32[n, inputs, chunk_size]``, in `PLAYS` parts, and compare.

    In each play symbols come with gaps, classes are taken with stalls, nearly a third of the
    chunks follow one whose ``last`` is in a wrong place, and at a random beat the design is reset.

    Raises ``RuntimeError`` for a design that breaks AXI4-Stream, or gives more classes than there
    were chunks, or too few for those that began behind the reset.
    """
    network, per_clock = rtl.design.network, rtl.design.symbols_per_clock
    beats = network.chunk_size // per_clock  # of a chunk
    given_up = equal = 0
    for part in np.array_split(iq, PLAYS):
        symbols = quantise(network, part)
        parts, starts, now = [], [], 0
        for chunk in symbols:
            length = int(rng.integers(1, 3 * beats)) if rng.random() < 0.3 else beats
            if length != beats:
                parts.append(np.resize(symbols, (1, length * per_clock, symbols.shape[2])))
                now += length
            parts.append(chunk[None])
            starts.append(now)
            now += beats
        gap, stall, reset = rng.uniform(0, 0.6), rng.uniform(0, 0.9), int(rng.integers(now))
        trace = rtl.play(parts, gap, stall, int(rng.integers(1 << 31)), [reset])
        behind = sum(start >= reset for start in starts)
        early = len(trace.classes) - behind
        if not 0 <= early <= len(part) - behind:
            raise RuntimeError(f"{rtl.design.top}: {len(trace.classes)} classes of {len(part)}")
        scores = network.compute(part)
        scores = np.concatenate([scores[:early], scores[len(part) - behind :]])
        right = (trace.scores == scores).all(axis=1) & (trace.classes == scores.argmax(axis=1))
        given_up += len(part) - len(scores)
        equal += int(right.sum())
    return Disturbed(len(iq), given_up, equal)

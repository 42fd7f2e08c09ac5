"""Doubts about a stream, of which no more is kept than a few hundred chunks."""

import numpy as np

from amrpkg.evaluation.classification import classify, doubts

LOOKED_AT = 256  # chunks in a row
PERIOD = 65_536  # chunks; `doubts` takes a hundred times as long as a small network


class Watch:
    """Looks at the first `LOOKED_AT` chunks of a stream and of each `PERIOD` after it.

    model : as of `classify`

    What it finds is told once, until a look has found nothing.
    """

    def __init__(self, model):
        self._model, self._seen, self._kept, self._doubted = model, 0, [], False

    def see(self, chunks: np.ndarray) -> list[str]:
        """Take the next chunks, ``complex64[n, size]``; returns sentences as `doubts`."""
        place = self._seen % PERIOD
        start = 0 if place < LOOKED_AT else PERIOD - place
        part = chunks[start : start + LOOKED_AT - len(self._kept)]
        self._kept.extend(part.copy())
        self._seen += len(chunks)
        return self._look() if len(self._kept) == LOOKED_AT else []

    def end(self) -> list[str]:
        """What a stream shorter than the first look gives rise to."""
        return self._look() if 0 < self._seen < LOOKED_AT else []

    def _look(self) -> list[str]:
        samples = np.concatenate(self._kept)
        self._kept = []
        found = doubts(samples, classify(self._model, samples))
        new = [] if self._doubted else found
        self._doubted = bool(found)
        return new

"""A radio's samples as they come, through the receiver, window by window, in bounded memory.

Each window is a recording of its own: rate and band are found from it where they are not given.
The next one begins where the last block of symbols ended, so that none is lost between them, or
half a window later where nothing was found.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from amrpkg.common.arguments import require_number
from amrpkg.evaluation.reception import Reception, receive_recording
from amrpkg.receiver import BLOCK, MatchedFilter
from amrpkg.signals.chunks import CHUNK_SIZE

FOUND = 1 << 15  # samples of a window whose rate is to be found
GIVEN = 8  # blocks of a window whose rate is given
_ENDS = 36  # symbols of the filter's ends, and one for the timing


class Window(NamedTuple):
    """first, count : the samples that it is about, counted in the stream; reception : what was
    found, places counted in the stream too, or None, and why."""

    first: int
    count: int
    reception: Reception | None
    why: str = ""


def window_size(samples_per_symbol: float | None) -> int:
    """Samples that are waited for."""
    if samples_per_symbol is None:
        return FOUND
    return max(512, int(np.ceil((GIVEN * BLOCK + _ENDS) * samples_per_symbol)))


def receive_stream(
    pieces: Iterable[np.ndarray],
    samples_per_symbol: float | None = None,
    roll_off: float | None = None,
    carrier: float | None = None,
    model=None,
) -> Iterator[Window]:
    """Receive pieces ``complex64[n]`` of one signal, as `receive_recording` does a recording.

    A rest that does not fill a block of symbols is left out.

    Raises ``ValueError`` or ``TypeError`` that names an argument before anything is taken.
    """
    for name, value, low, high in (
        ("samples_per_symbol", samples_per_symbol, 2, np.inf),
        ("roll_off", roll_off, 0.01, 1.0001),
        ("carrier", carrier, -0.5, 0.5001),
    ):
        if value is not None:
            require_number(name, value, low, below=high)
    given, size = (samples_per_symbol, roll_off, carrier, model), window_size(samples_per_symbol)
    return _windows(pieces, given, size)


def _windows(pieces, given, size) -> Iterator[Window]:
    kept, first, rate = np.zeros(0, np.complex64), 0, given[0] or 0.0
    for piece in pieces:
        kept = np.concatenate([kept, piece])
        while len(kept) >= size:
            window = _receive(kept[:size], first, given)
            yield window
            rate = window.reception.samples_per_symbol if window.reception else rate
            kept, first = kept[window.count :], first + window.count
    if len(kept) and (not first or len(kept) >= (BLOCK + _ENDS) * rate):
        window = _receive(kept, first, given)
        yield window._replace(count=len(kept))


def _receive(samples: np.ndarray, first: int, given) -> Window:
    try:
        found = receive_recording(samples, *given)
    except ValueError as error:
        return Window(first, max(1, len(samples) // 2), None, str(error))
    rate = found.samples_per_symbol
    end = found.table["first_sample"].iloc[-1] + CHUNK_SIZE * rate
    start = end - (MatchedFilter(rate, found.band.roll_off).first_and_last(0)[0] + 0.5) * rate
    found.table["first_sample"] += first
    return Window(first, min(max(1, round(start)), len(samples)), found)

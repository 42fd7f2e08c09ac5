"""Raw samples as they come, from a pipe that need not end: chunk by chunk, in one buffer."""

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from amrpkg.signals.raw_types import RAW_TYPES, RawType

_BUFFER = 1 << 20  # bytes, about; more than a pipe holds


class RawStream:
    """Raw pairs I, Q, read when they are asked for.

    file : binary, with ``readinto1``, which waits for bytes and gives what is there
    size : samples of a chunk
    raw : what the pairs are
    chunks : whole ones that were given
    left : bytes after the last whole chunk, known at the end
    """

    def __init__(self, file: BinaryIO, size: int, raw: RawType = RAW_TYPES["cf32"]):
        self._file, self._size, self._raw = file, size, raw
        self.chunks = self.left = 0

    def __iter__(self) -> Iterator[np.ndarray]:
        """Whole chunks ``complex64[n, size]`` as soon as they are there, valid until the next.

        Raises ``ValueError`` at the first sample that is not finite, after the chunks before it.
        """
        chunk = self._size * self._raw.bytes_a_sample
        buffer = memoryview(bytearray(-(-_BUFFER // chunk) * chunk))
        while came := self._file.readinto1(buffer[self.left :]):
            self.left += came
            if whole := self.left // chunk * chunk:
                yield from self._require_finite(self._raw.read(buffer[:whole]))
                self.left -= whole
                buffer[: self.left] = buffer[whole : whole + self.left]

    def _require_finite(self, samples: np.ndarray) -> Iterator[np.ndarray]:
        finite = np.isfinite(samples)
        bad = None if finite.all() else int(finite.argmin())
        good = samples[: bad if bad is None else bad // self._size * self._size]
        first = self.chunks * self._size
        if good.size:
            self.chunks += good.size // self._size
            yield good.reshape(-1, self._size)
        if bad is not None:
            raise ValueError(
                f"the stream holds {samples[bad]} at sample {first + bad}; allowed: finite "
                "numbers, as pairs I, Q of little-endian 32-bit floats"
            )

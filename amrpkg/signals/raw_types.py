"""Raw pairs I, Q as radios write them, without a header: what the numbers are, and complex of them.

``cs16`` is what most radios give, ``cs8`` that of the HackRF, ``cu8`` that of the RTL-SDR, ``cf32``
GNU Radio's. Integers are scaled to -1 .. 1, as SigMF does.
"""

from typing import NamedTuple

import numpy as np


class RawType(NamedTuple):
    """numbers : of a part, little-endian; middle : what is zero; full_scale : from it, 1."""

    numbers: str
    middle: int = 0
    full_scale: int = 1

    @property
    def bytes_a_sample(self) -> int:
        return 2 * np.dtype(self.numbers).itemsize

    def read(self, content) -> np.ndarray:
        """Whole samples in bytes or a memory view of them, ``complex64[n]``."""
        if self.numbers == "<f4":
            return np.frombuffer(content, "<c8").astype(np.complex64, copy=False)
        parts = np.frombuffer(content, self.numbers).astype(np.float32)
        return ((parts - self.middle) / np.float32(self.full_scale)).view(np.complex64)


RAW_TYPES = {
    "cf32": RawType("<f4"),
    "cs16": RawType("<i2", 0, 1 << 15),
    "cs8": RawType("i1", 0, 1 << 7),
    "cu8": RawType("u1", 1 << 7, 1 << 7),
}

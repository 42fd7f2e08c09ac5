"""The matched filter, evaluated at any instant: filter and interpolator in one.

    y(t) = sum_n x_n g(n / N - t) / sqrt(N)

with g the root raised cosine, N samples a symbol and t in symbols from sample 0. White noise of
power N0 a sample leaves noise of power N0 in y, and a symbol s behind such a pulse leaves s.
"""

import numpy as np

from amrpkg.signals.pulses import root_raised_cosine

SPAN = 16  # symbols to each side of the filter; what is cut off leaves less than -50 dB
_PHASES = 128  # of the bank, a sample; the instant is off by 1/256 sample at most


class MatchedFilter:
    """A bank of filters, one for each of 128 instants between two samples.

    samples_per_symbol : N, at least 2
    roll_off : above 0 and at most 1
    """

    def __init__(self, samples_per_symbol: float, roll_off: float):
        self.samples_per_symbol = samples_per_symbol
        self._half = int(np.ceil(SPAN * samples_per_symbol))
        n = np.arange(-self._half, self._half + 1)
        delay = np.arange(_PHASES) / _PHASES
        bank = root_raised_cosine((n - delay[:, None]) / samples_per_symbol, roll_off)
        self._bank = (bank / np.sqrt(samples_per_symbol)).astype(np.float32)

    def first_and_last(self, count: int) -> tuple[float, float]:
        """The instants between which the filter lies within `count` samples."""
        inside = self._half + 1
        return inside / self.samples_per_symbol, (count - 1 - inside) / self.samples_per_symbol

    def __call__(self, samples: np.ndarray, instants: np.ndarray) -> np.ndarray:
        """y at `instants` within `first_and_last`, ``complex64`` of their shape.

        samples : complex64[n]
        """
        step = np.rint(np.asarray(instants) * self.samples_per_symbol * _PHASES).astype(int)
        middle, phase = np.divmod(step, _PHASES)
        windows = np.lib.stride_tricks.sliding_window_view(samples, 2 * self._half + 1)
        return np.einsum("...n,...n->...", windows[middle - self._half], self._bank[phase])

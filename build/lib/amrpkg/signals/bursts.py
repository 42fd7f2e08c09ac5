"""A recording as a radio makes it: shaped pulses, more than a sample a symbol, everything unknown.

    x_n = A exp(j (2 pi f n + theta)) sum_k s_k g(n / N - k - tau) / sqrt(N) + noise

with g the root raised cosine, N samples a symbol, tau the time of symbol 0 in symbols and f the
carrier in cycles a sample. The noise is white, and so strong that after the matched filter
Es/N0 is the ratio of the mean energy of the class's symbols to the noise of a symbol.
"""

from dataclasses import dataclass

import numpy as np

from amrpkg.common.arguments import require_count, require_number
from amrpkg.signals.pulses import root_raised_cosine

_SPAN = 24  # symbols to each side of a pulse; what is cut off lies below -60 dB


@dataclass(frozen=True)
class Burst:
    """What a receiver does not know; the defaults are the easiest signal.

    samples_per_symbol : N, at least 1, need not be whole
    timing : tau, in symbols
    carrier : cycles a sample
    phase : theta, radians
    gain : A
    """

    es_n0_db: float = 20.0
    samples_per_symbol: float = 4.0
    roll_off: float = 0.35
    timing: float = 0.0
    carrier: float = 0.0
    phase: float = 0.0
    gain: float = 1.0

    @classmethod
    def draw(cls, es_n0_db: float, rng: np.random.Generator) -> "Burst":
        """A random one: 2 to 8 samples a symbol, roll-off 0.2 to 0.5, carrier to 1 % of the
        symbol rate, any timing and phase, gain over 40 dB."""
        samples_per_symbol = rng.uniform(2, 8)
        return cls(
            es_n0_db=es_n0_db,
            samples_per_symbol=samples_per_symbol,
            roll_off=rng.uniform(0.2, 0.5),
            timing=rng.uniform(0, 1),
            carrier=rng.uniform(-0.01, 0.01) / samples_per_symbol,
            phase=rng.uniform(-np.pi, np.pi),
            gain=10 ** rng.uniform(-1, 1),
        )

    def transmit(self, points: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
        """Symbols drawn from `points`, shaped and received: ``complex64[about count * N]``.

        Raises ``ValueError`` or ``TypeError`` for fewer than one symbol or sample a symbol.
        """
        require_count("count", count)
        require_number("samples_per_symbol", self.samples_per_symbol, 1)
        symbols = rng.choice(points, count)
        n = np.arange(int(count * self.samples_per_symbol))
        t = n / self.samples_per_symbol - self.timing
        k = np.floor(t).astype(int)[:, None] + np.arange(1 - _SPAN, _SPAN + 1)
        pulse = root_raised_cosine(t[:, None] - k, self.roll_off)
        known = (k >= 0) & (k < count)
        x = np.einsum("nk,nk->n", np.where(known, pulse, 0), symbols[np.clip(k, 0, count - 1)])
        power = np.mean(np.abs(points) ** 2) * 10 ** (-self.es_n0_db / 10)
        noise = rng.normal(size=(2, len(n))) * np.sqrt(power / 2)
        x = x / np.sqrt(self.samples_per_symbol) * np.exp(1j * self.phase)
        x = x * np.exp(2j * np.pi * self.carrier * n) + noise[0] + 1j * noise[1]
        return (self.gain * x).astype(np.complex64)

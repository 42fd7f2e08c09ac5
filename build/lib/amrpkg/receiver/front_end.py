"""From samples of a radio to blocks of symbols, in step and filtered, carrier and level still open.

Each block of `BLOCK` symbols is on its own: what is found out about it comes from its samples.
The rate, the roll-off and where the band lies are the recording's.
"""

from dataclasses import dataclass

import numpy as np

from amrpkg.common.arguments import require_kind, require_number
from amrpkg.receiver.matched_filter import MatchedFilter
from amrpkg.receiver.timing import SAMPLES, squared_envelope_timing

BLOCK = 256  # symbols
NO_SIGNAL = 1e-3  # probability that a block of noise is taken for a signal


@dataclass(frozen=True)
class Blocks:
    """b blocks of symbols.

    symbols : complex64[b, BLOCK]
    start : float64[b], the sample at which symbol 0 of each lies
    has_signal : bool[b], whether the squared envelope has a line at the symbol rate
    """

    symbols: np.ndarray
    start: np.ndarray
    has_signal: np.ndarray


def synchronise(
    samples: np.ndarray, samples_per_symbol: float, roll_off: float, carrier: float = 0.0
) -> Blocks:
    """Filter a recording, find the symbols' time block by block, and take one sample a symbol.

    samples : complex[n]; a rest that does not fill a block is left out, as are 16 symbols at
        both ends, where the filter would lack samples
    samples_per_symbol : at least 2, need not be whole; an error of 1e-4 does no harm
    roll_off : of the root raised cosine, above 0 and at most 1
    carrier : the middle of the band in cycles a sample, right to 1/64 of the symbol rate

    Raises ``ValueError`` or ``TypeError`` that names the argument, and for fewer samples than a
    block needs.
    """
    require_kind("samples", samples, np.ndarray)
    require_number("samples_per_symbol", samples_per_symbol, 2)
    require_number("roll_off", roll_off, 0.01, below=1.0001)
    require_number("carrier", carrier, -0.5, below=0.5001)
    matched = MatchedFilter(samples_per_symbol, roll_off)
    first, last = matched.first_and_last(len(samples))
    first += 0.5  # the timing may be earlier
    count = int((last - first) / BLOCK + 1 / BLOCK)
    if samples.ndim != 1 or count < 1:
        least = int(np.ceil((BLOCK + 1 + 2 * first) * samples_per_symbol))
        raise ValueError(
            f"samples are {list(samples.shape)}; allowed: at least {least} in one dimension, "
            f"{BLOCK} symbols of {samples_per_symbol:.6g} samples and the ends of the filter"
        )
    if carrier:
        samples = samples * np.exp(-2j * np.pi * carrier * np.arange(len(samples)))
    samples = samples.astype(np.complex64, copy=False)
    symbols, start, seen = [], [], []
    for block in range(count):
        at = first + block * BLOCK
        y = matched(samples, at + np.arange(SAMPLES * BLOCK) / SAMPLES)
        at += squared_envelope_timing(y)
        symbols.append(matched(samples, at + np.arange(BLOCK)))
        start.append(at * samples_per_symbol)
        seen.append(_has_line(y))
    return Blocks(np.array(symbols), np.array(start), np.array(seen))


def _has_line(y: np.ndarray) -> bool:
    """Whether the two edges of the band are alike, as those of shaped pulses are.

    y : complex[n], four samples a symbol, with spectrum Y_k. Stationary signals, whatever their
        spectrum, have phases that differ by anything between Y_k and Y_k+n/4, so that

            u = |sum_k Y_k Y*_k+n/4|^2 / sum_k |Y_k|^2 |Y_k+n/4|^2

        is above x with a probability of about exp(-x). Source: Gardner as in `rate`.
    """
    spectrum = np.fft.fft(y)
    product = spectrum * np.roll(spectrum, -len(y) // SAMPLES).conj()
    weight = np.sum(np.abs(product) ** 2, dtype=np.float64)
    return bool(abs(product.sum()) ** 2 > -np.log(NO_SIGNAL) * weight)

"""What a receiver does to chunks and no network saw in training: gain, rotation, frequency.

Each function takes `Chunks` and returns new ones with the same labels and split. The whole
received sample is changed, noise included, so the ratio of signal and noise stays. A parameter
is one number for all chunks or an array of one a chunk, ``float[n]``.
"""

from dataclasses import replace

import numpy as np

from amrpkg.signals.chunks import Chunks


def _per_chunk(argument: str, value, chunks: Chunks) -> np.ndarray:
    """`value` as ``float64[1 or n, 1]``."""
    values = np.asarray(value)
    fits = values.ndim == 0 or values.shape == (len(chunks),)
    if not fits or values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        came = f"an array of shape {values.shape}" if values.ndim else repr(value)
        raise ValueError(
            f"{argument} is {came}; allowed: a finite number, or an array of shape "
            f"({len(chunks)},) of finite numbers, one a chunk"
        )
    return values.astype(float).reshape(-1, 1)


def _multiply(chunks: Chunks, factor: np.ndarray) -> Chunks:
    """Multiply the samples by complex factors, ``complex128[1 or n, 1 or chunk_size]``."""
    received = (chunks.iq[:, 0] + 1j * chunks.iq[:, 1]) * factor
    iq = np.stack([received.real, received.imag], axis=1).astype(np.float32)
    return replace(chunks, iq=iq)


def change_gain(chunks: Chunks, decibels: float | np.ndarray) -> Chunks:
    """Multiply all samples of a chunk by 10^(decibels / 20).

    Raises ``ValueError`` unless `decibels` is finite, one number or one a chunk.
    """
    return _multiply(chunks, 10 ** (_per_chunk("decibels", decibels, chunks) / 20))


def rotate(chunks: Chunks, degrees: float | np.ndarray) -> Chunks:
    """Turn all samples of a chunk by one angle, counter-clockwise.

    Raises ``ValueError`` unless `degrees` is finite, one number or one a chunk.
    """
    return _multiply(chunks, np.exp(1j * np.deg2rad(_per_chunk("degrees", degrees, chunks))))


def offset_frequency(chunks: Chunks, cycles_per_symbol: float | np.ndarray) -> Chunks:
    """Turn sample k of a chunk by k times `cycles_per_symbol` full turns; sample 0 stays.

    Raises ``ValueError`` unless `cycles_per_symbol` is finite, one number or one a chunk.
    """
    cycles = _per_chunk("cycles_per_symbol", cycles_per_symbol, chunks)
    return _multiply(chunks, np.exp(2j * np.pi * cycles * np.arange(chunks.iq.shape[2])))

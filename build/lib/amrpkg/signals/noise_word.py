"""The noise power as a receiver tells it to a network: a word of eighths of an octave.

The word, round(8 log2(N_a)) + 64, is 0 to 40 for N_a from 2^-8 to 2^-3. It goes to a network as
a third channel beside I and Q, the same for all symbols of a chunk, in steps of 1/32.
"""

import numpy as np

QUIETEST, LOUDEST = 2**-8, 2**-3  # N_a
_STEP = 1 / 32


def with_noise_word(iq: np.ndarray, noise_power: float | np.ndarray) -> np.ndarray:
    """Samples ``float32[n, 2, chunk_size]`` and their noise: ``float32[n, 3, chunk_size]``.

    noise_power : N_a of all chunks, or ``float64[n]``, one a chunk

    Raises ``ValueError`` unless each is 2^-8 to 2^-3.
    """
    powers = np.asarray(noise_power)
    fits = powers.dtype.kind in "iuf" and powers.shape in ((), (len(iq),))
    if not fits or not ((powers >= QUIETEST) & (powers <= LOUDEST)).all():
        came = f"an array of shape {powers.shape}" if powers.ndim else noise_power
        allowed = f"{QUIETEST} to {LOUDEST}, for the word has no others, one or one a chunk"
        raise ValueError(f"noise_power is {came}; allowed: {allowed}")
    words = np.rint(8 * np.log2(powers)) + 64
    channel = np.empty_like(iq[:, :1])
    channel[:] = np.reshape(words * _STEP, (-1, 1, 1))
    return np.concatenate([iq, channel], axis=1)


def estimate_noise_power(received: np.ndarray, known: np.ndarray) -> np.ndarray:
    """N_a as known symbols show it: the mean of their squared distances from what they are.

    received, known : ``complex[..., symbols]``. Returns ``float[...]``, from n symbols with a
    standard deviation of N_a / sqrt(n).
    """
    return np.mean(np.abs(received - known) ** 2, axis=-1)

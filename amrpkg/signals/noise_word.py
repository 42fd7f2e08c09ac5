"""The noise power as a receiver tells it to a network: a word of eighths of an octave.

The word, round(8 log2(N_a)) + 64, is 0 to 40 for N_a from 2^-8 to 2^-3. It goes to a network as
a third channel beside I and Q, the same for all symbols of a chunk, in steps of 1/32.
"""

import numpy as np

from amrpkg.common.arguments import require_number

QUIETEST, LOUDEST = 2**-8, 2**-3  # N_a
_STEP = 1 / 32


def with_noise_word(iq: np.ndarray, noise_power: float) -> np.ndarray:
    """Samples ``float32[n, 2, chunk_size]`` and their noise: ``float32[n, 3, chunk_size]``.

    Raises ``ValueError`` for a noise power below 2^-8 or above 2^-3.
    """
    require_number("noise_power", noise_power)
    if not QUIETEST <= noise_power <= LOUDEST:
        allowed = f"{QUIETEST} to {LOUDEST}, for the word has no others"
        raise ValueError(f"noise_power is {noise_power}; allowed: {allowed}")
    word = round(8 * np.log2(noise_power)) + 64
    channel = np.full_like(iq[:, :1], word * _STEP)
    return np.concatenate([iq, channel], axis=1)

"""When the symbols come: the phase of the line that the squared envelope has at the symbol rate.

    tau = -1 / (2 pi) arg sum_j |y_j|^2 exp(-2 pi j j / 4),    four samples y_j a symbol

Source: Oerder and Meyr, Digital filter and square timing recovery, IEEE Transactions on
Communications 36(5), 1988. Neither carrier nor phase nor modulation need be known.
"""

import numpy as np

SAMPLES = 4  # a symbol; |y|^2 is then sampled without aliases onto its line


def squared_envelope_timing(y: np.ndarray) -> np.ndarray:
    """The time of a symbol after y_0, in symbols, ``float64[...]`` in [-1/2, 1/2).

    y : complex[..., n], n a multiple of four: the filtered signal at four samples a symbol

    Without noise it is off by the signal's own noise, the less the larger the roll-off.
    """
    energy = np.abs(y, dtype=np.float64) ** 2
    turns = np.array([1, -1j, -1, 1j])  # exp(-2 pi j k / 4)
    line = energy.reshape(*energy.shape[:-1], -1, SAMPLES).sum(axis=-2) @ turns
    return -np.angle(line) / (2 * np.pi)

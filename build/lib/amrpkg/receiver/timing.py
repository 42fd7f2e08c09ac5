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


def timing_bound(es_n0_db: float, symbols: int, roll_off: float) -> float:
    """The modified Cramer-Rao bound on the standard deviation of the timing, in symbols.

    1 / (8 pi^2 xi L Es/N0), xi = 1/12 + b^2 (1/4 - 2 / pi^2), for L symbols of a root raised
    cosine of roll-off b. Source: Mengali and D'Andrea, Synchronization Techniques for Digital
    Receivers, 1997, section 2.4.
    """
    xi = 1 / 12 + roll_off**2 * (1 / 4 - 2 / np.pi**2)
    return (8 * np.pi**2 * xi * symbols * 10 ** (es_n0_db / 10)) ** -0.5

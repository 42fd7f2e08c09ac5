"""Cumulants of a chunk: the few numbers by which modulations were told apart before networks.

With M_pq the mean of r^(p - q) conj(r)^q over a chunk and r of mean zero, C_pq is the joint
cumulant of p - q times r and q times conj(r). Those of order four and six vanish for circular
Gaussian noise, so that on average noise adds to C21 alone, the power.
Source: Swami and Sadler, Hierarchical digital modulation classification using cumulants, IEEE
Transactions on Communications 48(3), 2000.
"""

import numpy as np

from amrpkg.signals.chunks import require_iq

CUMULANTS = ("C20", "C21", "C40", "C41", "C42", "C60", "C61", "C62", "C63")


def cumulants(iq: np.ndarray) -> np.ndarray:
    """The cumulants of every chunk, ``complex128[n, 9]``, in the order of `CUMULANTS`.

    iq : float32[n, 2, chunk_size], not all zero in any chunk

    All but C21, the power of the samples, noise included, are divided by its p/2-th power. C21,
    C42 and C63 are real. A chunk turned by theta has the magnitudes of the others, and their
    phases turned by p - 2 q times theta. Raises ``ValueError`` or ``TypeError`` for `iq`.
    """
    require_iq(iq)
    r = iq[:, 0].astype(np.float64) + 1j * iq[:, 1]
    power = np.mean(np.abs(r) ** 2, axis=1)
    r /= np.sqrt(power)[:, None]  # M21 is one from here on
    square, energy = r**2, np.abs(r) ** 2
    m20, m40, m60 = (np.mean(square**k, axis=1) for k in (1, 2, 3))
    m41 = np.mean(square * energy, axis=1)
    m61 = np.mean(square**2 * energy, axis=1)
    m62 = np.mean(square * energy**2, axis=1)
    m42, m63 = (np.mean(energy**k, axis=1) for k in (2, 3))
    two = np.abs(m20) ** 2
    c40 = m40 - 3 * m20**2
    c41 = m41 - 3 * m20
    c42 = m42 - two - 2
    c60 = m60 - 15 * m20 * m40 + 30 * m20**3
    c61 = m61 - 5 * m40 - 10 * m20 * m41 + 30 * m20**2
    c62 = m62 - 6 * m20 * m42 - 8 * m41 - m20.conj() * m40 + 6 * m20 * two + 24 * m20
    c63 = m63 - 9 * m42 - 6 * (m20.conj() * m41).real + 18 * two + 12
    return np.stack([m20, power, c40, c41, c42, c60, c61, c62, c63], axis=1)

"""The ceilings of one who is told neither the noise nor, if so asked, the phase.

What is not told is integrated out over its prior. The noise power N_a of a chunk is uniform in
its logarithm between two bounds, as in `signals.stream`, and the phase theta by which a whole
chunk is turned is uniform over a full turn. With T = chunk_size and r and s as in `signals`,

    p(r | m) = mean over N_a, theta of
        prod_t 1 / (M_m pi N_a) sum_{s in m} exp(-|r_t - s exp(j theta)|^2 / N_a).

Averaged over that prior no classifier is better that is told as little. At one N_a within the
bounds one may be: one that was made for that N_a. Phase noise within a chunk is neglected, as in
`conditions`.

The mean over log N_a is taken by Gauss and Legendre's rule, as a likelihood may be cut off at a
bound; it is about 1 / sqrt(T) wide there. The mean over theta is one of equal steps, which for a
periodic function is as good. There the likelihood is sqrt(N_a / (2 T E)) wide, with E the mean
energy of the symbols, so that much noise needs few steps, and a class that looks the same after
1 / k of a turn needs that part only.
Source: Wei and Mendel as in `bounds`; Panagiotou, Anastasopoulos and Polydoros, Likelihood ratio
tests for modulation classification, MILCOM 2000, for the average over an unknown phase.
"""

from collections.abc import Mapping

import numpy as np

from amrpkg.common.arguments import require_kind, require_number
from amrpkg.evaluation.decisions import Evaluation, count_decisions
from amrpkg.signals.chunks import Chunks, require_constellations, require_iq
from amrpkg.signals.constellations import CONSTELLATIONS, symmetry

NOISE_RANGE = (0.004, 0.12)  # N_a, of the networks that are trained across noise powers
_NODE, _MORE = 1.5, 5  # distance of the nodes in log N_a in widths of the likelihood, and some more
_STEP = 2.0  # longest step of the phase, likewise
_QUIETEST, _LOUDEST = 1e-12, 1e12  # float32 arithmetic holds between them
_BLOCK = 1 << 13  # samples per block, so that the temporaries stay in cache


def blind_log_likelihoods(
    iq: np.ndarray,
    noise_range: tuple[float, float] = NOISE_RANGE,
    knows_phase: bool = True,
    constellations: Mapping[str, np.ndarray] = CONSTELLATIONS,
) -> np.ndarray:
    """Log of the mean density of every chunk under every class, no constant left out.

    iq : float32[n, 2, chunk_size], any chunk_size
    noise_range : bounds (low, high) of N_a, between which its logarithm is uniform
    knows_phase : False also takes the mean over a rotation of the whole chunk

    Returns ``float64[n, 9]``. For chunks of 32 in the default range classes within 10 of the
    likeliest are right to 0.01, without the phase to 0.03; one far from it may be off by 4. One
    core decides about 5,000 chunks a second, without the phase 60.
    Raises ``ValueError`` or ``TypeError`` that names the argument.
    """
    require_iq(iq)
    _require_range(noise_range)
    require_constellations(constellations)
    chunk_size = iq.shape[2]
    powers, weights = _noise_nodes(noise_range, chunk_size)
    integrate = _logs if knows_phase else _phase_mean
    scores = np.empty((len(iq), len(constellations)))
    per_block = max(1, _BLOCK // chunk_size)
    for start in range(0, len(iq), per_block):
        block = iq[start : start + per_block]
        samples = np.ones((3, len(block) * chunk_size), dtype=np.float32)
        samples[:2] = block.transpose(1, 0, 2).reshape(2, -1)
        energy = np.sum(block.astype(np.float64) ** 2, axis=(1, 2))
        # What is the same for all classes, but not for all noise powers: it cannot be dropped.
        common = np.log(weights) - chunk_size * np.log(np.pi * powers)
        common = common[:, None] - energy / powers[:, None]
        for label, points in enumerate(constellations.values()):
            logs = integrate(samples, points, powers, chunk_size)
            scores[start : start + per_block, label] = np.logaddexp.reduce(common + logs)
    return scores


def _require_range(noise_range: tuple[float, float]) -> None:
    require_kind("noise_range", noise_range, tuple)
    for power in noise_range:
        require_number("noise_range", power, _QUIETEST, below=_LOUDEST)
    if len(noise_range) != 2 or not noise_range[0] < noise_range[1]:
        raise ValueError(f"noise_range is {noise_range}; allowed: (low, high) with low < high")


def _noise_nodes(noise_range: tuple[float, float], chunk_size: int) -> tuple:
    """Noise powers and their weights, which sum to one."""
    low, high = np.log(noise_range)
    count = _MORE + int(np.ceil((high - low) * np.sqrt(chunk_size) / _NODE))
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return np.exp((low + high) / 2 + (high - low) / 2 * nodes), weights / 2


def _phase_mean(samples, points, powers, chunk_size) -> np.ndarray:
    """Log of the mean over the phase of what `_logs` gives the log of, ``float64[powers, n]``.

    All phases are used for the least noise, every second, fourth and so on for more.
    """
    turn = 2 * np.pi / symmetry(points)
    width = np.sqrt(powers / (2 * chunk_size * np.mean(np.abs(points) ** 2)))
    needed = turn / (_STEP * width)
    strides = 2 ** np.floor(np.log2(needed.max() / needed)).astype(int)
    count = strides.max() * int(np.ceil(needed.max() / strides.max()))
    total = np.full((len(powers), samples.shape[1] // chunk_size), -np.inf)
    for step in range(count):
        used = step % strides == 0
        turned = points * np.exp(1j * turn * step / count)
        logs = _logs(samples, turned, powers[used], chunk_size)
        total[used] = np.logaddexp(total[used], logs)
    return total + np.log(strides / count)[:, None]


def _logs(samples, points, powers, chunk_size) -> np.ndarray:
    """sum_t log mean_s exp((2 Re(r_t s*) - |s|^2) / N_a) a noise power and chunk.

    samples : I, Q and ones, ``float32[3, n * chunk_size]``. Returns ``float64[powers, n]``.
    """
    rows = np.stack([2 * points.real, 2 * points.imag, -(np.abs(points) ** 2)], axis=1)
    closeness = np.einsum("pk,kn->pn", rows.astype(np.float32), samples)  # see `bounds`
    peak = closeness.max(axis=0)  # taken out before the exponential, which cannot overflow then
    closeness -= peak
    peaks = peak.reshape(-1, chunk_size).sum(axis=1, dtype=np.float64)
    logs = np.empty((len(powers), len(peaks)))
    scaled = np.empty_like(closeness)
    for row, power in zip(logs, powers, strict=True):
        np.multiply(closeness, np.float32(1 / power), out=scaled)
        np.exp(scaled, out=scaled)
        sums = np.log(scaled.sum(axis=0)).reshape(-1, chunk_size)
        row[:] = sums.sum(axis=1, dtype=np.float64) + peaks / power
    return logs - chunk_size * np.log(len(points))


def blind_ceiling(
    chunks: Chunks,
    noise_range: tuple[float, float] = NOISE_RANGE,
    knows_phase: bool = True,
    constellations: Mapping[str, np.ndarray] = CONSTELLATIONS,
) -> Evaluation:
    """Decide every chunk by the likeliest class when only the priors are told, and count.

    Arguments and errors as of `blind_log_likelihoods`; `bounds.ceiling` is told the noise.
    """
    require_kind("chunks", chunks, Chunks)
    scores = blind_log_likelihoods(chunks.iq, noise_range, knows_phase, constellations)
    return count_decisions(chunks, scores.argmax(axis=1))

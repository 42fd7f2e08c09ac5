"""The ceiling: the classifier that no other can beat on average over equally likely classes.

It knows the constellations, the noise and that symbols are independent and equally likely,
and picks the class under which the received chunk is likeliest (average likelihood ratio
test). With r, s and N_a as in `signals`, the log-likelihood of a chunk is, up to a constant,

    log p(r | m) = sum_t log (1 / M_m) sum_{s in m} exp(-|r_t - s|^2 / N_a).

Phase noise, r = (s + sqrt(N_a) n) exp(j phi) with phi normal of deviation N_p, turns the
symbol and leaves the circular noise as it was: r = s exp(j phi) + sqrt(N_a) n'. The mean over
phi is taken by Gauss and Hermite's quadrature, which replaces each point s by `NODES` turned
ones of known weights.
Source: Wei and Mendel, Maximum-likelihood classification for digital amplitude-phase
modulations, IEEE Transactions on Communications 48(2), 2000.
"""

from collections.abc import Mapping
from functools import cache

import numpy as np

from amrpkg.common.arguments import require_kind, require_number
from amrpkg.evaluation.decisions import Evaluation, count_decisions
from amrpkg.signals.chunks import (
    FRESH_CHUNKS_PER_CLASS,
    NOISE_POWER,
    Chunks,
    make_chunks,
    require_constellations,
    require_iq,
)
from amrpkg.signals.constellations import CONSTELLATIONS

NODES = 9
_QUIETEST, _LOUDEST = 1e-12, 1e12  # float32 arithmetic holds between them
_BLOCK = 1 << 13  # samples per block, so that the temporaries stay in cache


def _turned(points: np.ndarray, phase_noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Points s exp(j phi) of all nodes and the weight of each, which sum to one."""
    if phase_noise == 0:
        return points, np.full(len(points), 1 / len(points))
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)  # for exp(-x^2 / 2)
    turned = points * np.exp(1j * phase_noise * nodes)[:, None]
    weight = np.repeat(weights / weights.sum(), len(points)) / len(points)
    return turned.ravel(), weight


def log_likelihoods(
    iq: np.ndarray,
    noise_power: float,
    phase_noise: float = 0.0,
    constellations: Mapping[str, np.ndarray] = CONSTELLATIONS,
) -> np.ndarray:
    """Log-likelihood of every chunk under every class, up to a constant of the chunk.

    iq : float32[n, 2, chunk_size], any chunk_size
    noise_power : N_a, above 0
    phase_noise : N_p in radians, at most sqrt(N_a); 0 neglects it

    With nine nodes the quadrature is exact to single precision at N_a = N_p = 0.005 for all
    classes (seven leave 0.009, five 0.25). Up to N_p = sqrt(N_a) it is off by at most about
    0.2 for the true class of a chunk of 32. It costs eight times the time: 26,000 chunks of 32
    a second on one core in place of 210,000. At N_p = 0.005 it changes 2 decisions of 50,004 at
    N_a = 0.05, 8 at 0.2, none at 0.03 and below: neglecting it is right there.

    Returns ``float64[n, 9]``, good to about 2e-6 / N_a a chunk of 32, as |r - s|^2 is formed
    in single precision. Raises ``ValueError`` or ``TypeError`` that names the argument.
    """
    require_iq(iq)
    require_number("noise_power", noise_power, _QUIETEST, below=_LOUDEST)
    require_number("phase_noise", phase_noise)
    if phase_noise > (most := noise_power**0.5):
        raise ValueError(
            f"phase_noise is {phase_noise}; allowed: at most sqrt(noise_power) = {most:.3g}, "
            f"beyond which {NODES} nodes are too few"
        )
    require_constellations(constellations)
    chunk_size = iq.shape[2]
    per_block = max(1, _BLOCK // chunk_size)
    scores = np.empty((len(iq), len(constellations)))
    tables = [_turned(points, phase_noise) for points in constellations.values()]
    for start in range(0, len(iq), per_block):
        block = iq[start : start + per_block]
        samples = np.ones((3, len(block) * chunk_size), dtype=np.float32)
        samples[:2] = block.transpose(1, 0, 2).reshape(2, -1)
        for label, (points, weight) in enumerate(tables):
            logs = _log_mean_exp(samples, points, weight, noise_power)
            scores[start : start + per_block, label] = logs.reshape(-1, chunk_size).sum(axis=1)
    return scores


def _log_mean_exp(samples, points, weight, noise_power) -> np.ndarray:
    """log sum_s weight_s exp((2 Re(r s*) - |s|^2) / N_a) a sample, ``float64[...]``.

    The dropped -|r|^2 / N_a is the same for all classes. samples : I, Q and ones.
    """
    rows = np.stack([2 * points.real, 2 * points.imag, -(np.abs(points) ** 2)], axis=1)
    # By einsum, as BLAS would set threads to so thin a product, which costs more on a busy machine.
    closeness = np.einsum("pk,kn->pn", rows.astype(np.float32), samples)
    peak = closeness.max(axis=0)  # taken out before the exponential, which cannot overflow then
    closeness -= peak
    closeness *= np.float32(1 / noise_power)
    np.exp(closeness, out=closeness)
    mean = np.einsum("p,pn->n", weight.astype(np.float32), closeness)
    return np.log(mean) + peak / np.float64(noise_power)


def classify_maximum_likelihood(
    iq: np.ndarray,
    noise_power: float = NOISE_POWER,
    phase_noise: float = 0.0,
    constellations: Mapping[str, np.ndarray] = CONSTELLATIONS,
) -> np.ndarray:
    """The likeliest class of every chunk, ``int64[n]``; arguments as in `log_likelihoods`."""
    return log_likelihoods(iq, noise_power, phase_noise, constellations).argmax(axis=1)


def ceiling(
    chunks: Chunks,
    noise_power: float = NOISE_POWER,
    phase_noise: float = 0.0,
    constellations: Mapping[str, np.ndarray] = CONSTELLATIONS,
) -> Evaluation:
    """Decide every chunk by maximum likelihood, under the noise it was made with, and count.

    Raises as `log_likelihoods`.
    """
    require_kind("chunks", chunks, Chunks)
    decisions = classify_maximum_likelihood(chunks.iq, noise_power, phase_noise, constellations)
    return count_decisions(chunks, decisions)


@cache
def recorded_ceiling(seed: int = 0) -> Evaluation:
    """The ceiling on the very chunks that the fresh accuracies of a record are counted on."""
    return ceiling(make_chunks(FRESH_CHUNKS_PER_CLASS, seed=seed, split="evaluation"))

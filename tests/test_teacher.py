"""Soft labels against the likelihoods of the ceiling, plain products against Brevitas."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from amrpkg.evaluation import log_likelihoods, samples_for
from amrpkg.models import build
from amrpkg.models.architectures import symbol_wise
from amrpkg.models.plain import plain
from amrpkg.signals import make_chunks, stream
from amrpkg.training import train_on_stream
from amrpkg.training.protocols import across_noise_knobs
from amrpkg.training.teacher import posterior

CHUNKS = next(stream(70, noise_power=(0.004, 0.12)))  # more than a block


def test_soft_labels_are_the_posterior_of_the_likelihood_that_knows_the_noise():
    found = posterior(CHUNKS).numpy()
    for k, power in enumerate(CHUNKS.noise_power):
        logs = log_likelihoods(CHUNKS.iq[k : k + 1], float(power))[0]
        expected = np.exp(logs - logs.max())
        np.testing.assert_allclose(found[k], expected / expected.sum(), atol=2e-5)
    assert 0.1 < (found.max(axis=1) < 0.99).mean() < 0.9
    one = posterior(make_chunks(2, noise_power=0.05))
    assert one.shape == (18, 9) and torch.allclose(one.sum(1), torch.ones(18))


@pytest.mark.parametrize("power", [None, 0.0])
def test_a_teacher_without_noise_is_refused(power):
    with pytest.raises(ValueError, match=f"noise power of {power}; allowed: above 0"):
        posterior(replace(CHUNKS, noise_power=power))


ROWS = [symbol_wise("fold_sign_noise", 6, 5), symbol_wise("fold_sign", 6, 5, hidden=(4,))]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.short)
@pytest.mark.parametrize("bits", [32, 8, 4])
def test_plain_products_give_scores_and_gradients_of_brevitas(row, bits):
    model = build(row, bits)
    knobs = replace(across_noise_knobs(bits, (0.004, 0.12)), chunks=2048)
    train_on_stream(model, knobs, progress=False)
    iq = torch.from_numpy(samples_for(model, CHUNKS))
    labels = torch.from_numpy(CHUNKS.labels)
    scores, gradients = [], []
    for forward in (model.train(), plain(model)):
        model.zero_grad()
        given = forward(iq)
        given = getattr(given, "value", given)
        cross_entropy(given, labels).backward()
        scores.append(given.detach())
        gradients.append(torch.cat([p.grad.ravel() for p in model.parameters()]))
    if bits == 32:
        torch.testing.assert_close(*scores, rtol=1e-4, atol=1e-4)
    else:
        assert (scores[0] == scores[1]).all() and len(scores[0].unique()) > 100
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-5)


def test_only_symbol_wise_networks_of_held_scales_are_plain():
    with pytest.raises(ValueError, match="model is pointwise_24_16_8 at 32 bit"):
        plain(build("pointwise_24_16_8"))
    with pytest.raises(ValueError, match="symbolwise_4_6_5 at 8 bit; allowed: symbol-wise"):
        plain(build(ROWS[0], 8))

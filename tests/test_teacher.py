"""Soft labels against the likelihoods of the ceiling."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from amrpkg.evaluation import log_likelihoods
from amrpkg.signals import make_chunks, stream
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

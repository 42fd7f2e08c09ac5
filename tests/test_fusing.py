"""Quantised networks in few passes against Brevitas: equal to the bit."""

import pytest
import torch

from amrpkg.models import build, prunable_layers, quantization
from amrpkg.models.fusing import fused
from amrpkg.models.network import trained
from amrpkg.signals import make_chunks
from amrpkg.training import prune_channels, settings
from amrpkg.training.fixed_set import make_optimizer, train_batch

SMALLEST = "vgglike_2f_1c_1re_1mp"
STATISTICS = 2  # forwards that the scales of activations are made from
IN_FEW_PASSES = 3


def put_on_the_edges(model) -> None:
    """Three largest weights in each layer, one of the other sign; so large that they are clipped.

    Something lies under held masks.
    """
    with torch.no_grad():
        for _, layer in prunable_layers(model):
            weight, kept = trained(layer), getattr(layer, "weight_mask", torch.ones(1))
            largest = 0.98 * 2.0 ** (weight * kept).abs().max().log2().ceil()
            first, second, third = kept.expand_as(weight).nonzero()[[0, 1, -1]]
            for place, value in ((first, largest), (second, -largest), (third, largest)):
                weight[tuple(place)] = value
            weight.add_(0.01 * (kept == 0))


@pytest.mark.parametrize(
    ("bits", "variant"),
    [(8, None), (6, "held"), (4, None), (4, "held"), (4, "regrowing"), (3, None)],
)
def test_scores_gradients_and_weights_are_those_of_brevitas(bits, variant, monkeypatch):
    monkeypatch.setattr(quantization, "COLLECT_STATS_STEPS", STATISTICS)
    chunks = make_chunks(3)
    iq, labels = torch.from_numpy(chunks.iq), torch.from_numpy(chunks.labels)
    theirs, ours = build(SMALLEST, bits).train(), build(SMALLEST, bits).train()
    if variant:
        prune_channels(theirs, 0.3, variant)
        prune_channels(ours, 0.3, variant)
    by_brevitas = []
    ours.register_forward_hook(lambda *_: by_brevitas.append(1))
    sides = [(theirs, theirs), (ours, fused(ours))]
    optimizers = [make_optimizer(m, settings(SMALLEST, 8, "thesis")) for m, _ in sides]
    for step in range(STATISTICS + 1 + IN_FEW_PASSES):
        if step == STATISTICS:  # many half way between two integers, many beyond the last
            iq = (iq * 128).round() / 16
        for model, _ in sides:
            put_on_the_edges(model)
        (scores, _), (same, _) = (
            train_batch(forward, optimizer, iq, labels)
            for (_, forward), optimizer in zip(sides, optimizers, strict=True)
        )
        assert torch.equal(scores, same) and len(scores.unique()) > 20
        for (name, one), other in zip(theirs.named_parameters(), ours.parameters(), strict=True):
            assert torch.equal(one.grad, other.grad) and torch.equal(one, other), name
    assert len(by_brevitas) == STATISTICS + 1
    assert all(parameter.grad.any() for parameter in ours.parameters())


def test_other_networks_compute_as_they_are():
    held = build(SMALLEST, 4)
    quantization.hold_fitted_scales(held, torch.from_numpy(make_chunks(1).iq))
    others = [build(SMALLEST), build("pointwise_24_16_8", 4), torch.nn.Linear(2, 9), held]
    assert [fused(model) is model for model in others] == [True] * len(others)

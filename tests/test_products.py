"""Plain products against Brevitas."""

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import cross_entropy

from amrpkg.evaluation import samples_for
from amrpkg.models import build
from amrpkg.models.architectures import symbol_wise
from amrpkg.models.products import plain
from amrpkg.signals import stream
from amrpkg.training import prune_channels, train_on_stream
from amrpkg.training.protocols import across_noise_knobs, settings

CHUNKS = next(stream(70, noise_power=(0.004, 0.12)))
ROWS = [symbol_wise("fold_sign_noise", 6, 5), symbol_wise("fold_sign", 6, 5, hidden=(4,))]
VGG_LIKE = "vgglike_2f_2c_2re_2mp"


def both_ways(model) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Scores and gradients of all parameters, by Brevitas and in plain products."""
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
    return scores, gradients


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.short)
@pytest.mark.parametrize("bits", [32, 8, 4])
def test_symbol_wise_networks(row, bits):
    model = build(row, bits)
    knobs = replace(across_noise_knobs(bits, (0.004, 0.12)), chunks=2048)
    train_on_stream(model, knobs, progress=False)
    scores, gradients = both_ways(model)
    if bits == 32:
        torch.testing.assert_close(*scores, rtol=1e-4, atol=1e-4)
    else:
        assert (scores[0] == scores[1]).all() and len(scores[0].unique()) > 100
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("percent", [0, 30])
@pytest.mark.parametrize("bits", [32, 6, 4])
def test_vgg_like_networks(bits, percent):
    model = build(VGG_LIKE, bits)
    if percent:
        prune_channels(model, percent / 100)
    knobs = replace(settings(VGG_LIKE, bits, "refining"), chunks=1024, batch_size=128)
    train_on_stream(model, knobs, progress=False)
    scores, gradients = both_ways(model)
    assert len(scores[0].unique()) > 50
    if bits == 32:
        torch.testing.assert_close(*scores, rtol=1e-4, atol=1e-4)
    else:
        assert (scores[0] == scores[1]).all()
    close = {"rtol": 1e-3, "atol": 1e-6}  # the pruned channels' zeros are not summed
    torch.testing.assert_close(*gradients, **close if percent else {"rtol": 0, "atol": 0})


@pytest.mark.parametrize("percent", [0, 30])
def test_refining_ends_in_the_weights_of_brevitas(percent):
    """From the first step, in which weights lie beyond the range of their integers."""
    ends = []
    knobs = settings(VGG_LIKE, 4, "refining")
    for forward in (knobs, replace(knobs, plain=False)):
        model = build(VGG_LIKE, 4)
        if percent:
            prune_channels(model, percent / 100)
        few = replace(forward, chunks=640, retraining_chunks=640)
        train_on_stream(model, few, retraining=percent > 0, progress=False)
        ends.append(torch.cat([p.detach().ravel() for p in model.parameters()]))
    assert knobs.plain and ends[0].std() > 0.01
    close = {"rtol": 0, "atol": 1e-6 if percent else 0}
    torch.testing.assert_close(*ends, **close)


@pytest.mark.parametrize("name", ["symbolwise_2_8_8", VGG_LIKE])
@pytest.mark.parametrize("percent", [0, 30])
def test_streaming_with_held_scales_ends_in_the_weights_of_brevitas(name, percent, monkeypatch):
    """To the bit: symbols stay where they are; masks and other families are left to Brevitas."""
    knobs = settings("symbolwise_2_8_8", 4, "streaming")
    knobs = replace(knobs, chunks=2_560, weight_bound=0.0)
    ends = []
    for _ in range(2):
        model = build(name, 4, seed=1)
        if percent:
            prune_channels(model, percent / 100)
        train_on_stream(model, knobs, progress=False)
        ends.append(torch.cat([p.detach().ravel() for p in model.parameters()]))
        monkeypatch.setattr("amrpkg.training.stream.fused", lambda model: model)
    assert knobs.held_scales and not knobs.plain and ends[0].std() > 0.01
    assert torch.equal(*ends)


def test_other_networks_and_free_scales_are_refused():
    with pytest.raises(ValueError, match="model is pointwise_24_16_8 at 32 bit"):
        plain(build("pointwise_24_16_8"))
    with pytest.raises(ValueError, match="symbolwise_4_6_5 at 8 bit; allowed: VGG-like or"):
        plain(build(ROWS[0], 8))

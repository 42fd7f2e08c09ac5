"""Channels brought to one range, which a scale for all of them must cover."""

import torch
from torch import nn

from amrpkg.models.network import Network, prunable_layers, trained


def equalise_channels(model: Network, iq: torch.Tensor) -> None:
    """Divide each channel before a ReLU by a factor, and multiply by it the weights that read it.

    In float the scores stay as they are, for a ReLU lets factors pass, as do pools, averages and
    sums. The factor is the square root of the channel's largest activation over the largest
    weight that reads it: so few channels set the scale of all activations, or of all weights.

    iq : chunks, ``float32[n, inputs, chunk_size]``, to see the activations of

    Source: Nagel and others, Data-free quantization through weight equalization and bias
    correction, ICCV 2019, with activations in place of the weights before them.
    """
    twin = Network(model.architecture, model.row, 32, model.chunk_size)
    names, twins = zip(*prunable_layers(twin), strict=True)
    layers = [layer for _, layer in prunable_layers(model)]
    with torch.no_grad():
        for copy, layer in zip(twins, layers, strict=True):
            copy.weight.copy_(layer.weight)
            copy.bias.copy_(layer.bias)
        for k, name in enumerate(names[:-1]):
            peaks = _activations(twin, name, iq).transpose(0, 1).flatten(1).amax(1)
            most = _by_input(twins[k + 1].weight, len(peaks)).abs().amax((0, 2))
            factors = torch.where((peaks > 0) & (most > 0), (peaks / most).sqrt(), 1.0)
            for layer, reader in (twins[k : k + 2], layers[k : k + 2]):
                weight = trained(layer)
                weight.div_(factors.reshape(-1, *[1] * (weight.ndim - 1)))
                trained(layer, "bias").div_(factors)
                _by_input(trained(reader), len(peaks)).mul_(factors[:, None])
        for layer in layers:
            _renew_masked(layer)


def _renew_masked(layer: nn.Module) -> None:
    """What held masks leave of a layer, which PyTorch finds anew only as chunks go through it."""
    for name in ("weight", "bias"):
        if hasattr(layer, f"{name}_mask"):
            setattr(layer, name, trained(layer, name) * getattr(layer, f"{name}_mask"))


def _by_input(weight: torch.Tensor, channels: int) -> torch.Tensor:
    """A view of weights as [outputs, channels that they read, the rest]."""
    return weight.view(len(weight), channels, -1)


def _activations(model: nn.Module, layer: str, iq: torch.Tensor) -> torch.Tensor:
    """What leaves the ReLU behind a layer."""
    for name, module in model.layers.named_children():
        iq = module(iq)
        if name == f"relu_{layer}":
            break
    return iq

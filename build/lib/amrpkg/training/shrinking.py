"""Pruned channels taken out for good: a smaller network that gives the same scores.

A channel under a held mask is silent: its weights and its bias are zero, and so is what the ReLU
behind it gives. So its row can go from its layer, and what reads it from the next: an input
channel of a convolution, an input of a fully connected layer or, where the flattening stands
between them, the inputs of all its positions. A layer thus loses weights on both sides: of 20 %
of the channels, about 36 % of the weights.
"""

from dataclasses import replace

import torch
from torch import nn

from amrpkg.models import quantization
from amrpkg.models.architectures import FOLDS
from amrpkg.models.network import Network, build, prunable_layers, require_permanent
from amrpkg.models.weights import load_state

HELD_WEIGHTS = "weight_quant.tensor_quant.scaling_impl.held"  # these change their shape


def silent_channels(layer: nn.Module) -> torch.Tensor:
    """Which output channels of a layer have neither weights nor a bias: ``bool[channels]``."""
    return (layer.weight.flatten(1) == 0).all(dim=1) & (layer.bias == 0)


def shrink(model: Network) -> Network:
    """A new network without the silent channels of `model`, in evaluation mode.

    Its scores are those of `model`: to the bit when quantised, where the weights' scales are held
    (the largest weight, which set one, may be among those taken out); to rounding in float,
    where sums run in another order. The nine class scores stay, and one
    channel of a layer that is silent altogether. The new network is a row without a name (see
    `models.build`): to be evaluated and exported, not saved.

    Raises ``ValueError`` for a model with held masks.
    """
    require_permanent(model)
    state = {name: x for name, x in model.state_dict().items() if not name.endswith(HELD_WEIGHTS)}
    inputs = torch.arange(FOLDS[model.row.fold][1])  # what is left of the inputs of a layer
    channels = len(inputs)  # how many outputs the layer before had
    outputs, sizes = {}, {"conv": [], "linear": []}
    *_, (last, _) = layers = prunable_layers(model)
    for name, layer in layers:
        if isinstance(layer, nn.Linear) and layer.in_features != channels:  # flattened
            positions = layer.in_features // channels
            inputs = (inputs[:, None] * positions + torch.arange(positions)).flatten()
        kept = (~silent_channels(layer)).nonzero().flatten()
        if name == last:
            kept = torch.arange(len(layer.weight))
        elif not len(kept):
            kept = torch.tensor([0])
        state[f"layers.{name}.weight"] = layer.weight.detach()[kept][:, inputs]
        state[f"layers.{name}.bias"] = layer.bias.detach()[kept]
        sizes[name.rstrip("0123456789")].append(len(kept))
        outputs[name] = inputs = kept
        channels = len(layer.weight)
    conv_channels, hidden_features = tuple(sizes["conv"]), tuple(sizes["linear"][:-1])
    row = replace(model.row, conv_channels=conv_channels, hidden_features=hidden_features)
    small = build(row, model.bit_width, model.chunk_size)
    load_state(small, state)
    if model.bit_width != 32:
        for (_, layer), (name, given) in zip(prunable_layers(small), layers, strict=True):
            scale = given.quant_weight().scale
            scale = scale[outputs[name]] if scale.ndim else scale
            quantization.hold_scale(layer.weight_quant.tensor_quant, scale)
    return small.eval()

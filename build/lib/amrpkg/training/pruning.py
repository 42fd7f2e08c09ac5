"""Structured pruning: the output channels with the smallest L1 norm are set to zero.

Two variants. *Held* masks (ours, the default) cover weight and bias of a pruned channel and
stay while the network is retrained, so that the channel is silent and can later be taken out
exactly; the nine class scores are never pruned. *Regrowing* is one reading of the
thesis's printed zeros, which are too few for held masks (chapter 7 says how far it holds):
weights only, every layer, and the mask dropped before retraining, after which gradients bring
zeros back to life wherever they reach them.
"""

import numpy as np
import torch
from torch import nn
from torch.nn.utils import prune

from amrpkg.common.arguments import require_choice, require_number
from amrpkg.models.network import prunable_layers
from amrpkg.training.protocols import PRUNING_VARIANTS


def prune_channels(model: nn.Module, fraction: float, variant: str = "held") -> None:
    """Prune ``round(fraction * channels)`` output channels of each layer, in place.

    model : a model of `models.build`
    fraction : share of channels, in [0, 1)
    variant : ``"held"`` or ``"regrowing"``, see the module

    Raises ``ValueError`` for a fraction outside [0, 1) or so large that a layer would keep no
    channel, an unknown variant, or a model that holds masks already.
    """
    require_number("fraction", fraction, below=1)
    require_choice("variant", variant, PRUNING_VARIANTS)
    layers = [module for _, module in prunable_layers(model)]
    if any(prune.is_pruned(layer) for layer in layers):
        raise ValueError("model holds masks already; allowed: a model without (make_permanent)")
    pruned = layers if variant == "regrowing" else layers[:-1]
    fewest = min(len(layer.weight) for layer in pruned)
    if round(fraction * fewest) == fewest:
        raise ValueError(f"fraction is {fraction}; allowed: one that leaves a channel of {fewest}")
    for layer in pruned:
        prune.ln_structured(layer, "weight", amount=float(fraction), n=1, dim=0)
        if variant == "regrowing":
            prune.remove(layer, "weight")
        else:
            _hold(layer)


def channel_norms(layer: nn.Module) -> np.ndarray:
    """The L1 norm of each output channel's weights, ``float32[channels]``; zero if pruned."""
    return layer.weight.detach().abs().flatten(1).sum(1).numpy()


def _hold(layer: nn.Module) -> None:
    """Extend the weight's mask to the bias and clear what lies under both."""
    kept = layer.weight_mask.flatten(1)[:, 0]
    prune.custom_from_mask(layer, "bias", kept)
    # Brevitas takes the weight's scale from the parameter under the mask: without this a
    # pruned channel would go on setting it, until make_permanent changed it.
    with torch.no_grad():
        layer.weight_orig.mul_(layer.weight_mask)
        layer.bias_orig.mul_(layer.bias_mask)


def make_permanent(model: nn.Module) -> None:
    """Drop held masks and leave zeros in their place; a model without masks stays as it is.

    Saving, exporting and ``copy.deepcopy`` need a model without masks.
    """
    for _, layer in prunable_layers(model):
        for name in ("weight", "bias"):
            if hasattr(layer, f"{name}_mask"):
                prune.remove(layer, name)

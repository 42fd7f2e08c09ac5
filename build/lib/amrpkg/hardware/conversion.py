"""From a trained Brevitas network to its integers."""

import numpy as np
import torch
from torch import nn

from amrpkg.hardware.integers import IntegerLayer, IntegerNetwork
from amrpkg.models.network import Network, require_permanent, require_trained
from amrpkg.models.symbolwise import Fold


def to_integers(model: Network, name: str | None = None) -> IntegerNetwork:
    """Take the integers out of a quantised model, pruned channels included (see `shrink`).

    name : of the network; by default the architecture's

    Raises ``ValueError`` for a float model, one with held masks, or one that was not trained.
    """
    if model.bit_width == 32:
        raise ValueError("model is float; allowed: one of 8, 6 or 4 bit")
    require_permanent(model)
    require_trained(model)
    quantiser = model.layers.input.act_quant
    input_bits = int(quantiser.bit_width())
    exponent = input_exponent = int(_exponents(quantiser.scale()))
    bits, symbols, layers = input_bits, 1, []
    modules = dict(model.layers.named_children())
    for module_name, module in modules.items():
        if isinstance(module, nn.Conv1d | nn.Linear):
            weight = module.quant_weight()
            accumulator = exponent + np.broadcast_to(_exponents(weight.scale), len(module.weight))
            bias = module.bias.detach().numpy().astype(float) * symbols * 2.0**-accumulator
            symbols = 1
            if relu := modules.get(f"relu_{module_name}"):
                bits, exponent = (
                    int(relu.act_quant.bit_width()),
                    int(_exponents(relu.act_quant.scale())),
                )
            else:  # the scores, on the finest scale of the nine
                bits, exponent = 0, int(accumulator.min())
            integers = weight.int().numpy()
            layer = IntegerLayer(
                module_name,
                "conv" if isinstance(module, nn.Conv1d) else "linear",
                exponent,
                bits,
                int(weight.bit_width),
                integers.reshape(*integers.shape[:2], -1),
                np.rint(bias).astype(np.int32),
                (exponent - accumulator).astype(np.int8),
            )
        elif isinstance(module, nn.MaxPool1d):
            layer = IntegerLayer(module_name, "pool", exponent, bits)
        elif isinstance(module, Fold):
            bits -= 1
            layer = IntegerLayer(module_name, module.kind, exponent, bits)
        elif module_name == "sum":  # of the symbols' scores, so of their biases too
            symbols = model.chunk_size
            bits += (symbols - 1).bit_length()
            layer = IntegerLayer(module_name, "sum", exponent, bits)
        elif isinstance(module, nn.AvgPool1d):
            halvings = int(np.log2(model.chunk_size))
            bits, exponent = bits + halvings, exponent - halvings
            layer = IntegerLayer(module_name, "average", exponent, bits)
        else:
            continue
        layers.append(layer)
    name = name or model.architecture
    return IntegerNetwork(
        name, model.bit_width, model.chunk_size, input_bits, input_exponent, tuple(layers)
    )


def _exponents(scale: torch.Tensor) -> np.ndarray:
    """The exponents of scales that are powers of two: of one, or of one an output channel."""
    exponents = np.log2(scale.detach().numpy().astype(float)).squeeze()
    return np.rint(exponents).astype(int)

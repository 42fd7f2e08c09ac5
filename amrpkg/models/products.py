"""Networks computed in a few products, to train them in.

A quantised one whose scales are held gives the same scores, to the bit, as Brevitas computes, and
two to three times as fast: of small networks, and of small batches, most of Brevitas's time is
spent around the arithmetic. The channels of held masks are left out, for they give nothing.
Symbols of symbol-wise networks lie in rows, for which PyTorch is twice as fast as with
convolutions of kernel size 1 in 32 bits.
"""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import nn
from torch.nn.functional import avg_pool1d, conv1d, linear

from amrpkg.models.architectures import SYMBOL_WISE, VGG_LIKE
from amrpkg.models.network import Network, prunable_layers, trained
from amrpkg.models.quantization import has_held_scales
from amrpkg.models.symbolwise import Fold, Times


class _Weights(torch.autograd.Function):
    """Rounded half to even, within `most` steps each way; the gradient passes everywhere."""

    @staticmethod
    def forward(ctx, weights, step, most):
        return (weights / step).round_().clamp_(-most, most).mul_(step)

    @staticmethod
    def backward(ctx, gradient):
        return gradient, None, None


class _Activations(torch.autograd.Function):
    """Rounded half to even, from `low` to `high` steps; the gradient passes within.

    A `low` of 0 is a ReLU as well.
    """

    @staticmethod
    def forward(ctx, values, step, low, high):
        steps = (values / step).round_()
        inside = steps <= high
        inside &= values > 0 if low == 0 else steps >= low  # a ReLU stops before it rounds
        ctx.save_for_backward(inside)
        return steps.clamp_(low, high).mul_(step)

    @staticmethod
    def backward(ctx, gradient):
        (inside,) = ctx.saved_tensors
        return torch.where(inside, gradient, 0), None, None, None


def plain(model: Network, in_rows: bool = True) -> Callable[[torch.Tensor], torch.Tensor]:
    """A function of chunks that gives the scores of `model`, from the same parameters.

    in_rows : whether symbols of symbol-wise networks lie in rows; else gradients, too, are those
        of Brevitas to the bit, if there are no masks

    Raises ``ValueError`` for a pointwise network, or one quantised with free scales.
    """
    quantised = model.bit_width != 32
    known = model.row.family in (SYMBOL_WISE, VGG_LIKE)
    if not known or (quantised and not has_held_scales(model)):
        came = f"{model.row.short} at {model.bit_width} bit"
        raise ValueError(
            f"model is {came}; allowed: VGG-like or symbol-wise, float or of held scales"
        )
    with torch.no_grad():
        functions = _chain(model, in_rows and model.row.family == SYMBOL_WISE)

    def scores(iq: torch.Tensor) -> torch.Tensor:
        for function in functions:
            iq = function(iq)
        return iq

    return scores


def _chain(model: Network, in_rows: bool) -> list[Callable[[torch.Tensor], torch.Tensor]]:
    chunk_size = model.chunk_size
    *_, (_, last) = prunable_layers(model)
    functions, step, inputs = [], None, None  # of what comes; which channels, if not all
    for name, module in model.layers.named_children():
        if isinstance(module, nn.Conv1d | nn.Linear):
            outputs = None if module is last else _kept(module)
            functions.append(_layer(module, step, outputs, inputs, in_rows))
            inputs = outputs
        elif isinstance(module, Fold):
            functions.append(_fold(module, step, in_rows))
        elif isinstance(module, nn.AvgPool1d):
            functions.append(partial(_average, chunk_size=chunk_size, in_rows=in_rows))
            step = None if step is None else step / chunk_size
        elif isinstance(module, nn.Flatten):
            if not in_rows:
                functions.append(module)
            if inputs is not None:
                positions = torch.arange(chunk_size // 2**model.row.pools)
                inputs = (inputs[:, None] * len(positions) + positions).flatten()
        elif isinstance(module, nn.MaxPool1d | Times | nn.ReLU):
            functions.append(module)
        else:
            quantiser = module.act_quant.fused_activation_quant_proxy.tensor_quant
            bits = int(quantiser.msb_clamp_bit_width_impl()) - (name == "input")  # but for the sign
            low = -(2**bits) if name == "input" else 0
            step, high = module.act_quant.scale().detach(), 2**bits - 1
            functions.append(_in_steps(step, low, high))
    return functions


def _in_steps(step: torch.Tensor, low: int, high: int) -> Callable:
    return lambda values: _Activations.apply(values, step, low, high)


def _kept(layer: nn.Module) -> torch.Tensor | None:
    """The output channels that a held mask leaves, in order; ``None``: all."""
    if not hasattr(layer, "bias_mask"):
        return None
    return layer.bias_mask.nonzero().flatten()


def _average(values: torch.Tensor, chunk_size: int, in_rows: bool) -> torch.Tensor:
    if in_rows:
        return values.view(-1, chunk_size, values.shape[1]).mean(1)
    return avg_pool1d(values, chunk_size)


def _fold(module: Fold, step: torch.Tensor | None, in_rows: bool) -> Callable:
    kind = Fold(module.kind)

    def fold(iq: torch.Tensor) -> torch.Tensor:
        folded = kind(iq)
        if step is not None:
            folded = folded.clamp(max=float(127 * step))
        return folded.transpose(1, 2).flatten(0, 1) if in_rows else folded

    return fold


def _layer(module: nn.Module, step, outputs, inputs, in_rows: bool) -> Callable:
    """step : of its inputs; outputs, inputs : which are computed and read, ``None`` for all."""
    padding = None if in_rows or isinstance(module, nn.Linear) else module.padding
    if step is not None:
        scale = module.weight_quant.tensor_quant.scaling_impl.held
        if in_rows:
            scale = scale.reshape(-1, 1)
        most = 2 ** (int(module.weight_quant.tensor_quant.msb_clamp_bit_width_impl()) - 1) - 1
        finest = (scale * step).flatten()

    def compute(values: torch.Tensor) -> torch.Tensor:
        weight, bias = trained(module), trained(module, "bias")
        if outputs is not None:
            weight, bias = weight.index_select(0, outputs), bias[outputs]
        if inputs is not None:
            weight = weight.index_select(1, inputs)
        if in_rows:
            weight = weight.flatten(1)
        if step is not None:
            weight = _Weights.apply(weight, scale, most)
            bias = _Weights.apply(bias, finest, math.inf)
        if padding is None:
            return linear(values, weight, bias)
        return conv1d(values, weight, bias, padding=padding)

    return compute

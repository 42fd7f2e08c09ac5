"""Quantised VGG-like networks with free scales, in few passes over the memory, to train them in.

Scores and gradients are those of Brevitas to the bit, in about a third of the time: most of that
goes into passes over weights and activations, one or more for each small step of a quantiser, and
into thousands of operations on single numbers. Here a layer's weights, biases and scales are one
function, and so are an activation and its scale. What keeps the bits:

- scales are powers of two, so products with them and quotients by them are exact in any order;
- adding and subtracting 1.5 x 2**23 steps rounds to whole steps, half to even;
- sums run over the same numbers in the same order, and what comes together at a scale is added as
  PyTorch does on its way through Brevitas's graph: first from the bias, then from the product
  with the scale, then from the quotient by it.

While the scales of activations are still statistics, and no powers of two, Brevitas computes.
Of symbol-wise networks whose scales are held nothing comes together, and `models.products` will do.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn.functional import conv1d, linear

from amrpkg.models.architectures import SYMBOL_WISE, VGG_LIKE
from amrpkg.models.network import Network, trained
from amrpkg.models.products import plain
from amrpkg.models.quantization import has_held_scales

_LEAST = 1e-10  # of what a scale is made from, as in Brevitas
_TO_WHOLE = 1.5 * 2**23  # at this size float32 has no room for a fraction


def fused(model: nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
    """A function of chunks that gives the scores of `model`, from the same parameters.

    It is the model itself unless that is quantised and either VGG-like with free scales or
    symbol-wise with held ones and no masks.
    """
    if not isinstance(model, Network) or model.bit_width == 32:
        return model
    if has_held_scales(model):
        masked = any(name.endswith("_mask") for name, _ in model.named_buffers())
        symbol_wise = model.row.family == SYMBOL_WISE and not masked
        return plain(model, in_rows=False) if symbol_wise else model
    if model.row.family != VGG_LIKE:
        return model
    scalings = [_quantiser(m).scaling_impl for m in model.layers if hasattr(m, "act_quant")]

    def scores(iq: torch.Tensor) -> torch.Tensor:
        if any(scaling.counter <= scaling.collect_stats_steps for scaling in scalings):
            return model(iq)
        values, step = iq, None
        for module in model.layers:
            if isinstance(module, nn.Conv1d | nn.Linear):
                values = _layer(module, values, step)
            elif hasattr(module, "act_quant"):
                values, step = _activation(module, values)
            else:
                values = module(values)
        return values

    return scores


def _quantiser(activation: nn.Module) -> nn.Module:
    return activation.act_quant.fused_activation_quant_proxy.tensor_quant


def _layer(module: nn.Module, values: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
    """step : of the values"""
    bits = int(module.weight_quant.tensor_quant.msb_clamp_bit_width_impl())
    weight, bias = _Layer.apply(_masked(module, "weight"), _masked(module, "bias"), step, bits)
    if isinstance(module, nn.Linear):
        return linear(values, weight, bias)
    return conv1d(values, weight, bias, padding=module.padding)


def _masked(layer: nn.Module, name: str) -> torch.Tensor:
    mask = getattr(layer, f"{name}_mask", None)
    return trained(layer, name) if mask is None else mask * trained(layer, name)


def _activation(module: nn.Module, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The values in whole steps, and the step."""
    quantiser = _quantiser(module)
    bits, signed = int(quantiser.msb_clamp_bit_width_impl()), module.act_quant.is_signed
    return _Activation.apply(values, quantiser.scaling_impl.value, bits, signed)


class _Layer(torch.autograd.Function):
    """Weights in whole steps, which the largest of them sets, and biases in the products' steps.

    The gradient passes to weights that are clipped, too.
    """

    @staticmethod
    def forward(ctx, weight, bias, input_step, bits):
        rows = weight.flatten(1)
        largest_of = torch.maximum(rows.amax(1), -rows.amin(1))  # each output channel
        largest = largest_of.max().clamp_(min=_LEAST)
        top = 2.0 ** largest.log2().ceil_()
        step = top / 2 ** (bits - 1)
        most, size = 2 ** (bits - 1) - 1, step.item()
        whole = (weight + _TO_WHOLE * size).sub_(_TO_WHOLE * size)
        if largest.item() >= (most + 0.5) * size:
            whole.clamp_(-most * size, most * size)
        finest = step * input_step
        whole_bias = (bias / finest).round_().mul_(finest)
        of_bias = bias, whole_bias, input_step, finest
        ctx.save_for_backward(weight, whole, largest_of, largest, top, step, *of_bias)
        return whole, whole_bias

    @staticmethod
    def backward(ctx, gradient, at_bias):
        weight, whole, largest_of, largest, top, step, *of_bias = ctx.saved_tensors
        bias, whole_bias, input_step, finest = of_bias
        at_finest = ((at_bias * whole_bias).sum() - (at_bias * bias).sum()) / finest
        at_step = at_finest * input_step + (gradient * whole).sum() / step
        at_step -= (gradient * weight).sum() / step
        at_largest = _at_exponent(at_step, top, top / step) / (largest * math.log(2))
        channels = (largest_of == largest).nonzero().flatten()
        theirs = weight[channels]
        places = theirs.abs() == largest
        # In place: nobody else has this gradient, and to copy it is one pass more.
        gradient[channels] += at_largest / places.sum() * theirs.sgn() * places
        return gradient, at_bias, at_finest * step, None


class _Activation(torch.autograd.Function):
    """Values in whole steps, behind a ReLU unless signed, and the step."""

    @staticmethod
    def forward(ctx, values, exponent, bits, signed):
        top = (2.0 ** exponent.ceil()).clamp_(min=_LEAST)
        levels = 2 ** (bits - signed)
        step = top / levels
        low, high, size = -levels if signed else 0, levels - 1, step.item()
        whole = values.clamp(low * size, high * size)
        whole.add_(_TO_WHOLE * size).sub_(_TO_WHOLE * size)
        ctx.save_for_backward(values, whole, top, step)
        # Half a step below the lowest, an even number, is still rounded to it; above the highest
        # it is not.
        below = float(np.nextafter(np.float32((low - 0.5) * size), -np.inf)) if signed else 0.0
        ctx.bounds = below, (high + 0.5) * size
        return whole, step

    @staticmethod
    def backward(ctx, gradient, at_step):
        values, whole, top, step = ctx.saved_tensors
        within = torch.ops.aten.hardtanh_backward(gradient, values, *ctx.bounds)
        at_step = at_step + (gradient * whole).sum() / step
        at_step -= (within * values).sum() / step
        return within, _at_exponent(at_step, top, top / step), None, None


def _at_exponent(at_step: torch.Tensor, top: torch.Tensor, levels: torch.Tensor) -> torch.Tensor:
    """The gradient at an exponent, from that at the step ``top / levels``, top = 2**exponent."""
    return at_step / levels * (top * math.log(2))

"""The Brevitas quantisers of the project, chosen in one place.

All scales are powers of two: a shift in hardware, and exact through every export. The bias
is an integer on the scale of the products (input scale x weight scale), so it is added to the
accumulator without a rescale; Brevitas needs a quantised input for that, which is why inputs
and activations pass their scale on (``return_quant_tensor``).

The families differ in a few choices. VGG-like networks have one weight scale per tensor and
inputs of the model's bit width: the thesis's rows. Pointwise networks, where few weights must
do, have one weight scale per output channel, and inputs of eight bits whatever the model's bit
width: the word of the converter, which their first layer reads as it comes. Their average
over the chunk is not rounded: the classifier takes the sum of the whole chunk, log2(chunk
size) bits wider than an activation (nine bits at 4 bit and 32 symbols), its scale divided by
the chunk size. Symbol-wise networks are as the pointwise, but for samples in fixed steps of 1/64
and activations of at least four bits, whatever their weights have.
"""

import math
from typing import NamedTuple

import brevitas.nn as qnn
import torch
from brevitas.inject.enum import ScalingImplType
from brevitas.quant import (
    Int8ActPerTensorFixedPoint,
    Int8WeightPerTensorFixedPoint,
    Int32Bias,
    Uint8ActPerTensorFixedPoint,
)
from brevitas.quant.fixed_point import Int8WeightPerChannelFixedPoint
from brevitas.quant_tensor import IntQuantTensor
from torch import nn

from amrpkg.models.architectures import POINTWISE, SYMBOL_WISE, VGG_LIKE, Layer
from amrpkg.models.symbolwise import Fold

# Activation scales are first set from the statistics of this many training batches (one epoch
# of the thesis's protocol), then learned. Brevitas's own default is 300.
COLLECT_STATS_STEPS = 72


class _SixtyFourths(Int8ActPerTensorFixedPoint):
    """Samples in steps of 1/64, whatever comes: of eight bits, two units each way."""

    scaling_impl_type = ScalingImplType.CONST
    scaling_init = 2.0


class Choice(NamedTuple):
    """What a family chooses: its weights' quantiser, the fewest bits of its inputs and theirs,
    the fewest bits of its activations."""

    weight_quant: type
    least_input_bits: int
    input_quant: type = Int8ActPerTensorFixedPoint
    least_activation_bits: int = 0


CHOICES = {
    VGG_LIKE: Choice(Int8WeightPerTensorFixedPoint, least_input_bits=0),
    POINTWISE: Choice(Int8WeightPerChannelFixedPoint, least_input_bits=8),
    SYMBOL_WISE: Choice(Int8WeightPerChannelFixedPoint, 8, _SixtyFourths, 4),
}


def quant_input(bit_width: int, choice: Choice) -> nn.Module:
    """The signed quantiser of the I/Q samples."""
    return qnn.QuantIdentity(
        act_quant=choice.input_quant,
        bit_width=max(bit_width, choice.least_input_bits),
        collect_stats_steps=COLLECT_STATS_STEPS,
        return_quant_tensor=True,
    )


def quant_relu(bit_width: int, choice: Choice) -> nn.Module:
    """A ReLU with unsigned outputs."""
    return qnn.QuantReLU(
        act_quant=Uint8ActPerTensorFixedPoint,
        bit_width=max(bit_width, choice.least_activation_bits),
        collect_stats_steps=COLLECT_STATS_STEPS,
        return_quant_tensor=True,
    )


def quant_conv(layer: Layer, bit_width: int, choice: Choice) -> nn.Module:
    """A convolution that keeps the chunk's size, with quantised weights and integer biases."""
    return qnn.QuantConv1d(
        layer.inputs,
        layer.outputs,
        layer.taps,
        padding=layer.taps // 2,
        weight_quant=choice.weight_quant,
        weight_bit_width=bit_width,
        bias_quant=Int32Bias,
    )


def quant_linear(layer: Layer, bit_width: int, choice: Choice) -> nn.Module:
    """A fully connected layer with quantised weights and integer biases."""
    return qnn.QuantLinear(
        layer.inputs,
        layer.outputs,
        bias=True,
        weight_quant=choice.weight_quant,
        weight_bit_width=bit_width,
        bias_quant=Int32Bias,
    )


HELD = ".scaling_impl.held"  # how the name of such a scale ends in a state dict


class HeldScale(nn.Module):
    """A scale that stays as it was set, and is kept with the weights."""

    def __init__(self, scale: torch.Tensor):
        super().__init__()
        self.register_buffer("held", scale.detach().clone())

    def forward(self, values: torch.Tensor, threshold: torch.Tensor | None = None) -> torch.Tensor:
        return self.held


def hold_scale(quantiser: nn.Module, scale: torch.Tensor) -> None:
    """Fix the scale of a tensor quantiser of Brevitas: one, or one an output channel.

    Until then the largest weight sets that of weights, of the layer or of each output channel,
    and that of activations is learned.
    """
    quantiser.scaling_impl = HeldScale(scale)


def has_held_scales(model: nn.Module) -> bool:
    """Whether scales of weights were fixed before, as in a model that goes on."""
    quantised = (x for x in model.modules() if isinstance(x, qnn.QuantConv1d | qnn.QuantLinear))
    return isinstance(next(quantised).weight_quant.tensor_quant.scaling_impl, HeldScale)


def fitted_scale(layer: nn.Module) -> torch.Tensor:
    """The power of two, or that of each output channel, of least squared error of the weights.

    Coarse integers lose less by a clipped outlier than by a scale that makes room for it.
    """
    scale = layer.quant_weight().scale.detach()
    levels = 2 ** (int(layer.quant_weight().bit_width) - 1) - 1
    weight = getattr(layer, "weight_orig", layer.weight).detach()
    candidates = [scale * 2.0**-k for k in range(5)]
    errors = [_squared_error(weight, step, -levels, levels) for step in candidates]
    losses = [error.flatten(1).sum(1) if scale.ndim else error.sum() for error in errors]
    finer = torch.stack(losses).argmin(0).reshape(scale.shape)
    return scale * 2.0**-finer


def hold_fitted_scales(model: nn.Module, iq: torch.Tensor) -> None:
    """Fix the scales of weights and activations where they fit best now, in order of the data.

    iq : chunks, ``float32[n, 2, chunk_size]``, for the activations
    """
    values = iq
    with torch.no_grad():
        for module in model.layers:
            if isinstance(module, qnn.QuantConv1d | qnn.QuantLinear):
                hold_scale(module.weight_quant.tensor_quant, fitted_scale(module))
            elif isinstance(module, qnn.QuantReLU):
                quantiser = module.act_quant.fused_activation_quant_proxy.tensor_quant
                positive = getattr(values, "value", values).relu()
                levels = 2 ** int(quantiser.msb_clamp_bit_width_impl()) - 1
                steps = 2.0 ** torch.arange(-12, 5)
                errors = [_squared_error(positive, step, 0, levels).sum() for step in steps]
                hold_scale(quantiser, steps[int(torch.stack(errors).argmin())])
            values = module(values)


def _squared_error(values, step, low, high) -> torch.Tensor:
    return ((values / step).round().clamp(low, high) * step - values) ** 2


def hold_input_step(model: nn.Module, step: float) -> None:
    """Fix the step of the samples' integers."""
    quantiser = model.layers.input.act_quant.fused_activation_quant_proxy.tensor_quant
    hold_scale(quantiser, torch.tensor(step))


class QuantAverage(nn.AvgPool1d):
    """The exact mean over a chunk of a power of two: the integers summed, the scale divided.

    ``forward(features)`` maps a quantised ``[n, channels, chunk_size]`` of B bits to
    ``[n, channels, 1]`` of ``B + log2(chunk_size)`` bits.
    """

    def forward(self, features: IntQuantTensor) -> IntQuantTensor:
        chunk_size = self.kernel_size[0]
        return features.set(
            value=super().forward(features.value),
            scale=features.scale / chunk_size,
            bit_width=features.bit_width + math.log2(chunk_size),
        )


class QuantFold(Fold):
    """The same in integers, |I| and |Q| saturated to one bit less than the signed samples had."""

    def forward(self, iq: IntQuantTensor) -> IntQuantTensor:
        most = iq.scale * (2 ** (iq.bit_width - 1) - 1)
        folded = torch.minimum(super().forward(iq.value), most)
        return iq.set(value=folded, bit_width=iq.bit_width - 1, signed_t=torch.tensor(False))

"""The Brevitas quantisers of the project, chosen in one place.

All scales are powers of two and per tensor: a shift in hardware, and exact through every
export. The bias is an integer on the scale of the products (input scale x weight scale), so
it is added to the accumulator without a rescale; Brevitas needs a quantised input for that,
which is why inputs and activations pass their scale on (``return_quant_tensor``).
"""

import brevitas.nn as qnn
from brevitas.quant import (
    Int8ActPerTensorFixedPoint,
    Int8WeightPerTensorFixedPoint,
    Int32Bias,
    Uint8ActPerTensorFixedPoint,
)
from torch import nn

from amrpkg.architectures import KERNEL_SIZE

# Activation scales are first set from the statistics of this many training batches (one epoch
# of the thesis's protocol), then learned. Brevitas's own default is 300.
COLLECT_STATS_STEPS = 72


def quant_input(bit_width: int) -> nn.Module:
    """The signed quantiser of the I/Q samples."""
    return qnn.QuantIdentity(
        act_quant=Int8ActPerTensorFixedPoint,
        bit_width=bit_width,
        collect_stats_steps=COLLECT_STATS_STEPS,
        return_quant_tensor=True,
    )


def quant_relu(bit_width: int) -> nn.Module:
    """A ReLU with unsigned outputs."""
    return qnn.QuantReLU(
        act_quant=Uint8ActPerTensorFixedPoint,
        bit_width=bit_width,
        collect_stats_steps=COLLECT_STATS_STEPS,
        return_quant_tensor=True,
    )


def quant_conv(inputs: int, outputs: int, bit_width: int) -> nn.Module:
    """A convolution (kernel 3, padding 1) with quantised weights and integer biases."""
    return qnn.QuantConv1d(
        inputs,
        outputs,
        KERNEL_SIZE,
        padding=KERNEL_SIZE // 2,
        weight_quant=Int8WeightPerTensorFixedPoint,
        weight_bit_width=bit_width,
        bias_quant=Int32Bias,
    )


def quant_linear(inputs: int, outputs: int, bit_width: int) -> nn.Module:
    """A fully connected layer with quantised weights and integer biases."""
    return qnn.QuantLinear(
        inputs,
        outputs,
        bias=True,
        weight_quant=Int8WeightPerTensorFixedPoint,
        weight_bit_width=bit_width,
        bias_quant=Int32Bias,
    )

"""Symbol-wise networks computed in a few matrix products, to train them in.

A quantised one whose scales are held gives the same scores, to the bit, as Brevitas computes, two
to three times as fast: of few weights most of Brevitas's time is spent around the arithmetic.
Symbols lie in rows, for which PyTorch is twice as fast as with convolutions of kernel size 1 in 32
bits.
"""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn.functional import linear

from amrpkg.models.architectures import SYMBOL_WISE
from amrpkg.models.network import Network
from amrpkg.models.quantization import has_held_scales
from amrpkg.models.symbolwise import Fold, Times


class _Round(torch.autograd.Function):
    """To the nearest whole number, half to even; the gradient passes."""

    @staticmethod
    def forward(ctx, values):
        return values.round()

    @staticmethod
    def backward(ctx, gradient):
        return gradient


_round = _Round.apply


def plain(model: Network) -> Callable[[torch.Tensor], torch.Tensor]:
    """A function of chunks that gives the scores of `model`, from the same parameters.

    Raises ``ValueError`` for a network that is not symbol-wise, or quantised with free scales.
    """
    quantised = model.bit_width != 32
    if model.row.family != SYMBOL_WISE or (quantised and not has_held_scales(model)):
        came = f"{model.row.short} at {model.bit_width} bit"
        raise ValueError(f"model is {came}; allowed: symbol-wise, float or of held scales")
    with torch.no_grad():
        return _chain(model, _input_step(model) if quantised else None)


def _chain(model: Network, step: torch.Tensor | None) -> Callable[[torch.Tensor], torch.Tensor]:
    functions, size, chunk_size = [], step, model.chunk_size
    for module in model.layers:
        if isinstance(module, Fold):
            functions.append(_fold(module, step))
        elif isinstance(module, nn.Conv1d | nn.Linear):
            scale = None if step is None else module.weight_quant.tensor_quant.scaling_impl.held
            functions.append(_layer(module, scale, size))
        elif isinstance(module, nn.AvgPool1d):
            functions.append(lambda rows: rows.view(-1, chunk_size, rows.shape[1]).mean(1))
            size = None if step is None else size / chunk_size
        elif isinstance(module, Times):
            functions.append(module)
        elif not isinstance(module, nn.Flatten) and module is not getattr(
            model.layers, "input", None
        ):
            if step is not None:
                quantiser = module.act_quant.fused_activation_quant_proxy.tensor_quant
                size = quantiser.scaling_impl.held
                most = 2 ** int(quantiser.msb_clamp_bit_width_impl()) - 1
            functions.append(nn.functional.relu if step is None else _rounded_relu(size, most))

    def scores(iq: torch.Tensor) -> torch.Tensor:
        for function in functions:
            iq = function(iq)
        return iq

    return scores


def _input_step(model: Network) -> torch.Tensor:
    return model.layers.input.act_quant.scale().detach()


def _fold(module: Fold, step: torch.Tensor | None) -> Callable:
    kind = Fold(module.kind)

    def fold(iq: torch.Tensor) -> torch.Tensor:
        if step is not None:
            iq = (iq / step).round().clamp(-128, 127) * step
        iq = kind(iq)
        if step is not None:
            iq = iq.clamp(max=float(127 * step))
        return iq.transpose(1, 2).flatten(0, 1)

    return fold


def _layer(module: nn.Module, scale: torch.Tensor | None, size: torch.Tensor | None) -> Callable:
    if scale is None:
        return lambda rows: linear(rows, module.weight.flatten(1), module.bias)
    scale = scale.reshape(-1, 1)
    finest = (scale * size).flatten()
    most = 2 ** (int(module.weight_quant.tensor_quant.msb_clamp_bit_width_impl()) - 1) - 1

    def compute(rows: torch.Tensor) -> torch.Tensor:
        weight = _round(module.weight.flatten(1) / scale).clamp(-most, most) * scale
        return linear(rows, weight, _round(module.bias / finest) * finest)

    return compute


def _rounded_relu(size: torch.Tensor, most: int) -> Callable:
    return lambda rows: _round(rows.relu() / size).clamp(max=most) * size

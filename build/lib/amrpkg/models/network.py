"""Networks from rows of `ARCHITECTURES`: plain PyTorch at 32 bit, Brevitas below."""

from collections import OrderedDict

import torch
from torch import nn

from amrpkg.common.arguments import require_choice, require_count
from amrpkg.models import quantization
from amrpkg.models.architectures import (
    ARCHITECTURES,
    BIT_WIDTHS,
    FOLDS,
    SYMBOL_WISE,
    Architecture,
    Layer,
    require_model,
)
from amrpkg.models.symbolwise import Fold, Times, draw_first_weights
from amrpkg.signals.chunks import CHUNK_SIZE, LONGEST_CHUNK


class Network(nn.Module):
    """A network of a row of `ARCHITECTURES`; `build` makes it.

    ``forward(iq)`` maps ``float32[n, 2, chunk_size]`` (3 in place of 2 where the noise is told) to
    class scores ``float32[n, 9]`` and raises ``ValueError`` for any other shape.
    """

    def __init__(self, architecture: str, row: Architecture, bit_width: int, chunk_size: int):
        super().__init__()
        self.architecture, self.row = architecture, row
        self.bit_width = int(bit_width)
        # In the state dict too, so that weights are not taken for those of another bit width.
        self.register_buffer("bits", torch.tensor(self.bit_width))
        self.chunk_size = chunk_size
        self.layers = nn.Sequential(self._modules_of(row))

    @property
    def inputs(self) -> int:
        """Channels of a chunk, as of its row."""
        return self.row.inputs

    def _modules_of(self, row: Architecture) -> OrderedDict[str, nn.Module]:
        bits, modules = self.bit_width, OrderedDict()
        choice = quantization.CHOICES[row.family]
        if bits != 32:
            modules["input"] = quantization.quant_input(bits, choice)
        for layer in (layers := row.layers(self.chunk_size)):
            if layer.kind in FOLDS:
                modules["fold"] = (Fold if bits == 32 else quantization.QuantFold)(layer.kind)
                continue
            if layer.kind == "pool":
                modules[layer.name] = nn.MaxPool1d(2)
                continue
            if layer.kind in ("average", "sum"):
                kind = nn.AvgPool1d if bits == 32 else quantization.QuantAverage
                modules[layer.name] = kind(self.chunk_size)
                continue
            if layer.name == "linear1":
                modules["flatten"] = nn.Flatten()
            make = {"conv": _conv, "linear": _linear}[layer.kind]
            modules[layer.name] = make(layer, bits, choice)
            if layer is not layers[-1]:  # the scores go into the cross entropy as they are
                modules[f"relu_{layer.name}"] = _relu(bits, choice)
        if row.over_chunk == "sum":
            modules["times_symbols"] = Times(self.chunk_size)
        return modules

    def forward(self, iq: torch.Tensor) -> torch.Tensor:
        if iq.ndim != 3 or iq.shape[1:] != (self.inputs, self.chunk_size):
            allowed = f"(n, {self.inputs}, {self.chunk_size})"
            raise ValueError(f"iq has shape {tuple(iq.shape)}; allowed: {allowed}")
        return self.layers(iq)


def _conv(layer: Layer, bit_width: int, choice: quantization.Choice) -> nn.Module:
    if bit_width == 32:
        return nn.Conv1d(layer.inputs, layer.outputs, layer.taps, padding=layer.taps // 2)
    return quantization.quant_conv(layer, bit_width, choice)


def _linear(layer: Layer, bit_width: int, choice: quantization.Choice) -> nn.Module:
    if bit_width == 32:
        return nn.Linear(layer.inputs, layer.outputs)
    return quantization.quant_linear(layer, bit_width, choice)


def _relu(bit_width: int, choice: quantization.Choice) -> nn.Module:
    return nn.ReLU() if bit_width == 32 else quantization.quant_relu(bit_width, choice)


def build(
    architecture: str | Architecture,
    bit_width: int = 32,
    chunk_size: int = CHUNK_SIZE,
    seed: int = 0,
) -> Network:
    """Build a network with seeded initial weights; torch's global random state is left alone.

    architecture : a key of `ARCHITECTURES`, or a row to try, which is then "unnamed" and can
        be trained and evaluated, but not loaded again
    bit_width : 32 (plain float, no Brevitas layer), 8, 6, 4 or 3 for weights, for activations
        and inputs as in `quantization`; biases are integers on the accumulator's scale
    chunk_size : samples per chunk, at most 4,096; a multiple of two to the number of pools, a
        power of two where there is an average

    Raises ``ValueError`` or ``TypeError`` that names the argument.
    """
    if isinstance(architecture, Architecture):
        name, row = "unnamed", architecture
        require_choice("bit_width", bit_width, BIT_WIDTHS)
    else:
        require_model(architecture, bit_width)
        name, row = architecture, ARCHITECTURES[architecture]
    row.require_chunk_size(chunk_size)
    require_count("chunk_size", chunk_size, maximum=LONGEST_CHUNK)
    require_count("seed", seed, minimum=0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Network(name, row, bit_width, chunk_size)
        if row.family == SYMBOL_WISE:
            draw_first_weights(layer for _, layer in prunable_layers(model))
        return model


def prunable_layers(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """The convolutions and fully connected layers with their names, in order of the data."""
    return [
        (name.removeprefix("layers."), module)
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv1d | nn.Linear)
    ]


def trained(layer: nn.Module, name: str = "weight") -> nn.Parameter:
    """The parameter that an optimizer moves, or the "bias"; a held mask lies over it."""
    return getattr(layer, f"{name}_orig", getattr(layer, name))


def require_permanent(model: nn.Module) -> None:
    """Raise ``ValueError`` for a model with held masks."""
    if masks := [name for name in model.state_dict() if name.endswith("_mask")]:
        raise ValueError(
            f"model holds {len(masks)} pruning masks; allowed: none, call make_permanent first"
        )


def require_trained(model: Network) -> None:
    """Raise ``ValueError`` for a quantised model whose activation scales are not set yet."""
    ends = (
        "scaling_impl.value",
        f"act_quant.fused_activation_quant_proxy.tensor_quant{quantization.HELD}",
    )
    if model.bit_width != 32 and not any(name.endswith(ends) for name in model.state_dict()):
        raise ValueError("model has no activation scales; allowed: a model that was trained")

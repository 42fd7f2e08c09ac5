"""Networks from rows of `ARCHITECTURES`: plain PyTorch at 32 bit, Brevitas below."""

from collections import OrderedDict
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from amrpkg import quantization
from amrpkg.architectures import (
    ARCHITECTURES,
    BIT_WIDTHS,
    CLASSES,
    Architecture,
    Layer,
    require_model,
)
from amrpkg.arguments import require_choice, require_count
from amrpkg.signals import CHUNK_SIZE

__all__ = ["ARCHITECTURES", "Network", "build", "load_model", "prunable_layers", "save_model"]


class Network(nn.Module):
    """A network of a row of `ARCHITECTURES`; `build` makes it.

    ``forward(iq)`` maps ``float32[n, 2, chunk_size]`` to class scores ``float32[n, 9]`` and
    raises ``ValueError`` for any other shape.
    """

    def __init__(self, architecture: str, row: Architecture, bit_width: int, chunk_size: int):
        super().__init__()
        self.architecture = architecture
        self.bit_width = int(bit_width)
        # In the state dict too, so that weights are not taken for those of another bit width.
        self.register_buffer("bits", torch.tensor(self.bit_width))
        self.chunk_size = chunk_size
        self.layers = nn.Sequential(self._modules_of(row))

    def _modules_of(self, row: Architecture) -> OrderedDict[str, nn.Module]:
        bits, modules = self.bit_width, OrderedDict()
        choice = quantization.POINTWISE if row.average else quantization.VGG_LIKE
        if bits != 32:
            modules["input"] = quantization.quant_input(bits, choice)
        for layer in row.layers(self.chunk_size):
            if layer.kind == "pool":
                modules[layer.name] = nn.MaxPool1d(2)
                continue
            if layer.kind == "average":
                kind = nn.AvgPool1d if bits == 32 else quantization.QuantAverage
                modules[layer.name] = kind(self.chunk_size)
                continue
            if layer.name == "linear1":
                modules["flatten"] = nn.Flatten()
            make = {"conv": _conv, "linear": _linear}[layer.kind]
            modules[layer.name] = make(layer, bits, choice)
            if layer.outputs != CLASSES:  # the scores go into the cross entropy as they are
                modules[f"relu_{layer.name}"] = _relu(bits)
        return modules

    def forward(self, iq: torch.Tensor) -> torch.Tensor:
        if iq.ndim != 3 or iq.shape[1:] != (2, self.chunk_size):
            raise ValueError(f"iq has shape {tuple(iq.shape)}; allowed: (n, 2, {self.chunk_size})")
        return self.layers(iq)


def _conv(layer: Layer, bit_width: int, choice: quantization.Choice) -> nn.Module:
    if bit_width == 32:
        return nn.Conv1d(layer.inputs, layer.outputs, layer.taps, padding=layer.taps // 2)
    return quantization.quant_conv(layer, bit_width, choice)


def _linear(layer: Layer, bit_width: int, choice: quantization.Choice) -> nn.Module:
    if bit_width == 32:
        return nn.Linear(layer.inputs, layer.outputs)
    return quantization.quant_linear(layer, bit_width, choice)


def _relu(bit_width: int) -> nn.Module:
    return nn.ReLU() if bit_width == 32 else quantization.quant_relu(bit_width)


def build(
    architecture: str | Architecture,
    bit_width: int = 32,
    chunk_size: int = CHUNK_SIZE,
    seed: int = 0,
) -> Network:
    """Build a network with seeded initial weights; torch's global random state is left alone.

    architecture : a key of `ARCHITECTURES`, or a row to try, which is then "unnamed" and can
        be trained and evaluated, but not loaded again
    bit_width : 32 (plain float, no Brevitas layer), 8, 6 or 4 for weights and activations, and
        for inputs as in `quantization`; biases are integers on the accumulator's scale
    chunk_size : samples per chunk, a multiple of two to the number of pools, a power of two
        where there is an average

    Raises ``ValueError`` or ``TypeError`` that names the argument.
    """
    if isinstance(architecture, Architecture):
        name, row = "unnamed", architecture
        require_choice("bit_width", bit_width, BIT_WIDTHS)
    else:
        require_model(architecture, bit_width)
        name, row = architecture, ARCHITECTURES[architecture]
    row.require_chunk_size(chunk_size)
    require_count("seed", seed, minimum=0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Network(name, row, bit_width, chunk_size)


def prunable_layers(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """The convolutions and fully connected layers with their names, in order of the data."""
    return [
        (name.removeprefix("layers."), module)
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv1d | nn.Linear)
    ]


def require_permanent(model: nn.Module) -> None:
    """Raise ``ValueError`` for a model with held masks."""
    if masks := [name for name in model.state_dict() if name.endswith("_mask")]:
        raise ValueError(
            f"model holds {len(masks)} pruning masks; allowed: none, call make_permanent first"
        )


def require_trained(model: Network) -> None:
    """Raise ``ValueError`` for a quantised model whose activation scales are not set yet."""
    scales = (name for name in model.state_dict() if name.endswith("scaling_impl.value"))
    if model.bit_width != 32 and next(scales, None) is None:
        raise ValueError("model has no activation scales; allowed: a model that was trained")


def save_model(model: Network, path: Path) -> None:
    """Write weights and what is needed to rebuild the model to a ``.safetensors`` file.

    Raises ``ValueError`` for a model with held masks (see `pruning.make_permanent`) and for a
    quantised one that has not been trained: its activation scales are not set.
    """
    require_trained(model)
    require_permanent(model)
    metadata = {
        key: str(getattr(model, key)) for key in ("architecture", "bit_width", "chunk_size")
    }
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(state, path, metadata)


def load_model(path: Path) -> Network:
    """Rebuild a model from a file of `save_model`, in evaluation mode. Runs no code from the file.

    Raises ``ValueError`` that names `path` if the file is no such file, is damaged, or holds
    the weights of another architecture than it says.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        architecture, bit_width = metadata["architecture"], int(metadata["bit_width"])
        require_model(architecture, bit_width)
        layers = ARCHITECTURES[architecture].layers(chunk_size := int(metadata["chunk_size"]))
        features = next(layer.inputs for layer in layers if layer.kind == "linear")
        if state["layers.linear1.weight"].shape[1] != features:  # before memory is asked for
            raise ValueError(f"its weights are not for chunks of {chunk_size}")
        if not all(values.isfinite().all() for values in state.values()):
            raise ValueError("some of its weights are not finite")
        model = build(architecture, bit_width, chunk_size)
        load_state(model, state)
    except (SafetensorError, KeyError, ValueError) as error:
        raise ValueError(
            f"path is {str(path)!r}; allowed: a .safetensors file of save_model ({error!r})"
        ) from error
    return model.eval()


def load_float_weights(model: Network, source: Network) -> None:
    """Give `model` the weights and biases of the float model `source` of its architecture.

    Activation scales are left to be found in training. Raises ``ValueError`` for another
    architecture or a quantised source.
    """
    if (source.architecture, source.bit_width) != (model.architecture, 32):
        raise ValueError(
            f"source is {source.architecture} at {source.bit_width} bit; allowed: "
            f"{model.architecture} in float"
        )
    with torch.no_grad():
        for (_, layer), (_, given) in zip(
            prunable_layers(model), prunable_layers(source), strict=True
        ):
            layer.weight.copy_(given.weight)
            layer.bias.copy_(given.bias)


def load_state(model: Network, state: dict[str, torch.Tensor]) -> None:
    """Load a state dict; ``ValueError`` if it belongs to another architecture or bit width."""
    if (bits := int(state.get("bits", 0))) != model.bit_width:
        raise ValueError(
            f"state has a bit width of {bits}; allowed: a state dict of {model.architecture} at "
            f"{model.bit_width} bit"
        )
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(
            f"state does not fit; allowed: a state dict of {model.architecture} at "
            f"{model.bit_width} bit ({str(error).splitlines()[1].strip()})"
        ) from error

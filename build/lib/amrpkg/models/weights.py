"""Weights of networks in files, and from one network to another."""

from pathlib import Path

import torch
from brevitas import config
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from amrpkg.common.arguments import printable
from amrpkg.common.files import require_regular, whole_file, with_sorted_header
from amrpkg.models.architectures import ARCHITECTURES, require_model
from amrpkg.models.network import (
    Network,
    build,
    prunable_layers,
    require_permanent,
    require_trained,
)
from amrpkg.models.quantization import HELD, hold_scale

LARGEST_FILE = 32 << 20  # bytes; the largest of the grid takes 9 MB


def save_model(model: Network, path: Path) -> None:
    """Write weights and what is needed to rebuild the model to a ``.safetensors`` file.

    The same weights give the same bytes. Raises ``ValueError`` for a model with held masks (see
    `pruning.make_permanent`) and for a quantised one that has not been trained: its activation
    scales are not set.
    """
    require_trained(model)
    require_permanent(model)
    metadata = {
        key: str(getattr(model, key)) for key in ("architecture", "bit_width", "chunk_size")
    }
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    with whole_file(Path(path), binary=True) as file:
        file.write(with_sorted_header(save(state, metadata)))


def load_model(path: Path) -> Network:
    """Rebuild a model from a file of `save_model`, in evaluation mode. Runs no code from the file.

    Raises ``ValueError`` that names `path` if the file is no such file, is damaged or larger than
    32 MiB, or holds the weights of another architecture than it says.
    """
    require_regular(path, LARGEST_FILE)
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
        for name, values in state.items():
            if values.dtype != (torch.int64 if name == "bits" else torch.float32):
                raise ValueError(f"its {printable(name, 80)} is of {values.dtype}")
        model = build(architecture, bit_width, chunk_size)
        load_state(model, state)
    except (SafetensorError, LookupError, RuntimeError, ValueError) as error:
        raise ValueError(
            f"path is {str(path)!r}; allowed: a .safetensors file of save_model "
            f"({printable(repr(error))})"
        ) from error
    return model.eval()


def load_float_weights(model: Network, source: Network) -> None:
    """Give `model` the weights and biases, before quantisation, of a `source` of its architecture.

    Activation scales are left to be found in training. Raises ``ValueError`` for another
    architecture.
    """
    if source.row != model.row:
        raise ValueError(f"source is {source.architecture}; allowed: {model.architecture}")
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
    held = {name.removesuffix(HELD): x for name, x in state.items() if name.endswith(HELD)}
    try:
        for name, scale in held.items():
            hold_scale(model.get_submodule(name), scale)
        config.REINIT_ON_STATE_DICT_LOAD = not held  # Brevitas would make its own scales anew
        model.load_state_dict(state)
    except (AttributeError, RuntimeError) as error:
        raise ValueError(
            f"state does not fit; allowed: a state dict of {model.architecture} at "
            f"{model.bit_width} bit ({str(error).splitlines()[-1].strip()})"
        ) from error
    finally:
        config.REINIT_ON_STATE_DICT_LOAD = True

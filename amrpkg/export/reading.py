"""Any file of a network as one that evaluates like a model of our own."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError, safe_open

from amrpkg.export.header import export_metadata
from amrpkg.export.integer_file import load_integers
from amrpkg.hardware.resources import LayerCount
from amrpkg.signals.constellations import CONSTELLATIONS

if TYPE_CHECKING:
    import torch

    from amrpkg.models.network import Network

_OURS = tuple(CONSTELLATIONS)


@dataclass(frozen=True)
class ForeignNetwork:
    """A network that torch does not compute, for what takes one: `evaluate`, `classify`,
    `hardware.estimate`. It knows `classes`, or some of the book's."""

    run: Callable[[np.ndarray], np.ndarray]
    chunk_size: int
    classes: tuple[str, ...]
    layer_counts: list[LayerCount]
    bit_width: int

    def scores(self, iq: np.ndarray) -> np.ndarray:
        """Scores of the book's classes in its order, ``float32[n, 2, chunk_size]`` to
        ``float32[n, 9]``; a class that the network does not know scores minus infinity.
        """
        if iq.ndim != 3 or iq.shape[1:] != (2, self.chunk_size):
            raise ValueError(f"iq has shape {iq.shape}; allowed: (n, 2, {self.chunk_size})")
        scores = np.full((len(iq), len(_OURS)), -np.inf, np.float32)
        places = [_OURS.index(name) for name in self.classes]
        scores[:, places] = self.run(iq.astype(np.float32, copy=False))
        return scores

    def __call__(self, iq: "torch.Tensor") -> "torch.Tensor":
        """The same of tensors, as a torch module is called."""
        import torch

        return torch.from_numpy(self.scores(iq.numpy()))


def load_network(path: Path, classes: Sequence[str] | None = None) -> "Network | ForeignNetwork":
    """Read a network from a file of `save_model`, `save_integers`, or ONNX or QONNX.

    path : by its ending, ``.onnx`` or ``.safetensors``
    classes : of the scores of an ONNX file, in their order; by default those that the file
        names itself

    Nothing in the file is run but the network. Raises ``ValueError`` that names the file and
    what is allowed, as `models.load_model`, `integer_file.load_integers` and
    `onnx_import.load_onnx`; for classes that are not the book's, each once, one a score; and
    for a file made for other constellations.
    """
    path = Path(path)
    path.open("rb").close()  # the libraries do not name what they cannot open
    if path.suffix == ".onnx":
        return _load_onnx(path, classes)
    if classes is not None:
        raise ValueError(f"classes is given for {str(path)!r}; allowed: with an .onnx file")
    if path.suffix != ".safetensors":
        raise ValueError(f"{str(path)!r} is of an unknown kind; allowed: .onnx, .safetensors")
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
    except SafetensorError as error:
        raise ValueError(f"{str(path)!r} is damaged: {error}") from error
    if "format" not in metadata:
        from amrpkg.models.weights import load_model  # here: torch and Brevitas take seconds

        return load_model(path)
    _require_our_constellations(path, metadata)
    network = load_integers(path)
    counts = [
        LayerCount(
            layer.name,
            layer.kind,
            *(0 if x is None else int(np.count_nonzero(x)) for x in (layer.weights, layer.biases)),
        )
        for layer in network.layers
    ]
    return ForeignNetwork(network.scores, network.chunk_size, _OURS, counts, network.bit_width)


def _load_onnx(path: Path, classes: Sequence[str] | None) -> ForeignNetwork:
    from amrpkg.export.onnx_import import load_onnx  # here: onnx and its runtime take a second

    network = load_onnx(path)
    _require_our_constellations(path, network.metadata)
    if classes is None and "classes" not in network.metadata:
        raise ValueError(f"{str(path)!r} does not name its classes; allowed: give them (--classes)")
    classes = classes or _classes_of(path, network.metadata["classes"])
    unknown = [name for name in classes if name not in CONSTELLATIONS]
    if unknown or len(set(classes)) != len(classes) or len(classes) != network.outputs:
        raise ValueError(
            f"classes of {str(path)!r} are {', '.join(classes)}; allowed: {network.outputs} of "
            f"{', '.join(CONSTELLATIONS)}, each once, in the order of its scores"
        )
    return ForeignNetwork(
        network.scores, network.chunk_size, tuple(classes), network.layers, network.bit_width
    )


def _classes_of(path: Path, text: str) -> list[str]:
    try:
        classes = json.loads(text)
        if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
            raise ValueError("no list of names")
    except ValueError as error:
        raise ValueError(
            f"classes in the header of {str(path)!r} are {text[:80]!r} ({error}); allowed: a "
            "JSON list of names (or give them by --classes)"
        ) from error
    return classes


def _require_our_constellations(path: Path, metadata: dict[str, str]) -> None:
    key = "constellations_sha256"
    if metadata.get(key, ours := export_metadata("", 32, 0)[key]) != ours:
        raise ValueError(
            f"{str(path)!r} is for other constellations ({metadata.get('constellations')}); "
            "allowed: those of this version of amrpkg"
        )

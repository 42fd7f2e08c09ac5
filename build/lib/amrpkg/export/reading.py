"""Any file of a network as one that evaluates like a model of our own."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError, safe_open

from amrpkg.common.arguments import printable
from amrpkg.common.files import require_regular
from amrpkg.export.header import FORMATS, export_metadata
from amrpkg.export.integer_file import load_integers
from amrpkg.hardware.integers import IntegerNetwork
from amrpkg.hardware.resources import LayerCount
from amrpkg.signals.constellations import CONSTELLATIONS

if TYPE_CHECKING:
    import torch

    from amrpkg.models.network import Network

_OURS = tuple(CONSTELLATIONS)
_MOST_NUMBERS = 1 << 22  # that a layer in integers takes at a time, in 64 bits: 32 MB


@dataclass(frozen=True)
class ForeignNetwork:
    """A network that torch does not compute, for what takes one: `evaluate`, `classify`,
    `hardware.estimate`. It knows `classes`, all of the book's or some.

    inputs : channels of a chunk: 2, or 3 where the noise is told (`signals.noise_word`)
    block : chunks that it takes at a time
    """

    run: Callable[[np.ndarray], np.ndarray]
    inputs: int
    chunk_size: int
    classes: tuple[str, ...]
    layer_counts: list[LayerCount]
    bit_width: int
    block: int

    def scores(self, iq: np.ndarray) -> np.ndarray:
        """Scores of the book's classes in its order, ``float32[n, inputs, chunk_size]`` to
        ``float32[n, 9]``; a class that the network does not know scores minus infinity.

        Raises ``ValueError`` for another shape and for scores that are not finite.
        """
        if iq.ndim != 3 or iq.shape[1:] != (self.inputs, self.chunk_size):
            allowed = f"(n, {self.inputs}, {self.chunk_size})"
            raise ValueError(f"iq has shape {iq.shape}; allowed: {allowed}")
        iq, size = iq.astype(np.float32, copy=False), max(1, self.block)
        blocks = [iq[k : k + size] for k in range(0, max(1, len(iq)), size)]
        given = np.concatenate([np.asarray(self.run(block), np.float32) for block in blocks])
        if not np.isfinite(given).all():
            odd = given[~np.isfinite(given)][0]
            raise ValueError(f"model gives a score of {odd}; allowed: a network of finite scores")
        scores = np.full((len(iq), len(_OURS)), -np.inf, np.float32)
        scores[:, [_OURS.index(name) for name in self.classes]] = given
        return scores

    def __call__(self, iq: "torch.Tensor") -> "torch.Tensor":
        """The same of tensors, as a torch module is called."""
        import torch

        return torch.from_numpy(self.scores(iq.numpy()))


def load_network(path: Path, classes: Sequence[str] | None = None) -> "Network | ForeignNetwork":
    """Read a network from a file of `save_model`, `save_integers`, or ONNX or QONNX.

    path : by its ending, that of a row of `FORMATS` that has a reader
    classes : of the scores of an ONNX file, in their order; by default those that the file
        names itself

    Nothing in the file is run but the network. Raises ``ValueError`` that names the file and
    what is allowed, as `models.load_model`, `integer_file.load_integers` and
    `onnx_import.load_onnx`; for classes that are not the book's, each once, one a score; and
    for a file made for other constellations.
    """
    path = require_regular(path)
    readers = {form.suffix: form.read for form in FORMATS.values() if form.read}
    if path.suffix not in readers:
        raise ValueError(f"{str(path)!r} is of an unknown kind; allowed: {', '.join(readers)}")
    return readers[path.suffix](path, classes)


def read_safetensors(path: Path, classes: Sequence[str] | None) -> "Network | ForeignNetwork":
    """The network of a file of `save_model` or `save_integers`; it has the book's classes."""
    if classes is not None:
        raise ValueError(f"classes is given for {str(path)!r}; allowed: with an .onnx file")
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
    except SafetensorError as error:
        raise ValueError(f"{str(path)!r} is damaged: {printable(error)}") from error
    if "format" not in metadata:
        from amrpkg.models.weights import load_model  # here: torch and Brevitas take seconds

        return load_model(path)
    _require_our_constellations(path, metadata)
    return as_network(load_integers(path))


def read_integers(path: Path, name: str | None = None) -> IntegerNetwork:
    """The integers of a file of `save_integers`, or those of a trained model of `save_model`.

    name : of a trained model's integers; by default the file's

    Raises ``ValueError`` for another file, a damaged one, one for other constellations, and a
    float model.
    """
    path = require_regular(path)
    if path.suffix != ".safetensors":
        raise ValueError(f"{str(path)!r} has no integers; allowed: a .safetensors file of ours")
    found = read_safetensors(path, None)
    if isinstance(found, ForeignNetwork):
        return load_integers(path)
    from amrpkg.hardware.conversion import to_integers  # here: torch and Brevitas take seconds
    from amrpkg.training.shrinking import shrink

    return to_integers(shrink(found), name or path.stem)


def as_network(
    network: IntegerNetwork, run: Callable[[np.ndarray], np.ndarray] | None = None
) -> ForeignNetwork:
    """A network in integers as one that can be evaluated like any other.

    run : what computes its scores, as `CNetwork.scores`; by default the integers in NumPy
    """
    counts = [
        LayerCount(
            layer.name,
            layer.kind,
            *(0 if x is None else int(np.count_nonzero(x)) for x in (layer.weights, layer.biases)),
        )
        for layer in network.layers
    ]
    widest = max(x.weights[0].size for x in network.layers if x.weights is not None)
    block = _MOST_NUMBERS // (network.chunk_size * widest)
    return ForeignNetwork(
        run or network.scores,
        network.inputs,
        network.chunk_size,
        _OURS,
        counts,
        network.bit_width,
        block,
    )


def read_onnx(path: Path, classes: Sequence[str] | None) -> ForeignNetwork:
    """The network of an ONNX or QONNX file."""
    from amrpkg.export.onnx_import import load_onnx  # here: onnx and its runtime take a second

    network = load_onnx(path)
    _require_our_constellations(path, network.metadata)
    if classes is None and "classes" not in network.metadata:
        raise ValueError(f"{str(path)!r} does not name its classes; allowed: give them (--classes)")
    classes = classes or _classes_of(path, network.metadata["classes"])
    unknown = [name for name in classes if name not in CONSTELLATIONS]
    if unknown or len(set(classes)) != len(classes) or len(classes) != network.outputs:
        came = printable(", ".join(classes))
        raise ValueError(
            f"classes of {str(path)!r} are {came}; allowed: {network.outputs} of "
            f"{', '.join(CONSTELLATIONS)}, each once, in the order of its scores"
        )
    return ForeignNetwork(
        network.scores,
        network.inputs,
        network.chunk_size,
        tuple(classes),
        network.layers,
        network.bit_width,
        network.block,
    )


def _classes_of(path: Path, text: str) -> list[str]:
    try:
        classes = json.loads(text)
        if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
            raise ValueError("no list of names")
    except ValueError as error:
        raise ValueError(
            f"classes in the header of {str(path)!r} are {printable(repr(text), 80)} "
            f"({printable(error)}); allowed: a JSON list of names (or give them by --classes)"
        ) from error
    return classes


def _require_our_constellations(path: Path, metadata: dict[str, str]) -> None:
    key = "constellations_sha256"
    if metadata.get(key, ours := export_metadata("", 32, 0)[key]) != ours:
        raise ValueError(
            f"{str(path)!r} is for other constellations "
            f"({printable(metadata.get('constellations'))}); "
            "allowed: those of this version of amrpkg"
        )

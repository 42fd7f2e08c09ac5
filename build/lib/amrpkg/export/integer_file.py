"""The integers of a network in one file: weights packed to their bit width, nothing that runs.

A ``.safetensors`` file. Its header holds, as strings, what `export_metadata` says, ``format``,
``input_bits``, ``input_exponent`` and ``layers``: a list, in order of the data, of each layer's
name, kind, exponent, bits and, for convolutions and fully connected layers, weight bits and
shape [outputs, inputs, taps]. Its tensors are ``<layer>.weights``, two's complement, bit after
bit from the lowest, without gaps (4 bits: two weights a byte; 6 bits: four weights in three
bytes); ``<layer>.biases``, int32; and ``<layer>.shifts``, int8.
"""

import json
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from amrpkg.common.arguments import printable, require_count
from amrpkg.common.files import require_regular, whole_file, with_sorted_header
from amrpkg.export.header import export_metadata
from amrpkg.hardware.integers import IntegerLayer, IntegerNetwork
from amrpkg.models.architectures import CLASSES, FOLDS, LONGEST_SUM, WEIGHTLESS
from amrpkg.signals.chunks import LONGEST_CHUNK

FORMAT = "amrpkg integer network 1"
LARGEST_FILE = 8 << 20  # bytes; the largest of the grid at 8 bits takes 2.3 MB
_LARGEST_LAYER = 1 << 22  # numbers that a layer multiplies for one chunk; ours 98,304


def save_integers(network: IntegerNetwork, path: Path) -> None:
    """Write a network in integers to `path`."""
    layers, tensors = [], {}
    for layer in network.layers:
        about = {key: getattr(layer, key) for key in ("name", "kind", "exponent", "bits")}
        if layer.weights is not None:
            about |= {"weight_bits": layer.weight_bits, "shape": layer.weights.shape}
            tensors |= {
                f"{layer.name}.weights": pack(layer.weights, layer.weight_bits),
                f"{layer.name}.biases": layer.biases,
                f"{layer.name}.shifts": layer.shifts,
            }
        layers.append(about)
    header = export_metadata(network.name, network.bit_width, network.chunk_size)
    header |= {
        "format": FORMAT,
        "input_bits": str(network.input_bits),
        "input_exponent": str(network.input_exponent),
        "layers": json.dumps(layers),
    }
    with whole_file(Path(path), binary=True) as file:
        file.write(with_sorted_header(save(tensors, header)))


def load_integers(path: Path) -> IntegerNetwork:
    """Read a network in integers; nothing in the file is run.

    Raises ``ValueError`` that names `path` if it is no such file, is damaged or larger than
    8 MiB, or if its layers do not fit one another.
    """
    require_regular(path, LARGEST_FILE)
    try:
        with safe_open(path, framework="np") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if header.get("format") != FORMAT:
            raise ValueError(f"its format is {header.get('format')!r}")
        layers = tuple(_layer(about, tensors) for about in json.loads(header["layers"]))
        network = IntegerNetwork(
            header["name"],
            *(int(header[key]) for key in ("bit_width", "chunk_size", "input_bits")),
            int(header["input_exponent"]),
            layers,
        )
        _require_chain(network)
    except Exception as error:  # whatever a header may hold where a number is looked for
        raise ValueError(
            f"path is {str(path)!r}; allowed: an undamaged file of save_integers, as `amr export "
            f"--format integer` writes it ({printable(error)})"
        ) from error
    return network


def _layer(about: dict, tensors: dict[str, np.ndarray]) -> IntegerLayer:
    name, kind = about["name"], about["kind"]
    plain = [name, kind, int(about["exponent"]), int(about["bits"])]
    if not 0 <= plain[3] <= 32 or abs(plain[2]) > 64:
        raise ValueError(f"{name} has {plain[3]} bits and an exponent of {plain[2]}")
    if kind in WEIGHTLESS:
        return IntegerLayer(*plain)
    if kind not in ("conv", "linear"):
        raise ValueError(f"{name} is of kind {kind!r}")
    weights, biases, shifts = (tensors[f"{name}.{x}"] for x in ("weights", "biases", "shifts"))
    bits, shape = int(about["weight_bits"]), tuple(map(int, about["shape"]))
    if (biases.dtype, shifts.dtype, weights.dtype) != (np.int32, np.int8, np.uint8):
        raise ValueError(f"{name} holds other types of numbers")
    if biases.shape != shape[:1] or shifts.shape != shape[:1] or len(shape) != 3:
        raise ValueError(f"{name} has weights of shape {shape} and {len(biases)} biases")
    if np.abs(shifts.astype(int)).max(initial=0) > 62:
        raise ValueError(f"{name} shifts by more than 62 bits")
    return IntegerLayer(*plain, bits, unpack(weights, bits, shape), biases, shifts)


def _require_chain(network: IntegerNetwork) -> None:
    """Raise ``ValueError`` unless each layer can read what the one before it gives."""
    require_count("chunk_size", network.chunk_size, maximum=LONGEST_CHUNK)
    bits, exponent = network.input_bits, network.input_exponent
    if not 2 <= bits <= 16 or abs(exponent) > 64 or not 2 <= network.bit_width <= 8:
        raise ValueError(
            f"it is of {network.bit_width} bit, its input of {bits} bits and exponent {exponent}"
        )
    channels, positions = 2, network.chunk_size
    for layer in network.layers:
        if layer.kind in FOLDS:  # a one is a whole number of steps
            _, channels = FOLDS[layer.kind]
            fits = layer is network.layers[0] and layer.bits == bits - 1 and exponent <= 0
            fits &= layer.exponent == exponent
        elif layer.kind == "pool":
            positions, rest = divmod(positions, 2)
            fits = not rest
        elif layer.kind == "average":
            positions, fits = 1, positions.bit_count() == 1
        elif layer.kind == "sum":
            fits = positions <= LONGEST_SUM and layer.exponent == exponent
            fits &= layer.bits == bits + (positions - 1).bit_length()
            positions = 1
        else:
            outputs, inputs, taps = layer.weights.shape
            if layer.kind == "linear":
                channels, positions = channels * positions, 1
            fits = inputs == channels and taps % 2 == 1 and (layer.kind == "conv" or taps == 1)
            if positions * max(inputs * taps, outputs) > _LARGEST_LAYER:
                raise ValueError(f"{layer.name} is too large for chunks of {network.chunk_size}")
            channels = outputs
        if not fits or positions < 1:
            raise ValueError(f"{layer.name} does not fit the layer before it")
        bits, exponent = layer.bits, layer.exponent
    if (channels, positions) != (CLASSES, 1) or layer.weights is None:
        raise ValueError(f"it ends in {channels} x {positions} scores; allowed: {CLASSES}")


def pack(integers: np.ndarray, bits: int) -> np.ndarray:
    """The lowest `bits` bits of each integer, one after another: ``uint8[ceil(n bits / 8)]``."""
    low = np.unpackbits(
        integers.reshape(-1, 1).view(np.uint8), axis=1, count=bits, bitorder="little"
    )
    return np.packbits(low, bitorder="little")


def unpack(packed: np.ndarray, bits: int, shape: tuple[int, ...]) -> np.ndarray:
    """What `pack` took, ``int8[shape]``. Raises ``ValueError`` if the length does not fit."""
    count = int(np.prod(shape, dtype=object))
    if not 2 <= bits <= 8 or packed.ndim != 1 or len(packed) != -(-count * bits // 8) or not count:
        raise ValueError(f"{packed.size} bytes are not {count} weights of {bits} bits")
    low = np.unpackbits(packed, count=count * bits, bitorder="little").reshape(count, bits)
    sign = np.repeat(low[:, -1:], 8 - bits, axis=1)
    whole = np.packbits(np.hstack([low, sign]), axis=1, bitorder="little")
    return whole.view(np.int8).reshape(shape)

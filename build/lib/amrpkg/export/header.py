"""The forms of an exported file, a row each, and what every one says of itself."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pkgutil import resolve_name

import numpy as np

from amrpkg import __version__
from amrpkg.signals.chunks import NOISE_POWER, PHASE_NOISE
from amrpkg.signals.constellations import CONSTELLATIONS


@dataclass(frozen=True)
class Format:
    """A form of an exported file.

    suffix : ending of its files, by which they are read back; forms of one ending have one reader
    use : what it is for
    write : of (model, path, name): a network without silent channels, and what the file says of it
    read : of (path, classes): gives a module that evaluates like a model of our own; classes are
        names in the order of the scores, ``None`` for those that the file names itself. ``None``
        for a form that is not read back: to read a file of C would be to run it
    takes_float : whether a float network has this form too
    """

    suffix: str
    use: str
    write: Callable
    read: Callable | None
    takes_float: bool = False


def _at(place: str) -> Callable:
    """The function of that place, imported when it is called: names and uses load no torch."""
    return lambda *arguments: resolve_name(f"amrpkg.export.{place}")(*arguments)


_read_onnx = _at("reading:read_onnx")

FORMATS: dict[str, Format] = {
    "qonnx": Format(
        ".onnx", "for FPGA compilers: FINN, hls4ml", _at("writing:write_qonnx"), read=_read_onnx
    ),
    "onnx": Format(
        ".onnx",
        "for runtimes: onnxruntime, OpenVINO; the one form of a float network",
        _at("writing:write_onnx"),
        read=_read_onnx,
        takes_float=True,
    ),
    "integer": Format(
        ".safetensors",
        "packed integers, for hardware of your own",
        _at("writing:write_integers"),
        read=_at("reading:read_safetensors"),
    ),
    "c": Format(
        ".c",
        "C99 without dependencies, a header beside it, for processors and microcontrollers",
        _at("writing:write_c"),
        read=None,
    ),
}
"""Name -> row."""

CONVENTION = (
    "I and Q of one complex sample a symbol; amplitudes as in amrpkg/signals/constellations.py "
    "(ASK and 8QAM with a largest amplitude of 1, PSK on the unit circle from angle 0, 16QAM on "
    "odd thirds, 32QAM of unit power); no carrier, phase or timing offset; noise of total power "
    f"{NOISE_POWER}, phase noise of {PHASE_NOISE} rad"
)


def export_metadata(name: str, bit_width: int, chunk_size: int) -> dict[str, str]:
    """Name, bit width, classes, convention and versions, as strings for a file's header."""
    points = b"".join(np.asarray(values).tobytes() for values in CONSTELLATIONS.values())
    return {
        "name": name,
        "bit_width": str(bit_width),
        "chunk_size": str(chunk_size),
        "classes": json.dumps(list(CONSTELLATIONS)),
        "constellations": CONVENTION,
        "constellations_sha256": hashlib.sha256(points).hexdigest()[:16],
        "amrpkg_version": __version__,
    }

"""The forms of an exported file, and what every one says of itself."""

import hashlib
import json

import numpy as np

from amrpkg import __version__
from amrpkg.signals.chunks import NOISE_POWER, PHASE_NOISE
from amrpkg.signals.constellations import CONSTELLATIONS

FORMATS = {
    "qonnx": "for FPGA compilers: FINN, hls4ml",
    "onnx": "for runtimes: onnxruntime, OpenVINO; the one form of a float network",
    "integer": "packed integers, for hardware of your own",
}
"""Format -> what it is for."""

SUFFIXES = {"qonnx": ".onnx", "onnx": ".onnx", "integer": ".safetensors"}
"""Format -> ending of its files, by which they are read back."""

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

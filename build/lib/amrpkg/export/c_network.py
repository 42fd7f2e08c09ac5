"""A network in integers as compiled C, called from Python: it scores as every other form."""

import ctypes
import shutil
import subprocess
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from amrpkg.common.arguments import printable
from amrpkg.export.c_code import CCode, generate_c
from amrpkg.export.integer_file import load_integers
from amrpkg.export.reading import ForeignNetwork, as_network, load_network
from amrpkg.hardware.integers import IntegerNetwork
from amrpkg.models.architectures import CLASSES

if TYPE_CHECKING:
    from amrpkg.models.network import Network

COMPILERS = ("cc", "gcc", "clang")
_FLAGS = ("-std=c99", "-O3", "-shared", "-fPIC")
_SECONDS = 300  # that a compiler may take; the thesis's largest network takes 10


def find_compiler() -> str | None:
    """The first of `COMPILERS` that this machine has."""
    return next(filter(None, map(shutil.which, COMPILERS)), None)


class CNetwork:
    """A network in integers as C of `generate_c`, compiled for this machine.

    What is compiled is written here from integers: a C file of others would be code that runs.

    network : what it computes
    flags : of the compiler, beside ours
    code : the C that was compiled

    Raises ``ValueError`` where there is no compiler, or as `generate_c`.
    """

    def __init__(self, network: IntegerNetwork, *flags: str):
        self.network, self.code = network, generate_c(network, "network")
        with TemporaryDirectory() as folder:
            library = compile_c(self.code, Path(folder), *flags)
            functions = ctypes.PyDLL(str(library))  # which holds the interpreter, and costs less
        self._of_floats = getattr(functions, f"{self.code.name}_scores_of_floats")
        self._of_chunks = getattr(functions, f"{self.code.name}_scores_of_chunks")
        self._of_floats.restype = self._of_chunks.restype = None

    def compute(self, iq: np.ndarray) -> np.ndarray:
        """As `IntegerNetwork.compute`: ``float32[n, inputs, chunk_size]`` to ``int64[n, 9]``."""
        iq = np.ascontiguousarray(iq, np.float32)
        scores = np.empty((len(iq), CLASSES), np.int32)
        self.bind(iq, scores)()
        return scores.astype(np.int64)

    def scores(self, iq: np.ndarray) -> np.ndarray:
        """The same on the scale of the trained model: ``float64[n, 9]``. Raises as it."""
        return self.compute(iq) * 2.0 ** self.network.layers[-1].exponent

    def bind(self, iq: np.ndarray, scores: np.ndarray) -> Callable[[], None]:
        """A call that scores what `iq` then holds into `scores`, for those who call it often.

        iq : samples ``float32[n, inputs, chunk_size]``, or integers of the type `code.word`
        scores : ``int32[n, 9]``

        Raises ``ValueError`` for arrays of other shapes or types, or with gaps.
        """
        network, word = self.network, self.code.word.removesuffix("_t")
        if iq.ndim != 3 or iq.shape[1:] != (network.inputs, network.chunk_size):
            allowed = f"(n, {network.inputs}, {network.chunk_size})"
            raise ValueError(f"iq has shape {iq.shape}; allowed: {allowed}")
        if iq.dtype not in ("float32", word) or not iq.flags.c_contiguous:
            raise ValueError(f"iq is of {iq.dtype}; allowed: float32 or {word}, without gaps")
        if (scores.shape, scores.dtype) != ((len(iq), CLASSES), "int32") or not (
            scores.flags.c_contiguous and scores.flags.writeable
        ):
            raise ValueError(
                f"scores is {scores.dtype} of shape {scores.shape}; allowed: int32 of shape "
                f"({len(iq)}, {CLASSES}), without gaps, that can be written"
            )
        function = self._of_floats if iq.dtype == "float32" else self._of_chunks
        arrays = ctypes.c_void_p.from_param(iq.ctypes.data), ctypes.c_size_t.from_param(len(iq))
        call = partial(function, *arrays, ctypes.c_void_p.from_param(scores.ctypes.data))
        call.arrays = iq, scores  # which have to live as long
        return call


def load_compiled(path: Path, classes: Sequence[str] | None = None) -> "Network | ForeignNetwork":
    """As `load_network`, but integers compute as compiled C where that can be had: the same
    scores, faster. For what decides for long: compiling takes a part of a second."""
    network = load_network(path, classes)
    if path.suffix != ".safetensors" or not isinstance(network, ForeignNetwork):
        return network
    try:
        return as_network(integers := load_integers(path), CNetwork(integers).scores)
    except ValueError:  # no compiler, or one that refuses
        return network


def compile_c(code: CCode, folder: Path, *flags: str) -> Path:
    """Compile C of ours into a shared library in `folder`, for this machine's processor.

    flags : of the compiler, beside ours

    Raises ``ValueError`` where there is no compiler, or it refuses or takes too long.
    """
    compiler = find_compiler()
    if compiler is None:
        raise ValueError(f"no C compiler is found; allowed: one of {', '.join(COMPILERS)} on PATH")
    (folder / "network.h").write_text(code.header)
    source = folder / "network.c"
    source.write_text(code.source)
    library = folder / "network.so"
    command = [compiler, *_FLAGS, *flags, "-o", str(library), str(source)]
    for native in (["-march=native"], []):  # some compilers for ARM do not know it
        try:
            done = subprocess.run(
                command + native, capture_output=True, text=True, timeout=_SECONDS
            )
        except subprocess.TimeoutExpired as error:
            raise ValueError(f"{compiler} took more than {_SECONDS} s") from error
        if not done.returncode:
            return library
    raise ValueError(f"{compiler} refused: {printable(done.stderr)}")

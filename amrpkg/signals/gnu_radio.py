"""Signals that GNU Radio makes: its constellations, its pulses, its channel model.

GNU Radio (https://gnuradio.org) is the framework of software radio that most use; nothing of it
was written by us. Debian and Ubuntu have it as ``gnuradio``, for their own Python; the flowgraph
runs there, in a process of its own. Shapes of the thesis that it has no object for are ours, its
pulses and its channel still its own.
"""

import inspect
import json
import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path

import numpy as np

from amrpkg.common.arguments import printable, require_choice
from amrpkg.signals import gnu_radio_flowgraph as flowgraph
from amrpkg.signals.bursts import Burst
from amrpkg.signals.constellations import CONSTELLATIONS

GNU_RADIO_SHAPES = (*CONSTELLATIONS, "32QAM, hole inside")
"""4ASK, 8ASK, 8QAM and 32QAM have our points; the last is a square of 36 without one a side."""


def find_gnu_radio() -> str | None:
    """The Python that GNU Radio is installed for: the one in the first line of its ``grcc``."""
    compiler = shutil.which("grcc")
    if compiler is None:
        return None
    with Path(compiler).open("rb") as file:
        return file.readline().decode(errors="replace").removeprefix("#!").strip()


def transmit_with_gnu_radio(burst: Burst, name: str, count: int, seed: int) -> np.ndarray:
    """`count` random symbols as GNU Radio sends and receives them: ``complex64[about n]``.

    burst : as of `Burst`; its timing is left to GNU Radio's filters and a random delay
    name : of `GNU_RADIO_SHAPES`

    Raises ``OSError`` without GNU Radio or where it fails, ``ValueError`` for another name.
    """
    require_choice("name", name, GNU_RADIO_SHAPES)
    python = find_gnu_radio()
    if python is None:
        raise OSError("GNU Radio is not installed; `apt-get install gnuradio` brings it")
    points = CONSTELLATIONS.get(name, np.zeros(0))
    asked = {**asdict(burst), "name": name, "count": count, "seed": seed}
    asked["points"] = np.stack([points.real, points.imag], axis=1).tolist()
    done = subprocess.run(
        [python, inspect.getfile(flowgraph)], input=json.dumps(asked).encode(), capture_output=True
    )
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise OSError(f"GNU Radio failed: {printable(''.join(last))}")
    return np.frombuffer(done.stdout, dtype=np.complex64)

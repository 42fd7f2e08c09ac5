"""Synthesis of a design with Yosys: the cells of a family of FPGAs that it becomes.

What is counted is the design as a receiver uses it: its class goes out, the nine scores stay
open, every pin has a register, and symbols are shifted in over at most eight pins, so that the
same netlist can be placed on a small part. The shift register takes as many flip-flops as the
input's own would. Counts of Yosys are not a vendor's, and synthesis knows no clock rate.

One cell is not another family's: a LUT has six inputs on Xilinx and four on Lattice and Gowin, on
GateMate it is a tree of small gates, two to a logic element; a carry cell covers four bits (xc7),
eight (xcup), two (ecp5) or one; a block RAM holds 36 Kbit on Xilinx (half a one is 18), 20 on
GateMate, 18 on ECP5 and Gowin, and 4 on iCE40.
"""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files as resources_of
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from amrpkg.common.arguments import printable, require_choice
from amrpkg.hardware.design import CLASS_BITS, Design
from amrpkg.hardware.tools import require_tool, tool_version


class Counts(NamedTuple):
    """Cells: look-up tables, flip-flops, carry cells, multipliers, block RAMs."""

    lut: int
    ff: int
    carry: int
    dsp: int
    bram: float


class Family(NamedTuple):
    """How Yosys is told of a family, and what its cells count as.

    commands : that synthesise {top}, with {more} options
    whole, by_module : options for all in one, and for module by module
    """

    commands: str
    cells: dict[str, dict[str, float]]
    whole: str = ""
    by_module: str = ""

    def script(self, top: str, by_module: bool = False) -> list[str]:
        more = self.by_module if by_module else self.whole
        return self.commands.format(top=top, more=more).split("; ")


_XILINX = {
    "lut": {
        "LUT[1-6]|LUT6_2|INV|SRL16E|SRLC32E|RAM\\d+X1S": 1,
        "RAM(32|64)X1D": 2,
        "RAM(32|64)M|RAM128X1D": 4,
        "RAM32M16|RAM64M8": 8,
    },
    "ff": {"FD[RSCP]E": 1},
    "carry": {"CARRY[48]": 1},
    "dsp": {"DSP48E[12]": 1},
    "bram": {"RAMB36E[12]": 1, "RAMB18E[12]": 0.5},
}
_ECP5 = {
    "lut": {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 4},  # as nextpnr counts TRELLIS_COMB
    "ff": {"TRELLIS_FF": 1},
    "carry": {"CCU2C": 1},
    "dsp": {"MULT18X18D": 1},
    "bram": {"DP16KD|PDPW16KD": 1},
}
_ICE40 = {
    "lut": {"SB_LUT4": 1},
    "ff": {"SB_DFF\\w*": 1},
    "carry": {"SB_CARRY": 1},
    "dsp": {"SB_MAC16": 1},
    "bram": {"SB_RAM40_4K\\w*": 1},
}
_GATEMATE = {
    "lut": {"CC_LUT[12]|CC_L2T[45]|CC_MX[24]|CC_ADDF": 1},
    "ff": {"CC_DFF": 1},
    "carry": {"CC_ADDF": 1},
    "dsp": {},
    "bram": {"CC_BRAM_20K": 1, "CC_BRAM_40K": 2},
}
_GOWIN = {
    "lut": {"LUT[1-4]|ALU": 1, "RAM16SDP4": 4},
    "ff": {"DFF\\w*": 1},
    "carry": {"ALU": 1},
    "dsp": {"MULT18X18": 1, "MULT9X9": 0.5, "MULT36X36": 4},
    "bram": {"(SP|SDP|DP)(X9)?B?|pROM(X9)?": 1},
}
_PLAIN = "-noiopad -noclkbuf"  # pins and clock as they are
# Eight logic cells of iCE40 share an enable and a reset: few groups of flip-flops with their own
# are left, or a small part is full before its cells are.
_LEGAL = "dfflegalize -mince 30 -minsrst 30 " + " ".join(
    f"-cell $_{kind}_ 0"
    for kind in ("DFF_?", "DFFE_?P", "DFF_?P?", "DFFE_?P?P", "SDFF_?P?", "SDFFCE_?P?P")
)
_ICE40_COMMANDS = "; ".join(
    (
        "synth_ice40 {more} -top {top} -run begin:map_ffs",
        _LEGAL,
        "synth_ice40 -top {top} -run map_ffs:",
    )
)
FAMILIES = {
    "xc7": Family(f"synth_xilinx -family xc7 {{more}} {_PLAIN} -top {{top}}", _XILINX, "-flatten"),
    "xcup": Family(
        f"synth_xilinx -family xcup {{more}} {_PLAIN} -top {{top}}", _XILINX, "-flatten"
    ),
    "ecp5": Family("synth_ecp5 {more} -top {top}", _ECP5, by_module="-noflatten"),
    "ice40": Family(_ICE40_COMMANDS, _ICE40, by_module="-noflatten"),
    "gatemate": Family(
        "synth_gatemate -luttree -nomx8 -nomult -noiopad {more} -top {top}",
        _GATEMATE,
        by_module="-noflatten",
    ),
    "gowin": Family("synth_gowin -family gw1n {more} -top {top}", _GOWIN, by_module="-noflatten"),
}
WRAPPER = "class_only"
LARGEST_TEXT = 8 << 20  # bytes of Verilog; Yosys takes a thousand times as much memory
MEMORY = 8 << 30  # bytes that Yosys may take

_MODELS = {"xc7": "xilinx", "xcup": "xilinx", "ice40": "ice40"}
_UNHEEDED = ("TIMESCALEMOD", "SPECIFYIGN", "INITIALDLY", "UNOPTFLAT")  # said of the models

# An error of Yosys ends its process: it has one of its own.
_CHILD = """
import resource, sys
import pyosys.libyosys as yosys
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2)
design = yosys.Design()
for command in sys.argv[2:]:
    yosys.run_pass(command, design)
"""


@dataclass(frozen=True)
class Synthesis:
    """What a design became.

    design, family : what was synthesised, for what
    counts : of the whole
    cells : of each type of the family's
    modules : counts of each instance in the outermost module, by its name, where they were asked
        for: synthesised one by one, they may be more than the whole
    netlist : for `place`, as JSON
    verilog : the same netlist, to be simulated with the family's cells
    yosys : version
    """

    design: Design
    family: str
    counts: Counts
    cells: Mapping[str, int]
    netlist: str = field(repr=False)
    verilog: str = field(repr=False)
    yosys: str
    modules: Mapping[str, Counts] = field(default_factory=dict)

    def simulation_files(self) -> dict[str, str]:
        """The netlist and Yosys's models of the family's cells, name -> text, for `RtlNetwork`.

        As the mapper's check of equivalence is off, this is the check. Raises ``ValueError`` for
        a family whose models are not one file.
        """
        require_choice("family", self.family, _MODELS)
        library = resources_of("pyosys") / "share" / _MODELS[self.family] / "cells_sim.v"
        quiet = "".join(f"/* verilator lint_off {name} */\n" for name in _UNHEEDED)
        return {"netlist.v": quiet + self.verilog, "cells.v": quiet + library.read_text()}


def synthesise(
    design: Design,
    family: str,
    *,
    class_only: bool = True,
    by_module: bool = False,
    memory: int = MEMORY,
) -> Synthesis:
    """Synthesise a design.

    family : a key of `FAMILIES`
    class_only : count it as the module's text says; or, if not, its top with all of its pins
    by_module : count the outermost module's instances as well, in a second synthesis
    memory : bytes that Yosys may take

    Raises ``ValueError`` for an unknown family, for a design too large, without Yosys, and
    ``RuntimeError`` with what Yosys says of Verilog that it cannot read.
    """
    require_choice("family", family, FAMILIES)
    require_tool("pyosys")
    size = sum(len(text) for text in design.files.values())
    if size > LARGEST_TEXT:
        raise ValueError(
            f"design {design.network.name} is too large to synthesise: {size} bytes of Verilog; "
            f"allowed: at most {LARGEST_TEXT}, for which Yosys takes gigabytes of memory"
        )
    files = dict(design.files)
    top = design.top
    if class_only:
        top, files[f"{WRAPPER}.sv"] = WRAPPER, wrapper(design)
    kind = FAMILIES[family]
    with TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in files.items():
            (folder / file).write_text(text)
        sources = " ".join(file for file in files if file.endswith((".v", ".sv")))
        start = [
            f"read_verilog -sv -defer {sources}",
            f"hierarchy -check -top {top}",
            "scratchpad -set abc9.verify 0",  # else hours
        ]
        end = ["write_json netlist", "write_verilog -noattr out.v"]
        _run([*start, *kind.script(top), *end], folder, memory, design)
        netlist, verilog = (folder / "netlist").read_text(), (folder / "out.v").read_text()
        whole = json.loads(netlist)["modules"]
        modules = {}
        if by_module:
            _run([*start, *kind.script(top, by_module=True), end[0]], folder, memory, design)
            split_up = json.loads((folder / "netlist").read_text())["modules"]
            modules = {
                instance: _count(_cells_of(cell["type"], split_up), kind.cells)
                for instance, cell in split_up[design.top]["cells"].items()
                if _is_ours(split_up.get(cell["type"]))
            }
    cells = _cells_of(top, whole)
    return Synthesis(
        design,
        family,
        _count(cells, kind.cells),
        cells,
        netlist,
        verilog,
        tool_version("pyosys"),
        modules,
    )


def wrapper(design: Design) -> str:
    """A module around a design that has few pins, each with a register, in SystemVerilog."""
    width = design.input_width
    pins = min(width, 8)
    shifted = f"{{data[{width - pins - 1}:0], symbols}}" if width > pins else "symbols"
    return f"""\
// {design.network.name}: the class alone. To measure the design, not to use it: symbols are
// shifted in over {pins} pins.
module {WRAPPER} (
  input  logic clk, rst, valid, last, ready,
  input  logic [{pins - 1}:0] symbols,
  output logic taken, classified,
  output logic [{CLASS_BITS - 1}:0] modulation
);
  logic reset, in_valid, in_last, out_ready;
  logic [{width - 1}:0] data;
  wire in_ready, out_valid;
  wire [{CLASS_BITS - 1}:0] out_class;
  always_ff @(posedge clk) begin
    reset <= rst;
    in_valid <= valid;
    in_last <= last;
    out_ready <= ready;
    data <= {shifted};
    taken <= in_ready;
    classified <= out_valid;
    modulation <= out_class;
  end
  {design.top} core (
    .clk(clk), .rst(reset),
    .s_axis_tvalid(in_valid), .s_axis_tready(in_ready), .s_axis_tlast(in_last),
    .s_axis_tdata(data),
    .m_axis_tvalid(out_valid), .m_axis_tready(out_ready), .m_axis_tdata(out_class),
    .m_axis_tuser()
  );
endmodule
"""


def _run(commands: list[str], folder: Path, memory: int, design: Design) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(memory), *commands],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if not done.returncode:
        return
    said = f"{done.stdout}\n{done.stderr}"
    if errors := re.findall(r"^.*ERROR: (.*(?:\n.+)?)", said, re.MULTILINE):
        raise RuntimeError(f"Yosys cannot synthesise {design.network.name}: {printable(errors[0])}")
    raise ValueError(
        f"design {design.network.name} is too large to synthesise in {memory >> 20} MiB of "
        f"memory; allowed: a smaller one (Yosys ended with {done.returncode})"
    )


def _is_ours(module: dict | None) -> bool:
    """Whether it is a module of the design, not a cell of the family."""
    return module is not None and not {"blackbox", "whitebox"} & set(module["attributes"])


def _cells_of(name: str, modules: Mapping[str, dict]) -> Counter:
    """Cells of each type in a module, with those of the modules in it."""
    total = Counter()
    for cell in modules[name]["cells"].values():
        if _is_ours(modules.get(cell["type"])):
            total += _cells_of(cell["type"], modules)
        elif not cell["type"].startswith("$"):  # what says where a cell came from
            total[cell["type"]] += 1
    return total


def _count(cells: Mapping[str, int], kinds: dict[str, dict[str, float]]) -> Counts:
    def total(costs: dict[str, float]) -> float:
        return sum(
            count * cost
            for pattern, cost in costs.items()
            for name, count in cells.items()
            if re.fullmatch(pattern, name)
        )

    return Counts(**{kind: total(costs) for kind, costs in kinds.items()})

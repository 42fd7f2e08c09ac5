"""The modules of a streaming design, text by text: what looks at symbols, and what puts through.

Vectors between modules hold their values side by side, the first lowest. A symbol-wise layer is
a free-running pipeline: what it gives in a clock belongs to what it took `latency` clocks before,
whether that was a symbol or not; the pulses that say so travel beside it, in the outermost module.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from amrpkg.hardware.integers import IntegerLayer
from amrpkg.hardware.word_pipeline import Pipeline, Word, multiply, requantise
from amrpkg.models.architectures import FOLDS


@dataclass(frozen=True)
class Values:
    """Values side by side: the width of each, and the largest and smallest that it can be."""

    widths: tuple[int, ...]
    highs: tuple[int, ...]
    lows: tuple[int, ...]

    @property
    def width(self) -> int:
        return sum(self.widths)

    def words(self, pipeline: Pipeline, vector: str) -> list[Word]:
        """Each as a word of a pipeline, at time 0."""
        words, place = [], 0
        bounds = zip(self.widths, self.lows, self.highs, strict=True)
        for k, (width, low, high) in enumerate(bounds):
            word = Word(f"{vector}{k}", low, high, 0)
            pipeline.wire(word, f"{vector}[{place + word.width - 1}:{place}]")
            words.append(word)
            place += width
        return words


def unsigned(count: int, bits: int, high: int | None = None) -> Values:
    """Alike values that are never negative."""
    return Values(
        (bits,) * count, ((1 << bits) - 1 if high is None else high,) * count, (0,) * count
    )


def samples(channels: int, bits: int) -> Values:
    """A symbol as it comes."""
    half = 1 << (bits - 1)
    return Values((bits,) * channels, (half - 1,) * channels, (-half,) * channels)


FOLD_LATENCY = 2


def fold_module(layer: IntegerLayer, bits: int) -> tuple[str, Values]:
    """Samples folded into a quadrant, `FOLD_LATENCY` clocks later.

    The sign channel goes on as one bit: who reads it knows what a one counts.
    """
    out = bits - 1
    given = ["i", "q"]
    widths, highs = [out, out], [(1 << out) - 1] * 2
    if layer.kind != "fold":
        given, widths, highs = [*given, "differ"], [*widths, 1], [*highs, 1]
    if layer.kind == "fold_sign_noise":
        given, widths, highs = [*given, "noise"], [*widths, out], [*highs, highs[0]]
    values = Values(tuple(widths), tuple(highs), (0,) * len(widths))
    channels = FOLDS[layer.kind][0]
    lines = [
        f"module fold (  // {layer.kind}: of {channels} samples",
        "  input  logic clk,",
        f"  input  logic [{channels * bits - 1}:0] x,",
        f"  output logic [{values.width - 1}:0] y  // {', '.join(given)}, "
        f"{FOLD_LATENCY} clocks later",
        ");",
        "  // |v| of a negative v: a bit turns where a lower one is set; the least saturates",
    ]
    lines += _absolute_value("i", 0, bits) + _absolute_value("q", bits, bits)
    if "differ" in given:
        lines += _twice_delayed("differ", 1, f"x[{bits - 1}] ^ x[{2 * bits - 1}]")
    if "noise" in given:  # never negative
        lines += _twice_delayed("noise", out, f"x[{2 * bits + out - 1}:{2 * bits}]")
    packed = ", ".join(reversed(given))
    return "\n".join([*lines, f"  assign y = {{{packed}}};", "endmodule", ""]), values


def _absolute_value(name: str, place: int, bits: int) -> list[str]:
    out = bits - 1
    lower = ", ".join(f"|{name}_in[{k - 1}:0]" for k in reversed(range(1, out)))
    return [
        f"  wire [{out}:0] {name}_in = x[{place + out}:{place}];",
        f"  logic [{out - 1}:0] {name}_low, {name}_turn, {name};",
        f"  logic {name}_least;",
        "  always_ff @(posedge clk) begin",
        f"    {name}_low <= {name}_in[{out - 1}:0];",
        f"    {name}_turn <= {{{lower}, 1'b0}} & {{{out}{{{name}_in[{out}]}}}};",
        f"    {name}_least <= {name}_in[{out}] & ~|{name}_in[{out - 1}:0];",
        f"    {name} <= ({name}_low ^ {name}_turn) | {{{out}{{{name}_least}}}};",
        "  end",
    ]


def _twice_delayed(name: str, width: int, value: str) -> list[str]:
    return [
        f"  logic [{width - 1}:0] {name}_before, {name};",
        "  always_ff @(posedge clk) begin",
        f"    {name}_before <= {value};",
        f"    {name} <= {name}_before;",
        "  end",
    ]


def symbol_layer_module(
    layer: IntegerLayer, inputs: Values, ones: Sequence[int]
) -> tuple[str, Values, int]:
    """A layer on one symbol: its text, what it gives, clocks.

    ones : what a step of each input counts: of a sign channel its one, else 1
    """
    pipeline = Pipeline()
    weights, constants, shifts = with_halves(layer)
    words = inputs.words(pipeline, "x")
    sums = multiply(pipeline, words, weights * ones, constants)
    rounded = [
        requantise(pipeline, word, shift, layer.bits, f"r{k}")
        for k, (word, shift) in enumerate(zip(sums, shifts, strict=True))
    ]
    latency = max(word.time for word in rounded)
    given = [pipeline.at(word, latency) for word in rounded]
    outputs = Values((layer.bits,) * len(given), tuple(w.high for w in given), (0,) * len(given))
    packed = ", ".join(f"{layer.bits}'({word.name})" for word in reversed(given))
    rows, columns = weights.shape
    text = f"""\
module {layer.name} (  // {rows} x {columns} weights of {layer.weight_bits} bits
  input  logic clk,
  input  logic [{inputs.width - 1}:0] x,  // {columns} values
  output logic [{outputs.width - 1}:0] y  // {rows} values of {layer.bits} bits, \
{latency} clocks later
);
{pipeline.text()}
  assign y = {{{packed}}};
endmodule
"""
    return text, outputs, latency


def with_halves(layer: IntegerLayer) -> tuple:
    """Weights, constants and shifts such that each output is a shift to the right, rounded down
    but for ties: half a step is in the constants; shifts to the left are in the weights."""
    left, right = (-layer.shifts.astype(int)).clip(min=0), layer.shifts.astype(int).clip(min=0)
    weights = layer.weights[:, :, 0].astype(int) << left[:, None]
    constants = (layer.biases.astype(int) << left) + (1 << right >> 1)
    return weights, [int(c) for c in constants], [int(s) for s in right]


def chunk_sum_module(
    inputs: Values, bits: int, symbols: int, chunk_size: int
) -> tuple[str, Values, int]:
    """The sum over a chunk: its text, what it gives, clocks.

    A chunk's first symbols are kept, and added together with the next: in their clock the sums
    are cleared. An adder that also chose between a sum and nothing would be slower.
    """
    count, wide = len(inputs.widths), inputs.widths[0]
    pipeline, kept, added = Pipeline(), [], []
    for k, high in enumerate(inputs.highs):
        level = [Word(f"y{k}_{p}", 0, high, 0) for p in range(symbols)]
        for p, word in enumerate(level):
            place = p * inputs.width + k * wide
            pipeline.wire(word, f"y[{place + word.width - 1}:{place}]")
        while len(level) > 1:
            level = [_sum(pipeline, f"{a.name}s", a, b) for a, b in pairwise(level)][::2]
        (beat,) = level
        held = Word(f"held{k}", 0, beat.high, beat.time)
        kept.append((held, beat))
        added.append(_sum(pipeline, f"added{k}", beat, held))
    tree = added[0].time - 1
    outputs = Values((bits,) * count, tuple(chunk_size * h for h in inputs.highs), (0,) * count)
    text = f"""\
module chunk_sum (  // of {count} values, {symbols} symbol{"s" * (symbols > 1)} a clock
  input  logic clk,
  input  logic [{symbols * inputs.width - 1}:0] y,
  input  logic valid, first,  // of what y was {tree} clocks before
  input  logic valid_next, first_next,  // the same a clock later
  output logic [{outputs.width - 1}:0] sums  // with a symbol, {tree + 2} clocks after its y
);
{chr(10).join(f"  {held.type} {held.name};  // first symbols" for held, _ in kept)}
{pipeline.text()}
  always_ff @(posedge clk) begin
"""
    for k, (held, beat) in enumerate(kept):
        place = f"sums[{k * bits} +: {bits}]"
        text += f"""\
    if (valid) {held.name} <= first ? {beat.name} : '0;
    if (first_next) {place} <= '0;
    else if (valid_next) {place} <= {place} + added{k};
"""
    return text + "  end\nendmodule\n", outputs, tree + 2


def _sum(pipeline: Pipeline, name: str, one: Word, other: Word) -> Word:
    total = Word(name, 0, one.high + other.high, one.time + 1)
    return pipeline.register(total, [f"{name} <= {one.name} + {other.name};"])

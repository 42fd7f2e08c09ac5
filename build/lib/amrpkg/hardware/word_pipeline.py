"""Words in Verilog, a register after every adder: what a pipeline of them is made of.

Every word knows the numbers it can hold, so it is as wide as it has to be, and its time: clocks
after the inputs of its module.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from amrpkg.hardware.adder_graphs import AdderGraph, Term, share_adders


@dataclass(frozen=True)
class Word:
    """A whole number in ``low .. high``, in two's complement where `low` is negative."""

    name: str
    low: int
    high: int
    time: int

    @property
    def signed(self) -> bool:
        return self.low < 0

    @property
    def width(self) -> int:
        negative = (-self.low - 1).bit_length() if self.signed else 0
        return max(self.high.bit_length(), negative, 1 - self.signed) + self.signed

    @property
    def type(self) -> str:
        return f"logic {'signed ' if self.signed else ''}[{self.width - 1}:0]"

    def above(self, shift: int) -> str:
        """Its bits from `shift` up, as a signed expression."""
        part = f"{self.name}[{self.width - 1}:{shift}]" if shift else self.name
        if self.signed:
            return f"$signed({part})" if shift else part
        return f"$signed({{1'b0, {part}}})"


class Pipeline:
    """Lines of a module body, clock by clock."""

    def __init__(self):
        self._wires: list[str] = []
        self._declared: dict[int, list[str]] = defaultdict(list)
        self._clocked: dict[int, list[str]] = defaultdict(list)
        self._delayed: dict[str, Word] = {}

    def wire(self, word: Word, value: str, note: str = "") -> Word:
        """Name a value."""
        line = f"  {word.type} {word.name};\n  assign {word.name} = {value};"
        self._wires.append(line + (f"  // {note}" if note else ""))
        return word

    def register(self, word: Word, statements: Sequence[str], note: str = "") -> Word:
        """A register, set as `statements` say in the clock before its time."""
        line = f"  {word.type} {word.name};" + (f"  // {note}" if note else "")
        self._declared[word.time].append(line)
        self._clocked[word.time] += statements
        return word

    def at(self, word: Word, time: int) -> Word:
        """The word as it is at a later time: `time` minus its own registers."""
        while word.time < time:
            if word.name not in self._delayed:
                later = Word(f"{word.name}_", word.low, word.high, word.time + 1)
                if not word.name.endswith("_"):
                    later = Word(f"{word.name}_d_", word.low, word.high, word.time + 1)
                self._delayed[word.name] = self.register(later, [f"{later.name} <= {word.name};"])
            word = self._delayed[word.name]
        return word

    def text(self) -> str:
        parts = ["\n".join(self._wires)] if self._wires else []
        for time in sorted(self._declared):
            lines = [f"\n  // Clock {time}", *self._declared[time]]
            lines += ["  always_ff @(posedge clk) begin"]
            lines += [f"    {line}" for line in self._clocked[time]] + ["  end"]
            parts.append("\n".join(lines))
        return "\n".join(parts)


def multiply(
    pipeline: Pipeline, inputs: Sequence[Word], weights: np.ndarray, constants: Sequence[int]
) -> list[Word]:
    """Words of ``weights @ inputs + constants``, each as early as it is ready."""
    graph = share_adders(weights, constants, [word.width for word in inputs])
    coefficients = graph.coefficients()
    lows, highs = (np.array([getattr(word, end) for word in inputs]) for end in ("low", "high"))
    fixed = np.array(constants, dtype=np.int64)
    words = {k: word for k, word in enumerate(inputs)}

    def bounds(row: np.ndarray) -> tuple[int, int]:
        of_inputs, offset = row[: len(inputs)], row[len(inputs) :] @ fixed
        up, down = of_inputs.clip(min=0), of_inputs.clip(max=0)
        return int(up @ lows + down @ highs + offset), int(up @ highs + down @ lows + offset)

    for signal, pair in enumerate(graph.adders, start=len(inputs) + len(constants)):
        row = coefficients[signal]
        note = combination(row, [word.name for word in inputs], int(row[len(inputs) :] @ fixed))
        time = 1 + max(words[x.signal].time for x in pair if x.signal in words)
        total = Word(f"a{signal - len(inputs) - len(constants)}", *bounds(row), time)
        words[signal] = total
        terms = [(pipeline.at(words[x.signal], time - 1), x) for x in pair if x.signal in words]
        if len(terms) == 2:
            _add(pipeline, total, *terms, note)
        else:
            (constant,) = (x for x in pair if x.signal not in words)
            value = constant.sign * int(fixed[constant.signal - len(inputs)]) << constant.shift
            _add_constant(pipeline, total, value, *terms[0], note)
    return [_output(pipeline, graph, k, words, fixed) for k in range(len(weights))]


def _add(
    pipeline: Pipeline, total: Word, one: tuple[Word, Term], other: tuple[Word, Term], note: str
) -> None:
    """Register a sum of two terms; bits of one below the lowest of the other only pass."""
    if one[1].shift and other[1].sign > 0:
        one, other = other, one
    (a, _at_a), (b, at_b) = one, other
    operator = "+" if at_b.sign > 0 else "-"
    shift = at_b.shift
    if shift and a.width > shift:
        statements = [
            f"{total.name}[{total.width - 1}:{shift}] <= {a.above(shift)} {operator} {b.above(0)};",
            f"{total.name}[{shift - 1}:0] <= {a.name}[{shift - 1}:0];",
        ]
    else:
        left, right = (
            f"({word.above(0)} <<< {term.shift})" if term.shift else word.above(0)
            for word, term in (one, other)
        )
        statements = [f"{total.name} <= {left} {operator} {right};"]
    pipeline.register(total, statements, note)


def _add_constant(
    pipeline: Pipeline, total: Word, constant: int, word: Word, term: Term, note: str
) -> None:
    """Register a constant plus a term; its bits below the term's lowest are joined on."""
    shift, operator = term.shift, "+" if term.sign > 0 else "-"
    value = f"{literal(constant >> shift)} {operator} {word.above(0)}"
    if not shift:
        pipeline.register(total, [f"{total.name} <= {value};"], note)
        return
    high = Word(f"{total.name}_high", total.low >> shift, total.high >> shift, total.time)
    pipeline.register(high, [f"{high.name} <= {value};"], f"{note}, from bit {shift} up")
    rest = constant & ((1 << shift) - 1)
    pipeline.wire(total, f"{{{high.name}, {shift}'d{rest}}}")


def _output(
    pipeline: Pipeline, graph: AdderGraph, row: int, words: dict[int, Word], fixed: np.ndarray
) -> Word:
    term = graph.outputs[row]
    if term.signal not in words:  # a constant and nothing else
        value = int(fixed[row])
        return pipeline.wire(Word(f"s{row}", value, value, 0), literal(value))
    word = words[term.signal]
    if not term.shift:
        return word
    shifted = Word(f"s{row}", word.low << term.shift, word.high << term.shift, word.time)
    return pipeline.wire(shifted, f"{{{word.name}, {term.shift}'d0}}")


def requantise(pipeline: Pipeline, word: Word, shift: int, bits: int, name: str) -> Word:
    """A register of ``clamp(word >> shift, 0, 2**bits - 1)``, rounded half to even.

    word : has half a step in it already, so that only a tie is left to do: it makes even
    """
    high = min((1 << bits) - 1, max(word.high >> shift, 0))
    value = Word(name, 0, high, word.time + 1)
    if word.high < 0 or not high:
        return pipeline.register(value, [f"{name} <= 1'd0;"], "never positive")
    magnitude = word.width - word.signed
    lowest = f"{word.name}[{shift}]"
    if shift:
        lowest += f" & |{word.name}[{shift - 1}:0]"
    upper = f"{word.name}[{shift + value.width - 1}:{shift + 1}], " if value.width > 1 else ""
    text = f"{{{upper}{lowest}}}"
    if word.high >> (shift + bits):
        text += f" | {{{bits}{{|{word.name}[{magnitude - 1}:{shift + bits}]}}}}"
    if not word.signed:
        return pipeline.register(value, [f"{name} <= {text};"])
    sign = f"{word.name}[{word.width - 1}]"
    return pipeline.register(value, [f"{name} <= {sign} ? {value.width}'d0 : {text};"])


def literal(value: int) -> str:
    """A signed literal wide enough for a number."""
    width = abs(value).bit_length() + 1
    return f"{width}'sd{value}" if value >= 0 else f"-{width + 1}'sd{-value}"


def combination(row: np.ndarray, inputs: Sequence[str], offset: int) -> str:
    """What a signal is of the inputs, to be read: ``3 x0 - x1 + 45``."""
    parts = [(int(c), name) for c, name in zip(row, inputs, strict=False) if c]
    parts += [(offset, "")] if offset or not parts else []
    text = ""
    for factor, name in parts:
        sign = ("-" if factor < 0 else "+") if text else ("-" if factor < 0 else "")
        size = "" if abs(factor) == 1 and name else str(abs(factor))
        text += f" {sign} " if text else sign
        text += f"{size} {name}".strip()
    return text

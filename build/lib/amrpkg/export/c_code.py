"""A network in integers as plain C: one C99 file and its header.

The code needs nothing but ``<stdint.h>`` and ``<stddef.h>``, allocates nothing, keeps no state,
and is in integers but for the function that rounds samples. It gives the nine scores of
`IntegerNetwork.compute`, to the bit. A layer is its tables and a function:

- values lie channel after channel, each with its positions, as the samples of a chunk do;
- a sum starts at the bias, in a word that no sum of the layer can leave;
- outputs have one shift, which rounds half to even: an output whose shift is shorter has its
  weights and bias times a power of two, so that the sum and what it is divided by grow alike;
- a convolution with few inputs to an output runs along the positions, which compilers do in
  vectors; one with many first lays the inputs of each position in a row, a window, and
  multiplies rows, which compilers do with products of bytes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import dedent, fill

import numpy as np

from amrpkg import __version__
from amrpkg.common.arguments import printable
from amrpkg.common.files import whole_file
from amrpkg.export.header import CONVENTION
from amrpkg.hardware.integers import IntegerLayer, IntegerNetwork
from amrpkg.models.architectures import CLASSES, FOLDS
from amrpkg.signals.constellations import CONSTELLATIONS

_LONGEST_NAME = 64
_SCORE_BITS = 32
_SUM_BITS = 62


@dataclass(frozen=True)
class CCode:
    """A network as C.

    name : that all its public names begin with, an identifier
    header, source : the two files; the source includes the header as ``<stem>.h``
    word : C's type of an input sample in integers
    """

    name: str
    header: str
    source: str
    word: str


def save_c(network: IntegerNetwork, path: Path) -> None:
    """Write a network as C to `path`, ``<stem>.c``, and its header beside it, ``<stem>.h``.

    Raises as `generate_c`, before anything is written.
    """
    code = generate_c(network, path.stem)
    for file, text in ((path.with_suffix(".h"), code.header), (path, code.source)):
        with whole_file(file) as out:
            out.write(text)


def generate_c(network: IntegerNetwork, stem: str) -> CCode:
    """Write a network as C.

    stem : of the two files' names

    Raises ``ValueError`` for a stem that is no plain name, and for scores of more than 32 bits.
    """
    if not re.fullmatch(r"[\w.-]+", stem, re.ASCII):
        raise ValueError(
            f"name of the file is {printable(repr(stem))}; allowed for C, whose source includes "
            "the header by it: letters, digits, _ . and -"
        )
    name = _identifier(network.name)
    stages = list(_stages(network))
    word = _word(network.input_bits, signed=True)
    samples = network.inputs * network.chunk_size
    about = {
        "name": name,
        "upper": name.upper(),
        "stem": stem,
        "inputs": network.inputs,
        "chunk": network.chunk_size,
        "classes": CLASSES,
        "word": word,
        "samples": samples,
        "bits": network.input_bits,
        "step": f"2**{network.input_exponent}",
        "channels": "I, Q" + ", the noise word" * (network.inputs == 3),
        "quoted": ", ".join(f'"{name}"' for name in CONSTELLATIONS),
        "names": ", ".join(CONSTELLATIONS),
        "width": network.bit_width,
        "version": __version__,
        "convention": fill(CONVENTION, 95, subsequent_indent="   "),
    }
    largest = 1 << (network.input_bits - 1)
    parts = [_START.format(**about), *_helpers(stages)]
    parts += [stage.code for stage in stages]
    scale = np.format_float_positional(2.0**-network.input_exponent, trim="0") + "f"
    parts.append(_QUANTISE.format(**about, largest=largest, top=largest - 1, scale=scale))
    parts.append(_scores(name, word, samples, stages))
    parts.append(_END.format(**about))
    return CCode(name, _HEADER.format(**about), "\n".join(parts), word)


def _identifier(text: str) -> str:
    """What a network is called, as an identifier: its name may come from a file."""
    name = re.sub(r"\W+", "_", text[:_LONGEST_NAME], flags=re.ASCII).strip("_")
    return name if name[:1].isalpha() else f"network_{name}".rstrip("_")


def _word(bits: int, signed: bool) -> str:
    """The shortest of C's types for integers of so many bits, a sign included."""
    size = next(size for size in (8, 16, 32, 64) if bits <= size)
    return f"{'' if signed else 'u'}int{size}_t"


def _word_of(values: np.ndarray) -> str:
    """The shortest of C's signed types that holds them all."""
    return _word(1 + max(int(values.max()), ~int(values.min())).bit_length(), signed=True)


@dataclass(frozen=True)
class _Values:
    """What lies between two layers."""

    channels: int
    positions: int
    bits: int
    signed: bool

    @property
    def word(self) -> str:
        return _word(self.bits, self.signed)

    @property
    def count(self) -> int:
        return self.channels * self.positions

    def __str__(self) -> str:
        kind = "signed" if self.signed else "unsigned"
        return f"{self.channels} x {self.positions} values, {self.bits} bit {kind}"


@dataclass(frozen=True)
class _Stage:
    """A layer as C: its function's name, what it gives, the text of table and function."""

    name: str
    gives: _Values
    code: str


def _stages(network: IntegerNetwork) -> Iterator[_Stage]:
    """The layers as C. Functions are named here: a layer's name may come from a file."""
    takes = _Values(network.inputs, network.chunk_size, network.input_bits, True)
    counts = {}
    for layer in network.layers:
        counts[layer.kind] = counts.get(layer.kind, 0) + 1
        name = f"{layer.kind}{counts[layer.kind]}"
        if layer.weights is not None:
            gives, code = _weighted(name, layer, takes)
        elif layer.kind in FOLDS:
            gives, code = _fold(name, layer, takes, 1 << -network.input_exponent)
        elif layer.kind == "pool":
            gives, code = _pool(name, takes)
        else:
            gives, code = _sum(name := f"{layer.kind}_over_chunk", takes)
        yield _Stage(name, gives, code)
        takes = gives


def _function(name: str, takes: _Values, gives: _Values, lines: list[str]) -> str:
    """A layer's function, its comment first."""
    return (
        f"/* {name}: {takes} to\n   {gives} */\n"
        f"static void {name}(const {takes.word} *restrict in, {gives.word} *restrict out)\n"
        f"{{\n{_indented(lines)}}}\n"
    )


def _fold(name: str, layer: IntegerLayer, takes: _Values, one: int) -> tuple[_Values, str]:
    """|I| and |Q|; with "sign" whether they differ in sign, with "noise" the noise word."""
    size, top = takes.positions, (1 << layer.bits) - 1
    told = layer.kind == "fold_sign_noise"
    bits = layer.bits + told
    gives = _Values(FOLDS[layer.kind][1], size, bits, told)
    lines = [
        f"for (int k = 0; k < {2 * size}; k++) {{",
        "    int value = in[k] < 0 ? -in[k] : in[k];",
        f"    out[k] = ({gives.word})(value < {top} ? value : {top});",
        "}",
    ]
    if "sign" in layer.kind:
        lines += [
            f"for (int p = 0; p < {size}; p++)",
            f"    out[{2 * size} + p] = (in[p] < 0) != (in[{size} + p] < 0) ? {min(one, top)} : 0;",
        ]
    if told:
        lines += [
            f"for (int p = 0; p < {size}; p++)",
            f"    out[{3 * size} + p] = in[{2 * size} + p];",
        ]
    return gives, _function(name, takes, gives, lines)


def _pool(name: str, takes: _Values) -> tuple[_Values, str]:
    """The larger of two neighbours."""
    gives = _Values(takes.channels, takes.positions // 2, takes.bits, takes.signed)
    lines = [
        f"for (int k = 0; k < {gives.count}; k++)",
        "    out[k] = in[2 * k] > in[2 * k + 1] ? in[2 * k] : in[2 * k + 1];",
    ]
    return gives, _function(name, takes, gives, lines)


def _sum(name: str, takes: _Values) -> tuple[_Values, str]:
    """A channel's sum over its positions; an average is that, its exponent lower."""
    bits = takes.bits + (takes.positions - 1).bit_length()
    gives = _Values(takes.channels, 1, bits, takes.signed)
    lines = [
        f"for (int c = 0; c < {takes.channels}; c++) {{",
        f"    {_word(max(32, bits + 1), True)} sum = 0;",
        f"    for (int p = 0; p < {takes.positions}; p++)",
        f"        sum += in[c * {takes.positions} + p];",
        f"    out[c] = ({gives.word})sum;",
        "}",
    ]
    return gives, _function(name, takes, gives, lines)


def _weighted(name: str, layer: IntegerLayer, takes: _Values) -> tuple[_Values, str]:
    """A convolution or a fully connected layer: tables and function."""
    shift, scaled = _with_one_shift(layer, takes)
    outputs, inputs, taps = layer.weights.shape
    size, total = takes.positions if layer.kind == "conv" else 1, inputs * taps
    bits, most = scaled.accumulator_bits(takes.bits, takes.signed), _SUM_BITS
    gives = _Values(outputs, size, layer.bits, False)
    if not layer.bits:
        most, gives = _SCORE_BITS, _Values(outputs, size, _SCORE_BITS, True)
    if bits > most:
        raise ValueError(f"network has sums of {bits} bits in {name}; allowed in C: at most {most}")
    along = layer.kind == "conv" and total <= 2 * size
    word = _word(max(bits, 8 if along else 32), True)
    result = _activation(gives, shift, bits) if layer.bits else "sum"
    lines, values = [], "in"
    if layer.kind == "conv" and taps > 1:
        lines, values = _padded(takes, taps), "padded"
    if along:
        lines += _along(name, takes, layer.weights.shape, values, result, word)
    else:
        if size > 1 or taps > 1:
            lines += _windows(takes, taps, values)
            values = "windows"
        lines += _rows(name, size, outputs, total, values, result, word)
    low, high = layer.shifts.min(), layer.shifts.max()
    comment = (
        f"/* {name}: {outputs} x {inputs} x {taps} weights of {layer.weight_bits} bit, sums of "
        f"{bits} bit, shift of {shift}"
    )
    if low != high:
        comment += f":\n   shifts were {low} to {high}, so each row is times 2**({shift} - its own)"
    weights, biases = scaled.weights.reshape(outputs, total), scaled.biases
    tables = _table(word if along else _word_of(weights), f"{name}_weights", weights)
    tables += _table(_word_of(biases), f"{name}_biases", biases)
    return gives, f"{comment} */\n{tables}\n{_function(name, takes, gives, lines)}"


def _with_one_shift(layer: IntegerLayer, takes: _Values) -> tuple[int, IntegerLayer]:
    """One shift for all outputs, and the layer with rows times powers of two to suit it.

    Of a hidden layer it is the largest, at least 1; the scores' is 0. Exact, as a sum and what
    it is divided by grow alike.
    """
    bits = layer.accumulator_bits(takes.bits, takes.signed)
    shifts = layer.shifts.astype(int).clip(-layer.bits or -_SCORE_BITS, bits)  # as beyond them
    shift = max(1, shifts.max()) if layer.bits else 0
    rise = shift - shifts
    if not 0 <= rise.min() <= rise.max() <= _SCORE_BITS:
        low, high = layer.shifts.min(), layer.shifts.max()
        raise ValueError(
            f"network has shifts of {low} to {high} in {layer.kind} layers; allowed in C: at most "
            f"{_SCORE_BITS} apart, and of the scores none to the right"
        )
    weights = layer.weights.astype(np.int64) << rise[:, None, None]
    return int(shift), replace(layer, weights=weights, biases=layer.biases.astype(np.int64) << rise)


def _padded(takes: _Values, taps: int) -> list[str]:
    """The channels with zeros at both ends, as far as the taps reach."""
    size, row = takes.positions, takes.positions + taps - 1
    return [
        f"{takes.word} padded[{takes.channels * row}] = {{0}};",
        f"for (int i = 0; i < {takes.channels}; i++)",
        f"    for (int p = 0; p < {size}; p++)",
        f"        padded[i * {row} + {taps // 2} + p] = in[i * {size} + p];",
    ]


def _along(
    name: str, takes: _Values, shape: tuple[int, int, int], values: str, result: str, word: str
) -> list[str]:
    """A convolution, the sums of all positions of an output at a time."""
    (outputs, inputs, taps), size = shape, takes.positions
    row = size + taps - 1
    weight, at = f"{name}_weights[c * {inputs * taps} + i]", f"i * {row} + p"
    if taps > 1:
        weight, at = f"{name}_weights[c * {inputs * taps} + i * {taps} + t]", f"{at} + t"
    loops = [("i", inputs), *[("t", taps)] * (taps > 1), ("p", size)]
    lines = [f"for (int {k} = 0; {k} < {count}; {k}++)" for k, count in loops]
    lines += [f"sums[p] = ({word})(sums[p] + {_wide(word)}{weight} * {values}[{at}]);"]
    return [
        f"for (int c = 0; c < {outputs}; c++) {{",
        f"    {word} sums[{size}];",
        f"    for (int p = 0; p < {size}; p++)",
        f"        sums[p] = {name}_biases[c];",
        *(f"    {' ' * 4 * depth}{line}" for depth, line in enumerate(lines)),
        f"    for (int p = 0; p < {size}; p++) {{",
        f"        {word} sum = sums[p];",
        f"        out[c * {size} + p] = {result};",
        "    }",
        "}",
    ]


def _windows(takes: _Values, taps: int, values: str) -> list[str]:
    """The inputs of each position in a row."""
    size, row, total = takes.positions, takes.positions + taps - 1, takes.channels * taps
    return [
        f"{takes.word} windows[{size * total}];",
        f"for (int i = 0; i < {takes.channels}; i++)",
        f"    for (int p = 0; p < {size}; p++)",
        f"        for (int t = 0; t < {taps}; t++)",
        f"            windows[p * {total} + i * {taps} + t] = {values}[i * {row} + p + t];",
    ]


def _rows(
    name: str, size: int, outputs: int, total: int, values: str, result: str, word: str
) -> list[str]:
    """Products of rows: weights of an output, inputs of a position."""
    return [
        f"for (int c = 0; c < {outputs}; c++)",
        f"    for (int p = 0; p < {size}; p++) {{",
        f"        {word} sum = {name}_biases[c];",
        f"        for (int k = 0; k < {total}; k++)",
        f"            sum += {_wide(word)}{name}_weights[c * {total} + k] * "
        f"{values}[p * {total} + k];",
        f"        out[c * {size} + p] = {result};",
        "    }",
    ]


def _wide(word: str) -> str:
    """What keeps a product from being made in 32 bits, where they are too few."""
    return "(int64_t)" if word == "int64_t" else ""


def _activation(gives: _Values, shift: int, bits: int) -> str:
    """An output: the sum shifted, rounded and clamped."""
    wide = "_64" if bits > 31 else ""
    return f"({gives.word})activation{wide}(sum, {shift}, {(1 << gives.bits) - 1})"


_ACTIVATION = """\
/* A sum, less than zero as zero, over 2**shift, rounded half to even, at most top. */
static inline int{w}_t activation{wide}(int{w}_t sum, int shift, int{w}_t top)
{{
    int{w}_t value = sum > 0 ? sum : 0;
    int{w}_t half = (int{w}_t)1 << (shift - 1);
    value = (value + half - 1 + (value >> shift & 1)) >> shift;
    return value < top ? value : top;
}}
"""


_QUANTISE = """\
void {name}_quantise(const float *restrict samples, {word} *restrict iq)
{{
    float value[{samples}];
    for (int k = 0; k < {samples}; k++)
        value[k] = samples[k] * {scale} > -{largest}.0f ? samples[k] * {scale} : -{largest}.0f;
    for (int k = 0; k < {samples}; k++)
        value[k] = value[k] < {top}.0f ? value[k] : {top}.0f;
    for (int k = 0; k < {samples}; k++) {{
        int whole = (int)value[k]; /* towards zero */
        float rest = value[k] - (float)whole; /* exact */
        int odd = whole & 1;
        int up = (rest > 0.5f) + ((rest == 0.5f) & odd);
        int down = (rest < -0.5f) + ((rest == -0.5f) & odd);
        iq[k] = ({word})(whole + up - down);
    }}
}}
"""


def _helpers(stages: list[_Stage]) -> list[str]:
    """The functions that the layers share."""
    code = "".join(stage.code for stage in stages)
    return [
        _ACTIVATION.format(wide=wide, w=size)
        for wide, size in (("", 32), ("_64", 64))
        if f"activation{wide}(" in code
    ]


def _scores(name: str, word: str, samples: int, stages: list[_Stage]) -> str:
    """The function that calls the layers one after another."""
    lines, takes = [], "iq"
    for stage in stages[:-1]:
        lines.append(f"{stage.gives.word} after_{stage.name}[{stage.gives.count}];")
    for stage in stages:
        gives = "scores" if stage is stages[-1] else f"after_{stage.name}"
        lines.append(f"{stage.name}({takes}, {gives});")
        takes = gives
    return f"void {name}_scores(const {word} iq[], int32_t scores[])\n{{\n{_indented(lines)}}}\n"


def _table(word: str, name: str, values: np.ndarray) -> str:
    """A constant table, flat; its rows begin on lines of their own."""
    rows = values.reshape(len(values), -1) if values.ndim > 1 else values.reshape(1, -1)
    text = "\n".join(
        fill(", ".join(map(str, row)) + ",", 100, initial_indent="    ", subsequent_indent="    ")
        for row in rows.tolist()
    )
    return f"static const {word} {name}[{values.size}] = {{\n{text}\n}};\n"


def _indented(lines: list[str]) -> str:
    return "".join(f"    {line}\n" for line in lines)


_HEADER = dedent("""\
    /* {name}: modulation of a chunk of {chunk} symbols, by a network of {width} bit in integers.
       Written by amrpkg {version}. The samples are
       {convention}.

       A chunk is {inputs} channels ({channels}), one after another, of {chunk} samples each: signed
       integers of {bits} bits, one step of which is {step}. Its {classes} scores belong to
       {names},
       the highest to the class. Nothing is allocated and no state is kept. */
    #ifndef {upper}_H
    #define {upper}_H

    #include <stddef.h>
    #include <stdint.h>

    #ifdef __cplusplus
    extern "C" {{
    #endif

    enum {{
        {upper}_INPUTS = {inputs},
        {upper}_CHUNK_SIZE = {chunk},
        {upper}_SAMPLES = {samples}, /* of a chunk: INPUTS x CHUNK_SIZE */
        {upper}_CLASSES = {classes}
    }};

    /* Names of the classes, in the order of the scores. */
    extern const char *const {name}_classes[{upper}_CLASSES];

    /* The scores of a chunk. */
    void {name}_scores(const {word} iq[], int32_t scores[]);

    /* The class of a chunk: the place of the first of its highest scores. */
    int {name}_class(const {word} iq[]);

    /* The scores of as many chunks, one after another. */
    void {name}_scores_of_chunks(const {word} iq[], size_t chunks, int32_t scores[]);

    /* The samples of a chunk to integers: half to even, the nearest there is. NaN to the lowest. */
    void {name}_quantise(const float samples[], {word} iq[]);

    /* The scores of as many chunks of such samples. */
    void {name}_scores_of_floats(const float samples[], size_t chunks, int32_t scores[]);

    #ifdef __cplusplus
    }}
    #endif

    #endif
    """)

_START = """\
/* {name}: see the header. Written by amrpkg. */
#include "{stem}.h"

const char *const {name}_classes[{classes}] = {{
    {quoted},
}};
"""

_END = """\
int {name}_class(const {word} iq[])
{{
    int32_t scores[{classes}];
    int best = 0;
    {name}_scores(iq, scores);
    for (int k = 1; k < {classes}; k++)
        if (scores[k] > scores[best])
            best = k;
    return best;
}}

void {name}_scores_of_chunks(const {word} iq[], size_t chunks, int32_t scores[])
{{
    for (size_t n = 0; n < chunks; n++)
        {name}_scores(iq + n * {samples}, scores + n * {classes});
}}

void {name}_scores_of_floats(const float samples[], size_t chunks, int32_t scores[])
{{
    for (size_t n = 0; n < chunks; n++) {{
        {word} iq[{samples}];
        {name}_quantise(samples + n * {samples}, iq);
        {name}_scores(iq, scores + n * {classes});
    }}
}}
"""

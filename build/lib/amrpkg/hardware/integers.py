"""A quantised network as integers alone: what hardware needs of it, and the arithmetic itself.

Every number of the network is an integer times a power of two. What is left of it, layer by
layer, are integer weights and biases, and a shift:

    accumulator[c] = sum of weights[c] * inputs + biases[c]
    output[c]      = clamp(accumulator[c] >> shifts[c], 0, 2**bits - 1)

where ``>>`` rounds half to even, a negative shift goes left, and the clamp is the ReLU and the
activation's bit width in one. The class scores are not clamped: their shifts only bring the
nine accumulators to one exponent. A pool takes the larger of two neighbours, the average is a
sum over the chunk whose exponent falls by log2(chunk size); a sum keeps it.

A fold takes the samples' absolute values, of one bit less, saturated: -128 becomes 127. With
"sign" a third channel is a one where the rounded I and Q differ in sign, else zero; with "noise"
the third that came, which is never negative, goes on as the fourth.

`IntegerNetwork.compute` is that arithmetic. It is the reference that every export, and any
hardware, has to equal: bit for bit. It runs in floats, which NumPy multiplies and rounds (half to
even) fast: 24 or 53 bits of them hold every whole number that occurs, and shifts are exact.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from amrpkg.models.architectures import FOLDS

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class IntegerLayer:
    """A layer in integers.

    name, kind : as in `architectures.Layer`
    exponent : one step of the layer's output is ``2**exponent``
    bits : of its output, unsigned; 0 for the class scores, which are not clamped
    weight_bits : of its weights, signed
    weights : int8[outputs, inputs, taps]; a fully connected layer has one tap
    biases : int32[outputs], in steps of the accumulator
    shifts : int8[outputs], to the right, from the accumulator to the output

    The last four are of convolutions and fully connected layers only.
    """

    name: str
    kind: str
    exponent: int
    bits: int
    weight_bits: int = 0
    weights: np.ndarray | None = None
    biases: np.ndarray | None = None
    shifts: np.ndarray | None = None

    def accumulator_bits(self, input_bits: int, signed: bool) -> int:
        """Bits, with a sign, that no accumulator of this layer can leave, whatever its input."""
        low = -(1 << (input_bits - 1)) if signed else 0
        high = (1 << (input_bits - signed)) - 1
        weights = self.weights.reshape(len(self.weights), -1).astype(np.int64)
        positive, negative = weights.clip(min=0).sum(1), weights.clip(max=0).sum(1)
        most = (high * positive + low * negative + self.biases).max()
        least = (low * positive + high * negative + self.biases).min()
        return 1 + max(int(most).bit_length(), int(-least - 1).bit_length() if least < 0 else 0)


@dataclass(frozen=True, eq=False)
class IntegerNetwork:
    """A network in integers: `to_integers` makes it, `integer_file` stores it.

    name : of the grid point, or what it was called
    bit_width : of the model that it was made from
    chunk_size : symbols of a chunk
    input_bits, input_exponent : samples are rounded to signed integers of that many bits, one
        step of which is ``2**input_exponent``
    layers : in order of the data
    """

    name: str
    bit_width: int
    chunk_size: int
    input_bits: int
    input_exponent: int
    layers: tuple[IntegerLayer, ...]

    @property
    def inputs(self) -> int:
        """Channels of a chunk: 2, or 3 where the noise is told."""
        return FOLDS.get(self.layers[0].kind, FOLDS[""])[0]

    def compute(self, iq: np.ndarray) -> np.ndarray:
        """Class scores as integers: ``float32[n, inputs, chunk_size]`` to ``int64[n, 9]``.

        Raises ``ValueError`` for another shape.
        """
        if iq.ndim != 3 or iq.shape[1:] != (self.inputs, self.chunk_size):
            allowed = f"(n, {self.inputs}, {self.chunk_size})"
            raise ValueError(f"iq has shape {iq.shape}; allowed: {allowed}")
        largest, step = 1 << (self.input_bits - 1), 2.0**self.input_exponent
        samples = iq.transpose(0, 2, 1).clip(-largest * step, (largest - 1) * step)
        values = np.rint(samples / step)  # [n, positions, channels], each of at most `largest`
        for layer in self.layers:
            if layer.kind in FOLDS:
                largest = (1 << layer.bits) - 1
                values = _fold(layer.kind, values, 1 / step).clip(max=largest)
            elif layer.kind == "pool":
                values = np.maximum(values[:, ::2], values[:, 1::2])
            elif layer.kind in ("average", "sum"):
                largest *= values.shape[1]
                values = values.sum(axis=1, keepdims=True, dtype=_exact(largest))
            else:
                if layer.kind == "linear":
                    values = values.transpose(0, 2, 1).reshape(len(values), 1, -1)
                values = _accumulate(layer, values, largest)
                values *= np.ldexp(values.dtype.type(1), -layer.shifts)
                np.rint(values, out=values)
                largest = (1 << (layer.bits or 53)) - 1
                if layer.bits:
                    values.clip(0, largest, out=values)
        return values[:, 0].astype(np.int64)

    def scores(self, iq: np.ndarray) -> np.ndarray:
        """The same on the scale of the trained model: ``float64[n, 9]``. Raises as it."""
        return self.compute(iq) * 2.0 ** self.layers[-1].exponent

    def describe(self) -> "pd.DataFrame":
        """A row a layer: sizes, bits of weights, accumulator and output, range of the shifts."""
        import pandas as pd  # here: it takes longer than NumPy

        columns = ["layer", "outputs x inputs x taps", "weight bits", "accumulator bits"]
        columns += ["right shifts", "output bits"]
        rows, bits, signed = [], self.input_bits, True
        for layer in self.layers:
            middle = [""] * 4
            if layer.weights is not None:
                sizes = " x ".join(map(str, layer.weights.shape))
                accumulator = layer.accumulator_bits(bits, signed)
                middle = [sizes, layer.weight_bits, accumulator, _span(layer.shifts)]
            rows.append([layer.name, *middle, layer.bits or ""])
            bits, signed = layer.bits, False
        return pd.DataFrame(rows, columns=columns, dtype=object)


def _fold(kind: str, values: np.ndarray, one: float) -> np.ndarray:
    """Whole numbers [n, positions, channels that come] to [..., that go on], not saturated yet."""
    folded = np.abs(values[..., :2])
    if kind == "fold":
        return folded
    negative = values[..., :2] < 0
    differ = (negative[..., :1] ^ negative[..., 1:]).astype(values.dtype) * one
    return np.concatenate([folded, differ, values[..., 2:]], axis=-1)


def _span(shifts: np.ndarray) -> str:
    low, high = shifts.min(), shifts.max()
    return str(low) if low == high else f"{low} to {high}"


def _exact(largest: int) -> type:
    """The shortest float in which whole numbers of up to `largest` are exact."""
    return np.float32 if largest < 1 << 24 else np.float64


def _accumulate(layer: IntegerLayer, values: np.ndarray, largest: int) -> np.ndarray:
    """Sums of products: whole numbers up to `largest` [n, positions, inputs] to [..., outputs]."""
    outputs, _, taps = layer.weights.shape
    weights = layer.weights.reshape(outputs, -1)
    most = largest * int(np.abs(weights.astype(int)).sum(1).max())
    kind = _exact(most + int(np.abs(layer.biases.astype(int)).max()) + (1 << layer.bits))
    if taps > 1:
        reach = taps // 2
        padded = np.pad(values, ((0, 0), (reach, reach), (0, 0)))
        values = np.lib.stride_tricks.sliding_window_view(padded, taps, axis=1)
    rows = values.reshape(-1, weights.shape[1]).astype(kind, copy=False)
    sums = rows @ weights.T.astype(kind)
    sums += layer.biases.astype(kind)
    return sums.reshape(len(values), -1, outputs)

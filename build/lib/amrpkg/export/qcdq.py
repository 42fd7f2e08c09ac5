"""Networks as QCDQ graphs, for runtimes.

QCDQ (quantise, clip, dequantise) says in standard operators which tensors are integers; runtimes
melt a layer between its quantisations into one integer kernel. onnxruntime does so for every
layer if all zero points are written out and all tensors between layers are unsigned bytes: the
signed samples too, which are therefore shifted by 128. Weights of up to 4 bits lie as INT4, those
of 8 and 6 bits as INT8 (ONNX has no integer of six), biases as INT32.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper

from amrpkg.export.integer_file import pack
from amrpkg.export.onnx_graph import Graph, quantised_graph, steps
from amrpkg.hardware.integers import IntegerLayer, IntegerNetwork


def qcdq_graph(network: IntegerNetwork) -> onnx.ModelProto:
    """The ONNX graph of a network in integers, of standard operators."""
    return quantised_graph(_Qcdq(), network)


class _Qcdq(Graph):
    repeats = 1  # how many symbols share a weight of the next layer
    halvings = 0  # of that weight

    def average(self, chunk_size: int) -> None:
        """A sum, and the weights behind it divided."""
        self.sum(chunk_size)
        self.halvings = int(np.log2(chunk_size))

    def sum(self, chunk_size: int) -> None:
        """Leave it to the next layer, whose weights are repeated for every symbol.

        So all stays in bytes, for an average of bytes is wider. (And OpenVINO 2026.4 gives
        garbage for a mean over bytes.)
        """
        self.repeats = chunk_size

    def flatten(self) -> None:
        self.then("Flatten")
        self.quantise_again()

    def round(self, bits: int, exponent: int) -> None:
        """Samples to whole steps; the fold behind them saturates."""
        self.then("Mul", self.constant("steps", steps(-exponent)))
        self.then("Round")
        self.then("Mul", self.constant("step", steps(exponent)))

    def quantise(self, bits: int, exponent: int, signed: bool) -> None:
        low = 128 if signed else 0  # the byte that means zero
        self.scale = scale = self.constant("scale", steps(exponent))
        self.zero = self.constant("zero", np.uint8(low))
        if signed:  # OpenVINO adds the 128 before it rounds, which moves what is close to a tie
            self.then("Mul", self.constant("steps", steps(-exponent)))
            self.then("Round")
            scale = self.constant("one", np.float32(1))
        self.then("QuantizeLinear", scale, self.zero)
        if bits < 8:
            half = 1 << (bits - 1)
            span = (low - half, low + half - 1) if signed else (0, 2 * half - 1)
            self.then("Clip", *(self.constant("limit", np.uint8(end)) for end in span))
        self.then("DequantizeLinear", self.scale, self.zero)

    def quantise_again(self) -> None:
        """Say that what moved or chose bytes has bytes for its output."""
        self.then("QuantizeLinear", self.scale, self.zero)
        self.then("DequantizeLinear", self.scale, self.zero)

    def weigh(self, layer: IntegerLayer, weight_exponents, exponents) -> None:
        weights = layer.weights if layer.kind == "conv" else layer.weights[..., 0]
        integers = self.constant("weights", weights)
        if layer.weight_bits <= 4:
            packed = pack(weights, 4).tobytes()
            four = helper.make_tensor(integers, TensorProto.INT4, weights.shape, packed, raw=True)
            self.constants[-1] = four
            integers = self.node("Cast", integers, to=TensorProto.INT8)  # once, at loading
        if self.repeats > 1:
            integers = self._repeat(integers, weights.shape)
            weight_exponents = weight_exponents - self.halvings
            self.repeats, self.halvings = 1, 0
        biases = self._dequantise(self.constant("biases", layer.biases), exponents, np.int32)
        weights_ = self._dequantise(integers, weight_exponents, np.int8)
        self.multiply(weights_, biases, weights.shape)

    def _repeat(self, integers: str, shape: tuple[int, int]) -> str:
        """Each weight `repeats` times side by side, as the symbols of a channel lie: at loading."""
        sizes = [(*shape, 1), (*shape, self.repeats), (shape[0], shape[1] * self.repeats)]
        column, wide, flat = (self.constant("shape", np.array(x, np.int64)) for x in sizes)
        wide = self.node("Expand", self.node("Reshape", integers, column), wide)
        return self.node("Reshape", wide, flat)

    def _dequantise(self, integers: str, exponents, kind: type) -> str:
        scale = steps(exponents)
        zero = self.constant("zero", np.zeros_like(scale, kind))
        axis = {"axis": 0} if scale.ndim else {}
        return self.node("DequantizeLinear", integers, self.constant("scale", scale), zero, **axis)

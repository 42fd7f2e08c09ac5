"""Networks as QONNX graphs, for FPGA compilers: FINN and hls4ml read them.

QONNX says with one operator, ``Quant``, of any bit width, which tensors are integers, and holds
weights as floats that are multiples of their step.
"""

import numpy as np
import onnx

from amrpkg.export.onnx_graph import Graph, quantised_graph, steps
from amrpkg.hardware.integers import IntegerLayer, IntegerNetwork

QUANT_DOMAIN = "qonnx.custom_op.general"
_QONNX_OPSET = 13


def qonnx_graph(network: IntegerNetwork) -> onnx.ModelProto:
    """The QONNX graph of a network in integers."""
    return quantised_graph(_Qonnx(), network)


class _Qonnx(Graph):
    opset = (("", _QONNX_OPSET), (QUANT_DOMAIN, 1))

    def average(self, chunk_size: int) -> None:
        self.then("GlobalAveragePool")

    def sum(self, chunk_size: int) -> None:
        self.then("ReduceSum", self.constant("axes", np.array([2], np.int64)))

    def flatten(self) -> None:
        self.then("Flatten")

    def quantise(self, bits: int, exponent: int, signed: bool) -> None:
        self.last = self._quant(self.last, bits, steps(exponent), signed)

    def round(self, bits: int, exponent: int) -> None:
        """Samples to whole steps, saturated."""
        self.quantise(bits, exponent, signed=True)

    def quantise_again(self) -> None:
        """Nothing: `Quant` gives floats, and these are still multiples of the step."""

    def weigh(self, layer: IntegerLayer, weight_exponents, exponents) -> None:
        weights = layer.weights if layer.kind == "conv" else layer.weights[..., 0]
        step = steps(weight_exponents)
        column = step.reshape(-1, *[1] * (weights.ndim - 1)) if step.ndim else step
        floats = self.constant("weights", (weights * column).astype(np.float32))
        floats = self._quant(floats, layer.weight_bits, column, True, narrow=True)
        step = steps(exponents)
        biases = self.constant("biases", (layer.biases * step).astype(np.float32))
        self.multiply(floats, self._quant(biases, 32, step, True), weights.shape)

    def _quant(self, values: str, bits: int, step, signed: bool, narrow: bool = False) -> str:
        return self.node(
            "Quant",
            values,
            self.constant("scale", step),
            self.constant("zero", np.float32(0)),
            self.constant("bits", np.float32(bits)),
            domain=QUANT_DOMAIN,
            signed=int(signed),
            narrow=int(narrow),
            rounding_mode="ROUND",
        )

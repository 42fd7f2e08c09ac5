"""Networks as ONNX graphs: in float, as QCDQ for runtimes, as QONNX for FPGA compilers.

The quantised graphs are written from the integers of a network, so they are exact, and what is
on the disk is small: QCDQ holds weights of 4 bits as INT4, those of 8 and 6 bits as INT8 (ONNX
has no integer of six), biases as INT32.

*QCDQ* (quantise, clip, dequantise) says in standard operators which tensors are integers;
runtimes melt a layer between its quantisations into one integer kernel. onnxruntime does so for
every layer if all zero points are written out and all tensors between layers are unsigned
bytes: the signed samples too, which are therefore shifted by 128.

*QONNX* says the same with one operator, ``Quant``, of any bit width, and holds weights as floats
that are multiples of their step. FINN and hls4ml read it.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from amrpkg.architectures import CLASSES
from amrpkg.export_metadata import export_metadata
from amrpkg.integer_file import pack
from amrpkg.integers import IntegerLayer, IntegerNetwork
from amrpkg.models import Network, require_permanent

SAMPLES, SCORES = "iq", "scores"
QUANT_DOMAIN = "qonnx.custom_op.general"
_OPSET = 21  # the first with integers of 4 bits
_QONNX_OPSET = 13
_IR_VERSION = 10  # of opset 21
_PLAIN = {nn.ReLU: "Relu", nn.Flatten: "Flatten", nn.AvgPool1d: "GlobalAveragePool"}


def float_graph(model: Network, name: str | None = None) -> onnx.ModelProto:
    """The ONNX graph of a float network, which may be shrunk.

    Raises ``ValueError`` for a quantised network or one with held masks.
    """
    if model.bit_width != 32:
        raise ValueError(f"model is of {model.bit_width} bit; allowed: float, which has 32")
    require_permanent(model)
    graph = _Graph()
    for layer, module in model.layers.named_children():
        graph.layer = layer
        if isinstance(module, nn.Conv1d | nn.Linear):
            weights = module.weight.detach().numpy()
            biases = graph.constant("biases", module.bias.detach().numpy())
            graph.multiply(graph.constant("weights", weights), biases, weights.shape)
        elif isinstance(module, nn.MaxPool1d):
            graph.pool()
        else:
            graph.then(_PLAIN[type(module)])
    return graph.finish(export_metadata(name or model.architecture, 32, model.chunk_size))


def qcdq_graph(network: IntegerNetwork) -> onnx.ModelProto:
    """The ONNX graph of a network in integers, of standard operators."""
    return _quantised(_Qcdq(), network)


def qonnx_graph(network: IntegerNetwork) -> onnx.ModelProto:
    """The QONNX graph of a network in integers."""
    return _quantised(_Qonnx(), network)


def _quantised(graph: "_Qcdq | _Qonnx", network: IntegerNetwork) -> onnx.ModelProto:
    graph.layer = "input"
    graph.quantise(network.input_bits, network.input_exponent, signed=True)
    exponent = network.input_exponent
    for layer in network.layers:
        graph.layer = layer.name
        if layer.kind == "pool":
            graph.pool()
            graph.quantise_again()
        elif layer.kind == "average":
            graph.average(network.chunk_size)
        else:
            if layer.name == "linear1":
                graph.flatten()
            accumulator = layer.exponent - layer.shifts.astype(int)
            graph.weigh(layer, accumulator - exponent, accumulator)
            if layer.bits:
                graph.then("Relu")
                graph.quantise(layer.bits, layer.exponent, signed=False)
        exponent = layer.exponent
    return graph.finish(export_metadata(network.name, network.bit_width, network.chunk_size))


def _steps(exponents) -> np.ndarray:
    """The scales of exponents: one if all are the same, else one an output channel."""
    exponents = np.unique(exponents) if len(set(np.ravel(exponents))) == 1 else exponents
    return np.squeeze(np.float32(2.0) ** np.asarray(exponents, np.float32))


class _Graph:
    """A chain of nodes under way: `then` adds one behind the last, of the layer at hand."""

    opset = (("", _OPSET),)

    def __init__(self):
        self.nodes, self.constants = [], []
        self.layer, self.last = "", SAMPLES

    def node(self, operator: str, *inputs: str, domain: str = "", **attributes) -> str:
        output = f"{self.layer}/{operator}_{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(operator, inputs, [output], output, domain=domain, **attributes)
        )
        return output

    def then(self, operator: str, *inputs: str, **attributes) -> None:
        self.last = self.node(operator, self.last, *inputs, **attributes)

    def constant(self, what: str, values) -> str:
        name = f"{self.layer}/{what}_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def pool(self) -> None:
        self.then("MaxPool", kernel_shape=[2], strides=[2])

    def multiply(self, weights: str, biases: str, shape: tuple[int, ...]) -> None:
        if len(shape) == 3:
            taps = shape[2]
            self.then("Conv", weights, biases, kernel_shape=[taps], pads=[taps // 2] * 2)
        else:
            self.then("Gemm", weights, biases, transB=1)

    def finish(self, about: dict[str, str]) -> onnx.ModelProto:
        self.nodes[-1].output[0] = SCORES
        samples, scores = ["n", 2, int(about["chunk_size"])], ["n", CLASSES]
        graph = helper.make_graph(
            self.nodes,
            about["name"],
            [helper.make_tensor_value_info(SAMPLES, TensorProto.FLOAT, samples)],
            [helper.make_tensor_value_info(SCORES, TensorProto.FLOAT, scores)],
            self.constants,
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid(*opset) for opset in self.opset],
            ir_version=_IR_VERSION,
            producer_name="amrpkg",
            producer_version=about["amrpkg_version"],
        )
        helper.set_model_props(model, about)
        return model


class _Qcdq(_Graph):
    repeats = 1  # how many symbols share a weight of the next layer

    def average(self, chunk_size: int) -> None:
        """Leave it to the next layer, whose weights are repeated for every symbol.

        So all stays in bytes, for an average of bytes is wider. (And OpenVINO 2026.4 gives
        garbage for a mean over bytes.)
        """
        self.repeats = chunk_size

    def flatten(self) -> None:
        self.then("Flatten")
        self.quantise_again()

    def quantise(self, bits: int, exponent: int, signed: bool) -> None:
        low = 128 if signed else 0  # the byte that means zero
        self.scale = scale = self.constant("scale", _steps(exponent))
        self.zero = self.constant("zero", np.uint8(low))
        if signed:  # OpenVINO adds the 128 before it rounds, which moves what is close to a tie
            self.then("Mul", self.constant("steps", _steps(-exponent)))
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
        if layer.weight_bits == 4:
            packed = pack(weights, 4).tobytes()
            four = helper.make_tensor(integers, TensorProto.INT4, weights.shape, packed, raw=True)
            self.constants[-1] = four
            integers = self.node("Cast", integers, to=TensorProto.INT8)  # once, at loading
        if self.repeats > 1:
            integers = self._repeat(integers, weights.shape)
            weight_exponents = weight_exponents - int(np.log2(self.repeats))
            self.repeats = 1
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
        scale = _steps(exponents)
        zero = self.constant("zero", np.zeros_like(scale, kind))
        axis = {"axis": 0} if scale.ndim else {}
        return self.node("DequantizeLinear", integers, self.constant("scale", scale), zero, **axis)


class _Qonnx(_Graph):
    opset = (("", _QONNX_OPSET), (QUANT_DOMAIN, 1))

    def average(self, chunk_size: int) -> None:
        self.then("GlobalAveragePool")

    def flatten(self) -> None:
        self.then("Flatten")

    def quantise(self, bits: int, exponent: int, signed: bool) -> None:
        self.last = self._quant(self.last, bits, _steps(exponent), signed)

    def quantise_again(self) -> None:
        """Nothing: `Quant` gives floats, and these are still multiples of the step."""

    def weigh(self, layer: IntegerLayer, weight_exponents, exponents) -> None:
        weights = layer.weights if layer.kind == "conv" else layer.weights[..., 0]
        steps = _steps(weight_exponents)
        column = steps.reshape(-1, *[1] * (weights.ndim - 1)) if steps.ndim else steps
        floats = self.constant("weights", (weights * column).astype(np.float32))
        floats = self._quant(floats, layer.weight_bits, column, True, narrow=True)
        steps = _steps(exponents)
        biases = self.constant("biases", (layer.biases * steps).astype(np.float32))
        self.multiply(floats, self._quant(biases, 32, steps, True), weights.shape)

    def _quant(self, values: str, bits: int, steps, signed: bool, narrow: bool = False) -> str:
        return self.node(
            "Quant",
            values,
            self.constant("scale", steps),
            self.constant("zero", np.float32(0)),
            self.constant("bits", np.float32(bits)),
            domain=QUANT_DOMAIN,
            signed=int(signed),
            narrow=int(narrow),
            rounding_mode="ROUND",
        )

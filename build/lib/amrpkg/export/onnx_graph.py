"""Networks as ONNX graphs: float ones, and what those of all kinds of quantised ones share.

The quantised graphs are written from the integers of a network, so they are exact. How a network
is quantised is said by a kind of `Graph`, of `qcdq` or `qonnx`.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from amrpkg.export.header import export_metadata
from amrpkg.hardware.integers import IntegerNetwork
from amrpkg.models.architectures import CLASSES, FOLDS
from amrpkg.models.network import Network, require_permanent
from amrpkg.models.symbolwise import Fold, Times

SAMPLES, SCORES = "iq", "scores"
_OPSET = 21  # the first with integers of 4 bits
_IR_VERSION = 10  # of opset 21
_PLAIN = {nn.ReLU: "Relu", nn.Flatten: "Flatten", nn.AvgPool1d: "GlobalAveragePool"}


def float_graph(model: Network, name: str | None = None) -> onnx.ModelProto:
    """The ONNX graph of a float network, which may be shrunk.

    Raises ``ValueError`` for a quantised network or one with held masks.
    """
    if model.bit_width != 32:
        raise ValueError(f"model is of {model.bit_width} bit; allowed: float, which has 32")
    require_permanent(model)
    graph = Graph()
    for layer, module in model.layers.named_children():
        graph.layer = layer
        if isinstance(module, nn.Conv1d | nn.Linear):
            weights = module.weight.detach().numpy()
            biases = graph.constant("biases", module.bias.detach().numpy())
            graph.multiply(graph.constant("weights", weights), biases, weights.shape)
        elif isinstance(module, nn.MaxPool1d):
            graph.pool()
        elif isinstance(module, Fold):
            graph.fold(module.kind)
        elif isinstance(module, Times):
            graph.then("Mul", graph.constant("symbols", np.float32(module.symbols)))
        else:
            graph.then(_PLAIN[type(module)])
    about = export_metadata(name or model.architecture, 32, model.chunk_size)
    return graph.finish(about, model.inputs)


def quantised_graph(graph: "Graph", network: IntegerNetwork) -> onnx.ModelProto:
    """The finished graph of a network in integers; `graph`: an empty one of its kind."""
    graph.layer, exponent = "input", network.input_exponent
    if network.layers[0].kind in FOLDS:
        graph.round(network.input_bits, exponent)
    else:
        graph.quantise(network.input_bits, exponent, signed=True)
    for layer in network.layers:
        graph.layer = layer.name
        if layer.kind in FOLDS:
            graph.fold(layer.kind)
            graph.quantise(layer.bits, layer.exponent, signed=False)
        elif layer.kind == "pool":
            graph.pool()
            graph.quantise_again()
        elif layer.kind == "average":
            graph.average(network.chunk_size)
        elif layer.kind == "sum":
            graph.sum(network.chunk_size)
        else:
            if layer.name == "linear1":
                graph.flatten()
            accumulator = layer.exponent - layer.shifts.astype(int)
            graph.weigh(layer, accumulator - exponent, accumulator)
            if layer.bits:
                graph.then("Relu")
                graph.quantise(layer.bits, layer.exponent, signed=False)
        exponent = layer.exponent
    about = export_metadata(network.name, network.bit_width, network.chunk_size)
    return graph.finish(about, network.inputs)


def steps(exponents) -> np.ndarray:
    """The scales of exponents: one if all are the same, else one an output channel."""
    exponents = np.unique(exponents) if len(set(np.ravel(exponents))) == 1 else exponents
    return np.squeeze(np.float32(2.0) ** np.asarray(exponents, np.float32))


class Graph:
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

    def fold(self, kind: str) -> None:
        """Samples in a quadrant, as `models.symbolwise.Fold` gives them."""
        if kind == "fold":
            return self.then("Abs")
        samples, zero = self.last, self.constant("zero", np.float32(0))
        negative = [self.node("Less", self._channels(samples, k, k + 1), zero) for k in (0, 1)]
        differ = self.node("Cast", self.node("Xor", *negative), to=TensorProto.FLOAT)
        parts = [self.node("Abs", self._channels(samples, 0, 2)), differ]
        if kind == "fold_sign_noise":
            parts.append(self._channels(samples, 2, 3))
        self.last = self.node("Concat", *parts, axis=1)

    def _channels(self, values: str, first: int, end: int) -> str:
        places = [self.constant("channels", np.array([k], np.int64)) for k in (first, end, 1)]
        return self.node("Slice", values, *places)  # along axis 1

    def multiply(self, weights: str, biases: str, shape: tuple[int, ...]) -> None:
        if len(shape) == 3:
            taps = shape[2]
            self.then("Conv", weights, biases, kernel_shape=[taps], pads=[taps // 2] * 2)
        else:
            self.then("Gemm", weights, biases, transB=1)

    def finish(self, about: dict[str, str], inputs: int) -> onnx.ModelProto:
        self.nodes[-1].output[0] = SCORES
        samples, scores = ["n", inputs, int(about["chunk_size"])], ["n", CLASSES]
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

"""ONNX and QONNX files, ours or somebody else's, checked before a runtime sees them.

A file is data. What runs of it are the operators listed here, none of which loads code, opens a
file or loops; a graph with others, with tensors kept in other files, or whose tensors would
outgrow memory is refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from amrpkg.common.arguments import printable, require_count
from amrpkg.common.files import require_regular
from amrpkg.export.folding import constants_of, fold_quantisers
from amrpkg.export.qonnx import QUANT_DOMAIN
from amrpkg.export.runtimes import Scores, run_onnxruntime, run_qonnx
from amrpkg.hardware.resources import LayerCount
from amrpkg.models.architectures import WEIGHTLESS
from amrpkg.signals.chunks import LONGEST_CHUNK

LARGEST_FILE = 64 << 20  # bytes
LARGEST_TENSOR = 1 << 24  # elements
LARGEST_SUM = 128 << 20  # bytes of all values that are computed, for a block of chunks
_LISTED = """
    Abs Add AveragePool BatchNormalization Cast Clip Concat Constant Conv ConvInteger
    DequantizeLinear Div Dropout DynamicQuantizeLinear Elu Expand Flatten Gather Gelu Gemm
    GlobalAveragePool GlobalMaxPool HardSigmoid HardSwish Identity LeakyRelu Less LogSoftmax MatMul
    MatMulInteger Max MaxPool Min Mul Neg PRelu QLinearConv QLinearMatMul QuantizeLinear ReduceMax
    ReduceMean ReduceSum Relu Reshape Round Shape Sigmoid Slice Softmax Split Sqrt Squeeze Sub Tanh
    Transpose Unsqueeze Xor
"""
OPERATORS = frozenset(_LISTED.split())
QONNX_OPERATORS = frozenset(["Quant", "IntQuant", "BipolarQuant", "Trunc"])
_QONNX_DOMAINS = (QUANT_DOMAIN, "onnx.brevitas")  # the second as older Brevitas wrote it
_KINDS = {"Conv": "conv", "ConvInteger": "conv", "QLinearConv": "conv"}
_KINDS |= dict.fromkeys(("Gemm", "MatMul", "MatMulInteger", "QLinearMatMul"), "linear")
_KINDS |= {"MaxPool": "pool", "GlobalMaxPool": "pool"}
_KINDS |= dict.fromkeys(("AveragePool", "GlobalAveragePool"), "average")
_KINDS |= {"Abs": "fold", "ReduceSum": "sum"}  # of our files


@dataclass(frozen=True)
class OnnxNetwork:
    """A checked graph.

    metadata : what the file says of itself, see `export_metadata`; of others' often nothing
    inputs, chunk_size, outputs : numbers of channels and symbols of a chunk, and of class scores
    layers, bit_width : what Algorithm II counts, see `hardware`; the bit width is what the
        file says, else what its widest integer weights need, 32 if they are floats
    scores : maps ``float32[n, inputs, chunk_size]`` to ``float32[n, outputs]``
    block : the most chunks that it should be given at a time
    """

    metadata: dict[str, str]
    inputs: int
    chunk_size: int
    outputs: int
    layers: list[LayerCount]
    bit_width: int
    scores: Scores
    block: int


def load_onnx(path: Path) -> OnnxNetwork:
    """Read and check an ONNX or QONNX file.

    Raises ``ValueError`` that names `path` and what is allowed: for a file that is damaged or
    larger than 64 MiB, other inputs than ``float32[n, 2, chunk_size]`` (3 in place of 2 where the
    noise is told), other outputs than ``[n, scores]``, operators that are not listed, tensors in
    other files, numbers that are not finite, quantisers without a step or a bit, values that
    together outgrow memory.
    """
    require_regular(path, LARGEST_FILE)
    try:
        return _checked(onnx.load(path, format="protobuf", load_external_data=False))
    except ValueError as error:
        raise ValueError(f"{str(path)!r}: {printable(error, 1000)}") from error
    except Exception as error:  # those of the libraries have nothing in common
        reason = printable((str(error).strip().splitlines() or ["nothing in it"])[0])
        raise ValueError(f"{str(path)!r} is not an undamaged ONNX file: {reason}") from error


def _checked(model: onnx.ModelProto) -> OnnxNetwork:
    quantised = _require_operators(model)
    _require_own_tensors(model)
    if quantised:
        _require_quantisers(model)
    runnable = fold_quantisers(model) if quantised else model
    plain = _without_quant(runnable or model)
    onnx.checker.check_model(plain)
    inputs, chunk_size = _require_samples(plain.graph)
    outputs, block = _require_scores(plain)
    scores = run_onnxruntime(runnable) if runnable else run_qonnx(model)
    _try(scores, (min(3, block), inputs, chunk_size), outputs)
    if model.graph.node[-1].op_type == "Softmax":
        scores = _logarithm(scores)  # classify takes the softmax itself
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    layers, bits = count_graph(model)
    said = metadata.get("bit_width", str(bits))
    if not (said.isdecimal() and len(said) < 3 and 1 <= int(said) <= 32):
        raise ValueError(f"its bit width is {printable(repr(said), 80)}; allowed: 1 to 32")
    return OnnxNetwork(metadata, inputs, chunk_size, outputs, layers, int(said), scores, block)


def _try(scores: Scores, shape: tuple[int, int, int], outputs: int) -> None:
    """Run some chunks: what a runtime does not like of a graph it may say only then."""
    try:
        found = scores(np.zeros(shape, np.float32)).shape
    except Exception as error:  # a runtime's own, which have nothing in common
        reason = printable((str(error).strip().splitlines() or [type(error).__name__])[0])
        raise ValueError(f"it cannot be run ({reason}); allowed: a graph that can") from error
    if found != (count := shape[0], outputs):
        raise ValueError(
            f"it gives {list(found)} for {count} chunks; allowed: [{count}, {outputs}]"
        )


def _logarithm(probabilities: Scores) -> Scores:
    return lambda iq: np.log(np.maximum(probabilities(iq), np.float32(1e-30)))


def _require_operators(model: onnx.ModelProto) -> bool:
    """Raise ``ValueError`` for an operator that is not listed; returns whether QONNX's occur."""
    if model.functions:
        raise ValueError("it defines functions of its own; allowed: plain operators (inline them)")
    custom = False
    for node in model.graph.node:
        in_qonnx = node.domain in _QONNX_DOMAINS and node.op_type in QONNX_OPERATORS
        custom |= in_qonnx
        if not (in_qonnx or (node.domain in ("", "ai.onnx") and node.op_type in OPERATORS)):
            name = f"{node.domain}::{node.op_type}" if node.domain else node.op_type
            raise ValueError(
                f"it has an operator {printable(name, 80)}; allowed: "
                f"{', '.join(sorted(OPERATORS))}, and of {QUANT_DOMAIN}: "
                f"{', '.join(sorted(QONNX_OPERATORS))}"
            )
        name = printable(repr(node.name))
        if any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute):
            raise ValueError(f"its node {name} holds a graph of its own; allowed: none")
        numbers = [x for attribute in node.attribute for x in (attribute.f, *attribute.floats)]
        if not np.isfinite(numbers).all():
            raise ValueError(f"its node {name} holds {numbers}; allowed: finite numbers")
    return custom


def _tensors(model: onnx.ModelProto) -> Iterator[TensorProto]:
    yield from model.graph.initializer
    for node in model.graph.node:
        for attribute in node.attribute:
            yield from ([attribute.t] if attribute.HasField("t") else [])
            yield from attribute.tensors


def _require_own_tensors(model: onnx.ModelProto) -> None:
    for tensor in _tensors(model):
        name, kind = printable(repr(tensor.name)), TensorProto.DataType.Name(tensor.data_type)
        if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
            raise ValueError(
                f"its tensor {name} lies in another file; allowed: one file (save the model "
                "without external data)"
            )
        if np.prod([int(size) for size in tensor.dims], dtype=object) > LARGEST_TENSOR:
            shape = printable(" x ".join(map(str, tensor.dims)))
            raise ValueError(f"its tensor {name} has {shape} elements; allowed: {LARGEST_TENSOR}")
        is_real = "FLOAT" in kind or kind == "DOUBLE"
        if is_real and not np.isfinite(numpy_helper.to_array(tensor)).all():
            raise ValueError(f"its tensor {name} holds NaN or infinity; allowed: finite numbers")
    if model.graph.sparse_initializer:
        raise ValueError("it holds sparse tensors; allowed: dense ones")


def _require_quantisers(model: onnx.ModelProto) -> None:
    """Raise ``ValueError`` unless each has a step and a number of bits, which do not change."""
    constants = constants_of(model.graph)
    for node in model.graph.node:
        if node.domain in _QONNX_DOMAINS:
            about = [*node.input[1:2], *node.input[3:]]  # without the zero point
            fits = all(name in constants for name in node.input[1:])
            values = [numpy_helper.to_array(constants[name]) for name in about] if fits else []
            if node.op_type in ("Quant", "IntQuant"):
                fits &= len(values) == 2 and values[1].size == 1 and (values[1] <= 32).all()
            if not fits or not all((x > 0).all() for x in values):
                name = printable(repr(node.name))
                raise ValueError(
                    f"its {node.op_type} {name} has a scale or bit width out of range; allowed: "
                    "constants above 0, at most 32 bits"
                )


def _without_quant(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph for one chunk with QONNX's operators as what they are to shapes: nothing."""
    plain = onnx.ModelProto()
    plain.CopyFrom(model)
    graph = plain.graph
    for node in graph.node:
        if node.domain in _QONNX_DOMAINS:
            node.op_type, node.domain = "Identity", ""
            del node.input[1:], node.attribute[:]
    kept = [opset for opset in plain.opset_import if opset.domain not in _QONNX_DOMAINS]
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    del plain.opset_import[:], graph.value_info[:], graph.input[:]
    plain.opset_import.extend(kept)
    graph.input.extend(inputs)
    return plain


def _require_samples(graph: onnx.GraphProto) -> tuple[int, int]:
    """Channels and size of a chunk, if the graph takes chunks and nothing else; its batch becomes
    one."""
    shapes = [value.type.tensor_type.shape.dim for value in graph.input]
    if len(shapes) == 1:
        sizes = [dim.dim_value for dim in shapes[0]]
        kind = graph.input[0].type.tensor_type.elem_type
        if kind == TensorProto.FLOAT and len(sizes) == 3 and sizes[1] in (2, 3) and sizes[2]:
            shapes[0][0].dim_value = 1
            require_count("chunk size", sizes[2], maximum=LONGEST_CHUNK)
            return sizes[1], sizes[2]
    found = "; ".join(
        f"{value.name} [{', '.join(str(dim.dim_value or dim.dim_param) for dim in shape)}]"
        for value, shape in zip(graph.input, shapes, strict=True)
    )
    found = printable(found or "none")
    allowed = "one, float [n, 2, chunk size], 3 in place of 2 where the noise is told"
    raise ValueError(f"its inputs are {found}; allowed: {allowed}")


def _require_scores(plain: onnx.ModelProto) -> tuple[int, int]:
    """The number of class scores, if that is what the graph gives, and how many chunks at a time
    leave room for the values of all its nodes."""
    if len(plain.graph.output) != 1:
        raise ValueError(f"it has {len(plain.graph.output)} outputs; allowed: one, [n, scores]")
    plain.graph.output[0].type.tensor_type.ClearField("shape")
    inferred = onnx.shape_inference.infer_shapes(plain, strict_mode=True, data_prop=True).graph
    kinds = {
        value.name: value.type.tensor_type
        for value in (*inferred.value_info, *inferred.output)
        if value.type.tensor_type.HasField("shape")
    }
    varying, once, each = {plain.graph.input[0].name}, 0, 0  # bytes, of all chunks and of each
    for node in inferred.node:
        for name in filter(None, node.output):
            sizes, shown = kinds[name].shape.dim if name in kinds else [None], printable(repr(name))
            if not all(size and size.HasField("dim_value") for size in sizes):
                raise ValueError(
                    f"the size of its value {shown} depends on what is run; allowed: fixed sizes"
                )
            width = np.dtype(helper.tensor_dtype_to_np_dtype(kinds[name].elem_type)).itemsize
            size = int(np.prod([size.dim_value for size in sizes], dtype=object)) * width
            if varying.intersection(node.input):
                varying.add(name)
                each += size
            else:
                once += size
            if once + each > LARGEST_SUM:
                raise ValueError(
                    f"its values up to {shown} take {once + each} bytes for one chunk; allowed: at "
                    f"most {LARGEST_SUM}"
                )
    scores = [dim.dim_value for dim in inferred.output[0].type.tensor_type.shape.dim]
    if len(scores) != 2 or scores[1] < 2:
        raise ValueError(
            f"its output is {printable(scores)} for one chunk; allowed: [1, number of classes]"
        )
    return scores[1], (LARGEST_SUM - once) // max(1, each)


def count_graph(model: onnx.ModelProto) -> tuple[list[LayerCount], int]:
    """Non-zero weights and biases of the layers of a graph, and the bits of its widest weights.

    Integer weights count as many bits as their largest needs, those behind a ``Quant`` what it
    says, floats 32.
    """
    constants = constants_of(model.graph)
    makers = {output: node for node in model.graph.node for output in node.output}

    def trace(name: str) -> tuple[np.ndarray, int] | None:
        """The constant behind a tensor and its bits, ``None`` if it depends on the samples."""
        if name in constants:
            values = numpy_helper.to_array(constants[name])
            if values.dtype.kind == "f":
                return values, 32
            return values, 1 + int(np.abs(values.astype(np.int64)).max(initial=0)).bit_length()
        maker = makers.get(name)
        if maker is None or not maker.input or (found := trace(maker.input[0])) is None:
            return None
        if maker.domain in _QONNX_DOMAINS and len(maker.input) > 3:
            width = trace(maker.input[3])
            return found[0], int(width[0].max()) if width else found[1]
        return found[0], min(found[1], 8) if maker.op_type == "QuantizeLinear" else found[1]

    layers, widest = [], 2
    for node in model.graph.node:
        if node.op_type == "Add" and layers and layers[-1].kind == "linear":
            constant = next(filter(None, map(trace, node.input)), None)
            if constant and not layers[-1].biases:
                layers[-1] = layers[-1]._replace(biases=int(np.count_nonzero(constant[0])))
        kind = _KINDS.get(node.op_type)
        place = 3 if node.op_type.startswith("QLinear") else 1
        if kind in WEIGHTLESS:
            layers.append(LayerCount(node.name or node.op_type, kind, 0, 0))
        elif node.op_type == "Expand" and trace(node.output[0]):  # weights, each for all symbols
            layers.append(LayerCount(node.name or node.op_type, "sum", 0, 0))
        elif kind and (weights := trace(node.input[place])):
            place = 8 if node.op_type == "QLinearConv" else 2
            named = node.input[place] if len(node.input) > place else ""
            biases = trace(named) if kind == "conv" or node.op_type == "Gemm" else None
            counts = [int(np.count_nonzero(x[0])) if x else 0 for x in (weights, biases)]
            layers.append(LayerCount(node.name or node.op_type, kind, *counts))
            widest = max(widest, weights[1])
    return layers, widest

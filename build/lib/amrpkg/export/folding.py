"""QONNX's quantisers in standard operators, which a runtime computes many chunks at a time.

The steps are those that qonnx takes one by one, in floats of 32 bits, so that no bit changes:

    y = (round(min(max(x / scale + zero, low), high)) - zero) * scale

with `low` and `high` of the bit width, and halves rounded to even.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_STEPS = (
    *(("Div", "scale"), ("Add", "zero"), ("Max", "low"), ("Min", "high"), ("Round", None)),
    *(("Sub", "zero"), ("Mul", "scale")),
)
_OPSET = 11  # the first with Round


def constants_of(graph: onnx.GraphProto) -> dict[str, TensorProto]:
    """Name -> tensor of what the graph holds."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].HasField("t"):
            constants[node.output[0]] = node.attribute[0].t
    return constants


def fold_quantisers(model: onnx.ModelProto) -> onnx.ModelProto | None:
    """The same graph without QONNX's operators; the constants among them by their values.

    Scale, zero point and bit width of each must be constants. ``None`` where one follows another
    formula: a bit width of one, another rounding, ``Trunc``.
    """
    from qonnx.custom_op.general.intquant import int_quant, max_int, min_int

    opset = next((x.version for x in model.opset_import if x.domain in ("", "ai.onnx")), 0)
    constants, nodes, new = constants_of(model.graph), [], []
    for node in model.graph.node:
        if node.domain in ("", "ai.onnx"):
            nodes.append(node)
            continue
        given = {x.name: helper.get_attribute_value(x) for x in node.attribute}
        rounding = given.get("rounding_mode", b"ROUND").decode().upper()
        how = bool(given.get("signed", 1)), bool(given.get("narrow", 1))
        if node.op_type not in ("Quant", "IntQuant") or rounding not in ("ROUND", "HALF_EVEN"):
            return None
        scale, zero, bits = (numpy_helper.to_array(constants[name]) for name in node.input[1:4])
        kinds = {values.dtype for values in (scale, zero, bits)}
        if kinds != {np.dtype(np.float32)} or bits == 1 or opset < _OPSET:
            return None
        source, result = node.input[0], node.output[0]
        if source in constants:
            values = numpy_helper.to_array(constants[source])
            values = int_quant(values, scale, zero, bits, *how, rounding)
            new.append(numpy_helper.from_array(np.asarray(values), result))
            continue
        names = {"scale": node.input[1], "zero": node.input[2]}
        for name, values in {"low": min_int(*how, bits), "high": max_int(*how, bits)}.items():
            names[name] = f"{result}/{name}"
            new.append(numpy_helper.from_array(np.asarray(values, np.float32), names[name]))
        for k, (operator, constant) in enumerate(_STEPS, start=1):
            output = f"{result}/{k}" if k < len(_STEPS) else result
            inputs = [source, names[constant]] if constant else [source]
            nodes.append(helper.make_node(operator, inputs, [output]))
            source = output
    folded = onnx.ModelProto()
    folded.CopyFrom(model)
    del folded.graph.node[:], folded.opset_import[:], folded.graph.value_info[:]
    folded.graph.node.extend(nodes)
    folded.graph.initializer.extend(new)
    folded.opset_import.append(helper.make_opsetid("", opset))
    return folded

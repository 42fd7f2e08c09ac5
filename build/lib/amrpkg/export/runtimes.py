"""ONNX graphs run: by onnxruntime, by OpenVINO, and node by node by qonnx.

Each function returns one that maps ``float32[n, inputs, chunk_size]`` to class scores
``float32[n, scores]``.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

Scores = Callable[[np.ndarray], np.ndarray]
BATCH_SIZE = 1024  # chunks that qonnx takes at a time


def has_vnni() -> bool:
    """Whether the processor is known to add products of bytes in 32 bits at once (x86)."""
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.exists() and "vnni" in cpuinfo.read_text()


def _threads() -> int:
    """As many as torch takes; 0, what the runtime takes, where torch is not loaded."""
    return sys.modules["torch"].get_num_threads() if "torch" in sys.modules else 0


def start_onnxruntime(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """A session on the current number of torch threads, exact on every processor.

    Processors before VNNI add pairs of products in 16 bits, which clip. There onnxruntime is
    told to use wider kernels or, for graphs that it cannot do that to, floats.

    Raises ``ValueError`` if it cannot run the graph.
    """
    exact = [] if has_vnni() else ["session.x64quantprecision", "session.disable_quant_qdq"]
    for entry in exact or [None]:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = _threads()
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        if entry:
            options.add_session_config_entry(entry, "1")
        try:
            return onnxruntime.InferenceSession(
                model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its exceptions have no common class of their own
            refusal = error
    raise ValueError(f"onnxruntime cannot run this graph: {_first_line(refusal)}") from refusal


def run_onnxruntime(model: onnx.ModelProto) -> Scores:
    """Run by onnxruntime, in blocks where the graph has a fixed number of chunks."""
    session = start_onnxruntime(model)
    samples, scores = session.get_inputs()[0], session.get_outputs()[0].name

    def run(iq: np.ndarray) -> np.ndarray:
        return session.run([scores], {samples.name: iq})[0]

    block = samples.shape[0]
    return _in_blocks(run, block) if isinstance(block, int) else run


def run_openvino(model: onnx.ModelProto, batch: int, precision: str = "f32") -> Scores:
    """Run by OpenVINO, in blocks of `batch` chunks, on the current number of torch threads.

    precision : of what is not integer, "f32" or "bf16"; left to itself, OpenVINO takes bf16
        on processors that have it
    """
    import openvino  # here: it takes a second

    core = openvino.Core()
    network = core.read_model(model.SerializeToString())
    network.reshape([batch, *network.input(0).partial_shape[1:]])
    options = {"INFERENCE_NUM_THREADS": _threads(), "NUM_STREAMS": 1}
    options["INFERENCE_PRECISION_HINT"] = precision
    request = core.compile_model(network, "CPU", options).create_infer_request()

    samples, scores = request.get_input_tensor().data, request.get_output_tensor().data

    def run(iq: np.ndarray) -> np.ndarray:
        samples[:] = iq
        request.infer(share_outputs=True)
        return scores.copy()

    return _in_blocks(run, batch)


def run_qonnx(model: onnx.ModelProto) -> Scores:
    """Run a QONNX graph node by node, as its specification says: exact, and slow."""
    from qonnx.core.modelwrapper import ModelWrapper  # here: they take a second
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.transformation.infer_shapes import InferShapes

    constants = {tensor.name for tensor in model.graph.initializer}
    samples = next(value for value in model.graph.input if value.name not in constants)
    scores = model.graph.output[0].name
    wrapped = {}

    def run(iq: np.ndarray) -> np.ndarray:
        if len(iq) not in wrapped:
            wrapper = ModelWrapper(model, make_deepcopy=True)
            wrapper.set_tensor_shape(samples.name, list(iq.shape))
            wrapped[len(iq)] = wrapper.transform(InferShapes())
        return execute_onnx(wrapped[len(iq)], {samples.name: iq})[scores]

    return _in_blocks(run, samples.type.tensor_type.shape.dim[0].dim_value or BATCH_SIZE)


def _in_blocks(run: Scores, size: int) -> Scores:
    """`run` for any number of chunks, though it takes `size` at a time; the last are padded."""

    def blocks(iq: np.ndarray) -> np.ndarray:
        if len(iq) == size:
            return run(iq)
        whole = np.zeros((-(-len(iq) // size) * size, *iq.shape[1:]), iq.dtype)
        whole[: len(iq)] = iq
        return np.concatenate([run(block) for block in np.split(whole, len(whole) // size)])[
            : len(iq)
        ]

    return blocks


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]

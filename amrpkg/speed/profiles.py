"""Where the time of a batch goes: in PyTorch, and in what runtimes make of an ONNX graph."""

import os
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.profiler import ProfilerActivity, profile

from amrpkg.common.arguments import require_count
from amrpkg.speed.networks import BATCH_SIZE

# What the float network consists of too, forward and backward; names as PyTorch gives them.
_ARITHMETIC = ("conv", "addmm", "aten::mm", "max_pool", "relu", "clamp_min", "threshold_backward")
os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # or the profiler writes to stderr
PARTS = ("arithmetic", "other operators", "Python and dispatch")


def profile_batch(model: nn.Module, training: bool = False, batches: int = 10) -> pd.DataFrame:
    """Measure the parts of a batch's time: forward or, in training, forward and backward.

    Index: "arithmetic", what a float network computes too (convolutions, matrix products,
    pooling, rectifiers); "other operators", which in a quantised network are the scaling,
    rounding and clamping of fake quantisation; "Python and dispatch", the time outside of
    operators. Columns: ``calls`` of operators and ``ms``, each per batch of 32. The profiler
    makes every call slower, so read the shares, not the milliseconds.
    """
    require_count("batches", batches)
    rng = torch.Generator().manual_seed(0)
    iq = torch.randn(BATCH_SIZE, 2, model.chunk_size, generator=rng)
    labels = torch.arange(BATCH_SIZE) % 9
    model.train(training)

    def batch():
        with torch.set_grad_enabled(training):
            scores = model(iq)
            if training:
                cross_entropy(scores, labels).backward()

    batch()
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        begin = perf_counter()
        for _ in range(batches):
            batch()
        seconds = perf_counter() - begin
    calls, ms = dict.fromkeys(PARTS, 0), dict.fromkeys(PARTS, 0.0)
    for event in profiler.key_averages():
        if event.key.startswith("aten::") or "Fn" in event.key:  # Brevitas's own end in Fn
            own = any(name in event.key for name in _ARITHMETIC)
            part = PARTS[0] if own else PARTS[1]
            calls[part] += event.count
            ms[part] += event.self_cpu_time_total / 1e3
    ms[PARTS[2]] = 1e3 * seconds - sum(ms.values())
    return pd.DataFrame({"calls": calls, "ms": ms}) / batches


def onnxruntime_operators(model: onnx.ModelProto) -> Counter[str]:
    """How many of each operator onnxruntime runs, after its optimisation.

    ``QLinearConv`` and ``QGemm`` multiply bytes; ``Conv``, ``FusedConv`` and ``Gemm`` floats.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    with TemporaryDirectory() as folder:
        options.optimized_model_filepath = str(path := Path(folder) / "optimised.onnx")
        onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        return Counter(node.op_type for node in onnx.load(path).graph.node)


def openvino_layers(model: onnx.ModelProto) -> Counter[tuple[str, str]]:
    """How many convolutions, pools and matrix products OpenVINO runs in which precision.

    Keys: its name of the layer and of the precision, as ("Convolution", "u8").
    """
    import openvino  # here: it takes a second

    core = openvino.Core()
    compiled = core.compile_model(core.read_model(model.SerializeToString()), "CPU")
    found = Counter()
    for operation in compiled.get_runtime_model().get_ops():
        about = operation.get_rt_info()
        kind = about["layerType"].value
        if kind.startswith(("Convolution", "FullyConnected", "MatMul", "MaxPool", "Pooling")):
            found[kind, about["runtimePrecision"].value.lower()] += 1
    return found


_PARTS = {
    "convolutions": ("Convolution",),
    "fully connected": ("FullyConnected", "MatMul"),
    "pooling": ("MaxPool", "Pooling"),
}


def profile_openvino(
    model: onnx.ModelProto, iq: np.ndarray, precision: str = "f32", calls: int = 2000
) -> pd.Series:
    """Measure where the time of a batch goes in OpenVINO, in microseconds.

    precision : as in `runtimes.run_openvino`
    calls : the mean of so many, the first and slow one among them

    Index: "convolutions", "fully connected", "pooling", "rounding and reordering" (all other
    nodes) and "the call itself", which is what the nodes leave of the whole. Counters run
    meanwhile and round the mean of each node down to a microsecond.

    Raises ``ValueError`` or ``TypeError`` for a number of calls that is none.
    """
    require_count("calls", calls)
    import openvino

    core = openvino.Core()
    network = core.read_model(model.SerializeToString())
    network.reshape([len(iq), *network.input(0).partial_shape[1:]])
    options = {"INFERENCE_NUM_THREADS": torch.get_num_threads(), "PERF_COUNT": True}
    options["INFERENCE_PRECISION_HINT"] = precision
    request = core.compile_model(network, "CPU", options).create_infer_request()
    request.get_input_tensor().data[:] = iq
    begin = perf_counter()
    for _ in range(calls):
        request.infer()
    whole = 1e6 * (perf_counter() - begin) / calls
    times = dict.fromkeys((*_PARTS, "rounding and reordering"), 0.0)
    for node in request.get_profiling_info():
        parts = (part for part, kinds in _PARTS.items() if node.node_type.startswith(kinds))
        part = next(parts, "rounding and reordering")
        times[part] += 1e6 * node.real_time.total_seconds()
    return pd.Series(times | {"the call itself": whole - sum(times.values())})

"""Inference speed of a network's deployable forms beside the float network, in one run.

A *network* is "float" (the unpruned float one of the architecture, the peer), "in place" (the
network as it was trained, pruned channels as zeros) or "shrunk" (without them). A *runtime* is
"PyTorch" (eager; of a quantised network that is Brevitas), "onnxruntime", "OpenVINO" (what is
not integer in float32), "OpenVINO bf16" (what is not integer in bf16, which OpenVINO takes by
itself on processors that have it), "onnxruntime, Brevitas's export" (of Brevitas's QCDQ) or "C"
(of integers, where there is a compiler: `export.CNetwork`, bound to the samples, from Python).
"""

import tempfile
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
import onnx
import pandas as pd
import torch

from amrpkg.export.c_network import CNetwork, find_compiler
from amrpkg.export.onnx_graph import float_graph
from amrpkg.export.qcdq import qcdq_graph
from amrpkg.export.runtimes import run_onnxruntime, run_openvino
from amrpkg.hardware.conversion import to_integers
from amrpkg.hardware.integers import IntegerNetwork
from amrpkg.models.architectures import CLASSES
from amrpkg.models.network import Network, build, prunable_layers
from amrpkg.speed.timing import time_side_by_side
from amrpkg.training.shrinking import shrink

_CALLS = {1: 20, 32: 10, 1024: 2}  # counted, in each of the turns
_TURNS = 5

Task = Callable[[], object]
Forms = dict[tuple[str, str], Callable[[np.ndarray], Task]]


def model_forms(model: Network) -> Forms:
    """What is timed of a model, by network and runtime: each makes, of a batch ``float32[n, 2,
    chunk_size]``, a call that scores it."""
    found, small = _of_model("float", build(model.architecture)), shrink(model)
    pruned = _weights(small) != _weights(model)
    if model.bit_width != 32 or pruned:
        found |= _of_model("in place", model)
    if model.bit_width != 32:
        found["in place", "onnxruntime, Brevitas's export"] = partial(_brevitas, model)
    if pruned:
        found |= _of_model("shrunk", small)
    if model.bit_width != 32:
        found |= _of_c("shrunk" if pruned else "in place", to_integers(small))
    return found


def integer_forms(network: IntegerNetwork, peer: Network) -> Forms:
    """The same of a network of which only its integers are left, beside a float network."""
    graph = qcdq_graph(network)
    return _of_model("float", peer) | _of_graph("in place", graph) | _of_c("in place", network)


def tasks(model: Network, iq: np.ndarray) -> dict[tuple[str, str], Task]:
    """The calls of `model_forms` that score the batch `iq`."""
    return {form: prepare(iq) for form, prepare in model_forms(model).items()}


def _weights(model: Network) -> int:
    return sum(layer.weight.numel() for _, layer in prunable_layers(model))


def _of_model(network: str, model: Network) -> Forms:
    graph = float_graph(model) if model.bit_width == 32 else qcdq_graph(to_integers(model))
    found = {(network, "PyTorch"): partial(_eager, model.eval())} | _of_graph(network, graph)
    if model.bit_width == 32:  # of an integer network nothing is left to it
        found[network, "OpenVINO bf16"] = partial(_openvino, graph, "bf16")
    return found


def _of_graph(network: str, graph: onnx.ModelProto) -> Forms:
    return {
        (network, "onnxruntime"): partial(partial, run_onnxruntime(graph)),
        (network, "OpenVINO"): partial(_openvino, graph, "f32"),
    }


def _of_c(network: str, integers: IntegerNetwork) -> Forms:
    return {(network, "C"): partial(_c, CNetwork(integers))} if find_compiler() else {}


def _eager(model: Network, iq: np.ndarray) -> Task:
    samples = torch.from_numpy(iq)

    def task() -> torch.Tensor:
        with torch.inference_mode():
            return model(samples)

    return task


def _openvino(graph: onnx.ModelProto, precision: str, iq: np.ndarray) -> Task:
    return partial(run_openvino(graph, len(iq), precision), iq)


def _c(network: CNetwork, iq: np.ndarray) -> Task:
    return network.bind(iq, np.empty((len(iq), CLASSES), np.int32))


def _brevitas(model: Network, iq: np.ndarray) -> Task:
    return partial(run_onnxruntime(brevitas_qcdq(model, len(iq))), iq)


def brevitas_qcdq(model: Network, batch_size: int) -> onnx.ModelProto:
    """The QCDQ graph that Brevitas's own exporter writes of a quantised model."""
    iq = torch.zeros(batch_size, 2, model.chunk_size)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an older exporter and optional packages
        from brevitas.export import export_onnx_qcdq  # here: it is a peer, and takes a second

        export_onnx_qcdq(model.layers, iq, path := f"{folder}/qcdq.onnx", dynamo=False)
        return onnx.load(path)


def time_forms(found: Forms, chunk_size: int) -> pd.DataFrame:
    """Measure forms side by side, on the current torch threads.

    Returns a row a batch size, network and runtime: ``batch_size``, ``network``, ``runtime``,
    ``ms`` (median of a batch).
    """
    rows = []
    for batch_size in BATCH_SIZES:
        rng = np.random.default_rng(0)
        iq = rng.standard_normal((batch_size, 2, chunk_size)).astype(np.float32)
        calls = [prepare(iq) for prepare in found.values()]
        times = time_side_by_side(calls, _TURNS, _CALLS[batch_size])
        rows += [(batch_size, *form, ms) for form, ms in zip(found, times, strict=True)]
    return pd.DataFrame(rows, columns=["batch_size", "network", "runtime", "ms"])


BATCH_SIZES = (1, 32, 1024)  # of the record of speeds; 32 is the thesis's

"""Inference speed of a point's deployable forms beside the float network, in one run.

A *network* is "float" (the unpruned float one of the architecture, the peer), "in place" (the
point as it was trained, pruned channels as zeros) or "shrunk" (without them). A *runtime* is
"PyTorch" (eager; of a quantised network that is Brevitas), "onnxruntime", "OpenVINO" (what is
not integer in float32), "OpenVINO bf16" (what is not integer in bf16, which OpenVINO takes by
itself on processors that have it) or "onnxruntime, Brevitas's export" (of Brevitas's QCDQ).
"""

import tempfile
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
import onnx
import pandas as pd
import torch

from amrpkg.export.onnx_graph import float_graph
from amrpkg.export.qcdq import qcdq_graph
from amrpkg.export.runtimes import run_onnxruntime, run_openvino
from amrpkg.hardware.conversion import to_integers
from amrpkg.models.network import Network, build
from amrpkg.speed.timing import time_side_by_side
from amrpkg.training.shrinking import shrink

_CALLS = {1: 20, 32: 10, 1024: 2}  # counted, in each of the turns
_TURNS = 5

Tasks = dict[tuple[str, str], Callable[[], object]]


def tasks(model: Network, iq: np.ndarray) -> Tasks:
    """What is timed of a model, by network and runtime: calls that score the batch `iq`."""
    found, small = _runtimes("float", build(model.architecture), iq), shrink(model)
    pruned = small.layers.linear1.weight.shape != model.layers.linear1.weight.shape
    if model.bit_width != 32 or pruned:
        found |= _runtimes("in place", model, iq)
    if model.bit_width != 32:
        run = run_onnxruntime(brevitas_qcdq(model, len(iq)))
        found["in place", "onnxruntime, Brevitas's export"] = partial(run, iq)
    if pruned:
        found |= _runtimes("shrunk", small, iq)
    return found


def _runtimes(network: str, model: Network, iq: np.ndarray) -> Tasks:
    graph = float_graph(model) if model.bit_width == 32 else qcdq_graph(to_integers(model))
    runs = {"onnxruntime": run_onnxruntime(graph), "OpenVINO": run_openvino(graph, len(iq))}
    if model.bit_width == 32:  # of an integer network nothing is left to it
        runs["OpenVINO bf16"] = run_openvino(graph, len(iq), "bf16")
    found = {(network, runtime): partial(run, iq) for runtime, run in runs.items()}
    return {(network, "PyTorch"): partial(_eager, model.eval(), torch.from_numpy(iq)), **found}


def _eager(model: Network, iq: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return model(iq)


def brevitas_qcdq(model: Network, batch_size: int) -> onnx.ModelProto:
    """The QCDQ graph that Brevitas's own exporter writes of a quantised model."""
    iq = torch.zeros(batch_size, 2, model.chunk_size)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an older exporter and optional packages
        from brevitas.export import export_onnx_qcdq  # here: it is a peer, and takes a second

        export_onnx_qcdq(model.layers, iq, path := f"{folder}/qcdq.onnx", dynamo=False)
        return onnx.load(path)


def time_point(model: Network) -> pd.DataFrame:
    """Measure all forms of a model side by side, on the current torch threads.

    Returns a row a batch size, network and runtime: ``batch_size``, ``network``, ``runtime``,
    ``ms`` (median of a batch).
    """
    rows = []
    for batch_size in BATCH_SIZES:
        rng = np.random.default_rng(0)
        iq = rng.standard_normal((batch_size, 2, model.chunk_size)).astype(np.float32)
        found = tasks(model, iq)
        times = time_side_by_side(list(found.values()), _TURNS, _CALLS[batch_size])
        rows += [(batch_size, *form, ms) for form, ms in zip(found, times, strict=True)]
    return pd.DataFrame(rows, columns=["batch_size", "network", "runtime", "ms"])


BATCH_SIZES = (1, 32, 1024)  # of the record of speeds; 32 is the thesis's

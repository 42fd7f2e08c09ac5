"""Time a chunk of networks as plain C, called from Python, beside runtimes, on one core.

C through ctypes takes float samples and, in the second column, samples in integers; its peers are
onnxruntime and OpenVINO, each with the same network as QCDQ, and the integers in NumPy, all from
float samples. All take turns in one process on the same chunks; the ratios are the claim. They
are of onnxruntime, OpenVINO and NumPy to C from float samples.

    python benchmarks/c_code.py
    python benchmarks/c_code.py results/integers/vgglike_3f_3c_2re_3mp_6bit_pr_30.safetensors
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

import sys
from functools import partial
from pathlib import Path

import numpy as np
import torch

from amrpkg.common.files import RESULTS
from amrpkg.export import CNetwork, load_integers, qcdq_graph, run_onnxruntime, run_openvino
from amrpkg.signals import NOISE_POWER, make_chunks, with_noise_word
from amrpkg.speed import time_side_by_side

CALLS = {1: 500, 32: 100, 1024: 5}  # counted, of each batch size, in each of the turns
TURNS = 9
NAMES = (
    "search/symbolwise_2_6_6_4bit_seed_0",
    "search/symbolwise_2_8_8_4bit_seed_0",
    "search/symbolwise_2_8_8_8bit_seed_0",
    "integers/pointwise_24_16_8_4bit_pr_30",
    "integers/pointwise_48_32_16_4bit_pr_30",
    "integers/vgglike_2f_1c_1re_1mp_6bit_pr_30",
)


def time_chunk(path: Path, batch: int) -> dict[str, float]:
    """Microseconds a chunk of each form."""
    network = load_integers(path)
    iq = make_chunks(-(-batch // 9)).iq[:batch]
    if network.inputs == 3:
        iq = with_noise_word(iq, NOISE_POWER)
    compiled, graph = CNetwork(network), qcdq_graph(network)
    step = 2.0**network.input_exponent
    largest = 1 << (network.input_bits - 1)
    words = np.rint(iq / step).clip(-largest, largest - 1)
    words = words.astype(compiled.code.word.removesuffix("_t"))
    scores = [np.empty((batch, 9), np.int32) for _ in range(2)]
    tasks = {
        "C": compiled.bind(iq, scores[0]),
        "C, integers": compiled.bind(words, scores[1]),
        "onnxruntime": partial(run_onnxruntime(graph), iq),
        "OpenVINO": partial(run_openvino(graph, batch), iq),
        "NumPy": partial(network.compute, iq),
    }
    times = time_side_by_side(list(tasks.values()), TURNS, CALLS[batch])
    expected = network.compute(iq)
    assert all((found == expected).all() for found in scores)
    return {form: 1e3 * ms / batch for form, ms in zip(tasks, times, strict=True)}


def main() -> None:
    torch.set_num_threads(1)  # which the runtimes follow
    paths = [*map(Path, sys.argv[1:])] or [RESULTS / f"{name}.safetensors" for name in NAMES]
    heads = "batch       C  integers  onnxruntime  OpenVINO     NumPy   ratios to C"
    print("us a chunk".ljust(34), heads)
    for path in paths:
        for batch in CALLS:
            times = time_chunk(path, batch)
            ours, integers, *peers = times.values()
            ratios = "  ".join(f"{peer / ours:.1f}" for peer in peers)
            print(
                f"{path.stem:34} {batch:5} {ours:7.3f} {integers:9.3f} {peers[0]:12.3f} "
                f"{peers[1]:9.3f} {peers[2]:9.3f}   {ratios}",
                flush=True,
            )


if __name__ == "__main__":
    main()

"""Deployable forms of every finished run beside the float network: results/speed.csv.

The peers are the unpruned float network of the architecture in PyTorch (eager), onnxruntime and
OpenVINO, in float32 and bf16; the networks as trained (Brevitas); and Brevitas's own export.
Batches of 1, 32 and 1024 chunks, one core, everything of a point side by side in one run. Let
nothing else run meanwhile. It can be stopped, and goes on with the points that are missing.

    python benchmarks/runtimes.py --runs runs/streaming
"""

import argparse
import os
from pathlib import Path

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

import torch

from amrpkg.book import compare_speed
from amrpkg.grid import runs_folder
from amrpkg.records import SPEED, time_points
from amrpkg.speed import BATCH_SIZES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=runs_folder() / "streaming")
    parser.add_argument("--output", type=Path, default=SPEED)
    options = parser.parse_args()
    torch.set_num_threads(1)
    time_points(options.runs, options.output)
    for batch_size in BATCH_SIZES:
        table = compare_speed(batch_size, options.output).query("bit_width != 32")
        print(f"batch of {batch_size}, {len(table)} quantised points, times as fast as")
        for column, peer in (
            ("to_eager", "float in PyTorch"),
            ("to_fastest", "the fastest float32 runtime"),
            ("to_fastest_bf16", "the fastest runtime, bf16 among them"),
        ):
            ratios = table[column]
            print(
                f"  {peer}: {ratios.min():.2f} to {ratios.max():.2f}, median {ratios.median():.2f}"
            )


if __name__ == "__main__":
    main()

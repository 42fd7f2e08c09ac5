"""Time of `amr sweep` beside the naive loop a user would write, on a part of the grid.

The naive loop is plain PyTorch and Brevitas on the same networks and chunks: one point after
another in one process, default threads, default Adam, and each pruned point trains its own
network first. It is given its imports for free; the sweep's time is that of the whole command.
Both go to the same target loss, so the last losses are printed beside each other. Time is taken by
the clock and by the processor, all processes together: on a busy machine only the latter compares.

Neither is given Brevitas's compiled operators (``BREVITAS_JIT=1``): by processor time an epoch
took 1.0 to 1.2 times as long with them (PyTorch 2.13, Brevitas 0.13, one thread), weights came out
other in their last bits, the first import compiles for half a minute, and one that is killed in it
leaves a lock that every later import waits for.

    python benchmarks/sweep.py
    python benchmarks/sweep.py --architecture vgglike_2f_1c_1re_1mp --bit-width 32
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time, sleep

import psutil
import torch
from torch import nn
from torch.nn.utils import prune

from amrpkg.grid import PRUNING_PERCENTS, sub_grid
from amrpkg.models import BIT_WIDTHS, THESIS_ARCHITECTURES, build
from amrpkg.signals import make_chunks
from amrpkg.training import PROTOCOLS, settings

FRESH_CHUNKS_PER_CLASS = 2_560
TIMED_BATCHES = 100


def train(model: nn.Module, chunks, knobs) -> float:
    """Train to the target loss; returns the last epoch's mean loss, nats."""
    data = torch.utils.data.TensorDataset(
        torch.from_numpy(chunks.iq), torch.from_numpy(chunks.labels)
    )
    loader = torch.utils.data.DataLoader(data, knobs.batch_size, shuffle=True)
    optimizer = torch.optim.Adam(
        model.parameters(), knobs.learning_rate, weight_decay=knobs.weight_decay
    )
    criterion = nn.CrossEntropyLoss()
    model.train()
    for _ in range(knobs.max_epochs):
        total = 0.0
        for iq, labels in loader:
            optimizer.zero_grad()
            loss = criterion(model(iq), labels)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        if total / len(data) <= knobs.target_loss:
            break
    return total / len(data)


def correct(model: nn.Module, chunks) -> int:
    """Chunks classified right."""
    model.eval()
    with torch.no_grad():
        batches = torch.from_numpy(chunks.iq).split(32)
        guesses = torch.cat([model(batch).argmax(1) for batch in batches])
    return int((guesses == torch.from_numpy(chunks.labels)).sum())


def inference_ms(model: nn.Module, chunks) -> float:
    """Mean time of a batch of 32."""
    batch = torch.from_numpy(chunks.iq[:32])
    with torch.no_grad():
        begin = perf_counter()
        for _ in range(TIMED_BATCHES):
            model(batch)
    return 1e3 * (perf_counter() - begin) / TIMED_BATCHES


def naive(points, protocol: str, folder: Path) -> dict[str, float]:
    """Every point by itself, one after another; returns the last losses."""
    losses = {}
    for point in points:
        chunks = make_chunks()
        fresh = make_chunks(FRESH_CHUNKS_PER_CLASS, split="evaluation")
        knobs = settings(point.architecture, point.bit_width, protocol)
        model = build(point.architecture, point.bit_width)
        losses[point.name] = train(model, chunks, knobs)
        if point.pruning_percent:
            layers = [m for m in model.modules() if isinstance(m, nn.Conv1d | nn.Linear)][:-1]
            for layer in layers:
                amount = point.pruning_percent / 100
                prune.ln_structured(layer, "weight", amount=amount, n=1, dim=0)
            losses[point.name] = train(model, chunks, knobs)
            for layer in layers:
                prune.remove(layer, "weight")
        correct(model, chunks), correct(model, fresh), inference_ms(model, chunks)
        torch.save(model.state_dict(), folder / f"{point.name}.pt")
    return losses


def amr_sweep(options, folder: Path) -> tuple[dict[str, float], float]:
    """The same points through `amr sweep`; returns the last losses and the processor's seconds.

    Those are asked of all its processes now and then: nobody waits for a kernel and adds it up.
    """
    command = [sys.executable, "-m", "amrpkg", "sweep", "--protocol", options.protocol]
    command += ["--architecture", *options.architecture]
    command += ["--bit-width", *map(str, options.bit_width)]
    command += ["--pruning", *map(str, options.pruning)]
    sweep, used = psutil.Popen(command, env=os.environ | {"AMR_RUNS": str(folder)}), {}
    while sweep.poll() is None:
        for process in (sweep, *sweep.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                used[process.pid] = sum(process.cpu_times()[:2])
        sleep(0.2)
    if sweep.returncode:
        raise subprocess.CalledProcessError(sweep.returncode, command)
    records = [json.loads(file.read_text()) for file in folder.glob("*/*/metrics.json")]
    return {record["name"]: record["training_loss"] for record in records}, sum(used.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for flag, kind, choices, default in (
        ("--architecture", str, THESIS_ARCHITECTURES, ["vgglike_3f_3c_2re_3mp"]),
        ("--bit-width", int, BIT_WIDTHS, [8, 6, 4]),
        ("--pruning", int, PRUNING_PERCENTS, list(PRUNING_PERCENTS)),
    ):
        parser.add_argument(flag, type=kind, nargs="+", choices=choices, default=default)
    parser.add_argument("--protocol", choices=PROTOCOLS, default="thesis")
    options = parser.parse_args()
    points = sub_grid(options.architecture, options.bit_width, options.pruning)
    seconds, used, losses = {}, {}, {}
    with tempfile.TemporaryDirectory() as folder:
        begin, before = perf_counter(), process_time()
        losses["naive"] = naive(points, options.protocol, Path(folder))
        seconds["naive"], used["naive"] = perf_counter() - begin, process_time() - before
        begin = perf_counter()
        losses["sweep"], used["sweep"] = amr_sweep(options, Path(folder) / "runs")
        seconds["sweep"] = perf_counter() - begin
    print(f"{'last loss (nats)':40} {'target':>8} {'naive':>8} {'sweep':>8}")
    reached = True
    for point in points:
        target = settings(point.architecture, point.bit_width, options.protocol).target_loss
        ours, theirs = losses["sweep"][point.name], losses["naive"][point.name]
        reached = reached and max(ours, theirs) <= target
        print(f"{point.name:40} {target:8.4f} {theirs:8.4f} {ours:8.4f}")
    print(f"all at or below their target: {'yes' if reached else 'no'}")
    for name, where in (
        ("naive", f"{torch.get_num_threads()} threads"),
        ("sweep", f"{os.cpu_count()} cores"),
    ):
        print(f"{name}: {seconds[name]:.0f} s ({where}), processor {used[name]:.0f} s")
    by_clock, by_processor = (time["sweep"] / time["naive"] for time in (seconds, used))
    print(f"ratio: {by_clock:.2f} of the naive time, {by_processor:.2f} of the processor's")


if __name__ == "__main__":
    main()

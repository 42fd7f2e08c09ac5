"""Run chapters through papermill: one with checked parameters, or the training chapter over
the points of a grid, resumable and in parallel.

A point is done when its run folder says so (`runs.find_run`); a sweep that was stopped, in
whatever way, goes on where it was when the same command is given again.
"""

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import asdict
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import papermill
from filelock import FileLock, Timeout
from tqdm import tqdm

from amrpkg.arguments import require_count
from amrpkg.grid import Point
from amrpkg.runs import find_run, identify, runs_folder

TRAINING_CHAPTER = Path(__file__).parents[1] / "thesis_nb" / "03_training.ipynb"
_TYPES = {"str": str, "int": int, "float": (int, float), "bool": bool}
# What BLAS and OpenMP read before torch loads, so it must be set before a kernel starts.
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def require_parameters(notebook: Path, parameters: dict) -> None:
    """Check names and types against the annotated parameters cell of a notebook.

    papermill itself only warns of an unknown name and takes any type.

    Raises ``ValueError`` for a name that the notebook does not have and ``TypeError`` for a
    value that is not of the annotated type; both say what is allowed.
    """
    known = papermill.inspect_notebook(str(notebook))
    for name, value in parameters.items():
        if name not in known:
            raise ValueError(f"parameter {name!r} is unknown; allowed: {', '.join(known)}")
        kind = known[name]["inferred_type_name"]
        if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "bool"):
            raise TypeError(f"parameter {name} is {value!r}; allowed: {kind}")


def run_notebook(notebook: Path, output: Path, parameters: dict, progress: bool = True) -> None:
    """Execute a chapter through papermill and write it, outputs and all, to `output`.

    Raises as `require_parameters` before anything runs, and
    ``papermill.PapermillExecutionError`` when a cell fails; `output` then holds the traceback.
    """
    require_parameters(notebook, parameters)
    papermill.execute_notebook(str(notebook), str(output), parameters, progress_bar=progress)


class Failure(NamedTuple):
    """A point that failed at every try, and the last error."""

    point: Point
    error: str


def sweep(
    points: Sequence[Point],
    protocol: str = "thesis",
    seed: int = 0,
    pruning_variant: str = "held",
    jobs: int = 1,
    retries: int = 1,
    progress: bool = True,
) -> list[Failure]:
    """Run the training chapter for every point without a finished run; return what failed.

    A pruned point starts when its unpruned one is done, which is added where it is missing.

    jobs : worker processes, one torch thread each: a batch of 32 gains nothing from a second
        thread, and threads that wait for one another crawl where cores are shared
    retries : further tries of a point that failed

    Raises ``ValueError`` for no points or a damaged run, and ``RuntimeError`` if another sweep
    is at work on the same folder.
    """
    require_count("jobs", jobs)
    require_count("retries", retries, minimum=0)
    if not points:
        raise ValueError("points is empty; allowed: at least one point of the grid")
    if not TRAINING_CHAPTER.exists():
        raise FileNotFoundError(
            f"{TRAINING_CHAPTER} is missing; run the sweep from a checkout of the repository"
        )
    missing = {
        point: None
        for point in (*(point.base for point in points), *points)
        if not find_run(point, protocol, seed, pruning_variant)
    }
    runs_folder().mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(runs_folder() / ".sweep.lock").acquire(blocking=False)
    except Timeout as error:
        raise RuntimeError(f"another sweep is at work in {runs_folder()}; wait for it") from error
    task = partial(_run, protocol=protocol, seed=seed, pruning_variant=pruning_variant)
    bar = tqdm(total=len(missing), unit="point", disable=not progress)
    executor = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))
    with lock, bar:
        try:
            return _work_through(list(missing), task, executor, retries, bar)
        finally:  # also at Ctrl-C: what is running is left, what waits is dropped
            executor.shutdown(wait=False, cancel_futures=True)


def _work_through(points, task, executor, retries, bar) -> list[Failure]:
    """Submit `points` as they become ready, retry what fails, and report each point once."""
    behind = {point: [p for p in points if p.base == point != p] for point in points}
    ready = [point for point in points if point.base not in points or point == point.base]
    tries, failures, running = Counter(), [], {}

    def submit(point):
        tries[point] += 1
        running[executor.submit(task, point)] = point
        bar.set_postfix_str(", ".join(point.name for point in running.values()))

    for point in ready:
        submit(point)
    while running:
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            point, error = running.pop(future), future.exception()
            if error and tries[point] <= retries:
                submit(point)
                continue
            bar.update(1)
            if not error:
                for pruned in behind[point]:
                    submit(pruned)
                continue
            failures.append(Failure(point, str(error).strip() or repr(error)))
            bar.update(len(behind[point]))
            cause = f"{point.name} failed, which it starts from"
            failures += [Failure(pruned, cause) for pruned in behind[point]]
    return failures


def executed_notebook(
    point: Point, protocol: str = "thesis", seed: int = 0, pruning_variant: str = "held"
) -> Path:
    """Where the sweep writes a point's executed training chapter."""
    return identify(point, protocol, seed, pruning_variant)[0] / TRAINING_CHAPTER.name


def _run(point: Point, protocol: str, seed: int, pruning_variant: str) -> None:
    """One point in a worker: papermill starts a kernel, which inherits the environment."""
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    run = {"protocol": protocol, "seed": seed, "pruning_variant": pruning_variant}
    output = executed_notebook(point, **run)
    output.parent.mkdir(parents=True, exist_ok=True)
    run_notebook(TRAINING_CHAPTER, output, {**asdict(point), **run, "threads": 1}, progress=False)
    if not find_run(point, **run):
        raise RuntimeError(f"{output} ran, but left no finished run")

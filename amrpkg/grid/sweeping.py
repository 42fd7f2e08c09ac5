"""Run the training chapter over the points of a grid, resumable and in parallel.

A point is done when its run folder says so (`runs.find_run`); a sweep that was stopped, in
whatever way, goes on where it was when the same command is given again.
"""

import json
import logging
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import papermill
from filelock import FileLock, Timeout
from jupyter_client import AsyncKernelManager
from tqdm import tqdm

from amrpkg.common.arguments import require_count
from amrpkg.common.files import CHECKOUT
from amrpkg.grid.folders import runs_folder
from amrpkg.grid.kernels import KernelServer, kernel_manager
from amrpkg.grid.notebooks import run_notebook
from amrpkg.grid.points import Point
from amrpkg.grid.runs import find_run, identify, origin
from amrpkg.models.architectures import ARCHITECTURES

TRAINING_CHAPTER = CHECKOUT / "thesis_nb" / "03_training.ipynb"
PATIENCE = 5  # seconds to wait for a scheduler's answer
_LOCK = ".sweep.lock"
_MADE_BY = ("torch", "brevitas", "numpy", "code_digest")


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
    scheduler: str | None = None,
    progress: bool = True,
) -> list[Failure]:
    """Run the training chapter for every point without a finished run; return what failed.

    A point starts when the one whose weights it takes over is done (`runs.origin`), which is
    added where it is missing.
    A finished run made by other code, versions or knobs is named on stderr and made again.

    jobs : points at work at once, a kernel with one torch thread each
    retries : further tries of a point that failed
    scheduler : the address of a Dask scheduler, ``tcp://host:port``, whose workers run the
        points instead; they share this file system, and `jobs` is not used

    Raises ``ValueError`` for no points or damaged runs, which are all named, and
    ``RuntimeError`` if another sweep is at work on the same folder, or the scheduler does not
    answer.
    """
    require_count("jobs", jobs)
    require_count("retries", retries, minimum=0)
    if not points:
        raise ValueError("points is empty; allowed: at least one point of the grid")
    if scheduler == "":
        raise ValueError("scheduler is ''; allowed: tcp://host:port, or none for this machine")
    if not TRAINING_CHAPTER.exists():
        raise FileNotFoundError(
            f"{TRAINING_CHAPTER} is missing; run the sweep from a checkout of the repository"
        )
    run = {"protocol": protocol, "seed": seed, "pruning_variant": pruning_variant}
    identify(points[0], **run)  # a bad protocol, seed or variant is told before anything starts
    with _alone(), _cluster(scheduler, run) if scheduler else _threads(jobs, run) as workers:
        missing = _missing(points, run)
        with _bar(len(missing), progress) as bar:
            starts = {point: origin(point, protocol) for point in missing}
            return _work_through(starts, *workers, retries, bar)


@contextmanager
def _alone() -> Iterator[None]:
    runs_folder().mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(runs_folder() / _LOCK).acquire(blocking=False)
    except Timeout as error:
        raise RuntimeError(f"another sweep is at work in {runs_folder()}; wait for it") from error
    with lock:
        yield


def _missing(points, run) -> list[Point]:
    """The points without a finished run; says what is made again.

    Those that others start from first, and of those what takes longest: large networks, few bits.
    """
    missing, damaged, outdated = [], [], {}
    for point in dict.fromkeys(p for asked in points for p in _lineage(asked, run["protocol"])):
        try:
            if find_run(point, **run):
                continue
        except ValueError as error:
            damaged.append(str(error))
            continue
        missing.append(point)
        folder, params = identify(point, **run)
        if (folder / "metrics.json").exists():
            metrics = json.loads((folder / "metrics.json").read_text())
            outdated[point] = {key for key in params if metrics.get(key) != params[key]}
    if damaged:
        raise ValueError("\n".join([f"damaged runs: {len(damaged)}; nothing was run", *damaged]))
    if outdated:
        changed = ", ".join(sorted(set.union(*outdated.values())))
        names = ", ".join(point.name for point in outdated)
        print(f"finished under other {changed}, so made again: {names}", file=sys.stderr)
    size = list(ARCHITECTURES).index

    def order(point):
        ancestors = len(_lineage(point, run["protocol"]))
        return ancestors, size(point.architecture), point.bit_width

    return sorted(missing, key=order)


def _lineage(point, protocol) -> list[Point]:
    """The points that `point` starts from, first to last, and itself."""
    start = origin(point, protocol)
    return [*(_lineage(start, protocol) if start else ()), point]


@contextmanager
def _threads(jobs, run) -> Iterator[tuple[partial, Executor]]:
    """This machine's workers: papermill starts a process for each point, so threads will do."""
    executor, server = ThreadPoolExecutor(jobs), KernelServer()
    try:
        yield partial(_run, kernels=kernel_manager(server), **run), executor
    finally:  # also at Ctrl-C: what waits is dropped, what runs loses its kernel
        executor.shutdown(wait=False, cancel_futures=True)
        server.close()


@contextmanager
def _cluster(address, run) -> Iterator[tuple[partial, Executor]]:
    try:
        from dask.distributed import Client
    except ImportError as error:
        raise RuntimeError("a scheduler needs Dask: pip install 'amrpkg[cluster]'") from error
    for name in [
        name for name in logging.root.manager.loggerDict if name.startswith("distributed")
    ]:
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what is lost is told in one line
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise RuntimeError(
            f"scheduler is {address!r} and does not answer; allowed: tcp://host:port of a running "
            "Dask scheduler"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError:
            print(f"no worker has joined {address} yet; waiting for one", file=sys.stderr)
        made_by = _made_by(run)
        runs = str(runs_folder().resolve())
        yield partial(_run_on_worker, runs=runs, made_by=made_by, run=run), client.get_executor()


class _Lines:
    """A log for a bar: a line where a terminal has its line rewritten."""

    def write(self, text: str) -> None:
        if text.strip():
            print(text.strip(), file=sys.stderr, flush=True)

    def flush(self) -> None:
        pass


def _bar(total, progress) -> tqdm:
    terminal = sys.stderr.isatty()
    return tqdm(
        total=total,
        unit="point",
        disable=not progress,
        dynamic_ncols=terminal,
        file=sys.stderr if terminal else _Lines(),
    )


def _work_through(starts, task, executor, retries, bar) -> list[Failure]:
    """Submit points as they become ready, retry what fails, and report each point once.

    starts : point -> the one whose weights it takes over, or ``None``
    """
    behind = {point: [p for p in starts if starts[p] == point] for point in starts}
    ready = [point for point in starts if starts[point] not in starts]
    tries, failures, running = Counter(), [], {}

    def submit(point):
        tries[point] += 1
        running[executor.submit(task, point)] = point

    for point in ready:
        submit(point)
    while running:
        bar.set_postfix_str(_at_work(running))
        done, _ = wait(running, _refresh_seconds(), FIRST_COMPLETED)
        for future in done:
            point = running.pop(future)
            if future.cancelled():  # by Dask's client
                raise RuntimeError("the scheduler is gone; what is finished stands")
            error = future.exception()
            if error and tries[point] <= retries:
                submit(point)
                continue
            bar.n += 1
            if not error:
                for later in behind[point]:
                    submit(later)
                continue
            failures.append(Failure(point, str(error).strip() or repr(error)))
            cause = f"{point.name} failed, which it starts from"
            lost = list(behind[point])
            for later in lost:  # grows while it is read
                lost += behind[later]
            failures += [Failure(later, cause) for later in lost]
            bar.n += len(lost)
    return failures


def _at_work(running) -> str:
    """A few short names; Dask does not say which of its points are running, so all are."""
    at_work = [point for future, point in running.items() if future.running()]
    names = [point.name.removeprefix("vgglike_") for point in at_work or running.values()]
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _refresh_seconds() -> int:
    """How often the bar is drawn while nothing ends: its clock moves, a log stays short."""
    return 1 if sys.stderr.isatty() else 60


def executed_notebook(
    point: Point, protocol: str = "thesis", seed: int = 0, pruning_variant: str = "held"
) -> Path:
    """Where the sweep writes a point's executed training chapter."""
    return identify(point, protocol, seed, pruning_variant)[0] / TRAINING_CHAPTER.name


def _run(point: Point, kernels: type[AsyncKernelManager], **run) -> None:
    """One point: papermill starts a kernel, which inherits the environment."""
    output = executed_notebook(point, **run)
    output.parent.mkdir(parents=True, exist_ok=True)
    parameters = {**asdict(point), **run, "threads": 1}
    try:
        run_notebook(TRAINING_CHAPTER, output, parameters, progress=False, kernels=kernels)
    except papermill.PapermillExecutionError as error:  # its text is a traceback in colours
        raise RuntimeError(f"{error.ename}: {error.evalue}") from None
    if not find_run(point, **run):
        raise RuntimeError(f"{output} ran, but left no finished run")


def _run_on_worker(point: Point, runs: str, made_by: dict, run: dict) -> None:
    """One point in a Dask worker, which may have other code, versions and environment."""
    if _made_by(run) != made_by:
        raise RuntimeError(
            f"the worker has {_made_by(run)}, the sweep {made_by}; restart it on the same checkout"
        )
    if not (Path(runs) / _LOCK).exists():
        raise RuntimeError(f"the worker does not see {runs}; it must share the file system")
    os.environ["AMR_RUNS"] = runs
    _run(point, kernel_manager(_worker_server()), **run)


@cache
def _worker_server() -> KernelServer:
    return KernelServer()  # ends with the worker


def _made_by(run) -> dict[str, str]:
    params = identify(Point(next(iter(ARCHITECTURES)), 32), **run)[1]
    return {key: params[key] for key in _MADE_BY}

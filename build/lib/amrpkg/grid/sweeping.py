"""Run the training chapter over the points of a grid, resumable and in parallel.

A run is done when its folder says so (`runs.find_run`); a sweep that was stopped, in
whatever way, goes on where it was when the same command is given again.
"""

import json
import logging
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import papermill
from filelock import FileLock, Timeout
from jupyter_client import AsyncKernelManager
from tqdm import tqdm

from amrpkg.common.arguments import require_count
from amrpkg.common.code import versions
from amrpkg.common.files import CHECKOUT
from amrpkg.grid.folders import Run, runs_folder
from amrpkg.grid.kernels import KernelServer, kernel_manager
from amrpkg.grid.notebooks import run_notebook
from amrpkg.grid.runs import code_digest, find_run, parameters
from amrpkg.models.architectures import ARCHITECTURES

TRAINING_CHAPTER = CHECKOUT / "thesis_nb" / "03_training.ipynb"
PATIENCE = 5  # seconds to wait for a scheduler's answer
_LOCK = ".sweep.lock"


class Failure(NamedTuple):
    """A run that failed at every try, and the last error."""

    run: Run
    error: str


def sweep(
    runs: Sequence[Run],
    jobs: int = 1,
    retries: int = 1,
    scheduler: str | None = None,
    progress: bool = True,
) -> list[Failure]:
    """Run the training chapter for every run that is not finished; return what failed.

    A run starts when the one whose weights it takes over is done (`Run.start`), which is
    added where it is missing.
    A finished run made by other code, versions or knobs is named on stderr and made again.

    jobs : runs at work at once, a kernel with one torch thread each
    retries : further tries of a run that failed
    scheduler : the address of a Dask scheduler, ``tcp://host:port``, whose workers do the
        work instead; they share this file system, and `jobs` is not used

    Raises ``ValueError`` for no runs or damaged ones, which are all named, and
    ``RuntimeError`` if another sweep is at work on the same folder, or the scheduler does not
    answer.
    """
    require_count("jobs", jobs)
    require_count("retries", retries, minimum=0)
    if not runs:
        raise ValueError("runs is empty; allowed: at least one point of the grid")
    if scheduler == "":
        raise ValueError("scheduler is ''; allowed: tcp://host:port, or none for this machine")
    if not TRAINING_CHAPTER.exists():
        raise FileNotFoundError(
            f"{TRAINING_CHAPTER} is missing; run the sweep from a checkout of the repository"
        )
    with _alone(), _cluster(scheduler) if scheduler else _threads(jobs) as (task, executor):
        missing = unfinished(runs)
        with progress_bar(len(missing), progress) as bar:
            return work_through(missing, task, executor, retries, bar)


@contextmanager
def _alone() -> Iterator[None]:
    runs_folder().mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(runs_folder() / _LOCK).acquire(blocking=False)
    except Timeout as error:
        raise RuntimeError(f"another sweep is at work in {runs_folder()}; wait for it") from error
    with lock:
        yield


def unfinished(runs: Sequence[Run]) -> list[Run]:
    """Those of `runs`, and of the runs they start from, that are not finished.

    Those that others start from first, and of those what takes longest: large networks, few bits.
    Says on stderr what was finished under other code, versions or knobs and is made again.
    Raises ``ValueError`` for damaged runs, which are all named.
    """
    missing, damaged, outdated = [], [], {}
    for run in dict.fromkeys(r for asked in runs for r in _lineage(asked)):
        try:
            if find_run(run):
                continue
        except ValueError as error:
            damaged.append(str(error))
            continue
        missing.append(run)
        if (file := run.folder / "metrics.json").exists():
            metrics = json.loads(file.read_text())
            outdated[run] = {k for k, value in parameters(run).items() if metrics.get(k) != value}
    if damaged:
        raise ValueError("\n".join([f"damaged runs: {len(damaged)}; nothing was run", *damaged]))
    if outdated:
        changed = ", ".join(sorted(set.union(*outdated.values())))
        names = ", ".join(run.name for run in outdated)
        print(f"finished under other {changed}, so made again: {names}", file=sys.stderr)
    size = list(ARCHITECTURES).index

    def order(run):
        return len(_lineage(run)), size(run.point.architecture), run.point.bit_width

    return sorted(missing, key=order)


def _lineage(run) -> list[Run]:
    """The runs that `run` starts from, first to last, and itself."""
    return [*(_lineage(run.start) if run.start else ()), run]


@contextmanager
def _threads(jobs) -> Iterator[tuple[partial, Executor]]:
    """This machine's workers: papermill starts a process for each run, so threads will do."""
    executor, server = ThreadPoolExecutor(jobs), KernelServer()
    try:
        yield partial(execute, kernels=kernel_manager(server)), executor
    finally:  # also at Ctrl-C: what waits is dropped, what runs loses its kernel
        executor.shutdown(wait=False, cancel_futures=True)
        server.close()


@contextmanager
def _cluster(address) -> Iterator[tuple[partial, Executor]]:
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
        folder = str(runs_folder().resolve())
        yield partial(execute_on_worker, runs=folder, made_by=made_by_here()), client.get_executor()


class _Lines:
    """A log for a bar: a line where a terminal has its line rewritten."""

    def write(self, text: str) -> None:
        if text.strip():
            print(text.strip(), file=sys.stderr, flush=True)

    def flush(self) -> None:
        pass


def progress_bar(total: int, progress: bool) -> tqdm:
    """On stderr: one that is drawn anew in a terminal, a line a change in a log."""
    terminal = sys.stderr.isatty()
    return tqdm(
        total=total,
        unit="point",
        disable=not progress,
        dynamic_ncols=terminal,
        file=sys.stderr if terminal else _Lines(),
    )


def work_through(
    runs: Sequence[Run], task: Callable[[Run], None], executor: Executor, retries: int, bar: tqdm
) -> list[Failure]:
    """Do `task` for each run once the one it starts from is done; retry what fails.

    bar : counts runs that ended, however they did
    """
    behind = {run: [other for other in runs if other.start == run] for run in runs}
    tries, failures, running = Counter(), [], {}

    def submit(run):
        tries[run] += 1
        running[executor.submit(task, run)] = run

    for run in runs:
        if run.start not in behind:
            submit(run)
    while running:
        bar.set_postfix_str(_at_work(running))
        done, _ = wait(running, _refresh_seconds(), FIRST_COMPLETED)
        for future in done:
            run = running.pop(future)
            if future.cancelled():  # by Dask's client
                raise RuntimeError("the scheduler is gone; what is finished stands")
            error = future.exception()
            if error and tries[run] <= retries:
                submit(run)
                continue
            bar.n += 1
            if not error:
                for later in behind[run]:
                    submit(later)
                continue
            failures.append(Failure(run, str(error).strip() or repr(error)))
            cause = f"{run.name} failed, which it starts from"
            lost = list(behind[run])
            for later in lost:  # grows while it is read
                lost += behind[later]
            failures += [Failure(later, cause) for later in lost]
            bar.n += len(lost)
    return failures


def _at_work(running) -> str:
    """A few short names; Dask does not say which of its runs are under way, so all are."""
    at_work = [run for future, run in running.items() if future.running()]
    names = [run.short for run in at_work or running.values()]
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _refresh_seconds() -> int:
    """How often the bar is drawn while nothing ends: its clock moves, a log stays short."""
    return 1 if sys.stderr.isatty() else 60


def executed_notebook(run: Run) -> Path:
    """Where the sweep writes a run's executed training chapter."""
    return run.folder / TRAINING_CHAPTER.name


def execute(run: Run, kernels: type[AsyncKernelManager]) -> None:
    """One run: papermill starts a kernel, which inherits the environment."""
    output = executed_notebook(run)
    output.parent.mkdir(parents=True, exist_ok=True)
    given = {**run.columns, "threads": 1}
    try:
        run_notebook(TRAINING_CHAPTER, output, given, progress=False, kernels=kernels)
    except papermill.PapermillExecutionError as error:  # its text is a traceback in colours
        raise RuntimeError(f"{error.ename}: {error.evalue}") from None
    if not find_run(run):
        raise RuntimeError(f"{output} ran, but left no finished run")


def execute_on_worker(run: Run, runs: str, made_by: dict) -> None:
    """One run in a Dask worker, which may have other code, versions and environment.

    runs, made_by : the folder of runs, and the code and versions, of the sweep

    Raises ``RuntimeError`` for others of this process.
    """
    if (here := made_by_here()) != made_by:
        raise RuntimeError(
            f"the worker has {here}, the sweep {made_by}; restart it on the same checkout"
        )
    if not (Path(runs) / _LOCK).exists():
        raise RuntimeError(f"the worker does not see {runs}; it must share the file system")
    os.environ["AMR_RUNS"] = runs
    execute(run, kernel_manager(_worker_server()))


@cache
def _worker_server() -> KernelServer:
    return KernelServer()  # ends with the worker


def made_by_here() -> dict[str, str]:
    """Code and versions of this process."""
    return {**versions(), "code_digest": code_digest()}

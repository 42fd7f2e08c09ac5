"""`amr sweep` as a process: killed, interrupted, out of room, and on a Dask cluster.

The kill test of twenty moments is `pytest -m slow tests/test_sweep_processes.py`.
"""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from functools import partial

import psutil
import pytest

from amrpkg.grid import Point, Run, find_run

SMALL = "vgglike_2f_1c_1re_1mp"
NEXT = "vgglike_2f_2c_2re_2mp"
FLOAT = ["--bit-width", "32", "--protocol", "trial"]  # an epoch takes a third of a second
POINTS = [Point(name, 32, percent) for name in (SMALL, NEXT) for percent in (0, 20, 30)]
GRID = ["--architecture", SMALL, NEXT, *FLOAT]


def amr(runs, *arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "amrpkg", "sweep", *arguments],
        env=os.environ | {"AMR_RUNS": str(runs)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
        **options,
    )


def finish(sweep):
    """Exit code, stdout and stderr of a sweep."""
    out, error = sweep.communicate(timeout=600)
    return sweep.returncode, out, error


def wait_for(condition, seconds=300):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, condition
        time.sleep(0.05)
    return found


def all_gone(processes):
    return not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes)


def finished(runs):
    """What changes when a finished run is written again."""
    stats = {file: file.stat() for file in runs.glob("trial/*/metrics.json")}
    return {file: (stat.st_mtime_ns, stat.st_ino) for file, stat in stats.items()}


def at_work_since(runs, begin, sweep):
    """Whether a point's notebook is new, or the sweep is over."""
    new = any(file.stat().st_mtime > begin for file in runs.glob("trial/*/*.ipynb"))
    return new or sweep.poll() is not None


def are_valid(runs, files, monkeypatch):
    monkeypatch.setenv("AMR_RUNS", str(runs))
    points = {point.name: point for point in POINTS}
    return all(find_run(Run(points[file.parent.name], "trial")) for file in files)


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_at_random_moments_and_resumed(tmp_path, monkeypatch, kills):
    rng = random.Random(seed := random.randrange(1000))
    print(f"seed {seed}")  # shown on failure
    grids = iter(range(kills))
    runs, before = tmp_path / f"runs{next(grids)}", {}
    for _ in range(kills):
        if len(before) == len(POINTS):  # killed after the last point: start afresh
            runs, before = tmp_path / f"runs{next(grids)}", {}
        begin, sweep = time.time(), amr(runs, *GRID, "--jobs", "2")
        wait_for(partial(at_work_since, runs, begin, sweep))
        time.sleep(rng.uniform(0, 8))
        family = psutil.Process(sweep.pid).children(recursive=True)
        rng.choice((os.kill, os.killpg))(sweep.pid, signal.SIGKILL)
        sweep.communicate()
        wait_for(partial(all_gone, family))  # no kernel lives on
        after = finished(runs)
        assert after.items() >= before.items()
        assert are_valid(runs, after, monkeypatch)
        before = after
    code, out, error = finish(amr(runs, *GRID, "--jobs", "2"))
    assert code == 0, error
    assert "6 points asked for, 0 failed" in out
    if left := len(POINTS) - len(before):  # the last kill may have come after the last point
        assert f"0/{left} " in error
    after = finished(runs)
    assert after.items() >= before.items()
    assert len(after) == len(POINTS) and are_valid(runs, after, monkeypatch)


def test_ctrl_c_says_how_to_go_on_and_leaves_no_kernel(tmp_path):
    # A shell's background jobs, this test's run perhaps, ignore SIGINT and hand that on.
    heeding = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    sweep = amr(tmp_path, *GRID, "--jobs", "2", preexec_fn=heeding)
    wait_for(lambda: list(tmp_path.glob("trial/*/params.json")))
    family = psutil.Process(sweep.pid).children(recursive=True)
    kernels = [p for p in family if p.pid != family[0].pid]
    assert kernels
    os.killpg(sweep.pid, signal.SIGINT)
    code, _, error = finish(sweep)
    assert code == 130
    assert "stopped; the same command goes on" in error
    assert "Traceback" not in error and "WARNING" not in error
    wait_for(partial(all_gone, family))


def test_term_to_the_sweep_alone_ends_its_kernels_at_once(tmp_path):
    """Even where the process they are forked from cannot run, so does not see that it is gone."""
    sweep = amr(tmp_path, *GRID, "--jobs", "2")
    wait_for(lambda: list(tmp_path.glob("trial/*/params.json")))
    family = psutil.Process(sweep.pid).children(recursive=True)
    assert len(family) > 1
    family[0].suspend()
    sweep.terminate()
    sweep.communicate()
    wait_for(partial(all_gone, family), seconds=10)


@pytest.mark.parametrize("size", [20_000, 500_000])
def test_out_of_room_is_a_listed_failure_and_can_be_resumed(tmp_path, monkeypatch, size):
    """No file may grow beyond `size` bytes: neither a notebook, or no weights, fit the disk."""
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (size, size))
    arguments = ["--architecture", SMALL, "--pruning", "0", "20", *FLOAT]
    code, out, error = finish(amr(tmp_path, *arguments, "--retries", "0", preexec_fn=limit))
    assert code == 1, error
    assert "2 points asked for, 2 failed" in out
    failed = [line for line in error.splitlines() if line.startswith("failed: ")]
    assert len(failed) == 2 and "File too large" in failed[0] and "starts from" in failed[1]
    assert f"{SMALL}/03_training.ipynb)" in failed[0] and "\x1b" not in error
    assert not finished(tmp_path)
    code, out, error = finish(amr(tmp_path, *arguments))
    assert code == 0, error
    assert len(after := finished(tmp_path)) == 2 and are_valid(tmp_path, after, monkeypatch)


@pytest.fixture
def cluster(tmp_path, request):
    """The address of a scheduler on loopback, it and its workers, processes without AMR_RUNS."""
    file = tmp_path / "scheduler.json"
    environment = {key: value for key, value in os.environ.items() if key != "AMR_RUNS"}
    start = partial(
        subprocess.Popen, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    common = ["--scheduler-file", str(file), "--no-dashboard"]
    command = [sys.executable, "-m", "dask", "scheduler", "--host", "127.0.0.1", "--port", "0"]
    processes = [start([*command, *common])]
    wait_for(file.exists)
    for number in range(request.param):
        command = [sys.executable, "-m", "dask", "worker", "--nthreads", "1", "--no-nanny"]
        folder = ["--local-directory", str(tmp_path / f"worker{number}")]
        processes.append(start([*command, *common, *folder]))
    address = wait_for(lambda: json.loads(file.read_text() or "{}").get("address"))
    yield address, *processes
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.parametrize("cluster", [0], indirect=True)
def test_a_cluster_without_workers_and_one_that_is_lost_are_told_in_a_line(tmp_path, cluster):
    address, scheduler = cluster
    sweep = amr(tmp_path, *GRID, "--scheduler", address)
    assert sweep.stderr.readline() == f"no worker has joined {address} yet; waiting for one\n"
    wait_for(lambda: "0/6" in sweep.stderr.readline())
    scheduler.kill()
    code, _, error = finish(sweep)
    assert code == 2
    *bars, last = error.splitlines()
    assert last == "amr sweep: the scheduler is gone; what is finished stands"
    assert all("/6 " in line for line in bars), bars


@pytest.mark.parametrize("cluster", [2], indirect=True)
def test_a_cluster_that_loses_a_worker_makes_every_point_once(tmp_path, monkeypatch, cluster):
    address, _, *workers = cluster
    runs = tmp_path / "runs"
    sweep = amr(runs, *GRID, "--scheduler", address)
    # Both workers have a kernel on an unpruned point; then one is killed.
    wait_for(lambda: len(list(runs.glob("trial/*/params.json"))) >= 2)
    family = psutil.Process(workers[0].pid).children(recursive=True)
    assert family
    workers[0].kill()
    written = {}
    while sweep.poll() is None:
        for file, stat in finished(runs).items():
            written.setdefault(file, set()).add(stat)
        time.sleep(0.05)
    code, out, error = finish(sweep)
    assert code == 0, error
    assert "6 points asked for, 0 failed" in out and "6/6" in error
    for file, stat in finished(runs).items():
        assert written.setdefault(file, {stat}) == {stat}  # once
    assert len(written) == len(POINTS) and are_valid(runs, written, monkeypatch)
    assert all_gone(family)

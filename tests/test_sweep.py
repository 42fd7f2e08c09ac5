"""The sweep: order, retries and failures with a thread pool; killed and resumed for real."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from filelock import FileLock
from tqdm import tqdm

from amrpkg.cli import main
from amrpkg.grid import Point
from amrpkg.sweep import Failure, _work_through, sweep

SMALL = "vgglike_2f_1c_1re_1mp"
BASE, PRUNED, MORE = (Point(SMALL, 32, percent) for percent in (0, 20, 30))
OTHER = Point(SMALL, 8)


def work(points, task, retries=1):
    with ThreadPoolExecutor(2) as executor, tqdm(total=len(points), disable=True) as bar:
        return _work_through(points, task, executor, retries, bar)


def test_every_point_runs_once_and_pruned_ones_after_their_base():
    order = []
    assert work([BASE, OTHER, PRUNED, MORE], order.append) == []
    assert sorted(p.name for p in order) == sorted(p.name for p in (BASE, OTHER, PRUNED, MORE))
    assert order.index(BASE) < min(order.index(PRUNED), order.index(MORE))


def test_a_pruned_point_whose_base_is_done_does_not_wait():
    order = []
    assert work([PRUNED], order.append) == []
    assert order == [PRUNED]


def test_a_failing_point_is_tried_again_and_then_listed_with_those_behind_it():
    tried = []

    def task(point):
        tried.append(point)
        if point == BASE:
            raise RuntimeError("no luck")

    failures = work([BASE, OTHER, PRUNED], task, retries=2)
    assert tried.count(BASE) == 3 and tried.count(OTHER) == 1 and PRUNED not in tried
    assert failures[0] == Failure(BASE, "no luck")
    assert failures[1].point == PRUNED and BASE.name in failures[1].error


def test_a_point_that_recovers_is_no_failure():
    tried = []

    def task(point):
        tried.append(point)
        if len(tried) == 1:
            raise RuntimeError("once")

    assert work([BASE, PRUNED], task) == []
    assert tried == [BASE, BASE, PRUNED]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--architecture", SMALL, "--bit-width", "4"], "points is empty"),  # not in the thesis
        (["--jobs", "0"], "jobs is 0; allowed"),
        (["--retries", "-1"], "retries is -1; allowed"),
    ],
)
def test_bad_sub_grids_and_numbers_exit_with_2(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("AMR_RUNS", str(tmp_path))
    assert main(["sweep", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_unknown_flags_and_values_exit_with_2():
    for arguments in (
        ["--bitz", "4"],
        ["--bit-width", "5"],
        ["--architecture", "resnet"],
        ["--protocol", "overnight"],
        ["--pruning-variant", "lost"],
    ):
        with pytest.raises(SystemExit) as stop:
            main(["sweep", *arguments])
        assert stop.value.code == 2


def test_two_sweeps_on_one_folder_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("AMR_RUNS", str(tmp_path))
    with (
        FileLock(tmp_path / ".sweep.lock"),
        pytest.raises(RuntimeError, match="another sweep is at work"),
    ):
        sweep([BASE], progress=False)


def test_a_damaged_run_is_reported_and_not_overwritten(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("AMR_RUNS", str(tmp_path))
    metrics = tmp_path / "thesis" / BASE.name / "metrics.json"
    metrics.parent.mkdir(parents=True)
    for damage in ('{"cut', "[]"):
        metrics.write_text(damage)
        assert main(["sweep", "--architecture", SMALL, "--bit-width", "32"]) == 2
        assert "damaged" in capsys.readouterr().err
        assert metrics.read_text() == damage


def test_killed_and_resumed_no_finished_point_is_run_again(tmp_path):
    command = [sys.executable, "-c", "import sys; from amrpkg.cli import main; sys.exit(main())"]
    command += ["sweep", "--architecture", SMALL, "--bit-width", "32", "--pruning", "0", "20"]
    environment = os.environ | {"AMR_RUNS": str(tmp_path)}
    base, pruned = (tmp_path / "thesis" / p.name / "metrics.json" for p in (BASE, PRUNED))
    first = subprocess.Popen(command, env=environment, start_new_session=True)
    deadline = time.monotonic() + 300
    while not base.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert base.exists() and not pruned.exists()
    finished = base.stat().st_mtime_ns
    again = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert "2 points asked for, 0 failed" in again.stdout
    assert "/1" in again.stderr  # the bar counted the one point that was left
    assert base.stat().st_mtime_ns == finished and pruned.exists()

"""The sweep in this process: order, retries, failures, what it says and what it refuses."""

import io
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from filelock import FileLock
from tqdm import tqdm

from amrpkg.cli import main
from amrpkg.grid import Failure, Point, identify, origin, seal, sweep, sweeping
from amrpkg.grid.sweeping import _missing, _run_on_worker, _work_through

SMALL = "vgglike_2f_1c_1re_1mp"
BASE, PRUNED, MORE = (Point(SMALL, 32, percent) for percent in (0, 20, 30))
OTHER = Point(SMALL, 8)


def work(points, task, retries=1):
    with ThreadPoolExecutor(2) as executor, tqdm(total=len(points), disable=True) as bar:
        starts = {point: origin(point, "thesis") for point in points}
        return _work_through(starts, task, executor, retries, bar)


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


def test_on_a_stream_what_starts_from_float_waits_for_it_and_is_lost_with_it():
    last = Point(SMALL, 8, 20)
    starts = {point: origin(point, "streaming") for point in (last, PRUNED, BASE)}

    def run(task):
        with ThreadPoolExecutor(2) as executor, tqdm(total=3, disable=True) as bar:
            return _work_through(starts, task, executor, 0, bar), bar.n

    order = []
    assert run(order.append) == ([], 3)
    assert order == [BASE, PRUNED, last]

    def task(point):
        raise RuntimeError("no luck")

    failures, drawn = run(task)
    assert [failure.point for failure in failures] == [BASE, PRUNED, last] and drawn == 3
    assert all(BASE.name in failure.error for failure in failures[1:])


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
        (["--seed", "-1"], "seed is -1; allowed"),
    ],
)
def test_bad_sub_grids_and_numbers_exit_with_2(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("AMR_RUNS", str(tmp_path))
    assert main(["sweep", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_two_sweeps_on_one_folder_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("AMR_RUNS", str(tmp_path))
    with (
        FileLock(tmp_path / ".sweep.lock"),
        pytest.raises(RuntimeError, match="another sweep is at work"),
    ):
        sweep([BASE], progress=False)


def test_damaged_runs_are_all_named_and_nothing_is_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("AMR_RUNS", str(tmp_path))
    monkeypatch.setattr(sweeping, "_run", lambda point, **_: pytest.fail("it ran"))
    for point, damage in ((BASE, '{"cut'), (MORE, "[]")):
        (tmp_path / "thesis" / point.name).mkdir(parents=True)
        (tmp_path / "thesis" / point.name / "metrics.json").write_text(damage)
    assert main(["sweep", "--architecture", SMALL, "--bit-width", "32"]) == 2
    error = capsys.readouterr().err
    assert "damaged runs: 2; nothing was run" in error
    for point, damage in ((BASE, '{"cut'), (MORE, "[]")):
        assert f"{tmp_path / 'thesis' / point.name} is damaged" in error
        assert (tmp_path / "thesis" / point.name / "metrics.json").read_text() == damage


def test_runs_made_by_other_code_are_named_before_they_are_made_again(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("AMR_RUNS", str(tmp_path))
    made = []
    monkeypatch.setattr(sweeping, "_run", lambda point, **_: made.append(point))
    folder, params = identify(BASE)
    folder.mkdir(parents=True)
    for file in ("history.csv", "model.safetensors"):
        (folder / file).write_text("")
    older = params | {"code_digest": "older", "torch": "1.0"} | seal(folder)
    (folder / "metrics.json").write_text(json.dumps(older))
    assert sweep([BASE, OTHER], progress=False) == []
    said = capsys.readouterr().err
    assert f"finished under other code_digest, torch, so made again: {BASE.name}\n" in said
    assert made == [OTHER, BASE]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_bar_moves_while_a_long_point_runs(monkeypatch):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setattr(sweeping, "_refresh_seconds", lambda: 0.05)
    with ThreadPoolExecutor(1) as executor, sweeping._bar(1, True) as bar:
        _work_through({BASE: None}, lambda point: time.sleep(1.2), executor, 0, bar)
    drawn = terminal.getvalue().split("\r")
    assert any("0/1 [00:01<" in line for line in drawn)  # its clock, at work on the first point
    assert any("2f_1c_1re_1mp" in line and "point" in line for line in drawn)
    assert "1/1" in drawn[-1]


def test_a_log_has_a_line_a_change(capsys):
    with ThreadPoolExecutor(1) as executor, sweeping._bar(3, True) as bar:
        _work_through({BASE: None, OTHER: None, PRUNED: BASE}, lambda point: None, executor, 0, bar)
    lines = capsys.readouterr().err.splitlines()
    assert "\r" not in "".join(lines) and len(lines) <= 6
    assert "0/3" in lines[0] and "3/3" in lines[-1]


def test_a_scheduler_that_does_not_answer_exits_with_2(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("AMR_RUNS", str(tmp_path))
    for address in ("tcp://127.0.0.1:1", "nonsense://"):
        assert main(["sweep", "--scheduler", address]) == 2
        assert f"scheduler is '{address}' and does not answer" in capsys.readouterr().err


def test_the_extra_is_named_where_dask_is_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("AMR_RUNS", str(tmp_path))
    monkeypatch.setitem(sys.modules, "dask.distributed", None)
    assert main(["sweep", "--scheduler", "tcp://127.0.0.1:1"]) == 2
    assert "pip install 'amrpkg[cluster]'" in capsys.readouterr().err


def test_a_worker_of_other_code_or_without_the_folder_is_refused(tmp_path, monkeypatch):
    run = {"protocol": "trial", "seed": 0, "pruning_variant": "held"}
    made_by = sweeping._made_by(run)
    with pytest.raises(RuntimeError, match="restart it on the same checkout"):
        _run_on_worker(BASE, str(tmp_path), made_by | {"code_digest": "older"}, run)
    with pytest.raises(RuntimeError, match="must share the file system"):
        _run_on_worker(BASE, str(tmp_path), made_by, run)


def test_what_takes_longest_starts_first(tmp_path, monkeypatch):
    monkeypatch.setenv("AMR_RUNS", str(tmp_path))
    large = "vgglike_5f_5c_4re_4mp"
    run = {"protocol": "trial", "seed": 0, "pruning_variant": "held"}
    points = [Point(SMALL, 32, 20), Point(SMALL, 6), Point(large, 8), Point(large, 4, 30)]
    assert _missing(points, run) == [
        *(Point(large, 4), Point(large, 8), Point(SMALL, 6), Point(SMALL, 32)),
        *(Point(large, 4, 30), Point(SMALL, 32, 20)),
    ]

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
from amrpkg.grid import (
    Failure,
    Point,
    Run,
    execute_on_worker,
    made_by_here,
    parameters,
    progress_bar,
    seal,
    sub_grid,
    sweep,
    sweeping,
    unfinished,
    work_through,
)
from amrpkg.models import ARCHITECTURES, BIT_WIDTHS

SMALL = "vgglike_2f_1c_1re_1mp"
BASE, PRUNED, MORE = (Run(Point(SMALL, 32, percent)) for percent in (0, 20, 30))
OTHER = Run(Point(SMALL, 8))


def work(runs, task, retries=1):
    with ThreadPoolExecutor(2) as executor, tqdm(total=len(runs), disable=True) as bar:
        failures = work_through(runs, task, executor, retries, bar)
        assert bar.n == len(runs)
        return failures


def test_every_run_is_made_once_and_pruned_ones_after_their_base():
    order = []
    assert work([BASE, OTHER, PRUNED, MORE], order.append) == []
    assert sorted(p.name for p in order) == sorted(p.name for p in (BASE, OTHER, PRUNED, MORE))
    assert order.index(BASE) < min(order.index(PRUNED), order.index(MORE))


def test_a_pruned_point_whose_base_is_done_does_not_wait():
    order = []
    assert work([PRUNED], order.append) == []
    assert order == [PRUNED]


def test_a_failing_run_is_tried_again_and_then_listed_with_those_behind_it():
    tried = []

    def task(run):
        tried.append(run)
        if run == BASE:
            raise RuntimeError("no luck")

    failures = work([BASE, OTHER, PRUNED], task, retries=2)
    assert tried.count(BASE) == 3 and tried.count(OTHER) == 1 and PRUNED not in tried
    assert failures[0] == Failure(BASE, "no luck")
    assert failures[1].run == PRUNED and BASE.name in failures[1].error


def test_on_a_stream_what_starts_from_float_waits_for_it_and_is_lost_with_it():
    last, pruned, base = (
        Run(Point(SMALL, *sizes), "streaming") for sizes in ((8, 20), (32, 20), (32, 0))
    )
    order = []
    assert work([last, pruned, base], order.append) == []
    assert order == [base, pruned, last]

    def task(run):
        raise RuntimeError("no luck")

    failures = work([last, pruned, base], task, retries=0)
    assert [failure.run for failure in failures] == [base, pruned, last]
    assert all(base.name in failure.error for failure in failures[1:])


def test_a_run_that_recovers_is_no_failure():
    tried = []

    def task(run):
        tried.append(run)
        if len(tried) == 1:
            raise RuntimeError("once")

    assert work([BASE, PRUNED], task) == []
    assert tried == [BASE, BASE, PRUNED]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--architecture", SMALL, "--bit-width", "4"], "runs is empty"),  # not in the thesis
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
    monkeypatch.setattr(sweeping, "execute", lambda run, **_: pytest.fail("it ran"))
    for run, damage in ((BASE, '{"cut'), (MORE, "[]")):
        run.folder.mkdir(parents=True)
        (run.folder / "metrics.json").write_text(damage)
    assert main(["sweep", "--architecture", SMALL, "--bit-width", "32"]) == 2
    error = capsys.readouterr().err
    assert "damaged runs: 2; nothing was run" in error
    for run, damage in ((BASE, '{"cut'), (MORE, "[]")):
        assert f"{tmp_path / 'thesis' / run.name} is damaged" in error
        assert (run.folder / "metrics.json").read_text() == damage


def test_runs_made_by_other_code_are_named_before_they_are_made_again(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("AMR_RUNS", str(tmp_path))
    made = []
    monkeypatch.setattr(sweeping, "execute", lambda run, **_: made.append(run))
    BASE.folder.mkdir(parents=True)
    for file in ("history.csv", "model.safetensors"):
        (BASE.folder / file).write_text("")
    older = parameters(BASE) | {"code_digest": "older", "torch": "1.0"} | seal(BASE.folder)
    (BASE.folder / "metrics.json").write_text(json.dumps(older))
    assert sweep([BASE, OTHER], progress=False) == []
    said = capsys.readouterr().err
    assert f"finished under other code_digest, torch, so made again: {BASE.name}\n" in said
    assert made == [OTHER, BASE]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_bar_moves_while_a_long_point_runs(monkeypatch):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with ThreadPoolExecutor(1) as executor, progress_bar(1, True) as bar:
        work_through([BASE], lambda run: time.sleep(2.2), executor, 0, bar)
    drawn = terminal.getvalue().split("\r")
    assert any("0/1 [00:01<" in line for line in drawn)  # its clock, at work on the first point
    assert any("2f_1c_1re_1mp" in line and "point" in line for line in drawn)
    assert "1/1" in drawn[-1]


def test_a_log_has_a_line_a_change(capsys):
    with ThreadPoolExecutor(1) as executor, progress_bar(3, True) as bar:
        work_through([BASE, OTHER, PRUNED], lambda run: None, executor, 0, bar)
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
    made_by = made_by_here()
    with pytest.raises(RuntimeError, match="restart it on the same checkout"):
        execute_on_worker(BASE, str(tmp_path), made_by | {"code_digest": "older"})
    with pytest.raises(RuntimeError, match="must share the file system"):
        execute_on_worker(BASE, str(tmp_path), made_by)


def test_what_takes_longest_starts_first(tmp_path, monkeypatch):
    monkeypatch.setenv("AMR_RUNS", str(tmp_path))
    large = "vgglike_5f_5c_4re_4mp"
    asked = [(SMALL, 32, 20), (SMALL, 6, 0), (large, 8, 0), (large, 4, 30)]
    found = unfinished([Run(Point(*place), "trial") for place in asked])
    order = [(large, 4, 0), (large, 8, 0), (SMALL, 6, 0), (SMALL, 32, 0)]
    order += [(large, 4, 30), (SMALL, 32, 20)]
    assert found == [Run(Point(*place), "trial") for place in order]


def test_every_architecture_that_the_command_names_has_points():
    for name in ARCHITECTURES:
        assert {point.bit_width for point in sub_grid([name], BIT_WIDTHS, [0])} >= {32, 8, 6}
    assert [point.bit_width for point in sub_grid(["symbolwise_2_8_8"], [4, 3], [0, 20])] == [4, 3]

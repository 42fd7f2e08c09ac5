"""The printed tables, the grid's names, what the tables reveal, and the committed record."""

import json

import pandas as pd
import pytest

from amrpkg.book import compare, load_thesis, printed_zero_shares, summarise
from amrpkg.cli import main
from amrpkg.evaluation import binomial_interval
from amrpkg.grid import KEYS, SMALL_GRID, THESIS_GRID, Point, Run
from amrpkg.records import PROVENANCE, collate, load_grid
from amrpkg.training import settings


def test_the_grid_is_the_81_printed_rows_in_their_order():
    printed = load_thesis()
    assert len(THESIS_GRID) == len(printed) == 81
    ours = [(p.architecture, p.bit_width, p.pruning_percent) for p in THESIS_GRID]
    assert ours == list(printed[KEYS].itertuples(index=False, name=None))
    assert len({point.name for point in THESIS_GRID}) == 81


@pytest.mark.parametrize(
    ("point", "name"),
    [
        (Point("vgglike_5f_5c_4re_4mp"), "vgglike_5f_5c_4re_4mp"),
        (Point("vgglike_5f_5c_4re_4mp", 8), "vgglike_5f_5c_4re_4mp_8bit"),
        (Point("vgglike_2f_1c_1re_1mp", 32, 30), "vgglike_2f_1c_1re_1mp_pr_30"),
        (Point("vgglike_2f_2c_2re_2mp", 4, 20), "vgglike_2f_2c_2re_2mp_4bit_pr_20"),
        (Point("vgglike_2f_2c_2re_2mp", 4, 12.5), "vgglike_2f_2c_2re_2mp_4bit_pr_12.5"),
    ],
)
def test_names_are_the_thesis_s_row_names(point, name):
    assert point.name == name
    assert point.base == Point(point.architecture, point.bit_width)


def test_the_batch_of_32_is_in_every_printed_row():
    printed = load_thesis()
    batch = printed["throughput_chunks_per_s"] * printed["inference_time_ms"] / 1e3
    assert batch.round(3).eq(32).all()


def test_printed_zeros_grew_back():
    shares = printed_zero_shares().set_index(KEYS)
    # 251 of 30,912 convolution weights of 5f_3c float at 20 %, and none of 192 of 2f_1c
    assert shares.loc[("vgglike_5f_3c_4re_3mp", 32, 20), "conv"] == pytest.approx(251 / 30_912)
    assert shares.loc[("vgglike_2f_1c_1re_1mp", 32, 20), "conv"] == 0
    assert shares.loc[("vgglike_5f_4c_4re_4mp", 6, 20)].tolist() == [0, 0]
    nominal = shares.index.get_level_values("pruning_percent") / 100
    assert (shares["linear"] < nominal + 0.001).all()


REFINED_SO_FAR = ("vgglike_3f_3c_2re_3mp", "vgglike_3f_2c_2re_2mp", "vgglike_2f_2c_2re_2mp")
GRID_NAMES = [point.name for point in THESIS_GRID]
EMPTY = "e3b0c44298fc1c14"  # the SHA-256 of no bytes, in short


def record(point, **changes):
    metrics = {
        **Run(point).columns,
        **{"converged": True, "epochs": 3},
        **{"training_correct": 2304, "training_count": 2304},
        **{"fresh_correct": 1152, "fresh_count": 2304},
        **{"dsp": 1, "ff": 2, "lut": 3, "bram": 4, "inference_time_ms": 0.5},
        **{"history_sha256": EMPTY, "weights_sha256": EMPTY},
    }
    return metrics | changes


def write(runs, point, variant="", **changes):
    folder = runs / "thesis" / f"{point.name}{variant}"
    folder.mkdir(parents=True)
    for name in ("history.csv", "model.safetensors"):
        (folder / name).touch()
    (folder / "metrics.json").write_text(json.dumps(record(point, **changes)))


def test_runs_are_collated_in_the_thesis_s_order(tmp_path, capsys):
    points = THESIS_GRID[::9]
    for point in reversed(points):
        write(tmp_path / "runs", point)
    (tmp_path / "runs" / "thesis" / "half_done").mkdir()
    path = tmp_path / "results" / "grid.csv"
    assert main(["results", "--runs", str(tmp_path / "runs"), "--output", str(path)]) == 0
    assert "9 runs" in capsys.readouterr().out
    ours = list(load_grid(path=path)[KEYS].itertuples(index=False, name=None))
    assert ours == [(p.architecture, p.bit_width, p.pruning_percent) for p in points]
    assert [p.name for p in path.parent.iterdir()] == ["grid.csv"]


def test_a_series_of_the_record_is_chosen_and_accuracies_have_their_intervals(tmp_path):
    base, pruned = Point("vgglike_2f_1c_1re_1mp"), Point("vgglike_2f_1c_1re_1mp", 32, 20)
    write(tmp_path, base)
    write(tmp_path, pruned, fresh_correct=2304)
    write(tmp_path, pruned, "_regrowing", pruning_variant="regrowing", fresh_correct=0)
    collate(tmp_path, tmp_path / "grid.csv")
    held = load_grid(path=tmp_path / "grid.csv")
    assert held["pruning_variant"].tolist() == ["none", "held"]
    assert held["fresh_accuracy"].tolist() == [0.5, 1]
    assert held["fresh_low"][1] == pytest.approx(0.025 ** (1 / 2304))  # Clopper-Pearson at n of n
    assert (held["fresh_low"][0], held["fresh_high"][1]) == (pytest.approx(0.4794, abs=1e-4), 1)
    regrown = load_grid(pruning_variant="regrowing", path=tmp_path / "grid.csv")
    assert regrown["fresh_accuracy"].tolist() == [0.5, 0]
    with pytest.raises(ValueError, match="is 'thesis 1 held'; recorded: thesis 0 held; thesis 0"):
        load_grid(seed=1, path=tmp_path / "grid.csv")


def test_no_runs_a_damaged_run_and_no_record_are_said_plainly(tmp_path, capsys):
    with pytest.raises(FileNotFoundError, match="amr results"):
        load_grid(path=tmp_path / "grid.csv")
    assert main(["results", "--runs", str(tmp_path), "--output", str(tmp_path / "g.csv")]) == 2
    assert "finished runs" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("metrics.json", '{"cut', "Unterminated string"),
        ("metrics.json", "[]", "metrics.json holds no record"),
        ("metrics.json", "{}", "metrics.json lacks architecture, bit_width, pruning_percent"),
        ("metrics.json", json.dumps(record(THESIS_GRID[1])), f"that of thesis/{GRID_NAMES[1]}"),
        ("metrics.json", json.dumps(record(THESIS_GRID[0], seed=1)), "_seed_1"),
        ("metrics.json", json.dumps(record(THESIS_GRID[0], bit_width="8")), "bit_width is '8'"),
        ("history.csv", None, "history.csv is missing"),
        ("model.safetensors", None, "model.safetensors is missing"),
        ("model.safetensors", "other", "model.safetensors was changed"),
    ],
)
def test_damaged_runs_are_all_named_and_the_record_stays(tmp_path, capsys, name, text, message):
    (path := tmp_path / "grid.csv").write_text("the record")
    for point in (THESIS_GRID[0], THESIS_GRID[3], THESIS_GRID[5]):
        write(tmp_path / "runs", point)
    file = tmp_path / "runs" / "thesis" / GRID_NAMES[0] / name
    file.write_text(text) if text else file.unlink()
    (tmp_path / "runs" / "thesis" / GRID_NAMES[5] / "metrics.json").write_text("{")
    assert main(["results", "--runs", str(tmp_path / "runs"), "--output", str(path)]) == 2
    first, *runs = capsys.readouterr().err.splitlines()
    assert "2 damaged" in first and len(runs) == 2
    assert f"{GRID_NAMES[5]} is damaged" in runs[0]
    assert f"{GRID_NAMES[0]} is damaged" in runs[1] and message in runs[1]
    assert path.read_text() == "the record"


def test_a_run_beside_the_printed_row():
    point = Point("vgglike_2f_2c_2re_2mp", 6, 20)
    table = compare(record(point)).set_index("quantity")
    assert table.loc["DSP (estimate)"].tolist() == [1, 82810]
    assert table.loc["accuracy on fresh chunks (%), 95 % interval", "ours"].startswith(
        "50.00 [47.9"
    )
    off_grid = compare(record(Point("vgglike_2f_1c_1re_1mp", 4))).set_index("quantity")
    assert (off_grid["thesis"] == "").all()


def test_the_summary_marks_accuracies_by_their_data():
    row = summarise(pd.DataFrame([record(Point("vgglike_2f_2c_2re_2mp", 6, 20), converged=False)]))
    assert row["run"][0] == "2f_2c_2re_2mp_6bit_pr_20"
    assert row["converged"][0] == "no"
    assert row["training chunks right (%)"][0] == 100
    assert row["fresh chunks right (%)"][0] == 50


REFINED = [p for p in THESIS_GRID if p.bit_width == 4 and p.architecture in REFINED_SO_FAR]
REFINED += [p for p in THESIS_GRID if "_5f_" in p.name and p.pruning_percent == 0]


@pytest.mark.parametrize(
    ("protocol", "variant", "points"),
    [
        ("thesis", "held", THESIS_GRID),
        ("thesis", "regrowing", THESIS_GRID),
        ("streaming", "held", THESIS_GRID + SMALL_GRID),
        ("refining", "held", REFINED),
    ],
)
def test_the_committed_record_is_whole_and_says_what_made_it(protocol, variant, points):
    grid = load_grid(protocol, pruning_variant=variant)
    assert grid[PROVENANCE].notna().all().all()
    assert not grid["commit"].str.contains("dirty|unknown").any()
    keys = {(p.architecture, p.bit_width, p.pruning_percent) for p in points}
    recorded = list(grid[KEYS].itertuples(index=False, name=None))
    assert len(set(recorded)) == len(recorded) and set(recorded) >= keys
    assert (grid["fresh_count"] == 23_040).all()
    for data in ("training", "fresh"):
        columns = [f"{data}_{name}" for name in ("correct", "count", "accuracy", "low", "high")]
        for correct, count, accuracy, *interval in grid[columns].itertuples(index=False):
            assert accuracy == correct / count
            assert interval == pytest.approx(binomial_interval(correct, count))
    for _, row in grid.iterrows():
        knobs = settings(row["architecture"], row["bit_width"], protocol)
        assert row["converged"] == knobs.reached(row)
    for column in ("inference_time_to_float", "training_latency_to_float", "inference_time_ms"):
        assert (grid[column] > 0).all()

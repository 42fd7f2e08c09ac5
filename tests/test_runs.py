"""A run folder: made once, reused, remade when its parameters or code change."""

import json
from dataclasses import replace

import pytest

from amrpkg.cli import main
from amrpkg.evaluation import evaluate
from amrpkg.grid import Point, run_point, runs
from amrpkg.hardware import count_architecture, count_model, estimate_architecture
from amrpkg.records import collate
from amrpkg.signals import make_chunks
from amrpkg.training import settings

SMALL = "vgglike_2f_1c_1re_1mp"


@pytest.fixture
def quick(tmp_path, monkeypatch):
    """Two-epoch runs below a temporary folder."""
    monkeypatch.setenv("AMR_RUNS", str(tmp_path))
    monkeypatch.setattr(
        runs, "settings", lambda *key: replace(settings(*key), max_epochs=2, target_loss=0.5)
    )
    monkeypatch.setattr(runs, "FRESH_CHUNKS_PER_CLASS", 20)
    return tmp_path


def test_a_pruned_run_records_all_and_starts_from_its_base(quick):
    run = run_point(Point(SMALL, 8, 20), progress=False)
    base, m = run_point(Point(SMALL, 8), progress=False), run.metrics
    assert {p.name for p in run.folder.iterdir()} >= {"params.json", "model.safetensors"}
    assert run.folder == quick / "thesis" / f"{SMALL}_8bit_pr_20"
    assert list(run.history["phase"]) == ["training"] * 2 + ["retraining"] * m["epochs"]
    assert m["converged"] == (m["training_loss"] <= 0.5)
    assert m["code_digest"] == runs.code_digest() and m["threads"] == 1
    assert Point(SMALL, 8, 20).name == m["name"]
    model = run.load_model()
    fresh = evaluate(model, make_chunks(20, split="evaluation"))
    assert (m["fresh_correct"], m["fresh_count"]) == (fresh.correct, 180)
    assert m["training_correct"] == evaluate(model, make_chunks()).correct
    assert count_model(model) == count_architecture(SMALL, 20)
    assert m["dsp"] == estimate_architecture(SMALL, 8, 20).dsp
    assert base.metrics["dsp"] == estimate_architecture(SMALL, 8).dsp
    assert base.metrics["pruning_variant"] == "none"


def test_a_streaming_run_goes_by_way_of_the_pruned_float_model(quick, monkeypatch):
    few = {"chunks": 2_048, "retraining_chunks": 1_024, "batch_size": 64}
    monkeypatch.setattr(runs, "settings", lambda *key: replace(settings(*key), **few))
    run = run_point(Point(SMALL, 8, 20), "streaming", progress=False)
    assert list(run.history["phase"]) == ["training", "retraining", "fine-tuning"]
    assert list(run.history["chunks"]) == [2_048, 1_024, 1_024]
    m = run.metrics
    assert (m["training_chunks"], m["training_count"], m["fresh_count"]) == (1_024, 1_024, 180)
    assert m["training_correct"] == round(run.history["accuracy"].iloc[-1] * 1_024)
    assert not m["converged"] and m["target_accuracy"] == 0.999
    pruned = run_point(Point(SMALL, 32, 20), "streaming", progress=False)
    for model in (run.load_model(), pruned.load_model()):
        assert count_model(model) == count_architecture(SMALL, 20)
    silent = [model.layers.conv1.bias == 0 for model in (run.load_model(), pruned.load_model())]
    assert (silent[0] == silent[1]).all() and silent[0].sum() == round(0.2 * 32)


def test_a_finished_run_is_read_and_an_unfinished_or_changed_one_is_made(quick, monkeypatch):
    made = []
    make = runs._make_run
    monkeypatch.setattr(runs, "_make_run", lambda *a: made.append(1) or make(*a))
    point = Point(SMALL)
    run = run_point(point, progress=False)
    run_point(point, progress=False)
    assert len(made) == 1
    (run.folder / "metrics.json").unlink()  # stopped before the end
    run_point(point, progress=False)
    assert len(made) == 2
    monkeypatch.setattr(runs, "code_digest", lambda: "edited")
    assert run_point(point, progress=False).metrics["code_digest"] == "edited"
    assert len(made) == 3
    other = run_point(point, seed=1, progress=False)
    assert other.folder != run.folder
    assert len(made) == 4


def test_a_run_that_fails_leaves_no_metrics(quick, monkeypatch):
    def full_disk(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(runs, "save_model", full_disk)
    with pytest.raises(OSError, match="no space"):
        run_point(Point(SMALL), progress=False)
    assert not list(quick.glob("**/metrics.json"))


def test_the_regrowing_variant_has_a_folder_of_its_own_and_no_masks(quick):
    run = run_point(Point(SMALL, 32, 30), pruning_variant="regrowing", progress=False)
    held = run_point(Point(SMALL, 32, 30), progress=False)
    assert run.folder.name == f"{SMALL}_pr_30_regrowing"
    assert run.metrics["nonzero_biases"] > held.metrics["nonzero_biases"]
    assert run.metrics["nonzero_weights"] > held.metrics["nonzero_weights"]
    assert json.loads((run.folder / "params.json").read_text())["pruning_variant"] == "regrowing"


def test_speeds_are_told_relative_to_the_float_model_too(quick):
    base = run_point(Point(SMALL), progress=False).metrics
    quantised = run_point(Point(SMALL, 8), progress=False).metrics
    for key in ("inference_time_to_float", "training_latency_to_float"):
        assert 0.3 < base[key] < 3  # the float model against its twin
        assert quantised[key] > base[key]
    assert quantised["throughput_chunks_per_s"] * quantised["inference_time_ms"] == pytest.approx(
        32e3
    )


def test_runs_are_timed_again_alone_once_and_the_record_takes_that(quick, capsys):
    folder = run_point(Point(SMALL, 8, 20), progress=False).folder
    swept = collate(quick, quick / "grid.csv").set_index("name")
    assert "timing_date" not in swept
    assert main(["time", "--runs", str(quick)]) == 0
    assert "2 runs measured" in capsys.readouterr().out
    alone = collate(quick, quick / "grid.csv").set_index("name")
    assert (alone["timing_threads"] == 1).all() and alone["timing_date"].notna().all()
    for key in ("inference_time_ms", "training_latency_to_float"):
        assert (alone[key] != swept[key]).all()
    assert (alone["fresh_correct"] == swept["fresh_correct"]).all()
    assert main(["time", "--runs", str(quick)]) == 0
    assert "0 runs measured" in capsys.readouterr().out
    speed = json.loads((folder / "speed.json").read_text()) | {"weights_sha256": "of before"}
    (folder / "speed.json").write_text(json.dumps(speed))  # the run was made again
    assert main(["time", "--runs", str(quick)]) == 0
    assert "1 runs measured" in capsys.readouterr().out
    assert main(["time", "--runs", str(quick / "nothing")]) == 2
    assert "finished runs" in capsys.readouterr().err


def damage_metrics(text):
    return lambda folder: (folder / "metrics.json").write_text(text)


def foreign(folder):
    metrics = json.loads((folder / "metrics.json").read_text())
    (folder / "metrics.json").write_text(json.dumps(metrics | {"bit_width": 4}))


def truncated(folder):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_metrics('{"architecture": "vgg'), "Unterminated string"),
        (damage_metrics("[]"), "metrics.json holds no record"),
        (foreign, f"metrics.json is that of thesis/{SMALL}_4bit"),
        (lambda folder: (folder / "model.safetensors").unlink(), "model.safetensors is missing"),
        (truncated, "model.safetensors"),
        (lambda folder: (folder / "history.csv").write_text("epoch"), "history.csv"),
    ],
)
def test_a_damaged_run_is_told_and_left_as_it_is(quick, damage, message):
    folder = run_point(Point(SMALL), progress=False).folder
    damage(folder)
    left = {file.name: file.read_bytes() for file in folder.iterdir()}
    with pytest.raises(ValueError, match=f"{SMALL} is damaged .{message}.*; remove it"):
        run_point(Point(SMALL), progress=False)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == left

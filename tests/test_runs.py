"""A run folder: made once, reused, remade when its parameters or code change."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from amrpkg.cli import main
from amrpkg.evaluation import evaluate
from amrpkg.export import export
from amrpkg.grid import Point, Run, find_run, folders, make_run, runs
from amrpkg.hardware import count_architecture, count_model, estimate_architecture
from amrpkg.records import collate
from amrpkg.signals import make_chunks
from amrpkg.training import settings

SMALL = "vgglike_2f_1c_1re_1mp"


PRUNED = Run(Point(SMALL, 8, 20))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with two-epoch runs of a pruned point and its base. Not to be changed."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        make_quick(patch, folder)
        make_run(PRUNED, progress=False)
    return folder


@pytest.fixture
def quick(tmp_path, monkeypatch, made):
    """Runs of two epochs, in a folder of their own that holds those of `made`."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    make_quick(monkeypatch, tmp_path)
    return tmp_path


def make_quick(patch, folder):
    patch.setenv("AMR_RUNS", str(folder))
    patch.setattr(
        folders, "settings", lambda *key: replace(settings(*key), max_epochs=2, target_loss=0.5)
    )
    patch.setattr(runs, "FRESH_CHUNKS_PER_CLASS", 20)


def test_a_pruned_run_records_all_and_starts_from_its_base(quick):
    run, base = find_run(PRUNED), find_run(PRUNED.start)
    m = run.metrics
    assert {p.name for p in PRUNED.folder.iterdir()} >= {"params.json", "model.safetensors"}
    assert PRUNED.folder == quick / "thesis" / f"{SMALL}_8bit_pr_20"
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
    monkeypatch.setattr(folders, "settings", lambda *key: replace(settings(*key), **few))
    run = make_run(Run(Point(SMALL, 8, 20), "streaming"), progress=False)
    assert list(run.history["phase"]) == ["training", "retraining", "fine-tuning"]
    assert list(run.history["chunks"]) == [2_048, 1_024, 1_024]
    m = run.metrics
    assert (m["training_chunks"], m["training_count"], m["fresh_count"]) == (1_024, 1_024, 180)
    assert m["training_correct"] == round(run.history["accuracy"].iloc[-1] * 1_024)
    assert not m["converged"] and m["target_accuracy"] == 0.999
    pruned = make_run(Run(Point(SMALL, 32, 20), "streaming"), progress=False)
    for model in (run.load_model(), pruned.load_model()):
        assert count_model(model) == count_architecture(SMALL, 20)
    silent = [model.layers.conv1.bias == 0 for model in (run.load_model(), pruned.load_model())]
    assert (silent[0] == silent[1]).all() and silent[0].sum() == round(0.2 * 32)


def test_a_finished_run_is_read_and_an_unfinished_or_changed_one_is_made(quick, monkeypatch):
    metrics = PRUNED.folder / "metrics.json"
    before = metrics.read_text()
    make_run(PRUNED, progress=False)
    assert metrics.read_text() == before
    metrics.unlink()  # stopped before the end
    again = make_run(PRUNED, progress=False).metrics
    assert again["training_seconds"] != json.loads(before)["training_seconds"]
    monkeypatch.setattr(runs, "code_digest", lambda: "edited")
    assert find_run(PRUNED) is None
    assert make_run(PRUNED, progress=False).metrics["code_digest"] == "edited"
    assert find_run(PRUNED.start).metrics["code_digest"] == "edited"


def test_a_run_that_fails_leaves_no_metrics(quick, monkeypatch):
    def full_disk(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr("amrpkg.models.weights.save_model", full_disk)
    with pytest.raises(OSError, match="no space"):
        make_run(Run(Point(SMALL)), progress=False)
    assert not (Run(Point(SMALL)).folder / "metrics.json").exists()


def test_the_regrowing_variant_has_a_folder_of_its_own_and_no_masks(quick):
    regrowing = replace(PRUNED, pruning_variant="regrowing")
    regrown, held = make_run(regrowing, progress=False).metrics, find_run(PRUNED).metrics
    assert regrowing.folder.name == f"{SMALL}_8bit_pr_20_regrowing"
    assert regrown["nonzero_biases"] > held["nonzero_biases"]
    assert regrown["nonzero_weights"] > held["nonzero_weights"]
    params = json.loads((regrowing.folder / "params.json").read_text())
    assert params["pruning_variant"] == "regrowing"


def test_speeds_are_told_relative_to_the_float_model_too(quick):
    base, quantised = make_run(Run(Point(SMALL)), progress=False).metrics, find_run(PRUNED).metrics
    for key in ("inference_time_to_float", "training_latency_to_float"):
        assert 0.3 < base[key] < 3  # the float model against its twin
        assert quantised[key] > base[key]


def test_runs_are_timed_again_alone_once_and_the_record_takes_that(quick, capsys):
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
    file = PRUNED.folder / "speed.json"
    speed = json.loads(file.read_text()) | {"weights_sha256": "of before"}
    file.write_text(json.dumps(speed))  # the run was made again
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
        (foreign, f"metrics.json is that of thesis/{SMALL}_4bit_pr_20"),
        (lambda folder: (folder / "model.safetensors").unlink(), "model.safetensors is missing"),
        (truncated, "model.safetensors"),
        (lambda folder: (folder / "history.csv").write_text("epoch"), "history.csv"),
    ],
)
def test_a_damaged_run_is_told_and_left_as_it_is(quick, damage, message):
    folder = PRUNED.folder
    damage(folder)
    left = {file.name: file.read_bytes() for file in folder.iterdir()}
    with pytest.raises(ValueError, match=f"{PRUNED.name} is damaged .{message}.*; remove it"):
        make_run(PRUNED, progress=False)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == left


SAME = """
from amrpkg.export import export
from amrpkg.speed import networks
networks.time_side_by_side = lambda tasks, *_, **__: [1.0] * len(tasks)
from amrpkg.grid import Point, Run, make_run
run = make_run(Run(Point("vgglike_2f_1c_1re_1mp", 8), "trial"), progress=False)
export(run.load_model(), run.run.folder / "integers.safetensors", "integer")
"""


def test_the_same_seed_gives_the_same_bytes_in_another_process(trial_runs, tmp_path, monkeypatch):
    environment = os.environ | {"AMR_RUNS": str(tmp_path), "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", SAME], env=environment, check=True)
    monkeypatch.setenv("AMR_RUNS", str(trial_runs))
    run = Run(Point(SMALL, 8), "trial")
    export(find_run(run).load_model(), tmp_path / "integers.safetensors", "integer")
    there = tmp_path / "trial" / run.folder.name
    for name in ("model.safetensors", "history.csv"):
        assert (run.folder / name).read_bytes() == (there / name).read_bytes(), name
    here, file = tmp_path / "integers.safetensors", there / "integers.safetensors"
    assert here.read_bytes() == file.read_bytes()

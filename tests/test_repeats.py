"""Points trained again: until all chunks are right, from other seeds, and gathered."""

from dataclasses import replace

import pandas as pd
import pytest
import torch

from amrpkg.cli import main
from amrpkg.evaluation import evaluate
from amrpkg.grid import DROPPED, THESIS_GRID, Point, Run, folders, make_run, runs
from amrpkg.models import build
from amrpkg.records import load_repeats
from amrpkg.training import (
    RetuningSettings,
    Settings,
    prune_channels,
    settings,
    train,
    train_until_right,
)

SMALL = "vgglike_2f_1c_1re_1mp"
KNOBS = RetuningSettings(2e-3)


def wrong(model, chunks):
    found = evaluate(model, chunks)
    return found.count - found.correct


@pytest.fixture
def half_trained(few_chunks):
    model = build(SMALL, 8)
    prune_channels(model, 0.2)
    train(model, few_chunks, Settings(2e-3, target_loss=0.5), progress=False)
    assert wrong(model, few_chunks)
    return model


def test_it_goes_on_until_all_chunks_are_right_and_no_longer(half_trained, few_chunks):
    before = wrong(half_trained, few_chunks)
    history = train_until_right(half_trained, few_chunks, KNOBS, progress=False).history
    assert wrong(half_trained, few_chunks) == 0 and not half_trained.training
    assert history["accuracy"][0] == pytest.approx(1 - before / len(few_chunks))
    assert history["chunks"].tolist() == [0] + [len(few_chunks)] * (len(history) - 1)
    kept = half_trained.layers.conv1.weight_mask.flatten(1)[:, 0]
    assert (half_trained.layers.conv1.weight.flatten(1).abs().sum(1) > 0).equal(kept > 0)
    weights = [values.clone() for values in half_trained.parameters()]
    again = train_until_right(half_trained, few_chunks, KNOBS, progress=False).history
    assert again["adjustments"].tolist() == [0]
    assert all(map(torch.equal, weights, half_trained.parameters()))


def test_each_adjustment_halves_the_rate_and_has_its_epochs(few_chunks):
    model, knobs = build(SMALL), replace(KNOBS, learning_rate=1e-4, max_epochs=2)
    knobs = replace(knobs, most_adjustments=3, batch_size=len(few_chunks), weight_decay=0.0)
    before = model.layers.conv1.weight.detach().clone()
    history = train_until_right(model, few_chunks, knobs, progress=False).history
    assert history["adjustments"].tolist() == [0, 1, 1, 2, 2, 3, 3]
    moved = (model.layers.conv1.weight.detach() - before).abs().max().item()
    # A step of Adam is as long as its rate while gradients keep their sign.
    assert moved == pytest.approx(1e-4 * 2 * (1 / 2 + 1 / 4 + 1 / 8), rel=0.05)


def test_it_goes_on_from_the_thesis_s_run_and_is_done_when_all_are_right():
    run = Run(Point(SMALL, 4, 30), "retuned", 1)
    assert run.start == Run(Point(SMALL, 4, 30), "thesis", 1)
    assert run.settings.learning_rate == run.start.settings.learning_rate
    assert run.settings.reached({"training_correct": 2304, "training_count": 2304})
    assert not run.settings.reached({"training_correct": 2303, "training_count": 2304})


def test_runs_are_made_without_their_speed_and_gathered(tmp_path, monkeypatch, capsys):
    def knobs(*key):
        return replace(settings(*key), max_epochs=1, **few.get(key[-1], {}))

    few = {"retuned": {"most_adjustments": 2}}
    monkeypatch.setenv("AMR_RUNS", str(tmp_path))
    monkeypatch.setattr(folders, "settings", knobs)
    monkeypatch.setattr(runs, "FRESH_CHUNKS_PER_CLASS", 20)
    make_run(Run(Point(SMALL), "thesis", 0), progress=False, timed=False)
    path = tmp_path / "repeats.csv"
    asked = ["--architecture", SMALL, "--bit-width", "32", "--protocol", "retuned"]
    assert main(["repeat", *asked, "--seed", "2", "--output", str(path)]) == 0
    assert "6 rows" in capsys.readouterr().out
    rows = load_repeats(path)
    assert rows["protocol"].tolist() == ["retuned"] * 3 + ["thesis"] * 3
    assert rows["pruning_percent"].tolist() == [0, 20, 30] * 2
    assert rows["adjustments"].tolist() == [2] * 3 + [0] * 3
    assert rows["epochs"].tolist() == [2] * 3 + [1] * 3
    assert (rows["fresh_accuracy"] * 180).round(9).tolist() == rows["fresh_correct"].tolist()
    metrics = make_run(Run(Point(SMALL, 32, 20), "retuned", 2), progress=False).metrics
    assert "training_latency_ms" not in metrics and metrics["fresh_count"] == 180


def test_the_record_has_planned_points_only_and_those_that_are_done_are_right():
    rows, points = load_repeats(), THESIS_GRID + DROPPED
    assert len(points) == 84 and len(set(points)) == 84
    of_rows = [Run.of(row) for row in rows.to_dict("records")]
    assert len(set(of_rows)) == len(rows)
    assert {run.point for run in of_rows} <= set(points)
    assert {(run.protocol, run.seed) for run in of_rows} <= {
        *(("thesis", 1), ("thesis", 2), ("retuned", 1))
    }
    retuned = rows.query("protocol == 'retuned'")
    right = retuned["training_correct"] == retuned["training_count"]
    assert (right == retuned["converged"]).all()
    assert (rows["adjustments"] > 0).sum() == (retuned["epochs"] > 0).sum()
    learnt = pd.concat([rows.query("protocol == 'thesis'"), retuned[~right]])
    assert (learnt["epochs"] > 0).all()

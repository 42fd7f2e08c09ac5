"""The loop: it learns, stops at its target, says when it does not, and is seeded."""

from dataclasses import asdict, fields, replace
from time import perf_counter

import pandas as pd
import pytest
import torch

from amrpkg.evaluation import evaluate
from amrpkg.grid import Run
from amrpkg.models import BIT_WIDTHS, THESIS_ARCHITECTURES, build
from amrpkg.records import load_record
from amrpkg.signals import make_chunks
from amrpkg.speed import time_training
from amrpkg.training import Settings, settings, train

SMALL = "vgglike_2f_1c_1re_1mp"


@pytest.mark.parametrize("protocol", ["thesis", "streaming", "refining", "ranging", "offsets"])
def test_the_recorded_runs_had_the_knobs_of_today(protocol):
    runs = load_record().query("protocol == @protocol")
    for _, row in runs.iterrows():
        knobs = asdict(of_today := Run.of(row).settings)
        knobs.pop("plain", None)  # how it is computed: the same weights
        later = {field.name: field.default for field in fields(of_today)}  # was as by default
        recorded = {key: row[key] if pd.notna(row.get(key)) else later[key] for key in knobs}
        assert recorded == pytest.approx(knobs), row["name"]


@pytest.mark.parametrize("name", THESIS_ARCHITECTURES)
def test_the_thesis_protocol_is_within_what_the_thesis_says(name):
    assert all(0.03 <= settings(name, bits).target_loss <= 1 for bits in BIT_WIDTHS)
    assert all(settings(name, bits).batch_size == 32 for bits in BIT_WIDTHS)


def test_a_model_that_a_protocol_does_not_train_is_refused():
    with pytest.raises(ValueError, match=r"architecture is 'pointwise_24_16_8'; allowed: vgglike"):
        settings("pointwise_24_16_8", 8, "thesis")


@pytest.mark.parametrize("bits", [32, 8])
def test_training_to_a_target_memorises_its_chunks(bits):
    chunks = make_chunks(32)
    model = build(SMALL, bits)
    training = train(model, chunks, settings(SMALL, bits), progress=False)
    assert training.history["loss"].iloc[-1] <= 0.03 < training.history["loss"].iloc[-2]
    assert list(training.history["epoch"]) == list(range(1, len(training.history) + 1))
    assert evaluate(model, chunks).accuracy > 0.95
    assert not model.training


def test_a_missed_target_is_recorded_and_no_success(few_chunks):
    knobs = Settings(1e-3, target_loss=0.03, max_epochs=2)
    training = train(build(SMALL), few_chunks, knobs, progress=False)
    assert len(training.history) == 2
    assert not knobs.reached({"training_loss": training.history["loss"].iloc[-1]})


def test_an_untrained_epoch_has_the_loss_and_accuracy_of_guessing(few_chunks):
    knobs = Settings(1e-9, target_loss=0.0, max_epochs=1)
    history = train(build(SMALL), few_chunks, knobs, progress=False).history
    assert history["loss"][0] == pytest.approx(torch.log(torch.tensor(9.0)).item(), rel=0.05)
    assert history["accuracy"][0] < 0.4


def test_same_seed_same_training(few_chunks, one_epoch):
    def weight(seed):
        model = build(SMALL)
        train(model, few_chunks, one_epoch(SMALL, 32), seed=seed, progress=False)
        return model.layers.linear2.weight

    assert torch.equal(weight(1), weight(1))
    assert not torch.equal(weight(1), weight(2))


def test_the_time_of_a_training_is_nearly_all_of_the_call(few_chunks):
    model, knobs = build(SMALL), replace(settings(SMALL, 32), max_epochs=30, target_loss=0.0)
    start = perf_counter()
    training = train(model, few_chunks, knobs, progress=False)
    seconds = perf_counter() - start
    assert 0.5 * seconds < training.seconds <= seconds
    assert 30 * len(few_chunks) / seconds <= training.throughput


def test_progress_names_loss_and_epochs(few_chunks, one_epoch, capsys):
    train(build(SMALL), few_chunks, one_epoch(SMALL, 32), progress=True)
    shown = capsys.readouterr().err
    assert "epoch" in shown and "loss=" in shown and "accuracy=" in shown


def test_training_latency_is_measured_side_by_side():
    name = "vgglike_2f_1c_1re_1mp"
    float_ms, quantised_ms = time_training(build(name), build(name, 8), turns=1)
    assert 0 < float_ms < quantised_ms

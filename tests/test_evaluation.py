"""Intervals against closed forms and statsmodels; accuracy and its label; timing."""

import io
import sys
from time import sleep

import numpy as np
import pytest
import torch
from statsmodels.stats.proportion import proportion_confint
from torch import nn

from amrpkg.evaluation import binomial_interval, evaluate
from amrpkg.models import build
from amrpkg.signals import make_chunks
from amrpkg.speed import time_inference


@pytest.mark.parametrize("count", [1, 9, 2304, 23_040])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_exact_interval_at_the_ends_is_the_closed_form(count, confidence):
    tail = ((1 - confidence) / 2) ** (1 / count)
    assert binomial_interval(count, count, confidence) == pytest.approx((tail, 1))
    assert binomial_interval(0, count, confidence) == pytest.approx((0, 1 - tail))


def test_the_thesis_s_interval():
    low, high = binomial_interval(2304, 2304)
    assert round(100 * low, 2) == 99.84
    assert high == 1
    assert binomial_interval(2304, 2304, method="normal") == (1, 1)


@pytest.mark.parametrize(("correct", "count"), [(1, 10), (5, 10), (1500, 2304), (2303, 2304)])
@pytest.mark.parametrize(("method", "theirs"), [("clopper-pearson", "beta"), ("normal", "normal")])
def test_intervals_are_statsmodels(correct, count, method, theirs):
    expected = proportion_confint(correct, count, 0.05, theirs)
    # statsmodels cuts the normal interval at 0 and 1
    ours = np.clip(binomial_interval(correct, count, method=method), 0, 1)
    assert ours == pytest.approx(expected)


class Oracle(nn.Module):
    """Knows the labels of a set and gives the class scores of `decide(labels)`."""

    def __init__(self, chunks, decide):
        super().__init__()
        self.decisions = {
            iq.tobytes(): decide(label) for iq, label in zip(chunks.iq, chunks.labels, strict=True)
        }

    def forward(self, iq):
        chosen = torch.tensor([self.decisions[chunk.numpy().tobytes()] for chunk in iq])
        return nn.functional.one_hot(chosen, 9).float()


@pytest.mark.parametrize(("asked", "terminal"), [(True, True), (True, False), (False, True)])
def test_a_bar_is_shown_on_a_terminal_if_asked_for(asked, terminal, monkeypatch, capsys):
    shown = io.StringIO()
    shown.isatty = lambda: terminal
    monkeypatch.setattr(sys, "stderr", shown)
    evaluate(build("vgglike_2f_1c_1re_1mp"), make_chunks(2), batch_size=6, progress=asked)
    assert ("/3 [" in shown.getvalue()) == (asked and terminal)
    assert not capsys.readouterr().out


def test_accuracy_and_confusion_of_a_known_classifier():
    chunks = make_chunks(7)
    right = evaluate(Oracle(chunks, int), chunks, batch_size=10)
    assert (right.confusion == 7 * np.eye(9)).all()
    assert (right.correct, right.count, right.accuracy) == (63, 63, 1)
    # 8ASK (label 1) is taken for 4ASK (label 0): rows are the truth, columns the decision
    mixed = evaluate(Oracle(chunks, lambda label: 0 if label == 1 else int(label)), chunks)
    assert mixed.confusion[1, 0] == 7
    assert mixed.confusion[0, 1] == 0
    assert mixed.accuracy == pytest.approx(8 / 9)


@pytest.mark.parametrize(
    ("split", "said"), [("training", "training chunks"), ("evaluation", "fresh chunks")]
)
def test_an_accuracy_says_what_it_was_measured_on(split, said):
    evaluation = evaluate(build("vgglike_2f_1c_1re_1mp"), make_chunks(2, split=split))
    assert evaluation.data == said
    assert said in str(evaluation)


def test_a_network_of_known_pace_is_timed_at_it():
    class Slow(nn.Module):
        chunk_size = 32

        def forward(self, iq):
            sleep(0.02)
            return iq

    (speed,) = time_inference(Slow(), turns=1)
    assert speed.batch_size == 32 and 20 <= speed.inference_ms < 200
    assert 160 < speed.throughput <= 1600  # chunks a second

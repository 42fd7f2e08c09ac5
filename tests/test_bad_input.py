"""Every bad argument raises an error that names it, what came and what is allowed."""

import math

import numpy as np
import pytest

from amrpkg.book import check, check_between
from amrpkg.evaluation import (
    binomial_interval,
    ceiling,
    evaluate,
    log_likelihoods,
    matching_factor,
)
from amrpkg.export import export, report
from amrpkg.grid import Point, Run, make_run
from amrpkg.hardware import estimate_architecture
from amrpkg.models import build
from amrpkg.signals import CONSTELLATIONS, Chunks, make_chunks, receive, stream
from amrpkg.speed import time_inference
from amrpkg.training import Settings, prune_channels, settings, train, train_on_stream

SMALL = "vgglike_2f_1c_1re_1mp"
FRESH = make_chunks(1, split="evaluation")
FRAME = FRESH.to_frame()
KNOBS, STREAMED = settings(SMALL, 32), settings(SMALL, 32, "streaming")


def odd(point):
    return CONSTELLATIONS | {"QPSK": np.full(4, point)}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("call", "argument", "came"),
    [
        (lambda: build("resnet"), "architecture", "resnet"),
        (lambda: Point("resnet"), "architecture", "resnet"),
        (lambda: estimate_architecture("resnet"), "architecture", "resnet"),
        (lambda: settings("resnet", 8), "architecture", "resnet"),
        (lambda: build(SMALL, 5), "bit_width", "5"),
        (lambda: build(SMALL, "8"), "bit_width", "8"),
        (lambda: build(SMALL, 8.0), "bit_width", "8.0"),
        (lambda: build(SMALL, True), "bit_width", "True"),
        (lambda: Point(SMALL, 16), "bit_width", "16"),
        (lambda: estimate_architecture(SMALL, 7), "bit_width", "7"),
        (lambda: build(SMALL, chunk_size=33), "chunk_size", "33"),
        (lambda: build(SMALL, chunk_size=0), "chunk_size", "0"),
        (lambda: build(SMALL, chunk_size=32.0), "chunk_size", "32.0"),
        (lambda: build("vgglike_5f_5c_4re_4mp", chunk_size=24), "chunk_size", "24"),
        (lambda: build(SMALL, seed=-1), "seed", "-1"),
        (lambda: receive("64QAM", 10), "modulation", "64QAM"),
        (lambda: receive("QPSK", 0), "count", "0"),
        (lambda: make_chunks(0), "chunks_per_class", "0"),
        (lambda: make_chunks(2.5), "chunks_per_class", "2.5"),
        (lambda: make_chunks(chunk_size=0), "chunk_size", "0"),
        (lambda: make_chunks(noise_power=-0.1), "noise_power", "-0.1"),
        (lambda: make_chunks(noise_power=math.nan), "noise_power", "nan"),
        (lambda: make_chunks(noise_power=math.inf), "noise_power", "inf"),
        (lambda: make_chunks(noise_power="loud"), "noise_power", "loud"),
        (lambda: make_chunks(phase_noise=-1), "phase_noise", "-1"),
        (lambda: make_chunks(phase_noise=math.nan), "phase_noise", "nan"),
        (lambda: make_chunks(seed=-3), "seed", "-3"),
        (lambda: make_chunks(split="test"), "split", "test"),
        (lambda: stream(batch_size=0), "batch_size", "0"),
        (lambda: stream(noise_power=-1), "noise_power", "-1"),
        (lambda: Point(SMALL, 8, 100), "pruning_percent", "100"),
        (lambda: Point(SMALL, 8, -1), "pruning_percent", "-1"),
        (lambda: Point(SMALL, 8, "20"), "pruning_percent", "20"),
        (lambda: prune_channels(build(SMALL), 1.0), "fraction", "1.0"),
        (lambda: prune_channels(build(SMALL), -0.1), "fraction", "-0.1"),
        (lambda: prune_channels(build(SMALL), math.nan), "fraction", "nan"),
        (lambda: prune_channels(build(SMALL), 0.2, "soft"), "variant", "soft"),
        (lambda: prune_channels(build(SMALL), 0.99), "fraction", "0.99"),
        (lambda: estimate_architecture(SMALL, 8, 99), "pruning_percent", "99"),
        (lambda: Settings(1e-3, max_epochs=0), "max_epochs", "0"),
        (lambda: receive("QPSK", 5, seed=None), "seed", "None"),
        (lambda: make_chunks(noise_power=1e300), "noise_power", "1e+300"),
        (lambda: train(build(SMALL), FRESH, settings(SMALL, 32)), "chunks", "evaluation"),
        (lambda: settings(SMALL, 8, "overnight"), "protocol", "overnight"),
        (lambda: make_run(Run(Point(SMALL), "overnight")), "protocol", "overnight"),
        (lambda: make_run(Run(Point(SMALL), pruning_variant="x")), "pruning_variant", "x"),
        (lambda: train(build(SMALL), FRESH, STREAMED), "settings", "StreamSettings"),
        (lambda: train(build(SMALL), FRESH.to_frame(), KNOBS), "chunks", "DataFrame"),
        (lambda: train(SMALL, FRESH, KNOBS), "model", "str"),
        (lambda: train_on_stream(build(SMALL), KNOBS), "settings", "Settings"),
        (lambda: train_on_stream(None, STREAMED), "model", "NoneType"),
        (lambda: evaluate(build(SMALL), FRESH.to_frame()), "chunks", "DataFrame"),
        (lambda: evaluate(SMALL, FRESH), "model", "str"),
        (lambda: report(SMALL), "model", "str"),
        (lambda: ceiling(FRESH.iq), "chunks", "ndarray"),
        (lambda: log_likelihoods(FRESH, 0.1), "iq", "Chunks"),
        (lambda: export(SMALL, "x.onnx", "onnx"), "model", "str"),
        (lambda: Chunks.from_frame(FRESH), "frame", "Chunks"),
        (lambda: Chunks.from_frame(FRESH.to_frame().iloc[:, :-1]), "columns", "i26"),
        (lambda: Chunks.from_frame(FRESH.to_frame()[["modulation"]]), "columns", "modulation"),
        (lambda: Chunks.from_frame(FRAME.replace("BPSK", "GMSK")), "modulation", "GMSK"),
        (lambda: Chunks.from_frame(FRAME.assign(i3=np.nan)), "frame", "not finite"),
        (lambda: Chunks.from_frame(FRAME.assign(q0="loud")), "frame", "not finite"),
        (lambda: make_chunks(10**12), "chunks_per_class", "2,304,000,000 MB"),
        (lambda: make_chunks(10**400), "chunks_per_class", "1000"),
        (lambda: make_chunks(1, 10**12), "chunks_per_class", "72,000,000 MB"),
        (lambda: stream(10**12), "batch_size", "256,000,000 MB"),
        (lambda: receive("QPSK", 10**12), "count", "8,000,000 MB"),
        (lambda: build(SMALL, chunk_size=1 << 13), "chunk_size", "8192"),
        (lambda: make_chunks(constellations=odd(np.nan)), "constellations['QPSK']", "nan"),
        (lambda: make_chunks(constellations=odd(1e300)), "constellations['QPSK']", "e+300"),
        (lambda: ceiling(FRESH, constellations=odd(np.inf)), "constellations['QPSK']", "inf"),
        (lambda: make_chunks(constellations=["QPSK"]), "constellations", "list"),
        (lambda: matching_factor(np.full(64, 1e-42, np.complex64)), "samples", "1e-42"),
        (lambda: matching_factor(np.full(64, 1e35, np.complex64)), "samples", "1e+35"),
        (lambda: binomial_interval(3, 2), "correct", "3"),
        (lambda: binomial_interval(-1, 2), "correct", "-1"),
        (lambda: binomial_interval(0, 0), "count", "0"),
        (lambda: binomial_interval(1, 2, confidence=1.0), "confidence", "1.0"),
        (lambda: binomial_interval(1, 2, method="wald"), "method", "wald"),
        (lambda: time_inference(build(SMALL), batch_size=0), "batch_size", "0"),
    ],
)
def test_error_names_argument_value_and_what_is_allowed(call, argument, came):
    with pytest.raises((ValueError, TypeError)) as error:
        call()
    message = str(error.value)
    assert argument in message
    assert came in message
    assert "allowed" in message


def test_integers_of_numpy_are_integers():
    assert make_chunks(np.int64(1)).iq.shape[0] == 9
    assert Point(SMALL, np.int64(8), np.int64(20)).name == f"{SMALL}_8bit_pr_20"
    assert type(Point(SMALL, np.int64(8), np.int64(20)).pruning_percent) is int
    assert build(SMALL, np.int64(8)).bit_width == 8


def test_check_fails_on_a_wrong_fact(capsys):
    check("right", 1.0, 1.001, rtol=0.01)
    assert capsys.readouterr().out == "ok: right = 1.001 within 0.01 relative\n"
    with pytest.raises(AssertionError, match=r"wrong: 2 is not 1 within 0"):
        check("wrong", 2, 1)
    with pytest.raises(AssertionError):
        check("nan", math.nan, 1, rtol=1)
    with pytest.raises(AssertionError):
        check_between("outside", 2, 0, 1)

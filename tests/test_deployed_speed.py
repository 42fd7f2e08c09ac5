"""The forms that are timed, the file of times, and the ratios made of them."""

import os

import numpy as np
import pandas as pd
import pytest

from amrpkg.book import compare_c, compare_speed
from amrpkg.cli import main
from amrpkg.records import load_speed, speed, time_points, time_searched
from amrpkg.signals import make_chunks
from amrpkg.speed import BATCH_SIZES, forms, tasks

SMALL = "vgglike_2f_1c_1re_1mp"
REAL = ["PyTorch", "onnxruntime", "OpenVINO", "OpenVINO bf16"]
BREVITAS = ["PyTorch", "onnxruntime", "OpenVINO", "onnxruntime, Brevitas's export"]


@pytest.mark.parametrize(
    ("bits", "fraction", "expected"),
    [
        (32, 0, {"float": REAL}),
        (32, 0.2, {"float": REAL, "in place": REAL, "shrunk": REAL}),
        (6, 0, {"float": REAL, "in place": [*BREVITAS, "C"]}),
        (6, 0.2, {"float": REAL, "in place": BREVITAS, "shrunk": [*BREVITAS[:3], "C"]}),
    ],
)
def test_every_form_is_timed_and_computes_its_network(bits, fraction, expected, calibrated):
    iq = make_chunks(4).iq[:32]
    found = tasks(calibrated(SMALL, bits, fraction), iq)
    named = {}
    for network, runtime in found:
        named.setdefault(network, []).append(runtime)
    assert {key: sorted(value) for key, value in named.items()} == {
        key: sorted(value) for key, value in expected.items()
    }
    scores = {form: score_of(task) for form, task in found.items()}
    for (network, runtime), values in scores.items():
        if runtime == "C":  # in integers: another scale
            other = scores[network, "PyTorch"]
            values = values * np.median(other[other != 0] / values[other != 0])
        own = "in place" if network == "shrunk" else network
        tolerance = 0.02 if runtime == "OpenVINO bf16" else 1e-5
        np.testing.assert_allclose(values, scores[own, "PyTorch"], atol=tolerance)


def score_of(task):
    found = task()
    return np.asarray(task.arrays[1] if found is None else found)  # C writes into an array


def test_points_are_timed_once(trial_runs, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("AMR_RUNS", str(trial_runs))
    monkeypatch.setattr(forms, "_CALLS", dict.fromkeys(BATCH_SIZES, 1))
    monkeypatch.setattr(forms, "_TURNS", 1)
    path = tmp_path / "speed.csv"
    rows = time_points(trial_runs, path, "trial", progress=False)
    assert len(rows) == 3 * (9 + 12) and (rows["ms"] > 0).all()
    assert rows["openvino"].notna().all() and (rows["threads"] == 1).all()
    pd.testing.assert_frame_equal(load_speed(path), rows)
    monkeypatch.setattr(speed, "CANDIDATES", [((6, 6), 4, 2), ((6, 6), 4, 0), ((8,), 32, 0)])
    searched = time_searched(path, progress=False)[len(rows) :]
    assert len(searched) == 3 * (4 + 3) and set(searched["architecture"]) == {"symbolwise_2_6_6"}
    rows = load_speed(path)
    monkeypatch.setattr(speed, "time_forms", None)  # would fail if it were asked again
    pinned = []
    monkeypatch.setattr(os, "sched_setaffinity", lambda *cores: pinned.append(cores))
    assert main(["speed", "--protocol", "trial", "--output", str(path)]) == 0
    said = capsys.readouterr().out
    assert f"{len(rows)} rows -> {path}" in said and "float in PyTorch" in said
    assert pinned == [(0, {max(os.sched_getaffinity(0))})]
    table = compare_speed(32, path)
    points = [("symbolwise_2_6_6", 4, 0), (SMALL, 8, 0), (SMALL, 8, 20)]
    assert list(table.index) == points and table["trained"].isna().tolist() == [True, False, False]
    assert (table["to_eager"] >= table["to_fastest"]).all()


def test_ratios_by_hand(tmp_path):
    times = {
        ("shrunk", "C"): 2.0,
        ("float", "PyTorch"): 8.0,
        ("float", "onnxruntime"): 10.0,
        ("float", "OpenVINO"): 4.0,
        ("float", "OpenVINO bf16"): 3.0,
        ("in place", "PyTorch"): 80.0,
        ("in place", "onnxruntime"): 2.5,
        ("in place", "OpenVINO"): 2.0,
        ("in place", "onnxruntime, Brevitas's export"): 0.1,
        ("shrunk", "PyTorch"): 40.0,
        ("shrunk", "onnxruntime"): 1.0,
        ("shrunk", "OpenVINO"): 1.5,
    }
    keys = {"architecture": SMALL, "batch_size": 32}
    rows = [
        {**keys, "bit_width": 6, "pruning_percent": 20, "network": a, "runtime": b, "ms": ms}
        for (a, b), ms in times.items()
    ]
    rows += [
        {**keys, "bit_width": 32, "pruning_percent": 0, "network": a, "runtime": b, "ms": ms}
        for (a, b), ms in times.items()
        if a == "float"
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "speed.csv")
    table = compare_speed(32, tmp_path / "speed.csv")
    point = table.loc[SMALL, 6, 20]
    assert point["form"] == "shrunk in onnxruntime" and point["ms"] == 1
    assert point[["to_eager", "to_fastest", "to_fastest_bf16"]].tolist() == [8, 4, 3]
    assert point["trained"] == 0.1
    real = table.loc[SMALL, 32, 0]
    assert real["form"] == "unpruned in OpenVINO"
    assert real[["to_eager", "to_fastest", "trained"]].tolist() == [2, 1, 1]
    [compiled] = compare_c(tmp_path / "speed.csv").reset_index().to_dict("records")
    assert compiled == {
        **keys,
        "bit_width": 6,
        "pruning_percent": 20,
        "c": 62.5,
        "onnxruntime": 31.25,
        "openvino": 46.875,
        "float": 125,
        "to_runtime": 0.5,
        "to_float": 2,
    }


def test_what_was_not_recorded_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="allowed: a record that `amr speed`"):
        load_speed(tmp_path / "speed.csv")
    with pytest.raises(ValueError, match="batch_size is 64; allowed: 1, 32, 1024"):
        compare_speed(64)
    with pytest.raises(ValueError, match="allowed: a folder with finished runs"):
        time_points(tmp_path)

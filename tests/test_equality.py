"""The comparison of files sees what differs, goes on where it was stopped, and its record."""

import pandas as pd
import pytest
import torch

from amrpkg.cli import main
from amrpkg.export import find_compiler
from amrpkg.hardware import IntegerNetwork, estimate_architecture
from amrpkg.records import compare_files, exports, verify_runs
from amrpkg.signals import make_chunks

SMALL = "vgglike_2f_1c_1re_1mp"
FORMS = ("shrunk", "integer", "onnxruntime", "openvino", "qonnx", *["c"] * bool(find_compiler()))


def test_all_files_of_a_quantised_network_are_equal(calibrated):
    model = calibrated(SMALL, 6, 0.3)
    row = compare_files(model, make_chunks(10).iq)
    assert row["chunks"] == 90
    assert [row[f"differing_{form}"] for form in FORMS] == [0] * len(FORMS)
    assert row["largest_difference"] == row["largest_difference_double"] == 0 < row["largest_score"]
    assert row["weights"] == 266944 and row["shrunk_weights"] == 22 * 2 * 3 + 358 * 352 + 9 * 358
    assert row["dsp"] == estimate_architecture(SMALL, 6, 30).dsp > row["shrunk_dsp"]
    assert row["bytes_integer"] < row["bytes_onnx"] < row["bytes_qonnx"]
    assert row["bytes_integer"] == pytest.approx(row["shrunk_weights"] * 6 / 8, rel=0.05)


def test_a_float_network_is_equal_but_for_rounding(calibrated):
    model = calibrated("pointwise_48_32_16", 32, 0.2)
    row = compare_files(model, make_chunks(10).iq)
    assert row["largest_difference"] < 1e-5 and row["largest_difference_double"] < 1e-12
    assert all(row[f"decided_{form}"] == 0 for form in ("shrunk", "onnxruntime", "openvino"))
    assert "bytes_integer" not in row
    assert next(model.parameters()).dtype == torch.float32


def test_a_wrong_form_is_seen(calibrated, monkeypatch):
    compute = IntegerNetwork.compute

    def off_by_one(network, iq):
        scores = compute(network, iq)
        scores[7, 3] += 1
        return scores

    monkeypatch.setattr(IntegerNetwork, "compute", off_by_one)
    row = compare_files(calibrated(SMALL, 8, 0.2), make_chunks(10).iq)
    assert row["differing_integer"] == 1 and row["differing_qonnx"] == 0


def test_runs_are_verified_once_by_the_command(trial_runs, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("AMR_RUNS", str(trial_runs))
    monkeypatch.setattr(exports, "CHUNKS_PER_CLASS", 5)
    path = tmp_path / "exports.csv"
    assert main(["verify", "--output", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "integer: equal for 2 of 2 quantised networks" in shown and str(path) in shown
    rows = pd.read_csv(path)
    assert (rows["chunks"] == 45).all() and set(rows["pruning_percent"]) == {0, 20}
    assert set(rows["protocol"]) == {"trial"} and rows["onnxruntime"].notna().all()
    monkeypatch.setattr(exports, "compare_files", None)  # would fail if it were asked again
    assert len(verify_runs(trial_runs, path, progress=False)) == 2


def test_a_folder_without_runs_is_refused(tmp_path, capsys):
    assert main(["verify", "--runs", str(tmp_path)]) == 2
    assert "allowed: a folder with finished runs" in capsys.readouterr().err

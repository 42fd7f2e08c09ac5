"""The tables of the status page."""

from importlib.metadata import version

import pandas as pd

from amrpkg.book import describe_deployment, describe_record, versions


def test_every_declared_package_is_listed_with_the_installed_version():
    table = versions().set_index("package")
    assert table.loc["torch", ["bounds", "installed", "needed for"]].tolist() == [
        "==2.13.0",
        version("torch"),
        "always",
    ]
    assert table.loc["nbval", "needed for"] == "test"
    assert "amrpkg" not in table.index


def test_the_record_is_described_series_by_series():
    run = {
        **{"protocol": "thesis", "pruning_variant": "none", "seed": 0, "converged": True},
        **{"training_seconds": 1800, "commit": "abc", "code_digest": "d", "python": "3.11"},
        **{"torch": "2", "brevitas": "0", "numpy": "2", "cpu": "x", "threads": 1},
        "date": "2026-11-22T19:00:00+00:00",
    }
    later = run | {"date": "2026-11-22T21:30:00+00:00", "commit": "def", "converged": False}
    held = run | {"pruning_variant": "held", "seed": 1}
    table = describe_record(pd.DataFrame([run, later, held])).set_index("what")
    assert list(table.columns) == ["thesis: unpruned", "thesis: held, seed 1"]
    ours = table["thesis: unpruned"]
    assert (ours["runs"], ours["converged"], ours["hours of training"]) == (2, 1, "1.00")
    assert ours["commit"] == "abc, def"
    assert ours["first finished (UTC)"] == "2026-11-22 19:00"
    assert ours["last finished (UTC)"] == "2026-11-22 21:30"


def test_the_deployment_records_are_described_file_by_file():
    row = {"architecture": "a", "bit_width": 8, "pruning_percent": 0, "cpu": "x", "commit": "abc"}
    row |= {"code_digest": "d", "python": "3.11", "torch": "2", "brevitas": "0", "numpy": "2"}
    row |= {"threads": 1, "onnxruntime": "1", "openvino": "2026"}
    row["date"] = "2026-11-23T05:00:00+00:00"
    later = row | {"date": "2026-11-23T06:30:00+00:00", "openvino": "2027"}
    files = {"speed.csv": pd.DataFrame([row, later])}
    table = describe_deployment(files).set_index("what")["speed.csv"]
    assert table["networks"] == 1 and table["openvino"] == "2026, 2027" and table["qonnx"] == ""
    assert table["last finished (UTC)"] == "2026-11-23 06:30"

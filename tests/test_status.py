"""The tables of the status page."""

from importlib.metadata import version

import pandas as pd

from amrpkg.book import describe_making, versions


def test_every_declared_package_is_listed_with_the_installed_version():
    table = versions().set_index("package")
    assert table.loc["torch", ["bounds", "installed", "needed for"]].tolist() == [
        "==2.13.0",
        version("torch"),
        "always",
    ]
    assert table.loc["nbval", "needed for"] == "test"
    assert "amrpkg" not in table.index


def test_what_made_a_record_is_told_part_by_part():
    run = {
        **{"architecture": "a", "bit_width": 8, "pruning_percent": 0, "converged": True},
        **{"training_seconds": 1800, "commit": "abc", "code_digest": "d", "python": "3.11"},
        **{"torch": "2", "brevitas": "0", "numpy": "2", "cpu": "x", "threads": 1},
        "date": "2026-11-22T19:00:00+00:00",
    }
    later = run | {"date": "2026-11-22T21:30:00+00:00", "commit": "def", "converged": False}
    speed = {key: run[key] for key in run if key not in ("converged", "training_seconds")}
    parts = {"runs": pd.DataFrame([run, later]), "speed": pd.DataFrame([speed | {"qonnx": "1"}])}
    table = describe_making(parts).set_index("what")
    ours = table["runs"]
    assert (ours["networks"], ours["converged"], ours["hours of training"]) == (1, 1, "1.00")
    assert ours["commit"] == "abc, def" and ours["qonnx"] == ""
    assert ours["first finished (UTC)"] == "2026-11-22 19:00"
    assert ours["last finished (UTC)"] == "2026-11-22 21:30"
    assert table["speed"]["qonnx"] == "1" and table["speed"]["converged"] == ""

"""The record of speeds: every point's deployable forms beside the float network."""

from functools import partial
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from amrpkg.common.code import current_digest, provenance, root
from amrpkg.common.files import RESULTS
from amrpkg.grid.folders import finished_runs
from amrpkg.grid.points import KEYS
from amrpkg.models.weights import load_model
from amrpkg.records.rows import complete, load, read_rows
from amrpkg.speed.forms import time_point

SPEED = RESULTS / "speed.csv"


def time_points(
    runs: Path, path: Path = SPEED, protocol: str = "streaming", progress: bool = True
) -> pd.DataFrame:
    """Measure every finished run of a protocol below `runs` and keep the rows in the file `path`.

    Written anew after every point, so it can be stopped and goes on when called again; points
    measured by the same code stay. Returns all rows: keys of the point, those of `time_point`,
    versions and machine. Raises as `folders.finished_runs`.
    """
    rows, tasks = read_rows(path, KEYS, code_digest=current_digest(ROOT)), {}
    for folder, record in finished_runs(runs, protocol).items():
        point = tuple(record[key] for key in KEYS)
        tasks.setdefault(point, partial(_time, folder, point))  # seed 0 and held masks come first
    return complete(path, rows, tasks, "point", progress)


def _time(folder: Path, point: tuple) -> list[dict]:
    made_by = provenance(current_digest(ROOT))
    made_by |= {name: version(name) for name in ("onnxruntime", "openvino")}
    times = time_point(load_model(folder / "model.safetensors")).to_dict("records")
    return [{**dict(zip(KEYS, point, strict=True)), **time, **made_by} for time in times]


ROOT = root(_time)


def load_speed(path: Path = SPEED) -> pd.DataFrame:
    """A row a point, batch size, network and runtime: ``ms`` of a batch, and what made it.

    Networks and runtimes as in `speed.forms`. Raises as `load_exports`.
    """
    return load(path, "`amr speed`")

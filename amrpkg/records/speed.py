"""The record of speeds: every point's deployable forms beside the float network."""

from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from amrpkg.common.code import current_digest, provenance, root
from amrpkg.common.files import RESULTS
from amrpkg.export.integer_file import load_integers
from amrpkg.grid.folders import finished_runs
from amrpkg.grid.points import KEYS
from amrpkg.models.architectures import Architecture, symbol_wise
from amrpkg.models.network import build
from amrpkg.models.weights import load_model
from amrpkg.records.rows import complete, load, read_rows
from amrpkg.records.search import CANDIDATES, SEARCH
from amrpkg.speed.forms import Forms, integer_forms, model_forms, time_forms

SPEED = RESULTS / "speed.csv"
# A later run, with C and the smallest networks: its machine was slower, and too restless
# to take the place of the record before.
C_SPEED = RESULTS / "c_speed.csv"


def time_points(
    runs: Path, path: Path = SPEED, protocol: str = "streaming", progress: bool = True
) -> pd.DataFrame:
    """Measure every finished run of a protocol below `runs` and keep the rows in the file `path`.

    Written anew after every point, so it can be stopped and goes on when called again; points
    measured by the same code stay. Returns all rows: keys of the point, those of
    `speed.forms.time_forms`, versions and machine. Raises as `folders.finished_runs`.
    """
    tasks = {}
    for folder, record in finished_runs(runs, protocol).items():
        point = tuple(record[key] for key in KEYS)
        tasks.setdefault(point, partial(_of_run, folder))  # seed 0 and held masks come first
    return _complete(path, tasks, progress)


def time_searched(path: Path = SPEED, progress: bool = True) -> pd.DataFrame:
    """The same of the quantised symbol-wise networks of ``results/search``, one of a kind."""
    tasks = {}
    for channels, bit_width, seed in CANDIDATES:
        row = symbol_wise("fold", *channels)
        file = SEARCH.with_suffix("") / f"{row.short}_{bit_width}bit_seed_{seed}.safetensors"
        if bit_width != 32:
            tasks.setdefault((row.short, bit_width, 0), partial(_of_file, file, row))
    return _complete(path, tasks, progress)


def _complete(path: Path, makers: dict, progress: bool) -> pd.DataFrame:
    rows = read_rows(path, KEYS, code_digest=current_digest(ROOT))
    tasks = {point: partial(_time, point, make) for point, make in makers.items()}
    return complete(path, rows, tasks, "point", progress)


def _of_run(folder: Path) -> tuple[Forms, int]:
    model = load_model(folder / "model.safetensors")
    return model_forms(model), model.chunk_size


def _of_file(file: Path, row: Architecture) -> tuple[Forms, int]:
    network = load_integers(file)
    return integer_forms(network, build(row)), network.chunk_size


def _time(point: tuple, make: Callable[[], tuple[Forms, int]]) -> list[dict]:
    made_by = provenance(current_digest(ROOT))
    made_by |= {name: version(name) for name in ("onnxruntime", "openvino")}
    times = time_forms(*make()).to_dict("records")
    return [{**dict(zip(KEYS, point, strict=True)), **time, **made_by} for time in times]


ROOT = root(_time, _of_run, _of_file)


def load_speed(path: Path = SPEED) -> pd.DataFrame:
    """A row a point, batch size, network and runtime: ``ms`` of a batch, and what made it.

    Networks and runtimes as in `speed.forms`. Raises as `load_exports`.
    """
    return load(path, "`amr speed`")

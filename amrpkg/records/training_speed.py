"""The record of training steps' times: all networks of an architecture beside each other."""

from functools import partial
from pathlib import Path

import pandas as pd

from amrpkg.common.code import current_digest, provenance, root
from amrpkg.common.files import RESULTS
from amrpkg.grid.points import DROPPED, THESIS_GRID
from amrpkg.models.architectures import THESIS_ARCHITECTURES
from amrpkg.records.rows import complete, load, read_rows
from amrpkg.speed.steps import time_steps

TRAINING_SPEED = RESULTS / "training_speed.csv"


def time_training_steps(path: Path = TRAINING_SPEED, progress: bool = True) -> pd.DataFrame:
    """Measure every architecture of the thesis and keep the rows in the file `path`.

    Written anew after each, so it can be stopped and goes on when called again; architectures
    measured by the same code stay. Returns the rows of `time_steps`, with what made them.
    """
    rows = read_rows(path, ["architecture"], code_digest=current_digest(ROOT))
    tasks = {(name,): partial(_time, name) for name in THESIS_ARCHITECTURES}
    return complete(path, rows, tasks, "architecture", progress)


def _time(architecture: str) -> list[dict]:
    points = [point for point in THESIS_GRID + DROPPED if point.architecture == architecture]
    steps = time_steps(architecture, [(p.bit_width, p.pruning_percent) for p in points])
    return [row | provenance(current_digest(ROOT)) for row in steps.to_dict("records")]


ROOT = root(_time)


def load_training_speed(path: Path = TRAINING_SPEED) -> pd.DataFrame:
    """A row a point of the thesis's grid and a dropped one, as of `time_steps`, and what made it.

    Raises ``FileNotFoundError`` that says how the record is made.
    """
    return load(path, "`amr training-speed`")

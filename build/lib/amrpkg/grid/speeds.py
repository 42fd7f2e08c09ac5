"""Measure the speed of finished runs again, one after another, with nothing else at work.

A sweep keeps every core busy, and a timing that is pushed off its core tells of the machine's
load. `time_runs` measures alone; `records.collate` then takes its numbers, with their date.
"""

import json
from pathlib import Path

from tqdm import tqdm

from amrpkg.common.code import provenance
from amrpkg.common.files import whole_file
from amrpkg.grid.folders import SPEED_FILE, finished_runs
from amrpkg.grid.runs import code_digest
from amrpkg.models.weights import load_model
from amrpkg.speed.networks import compare_with_float


def time_runs(runs: Path, progress: bool = True) -> int:
    """Measure every finished run below `runs` that was not measured alone; returns how many.

    Writes ``speed.json`` into each run's folder, in one step, so it can be stopped and goes on
    when called again. Runs on the current torch threads.

    Raises ``ValueError`` for a damaged run and for a folder without finished runs.
    """
    records = finished_runs(runs)
    left = {folder: record for folder, record in records.items() if "timing_date" not in record}
    for folder, record in tqdm(left.items(), unit="run", disable=not progress):
        model = load_model(folder / "model.safetensors")
        speed = compare_with_float(model, record["pruning_percent"], record["pruning_variant"])
        made_by = provenance(code_digest())
        speed |= {
            "weights_sha256": record["weights_sha256"],
            "timing_cpu": made_by["cpu"],
            "timing_threads": made_by["threads"],
            "timing_date": made_by["date"],
        }
        with whole_file(folder / SPEED_FILE) as file:
            json.dump(speed, file, indent=1)
    return len(left)

"""The thesis's points trained again: from other seeds, and until all chunks of the set are right.

So that accuracies and ratios have a spread, and the thesis's own way to its 100 % stands beside
a protocol without. Seed 0 of the thesis's protocol is in the grid's record; these runs lie beside
it without their speed, which a busy machine cannot tell.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from amrpkg.common.files import RESULTS, whole_file
from amrpkg.grid import runs
from amrpkg.grid.folders import SERIES, Run, finished_runs, runs_folder
from amrpkg.grid.points import KEYS
from amrpkg.models.architectures import ARCHITECTURES
from amrpkg.records.grid import PROVENANCE
from amrpkg.records.rows import load

REPEATS = RESULTS / "repeats.csv"
ROOT = runs.ROOT
PROTOCOLS = ("thesis", "retuned")
_COLUMNS = [
    *(*KEYS, *SERIES, "converged", "epochs", "adjustments", "training_loss"),
    *("training_correct", "training_count", "fresh_correct", "fresh_count"),
    *("nonzero_weights", "conv_zero_share", "linear_zero_share", "dsp", "ff", "lut", "bram"),
    *("history_sha256", *PROVENANCE),
]


def repeat(path: Path, asked: Sequence[Run], progress: bool = True) -> pd.DataFrame:
    """Make the runs that are `asked` for, where they are missing, and gather all into `path`.

    The smallest networks come first. What is finished stays, so it can be stopped and goes on when
    called again. Gathered are all finished runs of `PROTOCOLS` below the folder of runs, but for
    seed 0 of the thesis's protocol.

    Raises as `runs.make_run` and `folders.finished_runs`.
    """
    size = list(ARCHITECTURES).index
    smallest = sorted(asked, key=lambda run: -size(run.point.architecture))
    for run in tqdm(smallest, unit="run", disable=not progress):
        runs.make_run(run, progress=False, timed=False)
    return _gather(path)


def _gather(path: Path) -> pd.DataFrame:
    rows = []
    for folder, record in finished_runs(runs_folder()).items():
        again = record["protocol"] != "thesis" or record["seed"]
        if record["protocol"] not in PROTOCOLS or not again:
            continue
        history = pd.read_csv(folder / "history.csv")
        adjustments = history["adjustments"].max() if "adjustments" in history else 0
        # A row of the history is an epoch, but for that of a network as it came.
        epochs = record["training_chunks"] // record["training_count"]
        rows.append(record | {"adjustments": int(adjustments), "epochs": epochs})
    table = pd.DataFrame(rows)[_COLUMNS]
    size = table["architecture"].map(list(ARCHITECTURES).index)
    order = ["protocol", "seed", "pruning_percent", "bit_width", "size", "pruning_variant"]
    upward = [key != "bit_width" for key in order]
    table = table.assign(size=size).sort_values(order, ascending=upward).drop(columns="size")
    with whole_file(path) as file:
        table.to_csv(file, index=False)
    return table.reset_index(drop=True)


def load_repeats(path: Path | None = None) -> pd.DataFrame:
    """A row a run; ``training_accuracy`` and ``fresh_accuracy`` as in the grid's record.

    Raises ``FileNotFoundError`` that says how the record is made.
    """
    record = load(path or REPEATS, "`amr repeat`")
    for data in ("training", "fresh"):
        record[f"{data}_accuracy"] = record[f"{data}_correct"] / record[f"{data}_count"]
    return record

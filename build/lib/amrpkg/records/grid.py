"""The printed tables and the recorded runs as data frames with the same key columns."""

from pathlib import Path

import pandas as pd

from amrpkg.common.files import RESULTS, whole_file
from amrpkg.evaluation.decisions import binomial_interval
from amrpkg.grid.folders import finished_runs
from amrpkg.models.architectures import ARCHITECTURES
from amrpkg.records.rows import load

PROVENANCE = [
    *("commit", "code_digest", "python", "torch", "brevitas", "numpy"),
    *("cpu", "threads", "date"),
]
GRID = RESULTS / "grid.csv"


def load_record(path: Path | None = None) -> pd.DataFrame:
    """All recorded runs: every protocol, pruning variant and seed, a row a run.

    path : a file of `collate`; by default ``results/grid.csv`` of the checkout

    Raises ``FileNotFoundError`` that says how the record is made.
    """
    return load(path or GRID, "`amr results`")


def load_grid(
    protocol: str = "thesis",
    pruning_variant: str = "held",
    seed: int = 0,
    path: Path | None = None,
) -> pd.DataFrame:
    """One series of the record, a row a point; keys and printed metrics as in `load_thesis`.

    The unpruned points belong to both pruning variants. Raises as `load_record`, and
    ``ValueError`` for a series that was not recorded.
    """
    record = load_record(path)
    wanted = {"protocol": [protocol], "seed": [seed], "pruning_variant": ["none", pruning_variant]}
    grid = record[record[list(wanted)].isin(wanted).all(axis=1)]
    if pruning_variant not in set(grid["pruning_variant"]):
        recorded = record[list(wanted)].query("pruning_variant != 'none'").drop_duplicates()
        series = "; ".join(" ".join(map(str, row)) for row in recorded.itertuples(index=False))
        asked = f"{protocol} {seed} {pruning_variant}"
        raise ValueError(f"protocol, seed, pruning_variant is {asked!r}; recorded: {series}")
    return grid.reset_index(drop=True)


def collate(runs: Path, path: Path) -> pd.DataFrame:
    """Gather the finished runs below `runs` into one CSV file, in the thesis's order.

    Adds to each accuracy its exact 95 % interval: ``fresh_accuracy``, ``fresh_low``, ...
    Speeds measured alone (`speeds.time_runs`) take the place of those of the sweep.

    Raises as `folders.finished_runs`.
    """
    records = list(finished_runs(runs).values())
    order = list(ARCHITECTURES)
    records.sort(
        key=lambda run: (
            *(run["protocol"], run["seed"], run["pruning_percent"], -run["bit_width"]),
            *(order.index(run["architecture"]), run["pruning_variant"]),
        )
    )
    grid = pd.DataFrame(records)
    for data in ("training", "fresh"):
        counts = zip(grid[f"{data}_correct"], grid[f"{data}_count"], strict=True)
        low, high = zip(*(binomial_interval(*pair) for pair in counts), strict=True)
        place = grid.columns.get_loc(f"{data}_count") + 1
        grid.insert(place, f"{data}_high", high)
        grid.insert(place, f"{data}_low", low)
        grid.insert(place, f"{data}_accuracy", grid[f"{data}_correct"] / grid[f"{data}_count"])
    with whole_file(path) as file:
        grid.to_csv(file, index=False)
    return grid

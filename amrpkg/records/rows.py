"""A record as a CSV file: loaded, and completed row by row, so that it can be stopped."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from amrpkg.common.files import whole_file

_TEXTS = dict.fromkeys(("commit", "code_digest", "weights_sha256"), str)  # or 12e4 is a number
Rows = dict[tuple, list[dict]]  # by their key: the values of some columns


def load(path: Path, maker: str) -> pd.DataFrame:
    """The record in `path`. Raises ``FileNotFoundError`` that says that `maker` makes it."""
    if not Path(path).exists():
        raise FileNotFoundError(f"path is {str(path)!r}; allowed: a record that {maker} wrote")
    return pd.read_csv(path, dtype=_TEXTS)


def read_rows(path: Path | None, key: Sequence[str], **wanted: object) -> Rows:
    """The rows in `path` by the columns `key`, none without a file.

    wanted : column -> value; rows of other values are left out
    """
    found = {}
    if path and path.exists():
        for row in pd.read_csv(path, dtype=_TEXTS).to_dict("records"):
            if all(row[column] == value for column, value in wanted.items()):
                found.setdefault(tuple(row[column] for column in key), []).append(row)
    return found


def complete(
    path: Path | None,
    rows: Rows,
    tasks: Mapping[tuple, Callable[[], list[dict]]],
    unit: str,
    progress: bool,
) -> pd.DataFrame:
    """Let each task make the rows of its key, in place of those in `rows`; returns all of them.

    The file is written anew after each task, so it can be stopped and goes on when called again.
    """
    for key, make in tqdm(tasks.items(), unit=unit, disable=not progress):
        rows[key] = make()
        if path:
            with whole_file(path) as file:
                _table(rows).to_csv(file, index=False)
    return _table(rows)


def _table(rows: Rows) -> pd.DataFrame:
    return pd.DataFrame([row for some in rows.values() for row in some])

"""A record as a CSV file: loaded, and completed row by row, so that it can be stopped."""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from amrpkg.common.files import whole_file

# Or 12e4 is a number.
_TEXTS = dict.fromkeys(("commit", "code_digest", "weights_sha256", "channels"), str)
Rows = dict[tuple, list[dict]]  # by their key: the values of some columns


def load(path: Path, maker: str) -> pd.DataFrame:
    """The record in `path`. Raises ``FileNotFoundError`` that says that `maker` makes it."""
    if not Path(path).exists():
        raise FileNotFoundError(f"path is {str(path)!r}; allowed: a record that {maker} wrote")
    return pd.read_csv(path, dtype=_TEXTS)


def read_rows(path: Path | None, key: Sequence[str], **wanted: object) -> Rows:
    """The rows in `path`, if there is such a file, that have the values `wanted`, by their key."""
    found = {}
    if path and path.exists():
        for row in pd.read_csv(path, dtype=_TEXTS).to_dict("records"):
            if wanted.items() <= row.items():
                found.setdefault(tuple(row[column] for column in key), []).append(row)
    return found


def complete(
    path: Path | None,
    rows: Rows,
    tasks: Mapping[tuple, Callable[[], list[dict]]],
    unit: str,
    progress: bool,
) -> pd.DataFrame:
    """Let tasks make the rows of the keys that `rows` lacks; returns all of them.

    The file is written anew after each task, so it can be stopped and goes on when called again.
    """
    for key, make in tqdm(tasks.items(), unit=unit, disable=not progress):
        if key not in rows:
            rows[key] = make()
            if path:
                with whole_file(path) as file:
                    pd.DataFrame(chain(*rows.values())).to_csv(file, index=False)
    return pd.DataFrame(chain(*rows.values()))

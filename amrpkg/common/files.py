"""A file that is there whole or not at all, whenever the process that writes it is stopped."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

CHECKOUT = Path(__file__).parents[2]
IN_CHECKOUT = (CHECKOUT / "pyproject.toml").exists()  # else installed: nothing is written there
RESULTS = CHECKOUT / "results"


@contextmanager
def whole_file(path: Path, binary: bool = False) -> Iterator[IO]:
    """Open `path` for writing; it takes the place of an earlier file when all is on disk.

    Missing folders are made. After an error, or a kill, `path` is as it was before.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.part")
    with partial.open("wb") if binary else partial.open("w", newline="") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)

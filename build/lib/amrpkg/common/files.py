"""Files: those of others are plain ones, ours are there whole or not at all."""

import json
import math
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

CHECKOUT = Path(__file__).parents[2]
IN_CHECKOUT = (CHECKOUT / "pyproject.toml").exists()  # else installed: nothing is written there
RESULTS = CHECKOUT / "results"


def require_regular(path: Path, most: float = math.inf) -> Path:
    """`path`, if behind all links it is a plain file of at most `most` bytes.

    Pipes and devices have no end. Raises ``ValueError`` that names it, ``OSError`` for a folder
    and for what is missing or cannot be opened.
    """
    path = Path(path)
    status = path.stat()
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise ValueError(f"{str(path)!r} is a pipe or a device; allowed: a file")
    path.open("rb").close()  # what cannot be opened fails here: libraries do not name it
    if status.st_size > most:
        raise ValueError(f"{str(path)!r} holds {status.st_size} bytes; allowed: at most {most}")
    return path


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


def with_sorted_header(safetensors: bytes) -> bytes:
    """The same file with its header's keys in order: safetensors writes them in a random one."""
    size = int.from_bytes(safetensors[:8], "little")
    header = json.dumps(json.loads(safetensors[8 : 8 + size]), sort_keys=True).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + safetensors[8 + size :]


def require_new(path: Path) -> Path:
    """`path`. Raises ``ValueError`` if there is something."""
    path = Path(path)
    if path.exists() or path.is_symlink():
        raise ValueError(f"{str(path)!r} is there; allowed: a new folder")
    return path


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """An empty folder to fill, which becomes `path` when all is in it; after an error nothing is.

    Raises ``ValueError`` if there is something at `path`.
    """
    path = require_new(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f"{path.name}.part-", dir=path.parent))
    try:
        yield partial
        partial.chmod(0o755)  # as other folders; that of mkdtemp is private
        partial.rename(path)
    except BaseException:
        shutil.rmtree(partial)
        raise

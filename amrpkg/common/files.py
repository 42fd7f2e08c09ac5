"""A file that is there whole or not at all, whenever the process that writes it is stopped."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

CHECKOUT = Path(__file__).parents[2]
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


def with_sorted_header(safetensors: bytes) -> bytes:
    """The same file with its header's keys in order: safetensors writes them in a random one."""
    size = int.from_bytes(safetensors[:8], "little")
    header = json.dumps(json.loads(safetensors[8 : 8 + size]), sort_keys=True).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + safetensors[8 + size :]

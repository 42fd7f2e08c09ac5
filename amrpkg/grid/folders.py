"""A run's folder: where it lies, what it is called, and whether it is as the run left it.

    <runs>/<protocol>/<point name>[_regrowing][_seed_N]/

holds ``params.json``, ``history.csv``, ``model.safetensors`` and, written last, ``metrics.json``
with digests of the two before it.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from amrpkg.common.files import CHECKOUT, IN_CHECKOUT
from amrpkg.grid.points import KEYS, Point

SERIES = ["protocol", "seed", "pruning_variant"]
_SEALS = {"history_sha256": "history.csv", "weights_sha256": "model.safetensors"}


def runs_folder() -> Path:
    """``$AMR_RUNS``, else ``runs/`` in the checkout, else ``runs/`` where the caller stands.

    Raises ``ValueError`` if ``$AMR_RUNS`` is empty.
    """
    default = CHECKOUT if IN_CHECKOUT else Path.cwd()
    if not (folder := os.environ.get("AMR_RUNS", str(default / "runs"))):
        raise ValueError("AMR_RUNS is ''; allowed: a folder, or leave it unset")
    return Path(folder)


def run_name(record: Mapping) -> str:
    """The name of a run among those of its protocol, from its point, seed and variant."""
    name = Point(*(record[key] for key in KEYS)).name
    name += "_regrowing" if record["pruning_variant"] == "regrowing" else ""
    return name + (f"_seed_{record['seed']}" if record["seed"] else "")


def seal(folder: Path) -> dict[str, str]:
    """Digests of a run's files, by which later damage is seen; the files are then on the disk."""
    digests = {}
    for key, name in _SEALS.items():
        with (folder / name).open("rb") as file:
            os.fsync(file.fileno())  # a power cut must not leave a record of half a file
            digests[key] = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    return digests


def read_metrics(folder: Path) -> dict:
    """The record of a finished run.

    Raises ``FileNotFoundError`` without ``metrics.json``, and ``ValueError`` that names the
    folder if it is damaged: truncated, of another run, other files missing or changed.
    """
    text = (folder / "metrics.json").read_text()
    try:
        metrics = json.loads(text)
        _require_intact(folder, metrics)
    except (ValueError, TypeError) as error:
        raise ValueError(f"run {folder} is damaged ({error}); remove it") from error
    return metrics


def _require_intact(folder, metrics) -> None:
    if not isinstance(metrics, dict):
        raise ValueError("metrics.json holds no record")
    if missing := [key for key in (*KEYS, *SERIES, *_SEALS) if key not in metrics]:
        raise ValueError(f"metrics.json lacks {', '.join(missing)}")
    if (metrics["protocol"], run_name(metrics)) != (folder.parent.name, folder.name):
        raise ValueError(f"metrics.json is that of {metrics['protocol']}/{run_name(metrics)}")
    for file in _SEALS.values():
        if not (folder / file).exists():
            raise ValueError(f"{file} is missing")
    for key, digest in seal(folder).items():
        if metrics[key] != digest:
            raise ValueError(f"{_SEALS[key]} was changed")


SPEED_FILE = "speed.json"  # in a run's folder, see speed.py


def read_record(folder: Path) -> dict:
    """The record of a finished run, its speed as measured alone where that was done.

    Raises as `run_folder.read_metrics`.
    """
    record = read_metrics(folder)
    if (folder / SPEED_FILE).exists():
        speed = json.loads((folder / SPEED_FILE).read_text())
        if speed["weights_sha256"] == record["weights_sha256"]:  # else of an earlier run
            return record | speed
    return record

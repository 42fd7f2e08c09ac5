"""Which run, where its folder lies, and whether it is as the run left it.

    <runs>/<protocol>/<point name>[_regrowing][_seed_N]/

holds ``params.json``, ``history.csv``, ``model.safetensors`` and, written last, ``metrics.json``
with digests of the two before it.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from amrpkg.common.arguments import require_choice, require_count
from amrpkg.common.files import CHECKOUT, IN_CHECKOUT
from amrpkg.grid.points import KEYS, Point
from amrpkg.training.protocols import (
    PRUNING_VARIANTS,
    RetuningSettings,
    Settings,
    StreamSettings,
    settings,
)

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


@dataclass(frozen=True)
class Run:
    """Which run: a point, how and with which seed it is trained, what masks do in retraining.

    pruning_variant : "none" of a point without pruning, whichever was asked for

    Raises ``ValueError`` or ``TypeError`` that names the argument.
    """

    point: Point
    protocol: str = "thesis"
    seed: int = 0  # of the chunks, the initial weights and the order of batches
    pruning_variant: str = "held"

    def __post_init__(self) -> None:
        settings(self.point.architecture, self.point.bit_width, self.protocol)
        require_count("seed", self.seed, minimum=0)
        pruned = self.point.pruning_percent > 0
        allowed = PRUNING_VARIANTS if pruned else (*PRUNING_VARIANTS, "none")
        require_choice("pruning_variant", self.pruning_variant, allowed)
        object.__setattr__(self, "seed", int(self.seed))
        if not pruned:
            object.__setattr__(self, "pruning_variant", "none")

    @classmethod
    def of(cls, record: Mapping) -> "Run":
        """The run of a row of the record."""
        return cls(Point(*(record[key] for key in KEYS)), *(record[key] for key in SERIES))

    @property
    def columns(self) -> dict:
        """What `of` takes: a value for each of `KEYS` and `SERIES`."""
        return {**asdict(self.point), **{key: getattr(self, key) for key in SERIES}}

    @property
    def settings(self) -> Settings | RetuningSettings | StreamSettings:
        return settings(self.point.architecture, self.point.bit_width, self.protocol)

    @property
    def start(self) -> "Run | None":
        """The run whose weights this one starts from, ``None`` for random weights.

        A pruned point starts from its unpruned one, if not, as on a stream, a quantised one from
        that of more bits and the same pruning, or any from what another protocol made of it.
        """
        point, knobs = self.point, self.settings
        if knobs.start_protocol:
            return replace(self, protocol=knobs.start_protocol)
        if knobs.quantised_last and knobs.start_bits and point.bit_width != 32:
            return replace(self, point=replace(point, bit_width=knobs.start_bits))
        return replace(self, point=point.base) if point.pruning_percent else None

    @property
    def name(self) -> str:
        """Of its folder."""
        return self.point.name + self._suffix

    @property
    def short(self) -> str:
        """In tables and figures of the book."""
        return self.point.short + self._suffix

    @property
    def _suffix(self) -> str:
        regrowing = "_regrowing" if self.pruning_variant == "regrowing" else ""
        return regrowing + (f"_seed_{self.seed}" if self.seed else "")

    @property
    def folder(self) -> Path:
        return runs_folder() / self.protocol / self.name


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
    run = Run.of(metrics)
    if (run.protocol, run.name) != (folder.parent.name, folder.name):
        raise ValueError(f"metrics.json is that of {run.protocol}/{run.name}")
    for file in _SEALS.values():
        if not (folder / file).exists():
            raise ValueError(f"{file} is missing")
    for key, digest in seal(folder).items():
        if metrics[key] != digest:
            raise ValueError(f"{_SEALS[key]} was changed")


SPEED_FILE = "speed.json"  # in a run's folder, see speeds.py


def read_record(folder: Path) -> dict:
    """The record of a finished run, its speed as measured alone where that was done.

    Raises as `read_metrics`.
    """
    record = read_metrics(folder)
    if (folder / SPEED_FILE).exists():
        speed = json.loads((folder / SPEED_FILE).read_text())
        if speed["weights_sha256"] == record["weights_sha256"]:  # else of an earlier run
            return record | speed
    return record


def finished_runs(runs: Path, protocol: str = "*") -> dict[Path, dict]:
    """Folder -> `read_record` of every finished run below `runs`, by default of all protocols.

    Raises ``ValueError`` if there is none, or if runs are damaged, which are all named.
    """
    records, damaged = {}, []
    for folder in sorted(file.parent for file in Path(runs).glob(f"{protocol}/*/metrics.json")):
        try:
            records[folder] = read_record(folder)
        except ValueError as error:
            damaged.append(str(error))
    if damaged:
        raise ValueError("\n".join([f"runs holds {len(damaged)} damaged ones:", *damaged]))
    if not records:
        raise ValueError(f"runs is {str(runs)!r}; allowed: a folder with finished runs")
    return records

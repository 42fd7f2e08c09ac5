"""The record of speeds: every point's deployable forms beside the float network."""

from importlib.metadata import version
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from amrpkg.common.code import digest_modules
from amrpkg.common.files import RESULTS, whole_file
from amrpkg.grid.folders import read_record
from amrpkg.grid.points import KEYS
from amrpkg.grid.runs import provenance
from amrpkg.models.weights import load_model
from amrpkg.records.exports import _load
from amrpkg.speed.forms import time_point

SPEED = RESULTS / "speed.csv"
_CODE = (
    *("hardware/integers", "hardware/conversion", "training/shrinking", "export/onnx_graph"),
    *("export/qcdq", "export/qonnx", "export/runtimes", "speed/forms", "records/speed"),
)


def time_points(runs: Path, path: Path = SPEED, progress: bool = True) -> pd.DataFrame:
    """Measure every finished run of the folder `runs` and keep the rows in the file `path`.

    Written anew after every point, so it can be stopped and goes on when called again; points
    measured by the same code stay. Returns all rows: keys of the point, those of `time_point`,
    versions and machine. Raises ``ValueError`` for a damaged run or a folder without one.
    """
    folders = sorted(file.parent for file in Path(runs).glob("*/metrics.json"))
    if not folders:
        raise ValueError(f"runs is {str(runs)!r}; allowed: a folder with finished runs")
    digest = digest_modules(_CODE)
    frames = [pd.read_csv(path).query("speed_digest == @digest")] if path.exists() else []
    done = {row for rows in frames for row in rows[KEYS].itertuples(index=False, name=None)}
    for folder in tqdm(folders, unit="point", disable=not progress):
        keys = {key: value for key, value in read_record(folder).items() if key in KEYS}
        if tuple(keys[key] for key in KEYS) in done:
            continue
        made_by = provenance() | {name: version(name) for name in ("onnxruntime", "openvino")}
        times = time_point(load_model(folder / "model.safetensors"))
        new = times.assign(**keys, **made_by, speed_digest=digest)
        frames.append(new[[*KEYS, *times, *made_by, "speed_digest"]])
        with whole_file(path) as file:
            pd.concat(frames).to_csv(file, index=False)
    return pd.concat(frames, ignore_index=True)


def load_speed(path: Path = SPEED) -> pd.DataFrame:
    """A row a point, batch size, network and runtime: ``ms`` of a batch, and what made it.

    Networks and runtimes as in `speed.forms`. Raises as `load_exports`.
    """
    return _load(path, "`python benchmarks/runtimes.py`")

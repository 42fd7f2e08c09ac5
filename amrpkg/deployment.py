"""The records of deployable forms, whether equal, how large, how fast, as tables for a reader."""

from pathlib import Path

import pandas as pd

from amrpkg.arguments import require_choice
from amrpkg.grid import KEYS

_RESULTS = Path(__file__).parents[1] / "results"
EXPORTS = _RESULTS / "exports.csv"
SPEED = _RESULTS / "speed.csv"
BATCH_SIZES = (1, 32, 1024)  # of the record of speeds; 32 is the thesis's


def load_exports(path: Path = EXPORTS) -> pd.DataFrame:
    """A row a network: what `equality.compare_files` found, by default the checkout's record.

    Raises ``FileNotFoundError`` that says how the record is made.
    """
    return _load(path, "`amr verify`")


def load_speed(path: Path = SPEED) -> pd.DataFrame:
    """A row a point, batch size, network and runtime: ``ms`` of a batch, and what made it.

    Networks and runtimes as in `deployed_speed`. Raises as `load_exports`.
    """
    return _load(path, "`python benchmarks/runtimes.py`")


def _load(path: Path, maker: str) -> pd.DataFrame:
    if not Path(path).exists():
        raise FileNotFoundError(f"path is {str(path)!r}; allowed: a record that {maker} wrote")
    return pd.read_csv(path)


def compare_speed(batch_size: int = 32, path: Path = SPEED) -> pd.DataFrame:
    """What each point's best deployable form gains, a row a point.

    Index: the keys. ``eager``, ``fastest``, ``fastest_bf16``: milliseconds a batch of the unpruned
    float network, eager in PyTorch, in the fastest float runtime, and in the fastest one that may
    compute in bf16. ``ms``, ``form``: those of the point's fastest deployable form (a network in
    a runtime, float32 where it is not integer). ``to_eager``, ``to_fastest``,
    ``to_fastest_bf16``: how many times as fast that is; ``trained``: the same, to eager, of the
    network as it was trained, in PyTorch.

    Raises ``ValueError`` for a batch size that was not recorded; as `load_exports`.
    """
    require_choice("batch_size", batch_size, BATCH_SIZES)
    rows = load_speed(path).query("batch_size == @batch_size")
    times = rows.pivot(index=KEYS, columns=["network", "runtime"], values="ms")
    real = [("float", name) for name in ("PyTorch", "onnxruntime", "OpenVINO")]
    forms = [
        (network, runtime)
        for network in ("float", "in place", "shrunk")
        for runtime in ("onnxruntime", "OpenVINO")
    ]
    table = pd.DataFrame(
        {
            "eager": times["float", "PyTorch"],
            "fastest": times[real].min(axis=1),
            "fastest_bf16": times["float"].min(axis=1),
        }
    )
    # The float network is a form of the unpruned float point only.
    unpruned = (times.index.get_level_values(1) == 32) & (times.index.get_level_values(2) == 0)
    own = times[forms].copy()
    own.loc[~unpruned, "float"] = float("nan")
    table["ms"] = own.min(axis=1)
    table["form"] = [" in ".join(form) for form in own.idxmin(axis=1)]
    for peer in ("eager", "fastest", "fastest_bf16"):
        table[f"to_{peer}"] = table[peer] / table["ms"]
    trained = times["in place", "PyTorch"].fillna(times["float", "PyTorch"])
    return table.assign(trained=table["eager"] / trained)

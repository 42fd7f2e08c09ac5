"""The records of deployable forms, whether equal, how large, how fast, as tables for a reader."""

from itertools import product
from pathlib import Path

import pandas as pd

from amrpkg.common.arguments import require_choice
from amrpkg.grid.points import KEYS, Point
from amrpkg.models.architectures import ARCHITECTURES, THESIS_ARCHITECTURES
from amrpkg.records.exports import EXPORTS, load_exports
from amrpkg.records.grid import load_grid
from amrpkg.records.speed import C_SPEED, SPEED, load_speed
from amrpkg.speed.forms import BATCH_SIZES

_FLOAT_RUNTIMES = ["PyTorch", "onnxruntime", "OpenVINO"]  # that compute in float32


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
    real = [("float", name) for name in _FLOAT_RUNTIMES]
    forms = [
        (network, runtime)
        for network in ("float", "in place", "shrunk")
        for runtime in ("onnxruntime", "OpenVINO", "C")
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
    own = times.reindex(columns=forms)  # C is of integers, and wants a compiler
    own.loc[~unpruned, "float"] = float("nan")
    table["ms"] = own.min(axis=1)
    table["form"] = [
        f"{network if percent else 'unpruned'} in {runtime}"
        for (_, _, percent), (network, runtime) in own.idxmin(axis=1).items()
    ]
    for peer in ("eager", "fastest", "fastest_bf16"):
        table[f"to_{peer}"] = table[peer] / table["ms"]
    trained = times["in place", "PyTorch"].where(~unpruned, times["float", "PyTorch"])
    return table.assign(trained=table["eager"] / trained)


def compare_c(path: Path = C_SPEED) -> pd.DataFrame:
    """What C costs beside the runtimes, of the same integers: a row a network and batch size.

    Index: the keys and ``batch_size``. ``c``, ``onnxruntime``, ``openvino``: microseconds a
    chunk; ``float``: those of the unpruned float network in its fastest float32 runtime;
    ``to_runtime``, ``to_float``: how many times as fast as the faster runtime, as that float
    network, C is. Raises as `load_speed`.
    """
    rows = load_speed(path)
    rows["us"] = 1e3 * rows["ms"] / rows["batch_size"]
    index = [*KEYS, "batch_size"]
    real = rows.query("network == 'float' and runtime in @_FLOAT_RUNTIMES")
    compiled = rows.query("runtime == 'C'").set_index([*index, "network"])["us"]
    integers = rows.set_index([*index, "network", "runtime"])["us"].unstack("runtime")
    table = integers.loc[compiled.index, ["C", "onnxruntime", "OpenVINO"]].droplevel("network")
    table = table.set_axis(["c", "onnxruntime", "openvino"], axis=1)
    table["float"] = real.groupby(index)["us"].min()
    table["to_runtime"] = table[["onnxruntime", "openvino"]].min(axis=1) / table["c"]
    return table.assign(to_float=table["float"] / table["c"])


GOALS = {
    "to_eager": ("float in PyTorch", 3.0),
    "to_fastest": ("the fastest in float32", 1.5),
    "to_fastest_bf16": ("the fastest in float32 or bf16", 1.5),
}
"""Column of `compare_speed` -> its peer, and how many times as fast a point should be: every
quantised one for the first peer, every quantised and pruned one for the others."""


def summarise_speed(path: Path = SPEED) -> pd.DataFrame:
    """The ratios of the thesis's points to each peer of `GOALS`, a row a batch size and peer.

    Columns: ``batch``, ``times as fast as``, ``points``, ``minimum``, ``median``, ``maximum``,
    ``goal``, ``below``: how many points miss it. Raises as `load_speed`.
    """
    rows = []
    for batch_size in BATCH_SIZES:
        table = thesis_points(compare_speed(batch_size, path)).query("bit_width != 32")
        for column, (peer, goal) in GOALS.items():
            ratios = (table if goal == 3 else table.query("pruning_percent > 0"))[column]
            spread = ratios.quantile([0, 0.5, 1]).round(2)
            rows.append((batch_size, peer, len(ratios), *spread, goal, (ratios < goal).sum()))
    columns = ["batch", "times as fast as", "points", "minimum", "median", "maximum"]
    return pd.DataFrame(rows, columns=[*columns, "goal", "below"])


def thesis_points(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table indexed by the keys that are the thesis's architectures."""
    return table[table.index.get_level_values("architecture").isin(THESIS_ARCHITECTURES)]


def summarise_removal(path: Path = EXPORTS) -> pd.DataFrame:
    """What pruning leaves of each architecture of the thesis, as zeros and taken out.

    A row an architecture and pruning rate: weights of the unpruned network and the share left
    when channels are taken out; DSP blocks and look-up tables (estimates, float) unpruned, with
    zeros in place, and taken out.
    Raises as `load_exports`.
    """
    rows = load_exports(path).query("bit_width == 32").set_index(KEYS)
    rows = thesis_points(rows).reset_index()
    dense = rows[rows["pruning_percent"] == 0].set_index("architecture")
    pruned = rows[rows["pruning_percent"] > 0]
    whole = dense.loc[pruned["architecture"]]
    return pd.DataFrame(
        {
            "architecture": pruned["architecture"].map(lambda name: ARCHITECTURES[name].short),
            "pruned (%)": pruned["pruning_percent"],
            "weights": pruned["weights"],
            "weights left (%)": 100 * pruned["shrunk_weights"].array / whole["weights"].array,
            "DSP unpruned": whole["dsp"].array,
            "DSP, zeros": pruned["dsp"],
            "DSP, taken out": pruned["shrunk_dsp"],
            "LUT, zeros": pruned["lut"],
            "LUT, taken out": pruned["shrunk_lut"],
        }
    ).round(1)


def choose(
    targets: tuple[float, ...], exports: Path = EXPORTS, speed: Path = SPEED
) -> pd.DataFrame:
    """For each target accuracy on fresh chunks, the smallest file and the fastest point.

    targets : accuracies, of 1; a point meets one if its accuracy as recorded does

    A row a target, family ("thesis's" or "all", with our small networks) and wish: ``fresh
    chunks right (%)``, ``file``: bytes of the integer file, of ONNX for a float network,
    ``chunks/s`` in batches of 32, and the ``form`` that runs so fast. A target that no point
    of a family meets has no row. Raises as `load_exports`.
    """
    grid = load_grid("streaming").set_index(KEYS)
    sizes = load_exports(exports).set_index(KEYS)
    table = compare_speed(32, speed).join(grid["fresh_accuracy"]).join(sizes, how="inner")
    table["file"] = table["bytes_integer"].fillna(table["bytes_onnx"]).astype(int)
    families = {"thesis's": thesis_points(table), "all": table}
    rows = []
    for target, (family, able) in product(targets, families.items()):
        able = able[able["fresh_accuracy"] >= target]
        for wish, column in (("smallest", "file"), ("fastest", "ms")) if len(able) else ():
            row = able.loc[place := able[column].idxmin()]
            rows.append(
                {
                    "target (%)": 100 * target,
                    "networks": family,
                    "wish": wish,
                    "point": Point(*place).short,
                    "fresh chunks right (%)": round(100 * row["fresh_accuracy"], 3),
                    "file (bytes)": row["file"],
                    "chunks/s": int(float(f"{32e3 / row['ms']:.2g}")),
                    "form": row["form"],
                }
            )
    return pd.DataFrame(rows)

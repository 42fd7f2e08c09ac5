"""The printed tables and the recorded runs as data frames with the same key columns."""

import json
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from amrpkg.architectures import ARCHITECTURES
from amrpkg.bounds import recorded_ceiling
from amrpkg.grid import KEYS, THESIS_GRID
from amrpkg.hardware import Resources, count_architecture, estimate_architecture
from amrpkg.intervals import binomial_interval
from amrpkg.run_folder import read_metrics, run_name
from amrpkg.whole_file import whole_file

PRINTED = ["throughput_chunks_per_s", "inference_time_ms", "dsp", "ff", "lut", "bram"]
PROVENANCE = [
    *("commit", "code_digest", "python", "torch", "brevitas", "numpy"),
    *("cpu", "threads", "date"),
]
SPEED_FILE = "speed.json"  # in a run's folder, see speed.py
_PACKAGE = Path(__file__).parent
RECORD = _PACKAGE.parent / "results" / "grid.csv"


def load_thesis() -> pd.DataFrame:
    """The 81 rows of the thesis's Appendices A, B and C, in their order.

    Columns: ``architecture``, ``bit_width``, ``pruning_percent``, ``appendix``,
    ``throughput_chunks_per_s``, ``inference_time_ms``, ``dsp``, ``ff``, ``lut``, ``bram``.
    """
    printed = pd.read_csv(_PACKAGE / "thesis" / "appendices.csv")
    return printed.rename(columns={"model": "architecture"})[[*KEYS, "appendix", *PRINTED]]


def printed_zero_shares() -> pd.DataFrame:
    """Share of zero weights in the thesis's pruned rows, recovered from DSP and LUT.

    A weight costs 2 DSP anywhere, 4 LUT in a convolution and 1 in a fully connected layer, so
    pruning that saves dDSP and dLUT zeroes (dLUT - dDSP / 2) / 3 scaled weights in the
    convolutions and the rest of dDSP / 2 elsewhere. Columns: the keys, ``conv``, ``linear``.
    """
    model = ["architecture", "bit_width"]
    printed = load_thesis()
    unpruned = printed[printed["pruning_percent"] == 0].set_index(model)
    pruned = printed[printed["pruning_percent"] > 0].set_index(model)
    saved = unpruned[["dsp", "lut"]].reindex(pruned.index) - pruned[["dsp", "lut"]]
    conv = (saved["lut"] - saved["dsp"] / 2) / 3
    layers = {name: count_architecture(name) for name in printed["architecture"].unique()}

    def scaled(kind):  # C_nw of the unpruned network
        return [
            sum(x.weights for x in layers[name] if x.kind == kind) * bits / 32
            for name, bits in pruned.index
        ]

    return pruned.assign(
        conv=conv / scaled("conv"), linear=(saved["dsp"] / 2 - conv) / scaled("linear")
    ).reset_index()[[*KEYS, "conv", "linear"]]


def load_record(path: Path | None = None) -> pd.DataFrame:
    """All recorded runs: every protocol, pruning variant and seed, a row a run.

    path : a file of `collate`; by default ``results/grid.csv`` of the checkout

    Raises ``FileNotFoundError`` that says how the record is made.
    """
    path = Path(path or RECORD)
    if not path.exists():
        raise FileNotFoundError(
            f"path is {str(path)!r}; allowed: a record that `amr results` wrote"
        )
    return pd.read_csv(path)


def load_grid(
    protocol: str = "thesis",
    pruning_variant: str = "held",
    seed: int = 0,
    path: Path | None = None,
) -> pd.DataFrame:
    """One series of the record, a row a point; keys and printed metrics as in `load_thesis`.

    The unpruned points belong to both pruning variants. Raises as `load_record`, and
    ``ValueError`` for a series that was not recorded.
    """
    record = load_record(path)
    wanted = {"protocol": [protocol], "seed": [seed], "pruning_variant": ["none", pruning_variant]}
    grid = record[record[list(wanted)].isin(wanted).all(axis=1)]
    if pruning_variant not in set(grid["pruning_variant"]):
        recorded = record[list(wanted)].query("pruning_variant != 'none'").drop_duplicates()
        series = "; ".join(" ".join(map(str, row)) for row in recorded.itertuples(index=False))
        asked = f"{protocol} {seed} {pruning_variant}"
        raise ValueError(f"protocol, seed, pruning_variant is {asked!r}; recorded: {series}")
    return grid.reset_index(drop=True)


def estimate_grid() -> pd.DataFrame:
    """Algorithm II for the 81 points from layer sizes alone, masks held; columns as printed."""
    return pd.DataFrame(
        {
            **asdict(point),
            **estimate_architecture(
                point.architecture, point.bit_width, point.pruning_percent
            )._asdict(),
        }
        for point in THESIS_GRID
    )


def compare(metrics: dict) -> pd.DataFrame:
    """A run's accuracies, estimates and inference time beside the thesis's row of the point.

    metrics : the record of a `runs.Run`; the thesis's column stays empty off its grid
    """
    printed = load_thesis().set_index(KEYS)
    key = tuple(metrics[column] for column in KEYS)
    row = printed.loc[key] if key in printed.index else {}
    rows = []
    for data, claim in (("training", ""), ("fresh", "100 [99.84, 100]" if len(row) else "")):
        correct, count = metrics[f"{data}_correct"], metrics[f"{data}_count"]
        low, high = binomial_interval(correct, count)
        ours = f"{100 * correct / count:.2f} [{100 * low:.2f}, {100 * high:.2f}]"
        rows.append((f"accuracy on {data} chunks (%), 95 % interval", ours, claim))
    best = recorded_ceiling(metrics["seed"])
    low, high = binomial_interval(best.correct, best.count)
    ours = f"{100 * best.accuracy:.2f} [{100 * low:.2f}, {100 * high:.2f}]"
    rows.append(("ceiling on fresh chunks (%), 95 % interval", ours, ""))
    rows += [
        (f"{name.upper()} (estimate)", metrics[name], row.get(name, ""))
        for name in Resources._fields
    ]
    name = "inference_time_ms"
    rows.append(
        ("inference time, batch of 32 (ms, measured)", round(metrics[name], 3), row.get(name, ""))
    )
    return pd.DataFrame(rows, columns=["quantity", "ours", "thesis"], dtype=object)


def summarise(grid: pd.DataFrame) -> pd.DataFrame:
    """The record for the eye: a run's name, outcome, accuracies in percent and estimates."""
    names = [run_name(row).removeprefix("vgglike_") for _, row in grid.iterrows()]
    return pd.DataFrame(
        {
            "run": names,
            "converged": grid["converged"].map({True: "yes", False: "no"}),
            "epochs of its phase": grid["epochs"],
            "training chunks right (%)": _percent(grid["training_correct"], grid["training_count"]),
            "fresh chunks right (%)": _percent(grid["fresh_correct"], grid["fresh_count"]),
            **{name.upper(): grid[name] for name in Resources._fields},
        }
    )


def _percent(correct: pd.Series, count: pd.Series) -> pd.Series:
    return (100 * correct / count).round(2)


def collate(runs: Path, path: Path) -> pd.DataFrame:
    """Gather the finished runs below `runs` into one CSV file, in the thesis's order.

    Adds to each accuracy its exact 95 % interval: ``fresh_accuracy``, ``fresh_low``, ...
    Speeds measured alone (`speed.time_runs`) take the place of those of the sweep.

    Raises ``ValueError`` if there is none, or if runs are damaged, which are all named.
    """
    records, damaged = [], []
    for folder in sorted(file.parent for file in runs.glob("*/*/metrics.json")):
        try:
            records.append(read_record(folder))
        except ValueError as error:
            damaged.append(str(error))
    if damaged:
        raise ValueError("\n".join([f"runs holds {len(damaged)} damaged ones:", *damaged]))
    if not records:
        raise ValueError(f"runs is {str(runs)!r}; allowed: a folder with finished runs")
    order = list(ARCHITECTURES)
    records.sort(
        key=lambda run: (
            *(run["protocol"], run["seed"], run["pruning_percent"], -run["bit_width"]),
            *(order.index(run["architecture"]), run["pruning_variant"]),
        )
    )
    grid = pd.DataFrame(records)
    for data in ("training", "fresh"):
        counts = zip(grid[f"{data}_correct"], grid[f"{data}_count"], strict=True)
        low, high = zip(*(binomial_interval(*pair) for pair in counts), strict=True)
        place = grid.columns.get_loc(f"{data}_count") + 1
        grid.insert(place, f"{data}_high", high)
        grid.insert(place, f"{data}_low", low)
        grid.insert(place, f"{data}_accuracy", grid[f"{data}_correct"] / grid[f"{data}_count"])
    with whole_file(path) as file:
        grid.to_csv(file, index=False)
    return grid


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

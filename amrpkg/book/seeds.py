"""What other seeds of the thesis's protocol say, and its retuning until all chunks are right.

Only whole architectures are judged: those of which every seed has all points of the thesis.
"""

from itertools import combinations
from pathlib import Path

import pandas as pd

from amrpkg.book.ledger import relative
from amrpkg.grid.points import DROPPED, KEYS, THESIS_GRID, Point
from amrpkg.records.grid import load_record
from amrpkg.records.repeats import load_repeats

SEEDS = (0, 1, 2)


def compare_seeds(
    variant: str = "held", path: Path | None = None, repeats: Path | None = None
) -> pd.DataFrame:
    """A row a point and seed of the thesis's protocol, of the architectures that are whole.

    variant : of the pruned points; path, repeats : the records. Columns as in both records.
    """
    rows = pd.concat([load_record(path), load_repeats(repeats)], ignore_index=True)
    rows = rows.query("protocol == 'thesis' and seed in @SEEDS")
    rows = among(rows[rows["pruning_variant"].isin(["none", variant])], THESIS_GRID)
    return _whole(rows, THESIS_GRID, len(SEEDS))


def among(rows: pd.DataFrame, points: tuple[Point, ...]) -> pd.DataFrame:
    """The rows of these points."""
    keys = {(point.architecture, point.bit_width, point.pruning_percent) for point in points}
    return rows[[key in keys for key in rows[KEYS].itertuples(index=False, name=None)]]


def _whole(rows: pd.DataFrame, points: tuple[Point, ...], times: int = 1) -> pd.DataFrame:
    """Those of architectures of which all `points` are there, so many times each."""
    asked = pd.Series([point.architecture for point in points]).value_counts()
    found = rows.groupby("architecture").size()
    whole = found.index[found == times * asked[found.index]]
    return rows[rows["architecture"].isin(whole)].reset_index(drop=True)


def seed_spread(rows: pd.DataFrame, column: str = "fresh_accuracy") -> pd.Series:
    """Largest minus smallest value of a column over the seeds, by point."""
    return rows.groupby(KEYS, sort=False)[column].agg(lambda values: values.max() - values.min())


def summarise_seeds(path: Path | None = None, repeats: Path | None = None) -> pd.DataFrame:
    """A row a number that is read from the series, a column a seed, from `compare_seeds`."""
    held, regrown = (compare_seeds(variant, path, repeats) for variant in ("held", "regrowing"))
    columns = {seed: _numbers(held[held["seed"] == seed]) for seed in SEEDS}
    for seed in SEEDS if len(regrown) else ():
        dsp = relative(regrown[regrown["seed"] == seed], "dsp", pruning_percent=0)
        saved = 100 * (1 - dsp.groupby(level="pruning_percent").mean())
        for percent, value in saved.items():
            points = len(dsp.xs(percent, level="pruning_percent"))
            text = f"DSP blocks saved by {percent} %, regrowing, of {points} networks (%)"
            columns[seed][text] = value
    return pd.DataFrame(columns).rename(columns="seed {}".format)


def _numbers(rows: pd.DataFrame) -> dict[str, float]:
    right = rows["training_correct"] == rows["training_count"]
    numbers = {
        f"networks of {len(rows)} right on all training chunks": float(right.sum()),
        "training chunks right (%)": 100 * rows["training_accuracy"].mean(),
        "fresh chunks right (%)": 100 * rows["fresh_accuracy"].mean(),
    }
    dense = rows[rows["pruning_percent"] == 0]
    bits = relative(dense, "fresh_accuracy", bit_width=32).groupby(level="bit_width").mean()
    for width in (8, 6, 4):
        numbers[f"fresh accuracy at {width} bits over float"] = bits[width]
    pruned = relative(rows, "fresh_accuracy", pruning_percent=0)
    for percent, share in pruned.groupby(level="pruning_percent").mean().items():
        numbers[f"fresh accuracy at {percent} % pruned over none"] = share
    epochs = relative(dense, "epochs", bit_width=32).groupby(level="bit_width").mean()
    return numbers | {"epochs at 4 bits over float": epochs[4]}


def correlate_regrowth(path: Path | None = None, repeats: Path | None = None) -> pd.Series:
    """How alike two seeds save DSP blocks when weights may grow back, by percent pruned.

    The mean over pairs of seeds of the correlation over points; no rows where none is whole.
    """
    regrown = compare_seeds("regrowing", path, repeats)
    parts = [relative(part, "dsp", pruning_percent=0) for _, part in regrown.groupby("seed")]
    if not parts:
        return pd.Series(dtype=float)
    by_percent = pd.concat(parts, axis=1, keys=SEEDS).groupby(level="pruning_percent")
    pairs = list(combinations(SEEDS, 2))
    return by_percent.apply(lambda kept: sum(kept[a].corr(kept[b]) for a, b in pairs) / len(pairs))


def compare_retuned(repeats: Path | None = None) -> pd.DataFrame:
    """A row a retuned point, the dropped ones too, of the architectures that are whole.

    Columns of the record, and ``before_correct`` and ``before_fresh_accuracy`` of the run of the
    thesis's protocol that it goes on from.
    """
    record = load_repeats(repeats)
    before = record.query("protocol == 'thesis' and pruning_variant != 'regrowing'")
    names = {"training_correct": "before_correct", "fresh_accuracy": "before_fresh_accuracy"}
    before = before[[*KEYS, "seed", *names]].rename(columns=names)
    rows = record.query("protocol == 'retuned'").merge(before, on=[*KEYS, "seed"])
    return _whole(rows, THESIS_GRID + DROPPED)


def summarise_retuned(rows: pd.DataFrame) -> pd.DataFrame:
    """A row an architecture of `compare_retuned`, and one of all."""
    table = []
    groups = [*rows.groupby("architecture", sort=False), ("all", rows)]
    for name, part in groups:
        count = part["training_count"]
        table.append(
            {
                "network": name.removeprefix("vgglike_"),
                "points": len(part),
                "all right before": int((part["before_correct"] == count).sum()),
                "all right after": int(part["converged"].sum()),
                "adjustments, most": int(part["adjustments"].max()),
                "epochs, median": part["epochs"].median(),
                "epochs, most": int(part["epochs"].max()),
                "fresh before (%)": 100 * part["before_fresh_accuracy"].mean(),
                "fresh after (%)": 100 * part["fresh_accuracy"].mean(),
            }
        )
    return pd.DataFrame(table)

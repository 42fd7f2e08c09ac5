"""The thesis's grid and ours, metric by metric, in a form that can be compared.

Counts are compared as they are. A time depends on the machine, so it is divided by that of the
float, unpruned model of the same architecture: the thesis's by its printed one, ours by one
measured side by side in the same run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from amrpkg.book.thesis import load_thesis
from amrpkg.common.arguments import require_choice
from amrpkg.evaluation.bounds import recorded_ceiling
from amrpkg.evaluation.decisions import binomial_interval
from amrpkg.grid.folders import Run
from amrpkg.grid.points import KEYS, PRUNING_PERCENTS
from amrpkg.hardware.resources import Resources
from amrpkg.models.architectures import ARCHITECTURES
from amrpkg.records.grid import load_grid
from amrpkg.training.protocols import PRUNING_VARIANTS


def compare(metrics: dict) -> pd.DataFrame:
    """A run's accuracies, estimates and inference time beside the thesis's row of the point.

    metrics : the record of a `runs.FinishedRun`; the thesis's column stays empty off its grid
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
    names = [Run.of(row).short for _, row in grid.iterrows()]
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


@dataclass(frozen=True)
class Metric:
    """What is compared.

    label : what an axis says
    short : what the head of a column says
    column : of the record
    power : of the column; -1 makes a rate of a time
    to_float : whether it is a ratio to the float, unpruned model of the architecture
    """

    label: str
    short: str
    column: str
    power: int = 1
    to_float: bool = False


METRICS = {
    "training_latency_ms": Metric(
        "training latency (measured, ratio to float)",
        *("ms", "training_latency_to_float", 1, True),
    ),
    # A batch holds 32 chunks in the thesis and here: throughput is the inverse of the time.
    "throughput_chunks_per_s": Metric(
        "throughput (measured, ratio to float)",
        *("chunks/s", "inference_time_to_float", -1, True),
    ),
    "inference_time_ms": Metric(
        "inference time (measured, ratio to float)",
        *("ms", "inference_time_to_float", 1, True),
    ),
    "dsp": Metric("DSP blocks (estimated count)", "DSP", "dsp"),
    "ff": Metric("flip-flops (estimated count)", "FF", "ff"),
    "lut": Metric("look-up tables (estimated count)", "LUT", "lut"),
    "bram": Metric("block RAMs (estimated count)", "BRAM", "bram"),
}
"""The metrics of the thesis's Appendices D to J, in that order."""

SERIES = ("thesis", *PRUNING_VARIANTS)
APPENDICES = dict(zip("ABC", PRUNING_PERCENTS, strict=True))


def compare_grid(metric: str, path: Path | None = None) -> pd.DataFrame:
    """The 81 points: their keys, then the metric in ``thesis``, ``held`` and ``regrowing``.

    The last two are ours, with both pruning variants; the unpruned points belong to both. What
    the thesis does not print or the record does not hold is NaN.

    metric : a name of `METRICS`
    path : the record, as in `records.load_grid`
    """
    require_choice("metric", metric, METRICS)
    chosen = METRICS[metric]
    printed = load_thesis()
    frame = printed[KEYS].assign(thesis=printed[metric] if metric in printed else float("nan"))
    if chosen.to_float:
        unpruned = frame.query("bit_width == 32 and pruning_percent == 0")
        frame["thesis"] /= frame["architecture"].map(unpruned.set_index("architecture")["thesis"])
    for variant in PRUNING_VARIANTS:
        recorded = load_grid(pruning_variant=variant, path=path).set_index(KEYS)[chosen.column]
        points = pd.MultiIndex.from_frame(frame[KEYS])
        frame[variant] = recorded.reindex(points).to_numpy() ** chosen.power
    return frame


def compare_savings(path: Path | None = None) -> pd.DataFrame:
    """Percent of the estimated DSP blocks that pruning saves, a row a pruned point.

    Indexed by the keys; columns ``thesis``, ``held`` and ``regrowing``. `path` as there.
    """
    dsp = compare_grid("dsp", path).set_index(KEYS)
    ratios = dsp / dsp.xs(0, level="pruning_percent", drop_level=True)
    return 100 * (1 - ratios.reorder_levels(KEYS).drop(0, level="pruning_percent"))


def summarise_effects(metrics: Sequence[str], path: Path | None = None) -> pd.DataFrame:
    """What a step of quantisation or pruning does: mean ratios, a row a metric and series.

    Columns ``8 bit``, ...: over float at the same architecture and pruning, mean over both.
    Columns ``20 %``, ...: over no pruning at the same architecture and bit width, likewise.

    metrics : names of `METRICS`
    path : the record, as in `records.load_grid`
    """
    effects = {}
    for metric in metrics:
        values = compare_grid(metric, path).set_index(KEYS)[list(SERIES)]
        for level, start, unit in (("bit_width", 32, "bit"), ("pruning_percent", 0, "%")):
            ratios = values / values.xs(start, level=level, drop_level=True)
            means = ratios.groupby(level, sort=False).mean().drop(index=start)
            for step, row in means.iterrows():
                for series, mean in row.dropna().items():
                    effects.setdefault((metric, series), {})[f"{step} {unit}"] = mean
    frame = pd.DataFrame(effects).T.round(3)
    names = [METRICS[metric].label.partition(" (")[0] for metric, _ in frame.index]
    heads = {"metric": names, "series": frame.index.get_level_values(1)}
    return pd.DataFrame(heads).join(frame.reset_index(drop=True))


def tabulate_appendix(
    appendix: str, metrics: Sequence[str], path: Path | None = None
) -> pd.DataFrame:
    """Appendix A, B or C: a row a model with the printed value, ours and the difference.

    Ratios come after the printed value that they are made of.

    metrics : names of `METRICS` that the thesis prints
    path : the record, as in `records.load_grid`
    """
    require_choice("appendix", appendix, APPENDICES)
    printed = load_thesis()
    here = printed["appendix"] == appendix
    models = printed[here]["architecture"].map(lambda name: ARCHITECTURES[name].short)
    table = pd.DataFrame({"model": models, "bits": printed["bit_width"]}, index=models.index)
    ours = PRUNING_VARIANTS if APPENDICES[appendix] else PRUNING_VARIANTS[:1]
    for metric in metrics:
        frame = compare_grid(metric, path)[here]
        name = METRICS[metric].short
        if METRICS[metric].to_float:
            table[f"{name}, thesis"] = printed[metric]
            frame, name = frame.round(3), f"{name} to float"
        table[f"{name}, thesis"] = frame["thesis"]
        for variant in ours:
            title = f"{name}, {variant}" if len(ours) > 1 else f"{name}, ours"
            table[title] = frame[variant]
            table[f"{title} − thesis"] = (frame[variant] - frame["thesis"]).round(3)
    return table

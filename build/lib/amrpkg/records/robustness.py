"""Accuracy under conditions, each sampled until its exact interval is narrow enough."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
import pandas as pd
from torch import nn

from amrpkg.common.arguments import require_count, require_number
from amrpkg.common.code import current_digest, provenance, root
from amrpkg.common.files import RESULTS
from amrpkg.evaluation.accuracy import decide
from amrpkg.evaluation.conditions import CONDITIONS, Condition
from amrpkg.evaluation.decisions import WIDTH, binomial_interval
from amrpkg.grid.folders import SERIES, finished_runs
from amrpkg.grid.points import KEYS
from amrpkg.models.network import build
from amrpkg.models.weights import load_model, load_state
from amrpkg.records.rows import complete, load, read_rows
from amrpkg.signals.chunks import CHUNK_SIZE, Chunks

MOST = 1_000_000  # chunks of one row, whatever the width
CEILING, UNMATCHED = "ceiling", "ceiling, unmatched"
IDENTITY = (*KEYS, *SERIES, "weights_sha256")
ROBUSTNESS = RESULTS / "robustness.csv"

Decide = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Classifier:
    """What decides, at which chunk sizes, and what a row says of it.

    decide : iq ``float32[n, 2, chunk_size]`` -> classes ``int64[n]``
    identity : values of some of `IDENTITY`; rows of other weights are not kept
    """

    decide: Decide
    chunk_sizes: tuple[int, ...] = (CHUNK_SIZE,)
    identity: Mapping = field(default_factory=dict)


def sample_until(
    decide: Decide, draw: Callable[[int], Chunks], width: float = WIDTH, most: int = MOST
) -> tuple[int, int]:
    """Decide block after block until the exact 95 % interval is at most `width` wide.

    draw : number of a block, 0, 1, ... -> its chunks, independent of all other blocks
    most : no further block once so many chunks were decided

    When to stop depends on the decisions, though through the width only, and an interval of a
    sample size so chosen no longer has its coverage guaranteed. Little is lost: simulated
    20,000 times each at 15 true accuracies from 0.02 to 0.999 (blocks of 2,304, width 0.02),
    it covers in at least 94.8 % of the cases.

    Returns how many decisions were right, of how many.
    Raises ``ValueError`` or ``TypeError`` that names the argument.
    """
    require_number("width", width, minimum=1e-4, below=1)
    require_count("most", most)
    correct = decided = 0
    for block in count():
        chunks = draw(block)
        correct += int((decide(chunks.iq) == chunks.labels).sum())
        decided += len(chunks)
        low, high = binomial_interval(correct, decided)
        if high - low <= width or decided >= most:
            return correct, decided


def _tasks(classifiers, conditions) -> Iterator[tuple[str, Condition, Decide, Callable, Mapping]]:
    for condition in conditions:
        yield CEILING, condition, condition.decide_matched, condition.draw_matched, {}
    for condition in conditions:
        if condition.unknown:
            yield UNMATCHED, condition, condition.decide_unmatched, condition.draw, {}
    for name, classifier in classifiers.items():
        for condition in conditions:
            if condition.chunk_size in classifier.chunk_sizes:
                yield name, condition, classifier.decide, condition.draw, classifier.identity


def measure(
    classifiers: Mapping[str, Classifier],
    conditions: tuple[Condition, ...] = CONDITIONS,
    width: float = WIDTH,
    path: Path | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Measure the ceilings and every classifier under all conditions that it takes.

    ``"ceiling"`` knows all; ``"ceiling, unmatched"`` is not told of a gain error, a rotation, a
    frequency offset or another shape. All decide the same blocks of chunks.

    path : a CSV file of rows to keep and add to, written anew after every row. A row counts as
        measured if classifier, condition, width, weights and code are the same; rows of
        classifiers that are not asked for stay.

    Returns a row a classifier and condition: ``classifier``, the columns of `IDENTITY`,
    ``condition``, ``value`` (unit: `conditions.UNITS`), ``correct``, ``count``, ``low``,
    ``high`` (exact 95 % interval), what made it, ``width``.
    Raises ``ValueError`` for a classifier that has the name of a ceiling.
    """
    if taken := {CEILING, UNMATCHED} & set(classifiers):
        raise ValueError(f"classifiers has {taken}; allowed: other names")
    made_by = provenance(current_digest(ROOT)) | {"width": width}
    rows, tasks = read_rows(path, ("classifier", "condition", "value")), {}
    for name, condition, decider, draw, identity in _tasks(classifiers, conditions):
        key = (name, condition.name, float(condition.value))
        wanted = {column: made_by[column] for column in ("width", "code_digest")}
        wanted |= {k: identity[k] for k in ("weights_sha256",) if k in identity}
        if not any(wanted.items() <= row.items() for row in rows.get(key, ())):
            rows.pop(key, None)
        tasks[key] = partial(_measure, key, decider, draw, identity, made_by)
    return complete(path, rows, tasks, "row", progress)


def _measure(key, decider, draw, identity, made_by) -> list[dict]:
    correct, decided = sample_until(decider, draw, made_by["width"])
    low, high = binomial_interval(correct, decided)
    name, condition, value = key
    return [
        {
            "classifier": name,
            **{column: identity.get(column, np.nan) for column in IDENTITY},
            **{"condition": condition, "value": value},
            **{"correct": correct, "count": decided, "low": low, "high": high},
            **made_by,
        }
    ]


def load_robustness(path: Path | None = None) -> pd.DataFrame:
    """The rows that `measure` wrote, by default those of the checkout.

    Raises ``FileNotFoundError`` that says how the record is made.
    """
    return load(path or ROBUSTNESS, "`amr robustness`")


def require_below_ceiling(rows: pd.DataFrame) -> None:
    """Raise ``ValueError`` for accuracies above what is possible: they betray leakage.

    rows : columns ``classifier``, ``condition``, ``value``, ``low``, ``high``, among them rows of
        the ceiling under each condition. A row is a defect if its whole interval lies above
        the ceiling's. Two intervals of 95 % that part by chance are rare, the more so as all
        decide the same chunks.
    """
    where = ["condition", "value"]
    bounds = rows[rows["classifier"] == CEILING].set_index(where)["high"]
    above = []
    for row in rows.itertuples():
        if (row.condition, row.value) not in bounds.index:
            raise ValueError(f"rows has no ceiling under {row.condition} {row.value:g}")
        if row.low > (bound := bounds[row.condition, row.value]):
            place = f"{row.classifier} under {row.condition} {row.value:g}"
            above.append(f"{place}: at least {row.low:.2%}, possible {bound:.2%}")
    if above:
        raise ValueError("\n".join([f"rows holds {len(above)} above the ceiling:", *above]))


_CHUNK_SIZES = sorted({condition.chunk_size for condition in CONDITIONS})


def find_classifiers(
    runs: Path | None = None, weights: Sequence[Path] = ()
) -> dict[str, Classifier]:
    """Load the networks of all finished runs below `runs`, and those of ``.safetensors`` files.

    A run is named ``protocol/folder``, a file by its name without the ending. A network whose
    weights fit chunks of other sizes too is measured at those as well.

    Raises ``ValueError`` for a folder without finished runs, a damaged run, a file that is not
    one of `models.save_model`, and two files of one name.
    """
    found = {}
    if runs is not None:
        for folder, record in finished_runs(runs).items():
            model = load_model(folder / "model.safetensors")
            identity = {column: record[column] for column in IDENTITY}
            found[f"{folder.parent.name}/{folder.name}"] = _classifier(model, identity)
    for path in map(Path, weights):
        model = load_model(path)
        if path.stem in found:
            raise ValueError(f"weights has two files named {path.stem!r}; allowed: one")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        identity = {"architecture": model.architecture, "bit_width": model.bit_width}
        found[path.stem] = _classifier(model, identity | {"weights_sha256": digest})
    return found


def _classifier(model: nn.Module, identity: dict) -> Classifier:
    models = {model.chunk_size: model} | {
        size: other for size in _CHUNK_SIZES if (other := _at_chunk_size(model, size))
    }
    return Classifier(partial(_decide, models), tuple(models), identity)


def _at_chunk_size(model: nn.Module, chunk_size: int) -> nn.Module | None:
    """The network with the same weights for other chunks, ``None`` if they do not fit."""
    try:
        other = build(model.architecture, model.bit_width, chunk_size)
        load_state(other, model.state_dict())
    except ValueError:
        return None
    return other.eval()


def _decide(models: dict[int, nn.Module], iq: np.ndarray) -> np.ndarray:
    return decide(models[iq.shape[2]], iq)


ROOT = root(_tasks, _measure, find_classifiers, without=["PROTOCOLS"])

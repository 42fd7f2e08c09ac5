"""The code behind each record, in ``results/code.csv``, and whether it is today's.

A record has a row for every digest and commit that its rows name, whose ``code`` is the digest of
that commit's sources. Where today's differs there is one row more, without a commit, whose
``why`` says what changed and why the recorded numbers stay. After such a change

    python -m amrpkg.records.code "why the numbers stay" [record ...]
"""

import sys
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from amrpkg.common.code import current_digest, digest, read_commit
from amrpkg.common.files import RESULTS, whole_file
from amrpkg.grid import runs
from amrpkg.records import (
    ablation,
    across_noise,
    exports,
    grid,
    learning,
    netlists,
    receiver,
    repeats,
    robustness,
    search,
    speed,
    synthesis,
    training_speed,
)

CODE = RESULTS / "code.csv"


class Record(NamedTuple):
    """A file of rows, the command that makes it, the root of its numbers in today's code."""

    path: Path
    command: str
    root: str


RECORDS = {
    "grid": Record(grid.GRID, "amr sweep` and `amr results", runs.ROOT),
    "receiver": Record(receiver.RECEIVER, "amr receiver", receiver.ROOT),
    "repeats": Record(repeats.REPEATS, "amr repeat", repeats.ROOT),
    "robustness": Record(robustness.ROBUSTNESS, "amr robustness", robustness.ROOT),
    "exports": Record(exports.EXPORTS, "amr verify", exports.ROOT),
    "speed": Record(speed.SPEED, "amr speed", speed.ROOT),
    "c_speed": Record(speed.C_SPEED, "amr speed --output results/c_speed.csv", speed.ROOT),
    "search": Record(search.SEARCH, "amr search", search.ROOT),
    "across_noise": Record(across_noise.ACROSS_NOISE, "amr across-noise", across_noise.ROOT),
    "ablation": Record(ablation.ABLATION, "amr ablation", ablation.ROOT),
    "learning": Record(learning.LEARNING, "amr learning", learning.ROOT),
    "netlists": Record(netlists.NETLISTS, "amr netlists", netlists.ROOT),
    "synthesis": Record(synthesis.SYNTHESIS, "amr synthesis", synthesis.ROOT),
    "training_speed": Record(
        training_speed.TRAINING_SPEED, "amr training-speed", training_speed.ROOT
    ),
}


def load_code(path: Path = CODE) -> pd.DataFrame:
    """The table as it is written; ``root`` is that of a record's numbers at the commit."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def trace(name: str, written: pd.DataFrame) -> list[dict]:
    """The rows that a record has to have in the table `written`, from git and today's sources.

    Roots and reasons are those of `written`, a root that it lacks today's. Raises ``ValueError``
    for a commit that the checkout does not have: a record of an edited tree has no sources.
    """
    path, _, today = RECORDS[name]
    own = written[written["record"] == name]
    rows, roots = [], dict(zip(own["commit"], own["root"], strict=True))
    record = pd.read_csv(path, dtype=str).sort_values("date")
    column = [c for c in record if c in ("code_digest", "export_digest", "speed_digest")][-1]
    for recorded, commit in record[[column, "commit"]].drop_duplicates().itertuples(index=False):
        root = roots.get(commit, today)
        code = digest(root, read_commit(commit))
        rows.append(dict(zip(written, (name, recorded, commit, root, code, ""), strict=True)))
    if {row["code"] for row in rows} != {current_digest(today)}:
        why = "".join(own.loc[own["commit"] == "", "why"])
        last = (name, "", "", today, current_digest(today), why)
        rows.append(dict(zip(written, last, strict=True)))
    return rows


def main(why: str, *names: str) -> None:
    """Write the table anew for the records `names`, by default all, and `why` to what changed."""
    written, rows = load_code(CODE), []
    for name in RECORDS:
        own = written[written["record"] == name]
        if names and name not in names:
            rows += own.to_dict("records")
            continue
        rows += trace(name, written)
        today = rows[-1]
        if not today["commit"] and today["code"] not in set(own.loc[own["commit"] == "", "code"]):
            today["why"] = f"{today['why']} {why}".strip()
    with whole_file(CODE) as file:
        pd.DataFrame(rows).to_csv(file, index=False)


if __name__ == "__main__":
    main(*sys.argv[1:])

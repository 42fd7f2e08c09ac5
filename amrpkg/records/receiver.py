"""Bursts of unknown offsets through the receiver: right, unknown and wrong, step by step.

Sources are our own `Burst`, liquid-dsp, GNU Radio and komm; targets the nine classes and textbook
shapes that are none of them. Rate, roll-off and carrier are found from the recording under
"receiver"; the steps of `synchronisation`, and the network that comes with the package behind all
of them, know rate and roll-off.
"""

import zlib
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from amrpkg.common.code import current_digest, provenance, root
from amrpkg.common.files import RESULTS
from amrpkg.evaluation.classification import SHIPPED
from amrpkg.evaluation.decisions import binomial_interval
from amrpkg.evaluation.reception import receive_recording
from amrpkg.evaluation.synchronisation import decide_by_steps
from amrpkg.export.reading import load_network
from amrpkg.receiver import NAMES, UNKNOWN
from amrpkg.records.rows import complete, load, read_rows
from amrpkg.signals.bursts import Burst
from amrpkg.signals.constellations import CONSTELLATIONS
from amrpkg.signals.senders import SOURCES

RECEIVER = RESULTS / "receiver.csv"
ES_N0_DB = (10, 15, 20, 30)
BURSTS, BLOCKS = 8, 6  # a row; a block is 8 chunks
_EDGES = 48  # symbols for the filter's ends


def _bursts(source: str, name: str, es_n0_db: float):
    """Numbers of bursts, their offsets, and a generator for the rest."""
    key = zlib.crc32(f"{source} {name}".encode())
    for number in range(BURSTS):
        rng = np.random.default_rng([key, round(es_n0_db), number])
        yield number, Burst.draw(es_n0_db, rng), rng


def _received(source: str, name: str, es_n0_db: float) -> list[np.ndarray]:
    """The names given to the chunks of every burst, by the whole receiver."""
    found, (_, send) = [], SOURCES[source]
    for number, burst, rng in _bursts(source, name, es_n0_db):
        x = send(burst, name, 256 * BLOCKS + _EDGES, rng if source == "ours" else number)
        try:
            table = receive_recording(x).table
            found.append(table["modulation"].to_numpy(str)[: 8 * BLOCKS])
        except ValueError:  # no symbol rate
            found.append(np.full(8 * BLOCKS, UNKNOWN))
    return found


def _measure(source: str, name: str, es_n0_db: float, made_by: dict) -> list[dict]:
    decided = {"receiver": _received(source, name, es_n0_db)}
    if source == "ours" and name in CONSTELLATIONS:
        model = load_network(SHIPPED)
        for _, burst, rng in _bursts("steps", name, es_n0_db):
            for step, labels in decide_by_steps(name, burst, BLOCKS, rng, model).items():
                decided.setdefault(step, []).append(np.array(NAMES)[labels.ravel()])
    rows = []
    for step, names in decided.items():
        names = np.concatenate(names)
        right, unknown = int((names == name).sum()), int((names == UNKNOWN).sum())
        low, high = binomial_interval(right, len(names))
        rows.append(
            {
                **{"source": source, "modulation": name, "es_n0_db": es_n0_db, "step": step},
                **{"right": right, "unknown": unknown, "count": len(names)},
                **{"low": low, "high": high, **made_by},
            }
        )
    return rows


def measure_receiver(
    path: Path | None = None, progress: bool = True, sources: tuple[str, ...] = tuple(SOURCES)
) -> pd.DataFrame:
    """A row a source, modulation, Es/N0 and step: decisions right and unknown, of how many.

    path : a CSV file of rows to add to; those of `sources` are kept if of the same code
    Raises ``OSError`` where liquid-dsp or GNU Radio is asked for and not installed.
    """
    made_by = provenance(current_digest(ROOT))
    key = ("source", "modulation", "es_n0_db")
    rows = read_rows(path, key)
    rows = {
        place: found
        for place, found in rows.items()
        if place[0] not in sources or found[0]["code_digest"] == made_by["code_digest"]
    }
    tasks = {
        (source, name, level): partial(_measure, source, name, level, made_by)
        for level in ES_N0_DB
        for source in sources
        for name in SOURCES[source][0]
    }
    return complete(path, rows, tasks, "row", progress)


def load_receiver(path: Path | None = None) -> pd.DataFrame:
    """The rows that `measure_receiver` wrote, by default those of the checkout.

    Raises ``FileNotFoundError`` that says how the record is made.
    """
    return load(path or RECEIVER, "`amr receiver`")


ROOT = root(_measure)

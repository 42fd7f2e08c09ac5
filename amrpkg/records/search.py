"""The search for the smallest network: candidates trained on fresh chunks, chosen on others."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd

from amrpkg.common.arguments import require_count, require_number
from amrpkg.common.code import current_digest, provenance, root
from amrpkg.common.files import RESULTS
from amrpkg.evaluation.accuracy import evaluate
from amrpkg.models.architectures import pointwise
from amrpkg.models.network import build
from amrpkg.models.weights import load_float_weights
from amrpkg.records.rows import complete, load, read_rows
from amrpkg.signals.chunks import make_chunks
from amrpkg.training.protocols import settings
from amrpkg.training.stream import train_on_stream

VALIDATION_CHUNKS_PER_CLASS = 2_560
SEARCH = RESULTS / "search.csv"
CANDIDATES = (  # channels of `architectures.pointwise`
    *((8, 8, 8), (12, 8, 8), (16, 8, 8), (16, 16, 8)),
    *((24, 16, 8), (32, 16, 16), (48, 32, 16)),
)
BIT_WIDTHS, SHARE = (8, 6, 4), 0.25  # of the recorded search


def try_network(
    channels: tuple[int, int, int], bit_widths: Sequence[int], share: float = 1.0, seed: int = 0
) -> pd.DataFrame:
    """Train a pointwise network in float, then at each bit width from there.

    channels : first, second, hidden of `architectures.pointwise`
    share : of the chunks that the recorded small networks are trained on (`protocols`)
    seed : of the initial weights and the stream

    Returns a row a bit width: ``channels``, ``weights``, ``biases``, ``bit_width``,
    ``training_chunks``, and ``correct`` of ``count`` chunks of the validation split, which
    neither training nor the record ever sees. Raises ``ValueError`` or ``TypeError`` that names
    the argument.
    """
    if len(channels) != 3:
        raise ValueError(f"channels is {channels}; allowed: three counts, as (24, 16, 8)")
    for count in channels:
        require_count("channels", count)
    require_number("share", share, minimum=1e-6)
    widths = dict.fromkeys((32, *bit_widths))
    recorded = {bits: settings("pointwise_48_32_16", bits, "streaming") for bits in widths}
    row = pointwise(*channels)
    validation = make_chunks(VALIDATION_CHUNKS_PER_CLASS, seed=seed, split="validation")
    sizes = {
        "channels": "-".join(map(str, channels)),
        "weights": sum(layer.weights for layer in row.layers()),
        "biases": sum(layer.biases for layer in row.layers()),
    }
    start, rows = None, []
    for bits, knobs in recorded.items():
        knobs = replace(knobs, chunks=max(knobs.batch_size, round(share * knobs.chunks)))
        model = build(row, bits, seed=seed)
        if start is not None:
            load_float_weights(model, start)
        training = train_on_stream(model, knobs, seed, progress=False)
        start = start or model
        found = evaluate(model, validation)
        rows.append(
            {
                **sizes,
                "bit_width": bits,
                "training_chunks": int(training.history["chunks"].sum()),
                "correct": found.correct,
                "count": found.count,
            }
        )
    return pd.DataFrame(rows)


def try_candidates(path: Path = SEARCH, progress: bool = True) -> pd.DataFrame:
    """Try all `CANDIDATES` at `BIT_WIDTHS` with the `SHARE` of the chunks; keep the rows in `path`.

    Written anew after every candidate, so it can be stopped and goes on when called again;
    candidates tried by the same code stay. Returns all rows: those of `try_network`, what made
    them.
    """
    rows = read_rows(path, ["channels"], code_digest=current_digest(ROOT))
    tasks = {("-".join(map(str, channels)),): partial(_try, channels) for channels in CANDIDATES}
    return complete(path, rows, tasks, "candidate", progress)


def _try(channels: tuple[int, int, int]) -> list[dict]:
    tried = try_network(channels, BIT_WIDTHS, SHARE)
    return tried.assign(**provenance(current_digest(ROOT))).to_dict("records")


ROOT = root(_try)


def load_search(path: Path = SEARCH) -> pd.DataFrame:
    """The rows that `try_candidates` wrote, by default those of the checkout.

    Raises ``FileNotFoundError`` that says how the record is made.
    """
    return load(path, "`amr search`")

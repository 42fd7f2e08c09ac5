"""What each part of a recipe brings at 4 bits: trainings of which each changes one thing.

The *parts* are those of the smallest networks, on a symbol-wise one: a line is that recipe with one
part left out, put in or replaced. The *families* get one recipe, with as many chunks and the
thesis's scales, one a tensor. Each network is trained in float and then at 4 bits, once, where
the search begins several and takes the best.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import process_time
from typing import NamedTuple

import pandas as pd
import torch

from amrpkg.common.code import current_digest, provenance, root
from amrpkg.common.files import RESULTS
from amrpkg.evaluation.accuracy import evaluate
from amrpkg.models.architectures import ARCHITECTURES, VGG_LIKE, Architecture, symbol_wise
from amrpkg.models.network import Network, build, prunable_layers
from amrpkg.models.quantization import hold_fitted_scales
from amrpkg.models.weights import load_float_weights
from amrpkg.records.rows import complete, load, read_rows
from amrpkg.signals.chunks import FRESH_CHUNKS_PER_CLASS, make_chunks, stream
from amrpkg.training.protocols import StreamSettings
from amrpkg.training.stream import train_on_stream

ABLATION = RESULTS / "ablation.csv"
KEY = ["study", "line", "seed"]
SEEDS = (0, 1, 2)
SPLITS = dict.fromkeys(("validation", "evaluation"), FRESH_CHUNKS_PER_CLASS)
_BITS, _APART = 4, 1_000  # between the seeds of the streams of the two trainings

_ROW = symbol_wise("fold", 8, 8)
_FLOAT = StreamSettings(2e-2, 250_000, 0, 0, 128, weight_decay=0.0, optimizer="adam", plain=True)
_COARSE = replace(_FLOAT, peak_rate=1e-2, held_scales=True)  # at 4 bits
_GIVEN = ARCHITECTURES["vgglike_2f_1c_1re_1mp"]
_FAMILY_FLOAT = StreamSettings(3e-3, 600_000, 0, 0, 512)
_FAMILY_COARSE = replace(
    _COARSE, peak_rate=1 / 16, chunks=200_000, in_levels=True, input_step=1 / 8
)


class Line(NamedTuple):
    """A network, its knobs in float and at 4 bits, and what is done to it before either."""

    row: Architecture
    in_float: StreamSettings
    coarse: StreamSettings
    first: Callable[[Network, int], None] = lambda model, seed: None
    between: Callable[[Network, int], None] = lambda model, seed: None


def _with(times: float = 1.0, **knobs: object) -> Line:
    """The recipe with knobs of both trainings changed, and both peak rates so many times."""
    in_float, coarse = (
        replace(x, peak_rate=times * x.peak_rate, **knobs) for x in (_FLOAT, _COARSE)
    )
    return Line(_ROW, in_float, coarse)


def _draw_as_pytorch(model: Network, seed: int) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for _, layer in prunable_layers(model):
            layer.reset_parameters()


def _hold_scales(model: Network, seed: int) -> None:
    """As the training does, but for channels as they come."""
    batch = next(stream(_COARSE.batch_size, seed=seed + _APART))
    hold_fitted_scales(model, torch.from_numpy(batch.iq))


_AVERAGED = replace(_ROW, over_chunk="average")
_PARTS = {
    "recipe": _with(),
    "average in place of the sum": _with()._replace(row=_AVERAGED),
    "the same, four times the rates": _with(4)._replace(row=_AVERAGED),
    "no fold": _with(plain=False)._replace(row=symbol_wise("", 8, 8)),
    "first weights of PyTorch": _with()._replace(first=_draw_as_pytorch),
    "scales learnt": _with()._replace(coarse=replace(_COARSE, held_scales=False, plain=False)),
    "channels as they come": _with()._replace(between=_hold_scales),
    "taught by the likelihood": _with(taught=True),
    "Muon, a quarter of the rates": _with(1 / 4, optimizer="muon"),
    "weights within 3 r.m.s.": _with(weight_bound=3.0),
}


def _thesis_scales(row: Architecture, **float_knobs: object) -> Line:
    knobs = replace(_FAMILY_FLOAT, **float_knobs)
    return Line(replace(row, family=VGG_LIKE), knobs, _FAMILY_COARSE)


_FAMILIES = {
    "2f_1c": _thesis_scales(_GIVEN),
    "pointwise_24_16_8": _thesis_scales(ARCHITECTURES["pointwise_24_16_8"]),
    "symbolwise_2_16_12, no fold": _thesis_scales(symbol_wise("", 16, 12)),
    "2f_1c, Adam in float": _thesis_scales(_GIVEN, optimizer="adam"),
    "2f_1c, weights within 3 r.m.s. in float": _thesis_scales(_GIVEN, weight_bound=3.0),
}
LINES: Mapping[tuple[str, str], Line] = {("parts", name): x for name, x in _PARTS.items()} | {
    ("families", name): x for name, x in _FAMILIES.items()
}


def train_line(line: Line, seed: int = 0, share: float = 1.0) -> tuple[Network, Network]:
    """Train the network of a line in float, and from that at 4 bits.

    seed : of the initial weights and the streams; no chunk comes twice
    share : of the chunks that the recorded ones are trained on
    """
    start, model = (build(line.row, bits, seed=seed) for bits in (32, _BITS))
    line.first(start, seed)
    train_on_stream(start, line.in_float.scaled(share), seed, progress=False)
    load_float_weights(model, start)
    line.between(model, seed)
    train_on_stream(model, line.coarse.scaled(share), seed + _APART, progress=False)
    return start, model


def record_ablation(path: Path = ABLATION, progress: bool = True) -> pd.DataFrame:
    """Train every one of `LINES` from `SEEDS`, and keep the rows in `path`.

    Written anew after each, so it can be stopped and goes on when called again; lines of the same
    code stay. A row has the weights of the network, the chunks of both trainings, how many
    validation and fresh chunks are right in float and at 4 bits, and what made it.
    """
    rows = read_rows(path, KEY, code_digest=current_digest(ROOT))
    tasks = {
        (study, name, seed): partial(_record, study, name, seed)
        for seed in SEEDS
        for study, name in LINES
    }
    return complete(path, rows, tasks, "training", progress)


def _record(study: str, name: str, seed: int) -> list[dict]:
    line, begun = LINES[study, name], process_time()
    networks = dict(zip(("float", "coarse"), train_line(line, seed), strict=True))
    row = {
        "study": study,
        "line": name,
        "seed": seed,
        "weights": sum(layer.weights for layer in line.row.layers()),
        "float_chunks": line.in_float.chunks,
        "coarse_chunks": line.coarse.chunks,
        "cpu_seconds": round(process_time() - begun, 1),
    }
    for split, chunks_per_class in SPLITS.items():
        chunks = make_chunks(chunks_per_class, seed=seed, split=split)
        for stage, model in networks.items():
            found = evaluate(model, chunks)
            row[f"{stage}_{split}_correct"] = found.correct
            row[f"{stage}_{split}_count"] = found.count
    return [row | provenance(current_digest(ROOT))]


ROOT = root(_record)


def load_ablation(path: Path = ABLATION) -> pd.DataFrame:
    """The rows that `record_ablation` wrote, by default those of the checkout.

    Raises ``FileNotFoundError`` that says how the record is made.
    """
    return load(path, "`amr ablation`")

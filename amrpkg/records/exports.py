"""Whether the exported files of a network give its class scores, chunk by chunk.

The reference is the network as it was trained: in Brevitas, or in PyTorch if it is float, with
pruned channels as zeros. The files are written, read back and run. Those of a quantised network
have to be equal to the last bit. A float network cannot be, for its sums run in another order:
of it count the decisions, and the largest difference of a score.
"""

from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import pandas as pd

from amrpkg.common.code import current_digest, provenance, root
from amrpkg.common.files import RESULTS
from amrpkg.evaluation.accuracy import score
from amrpkg.export.c_network import CNetwork, find_compiler
from amrpkg.export.header import FORMATS
from amrpkg.export.reading import load_network
from amrpkg.export.runtimes import run_openvino, run_qonnx
from amrpkg.export.writing import export
from amrpkg.grid.folders import SERIES, finished_runs
from amrpkg.grid.points import KEYS
from amrpkg.hardware.conversion import to_integers
from amrpkg.hardware.resources import estimate
from amrpkg.models.network import Network, prunable_layers
from amrpkg.models.weights import load_model
from amrpkg.records.rows import complete, load, read_rows
from amrpkg.signals.chunks import NOISE_POWER, make_chunks
from amrpkg.signals.noise_word import with_noise_word
from amrpkg.training.shrinking import shrink

CHUNKS_PER_CLASS = 1112  # 10,008 chunks in all
_BLOCK = 1112  # chunks at a time
EXPORTS = RESULTS / "exports.csv"


def compare_files(model: Network, iq: np.ndarray) -> dict[str, float]:
    """Shrink a model without masks, export it, and compare its files on the chunks `iq`.

    Returns ``chunks``; for each form ("shrunk" in PyTorch, "onnxruntime", "openvino", and of a
    quantised model "integer", "qonnx" and, where a C compiler is found, "c")
    ``differing_<form>``, chunks any of whose nine scores is another, and ``decided_<form>``,
    chunks that are decided otherwise; ``largest_score``, ``largest_difference``, of the shrunk
    model's scores, and ``largest_difference_double``, of the same computed in double precision;
    ``bytes_<format>`` of each file; and weights and estimated resources before and,
    ``shrunk_...``, after.
    """
    small = shrink(model)
    reference = score(model, iq, _BLOCK)
    scores, row = {"shrunk": score(small, iq, _BLOCK)}, {"chunks": len(iq)}
    with TemporaryDirectory() as folder:
        for form in (x for x in FORMATS if model.bit_width != 32 or FORMATS[x].takes_float):
            path = Path(folder) / f"{form}{FORMATS[form].suffix}"
            export(model, path, form)
            row[f"bytes_{form}"] = path.stat().st_size
            if form == "c":  # not read back, but compiled from the same integers
                if find_compiler():
                    scores[form] = score(CNetwork(to_integers(small)), iq, _BLOCK)
            elif form == "qonnx":  # not as we read it, in standard operators
                scores[form] = run_qonnx(onnx.load(path))(iq)
            else:
                runner = "onnxruntime" if form == "onnx" else form
                scores[runner] = score(load_network(path), iq, _BLOCK)
        scores["openvino"] = run_openvino(onnx.load(Path(folder) / "onnx.onnx"), _BLOCK)(iq)
    for form, found in scores.items():
        row[f"differing_{form}"] = int((found != reference).any(axis=1).sum())
        row[f"decided_{form}"] = int((found.argmax(1) != reference.argmax(1)).sum())
    difference = np.abs(scores["shrunk"] - reference)
    in_double = score(small.double(), iq, _BLOCK) - score(model.double(), iq, _BLOCK)
    model.float()
    row |= {
        "largest_score": np.abs(reference).max(),
        "largest_difference": difference.max(),
        "largest_difference_double": np.abs(in_double).max(),
    }
    for prefix, network in (("", model), ("shrunk_", small)):
        row[f"{prefix}weights"] = sum(x.weight.numel() for _, x in prunable_layers(network))
        row |= {f"{prefix}{name}": x for name, x in estimate(network)._asdict().items()}
    return row


def verify_runs(runs: Path, path: Path = EXPORTS, progress: bool = True) -> pd.DataFrame:
    """Compare the files of every finished run below `runs` on 10,008 fresh chunks.

    path : the CSV file of the rows, written anew after each run, so that it can be stopped and
        goes on when called again; rows of the same weights and code stay

    Returns a row a run: the keys and series of `grid.load_record`, `compare_files`, and what
    made it. Raises as `folders.finished_runs`.
    """
    rows = read_rows(path, ["weights_sha256"], code_digest=current_digest(ROOT))
    tasks = {
        (record["weights_sha256"],): partial(_verify, folder, record)
        for folder, record in finished_runs(runs).items()
    }
    return complete(path, rows, tasks, "run", progress)


@cache
def _chunks(inputs: int) -> np.ndarray:
    """The same for every run of so many channels."""
    iq = make_chunks(CHUNKS_PER_CLASS, split="evaluation").iq
    return with_noise_word(iq, NOISE_POWER) if inputs == 3 else iq


def _verify(folder: Path, record: dict) -> list[dict]:
    row = {key: record[key] for key in (*KEYS, *SERIES, "weights_sha256")}
    model = load_model(folder / "model.safetensors")
    row |= compare_files(model, _chunks(model.inputs))
    row |= provenance(current_digest(ROOT))
    return [row | {name: version(name) for name in ("onnx", "onnxruntime", "openvino", "qonnx")}]


ROOT = root(_verify)


def load_exports(path: Path = EXPORTS) -> pd.DataFrame:
    """A row a point trained on fresh chunks, by the streaming protocol or, if the record has no
    such run of it, by the refining one: what `compare_files` found.

    path : by default the checkout's record, which may hold other protocols too

    Raises ``FileNotFoundError`` that says how the record is made.
    """
    rows = load(path, "`amr verify`")
    fresh = [rows[rows["protocol"] == protocol] for protocol in ("streaming", "refining")]
    return pd.concat(fresh).drop_duplicates(KEYS).sort_index().reset_index(drop=True)

"""Whether the exported files of a network give its class scores, chunk by chunk.

The reference is the network as it was trained: in Brevitas, or in PyTorch if it is float, with
pruned channels as zeros. The files are written, read back and run. Those of a quantised network
have to be equal to the last bit. A float network cannot be, for its sums run in another order:
of it count the decisions, and the largest difference of a score.
"""

from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import pandas as pd
from tqdm import tqdm

from amrpkg.common.code import digest_modules
from amrpkg.common.files import RESULTS, whole_file
from amrpkg.evaluation.accuracy import score
from amrpkg.export.header import FORMATS, SUFFIXES
from amrpkg.export.reading import load_network
from amrpkg.export.runtimes import run_openvino
from amrpkg.export.writing import export
from amrpkg.grid.folders import SERIES, read_record
from amrpkg.grid.points import KEYS
from amrpkg.grid.runs import provenance
from amrpkg.hardware.resources import estimate
from amrpkg.models.network import Network, prunable_layers
from amrpkg.models.weights import load_model
from amrpkg.signals.chunks import make_chunks
from amrpkg.training.shrinking import shrink

CHUNKS_PER_CLASS = 1112  # 10,008 chunks in all
_BLOCK = 1112  # chunks at a time
EXPORTS = RESULTS / "exports.csv"
_CODE = (
    *("signals/constellations", "signals/chunks", "models/quantization", "models/network"),
    *("models/weights", "training/shrinking", "hardware/integers", "hardware/conversion"),
    *("export/integer_file", "export/onnx_graph", "export/qcdq", "export/qonnx"),
    *("export/onnx_import", "export/runtimes", "export/reading", "hardware/resources"),
    *("export/writing", "records/exports"),
)


def compare_files(model: Network, iq: np.ndarray) -> dict[str, float]:
    """Shrink a model without masks, export it, and compare its files on the chunks `iq`.

    Returns ``chunks``; for each form ("shrunk" in PyTorch, "onnxruntime", "openvino", and of a
    quantised model "integer" and "qonnx") ``differing_<form>``, chunks any of whose nine scores
    is another, and ``decided_<form>``, chunks that are decided otherwise; ``largest_score``,
    ``largest_difference``, of the shrunk model's scores, and ``largest_difference_double``, of
    the same computed in double precision; ``bytes_<format>`` of each file; and weights and
    estimated resources before and, ``shrunk_...``, after.
    """
    small = shrink(model)
    reference = score(model, iq, _BLOCK)
    scores, row = {"shrunk": score(small, iq, _BLOCK)}, {"chunks": len(iq)}
    with TemporaryDirectory() as folder:
        for form in FORMATS if model.bit_width != 32 else ["onnx"]:
            path = Path(folder) / f"{form}{SUFFIXES[form]}"
            export(model, path, form)
            row[f"bytes_{form}"] = path.stat().st_size
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

    Returns a row a run: the keys and series of `results.load_record`, `compare_files`, and what
    made it. Raises ``ValueError`` for a damaged run or a folder without one.
    """
    folders = sorted(file.parent for file in Path(runs).glob("*/*/metrics.json"))
    if not folders:
        raise ValueError(f"runs is {str(runs)!r}; allowed: a folder with finished runs")
    iq = make_chunks(CHUNKS_PER_CLASS, split="evaluation").iq
    digest = digest_modules(_CODE)
    rows = {}
    if path.exists():
        kept = pd.read_csv(path).to_dict("records")
        rows = {row["weights_sha256"]: row for row in kept if row["export_digest"] == digest}
    for folder in tqdm(folders, unit="run", disable=not progress):
        record = read_record(folder)
        if (weights := record["weights_sha256"]) in rows:
            continue
        made_by = provenance()
        made_by |= {name: version(name) for name in ("onnx", "onnxruntime", "openvino", "qonnx")}
        rows[weights] = {
            **{key: record[key] for key in (*KEYS, *SERIES, "weights_sha256")},
            **compare_files(load_model(folder / "model.safetensors"), iq),
            **made_by,
            "export_digest": digest,
        }
        with whole_file(path) as file:
            pd.DataFrame(rows.values()).to_csv(file, index=False)
    return pd.DataFrame(rows.values())


def load_exports(path: Path = EXPORTS) -> pd.DataFrame:
    """A row a network trained on fresh chunks: what `equality.compare_files` found.

    path : by default the checkout's record, which may hold other protocols too

    Raises ``FileNotFoundError`` that says how the record is made.
    """
    return _load(path, "`amr verify`").query("protocol == 'streaming'").reset_index(drop=True)


def _load(path: Path, maker: str) -> pd.DataFrame:
    if not Path(path).exists():
        raise FileNotFoundError(f"path is {str(path)!r}; allowed: a record that {maker} wrote")
    return pd.read_csv(path)

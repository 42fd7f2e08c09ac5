"""The search for the smallest network: symbol-wise candidates trained on fresh chunks.

What is chosen is chosen by validation chunks; those of the record, and 108,000 more, are counted
for every candidate, and nothing is chosen by them.
"""

from functools import partial
from pathlib import Path

import pandas as pd

from amrpkg.common.arguments import require_count
from amrpkg.common.code import current_digest, provenance, root
from amrpkg.common.files import RESULTS
from amrpkg.evaluation.accuracy import evaluate
from amrpkg.export.writing import export
from amrpkg.models.architectures import symbol_wise
from amrpkg.models.network import Network, build
from amrpkg.records.exports import CHUNKS_PER_CLASS, compare_files
from amrpkg.records.rows import complete, load, read_rows
from amrpkg.signals.chunks import FRESH_CHUNKS_PER_CLASS, make_chunks
from amrpkg.training.protocols import symbol_wise_knobs

SPLITS = {  # name in the record: chunks a class, split, block
    "validation": (FRESH_CHUNKS_PER_CLASS, "validation", None),
    "fresh": (FRESH_CHUNKS_PER_CLASS, "evaluation", None),
    "more": (12_000, "evaluation", 13),  # used here and nowhere else
}
SEARCH = RESULTS / "search.csv"
KEY = ["channels", "bit_width", "seed"]
_SMALLEST = ((8, 8), (6, 8), (6, 6))
CANDIDATES = (  # channels of `architectures.symbol_wise`, bit width, seed
    *((channels, 4, seed) for seed in range(5) for channels in _SMALLEST),
    *((channels, 3, 0) for channels in ((8, 8), (12, 8))),
    *((channels, 4, 0) for channels in ((12, 8), (8,), (5, 6), (4, 4))),
    *((channels, bits, 0) for channels in (*_SMALLEST, (8,)) for bits in (32, 8, 6)),
)


def try_network(
    channels: tuple[int, ...], bit_width: int, seed: int = 0, share: float = 1.0
) -> Network:
    """Train a symbol-wise network that sees |I| and |Q| at the thesis's noise.

    channels : of its convolutions, as of `architectures.symbol_wise`
    bit_width : of weights and activations; at 3 bits activations have four
    seed : of the initial weights and the stream
    share : of the chunks that the recorded ones are trained on (`protocols`)

    Raises ``ValueError`` or ``TypeError`` that names the argument.
    """
    for count in channels:
        require_count("channels", count)
    knobs = symbol_wise_knobs(bit_width).scaled(share)
    model = build(symbol_wise("fold", *channels), bit_width, seed=seed)
    knobs.train(model, seed, retraining=False, progress=False)
    return model


def describe_network(model: Network, split: str, seed: int = 0) -> dict:
    """Sizes of a network, and how many chunks of one of `SPLITS` it decides right."""
    layers = model.row.layers()
    chunks_per_class, name, block = SPLITS[split]
    found = evaluate(model, make_chunks(chunks_per_class, seed=seed, split=name, block=block))
    return {
        "channels": "-".join(map(str, model.row.conv_channels)),
        "bit_width": model.bit_width,
        "weights": sum(layer.weights for layer in layers),
        "biases": sum(layer.biases for layer in layers),
        f"{split}_correct": found.correct,
        f"{split}_count": found.count,
    }


def try_candidates(path: Path = SEARCH, progress: bool = True) -> pd.DataFrame:
    """Try all `CANDIDATES`; keep the rows in `path`, the networks in the folder of its name.

    Written anew after every candidate, so it can be stopped and goes on when called again;
    candidates tried by the same code stay. Returns a row a candidate: `describe_network` of all
    splits, what `compare_files` found of its files on 10,008 fresh chunks, what made them.
    """
    rows = read_rows(path, KEY, code_digest=current_digest(ROOT))
    folder = path.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    tasks = {
        ("-".join(map(str, channels)), bits, seed): partial(_try, channels, bits, seed, folder)
        for channels, bits, seed in CANDIDATES
    }
    return complete(path, rows, tasks, "candidate", progress)


def _try(channels: tuple[int, ...], bit_width: int, seed: int, folder: Path) -> list[dict]:
    model = try_network(channels, bit_width, seed)
    row = {"seed": seed}
    for split in SPLITS:
        row |= describe_network(model, split, seed)
    found = compare_files(model, make_chunks(CHUNKS_PER_CLASS, split="evaluation").iq)
    kept = ("chunks", "differing", "decided", "bytes", "dsp", "ff", "lut", "bram")
    row |= {f"exported_{key}": x for key, x in found.items() if key.startswith(kept)}
    if bit_width != 32:
        name = f"{model.row.short}_{bit_width}bit_seed_{seed}"
        export(model, folder / f"{name}.safetensors", "integer", name)
    return [row | provenance(current_digest(ROOT))]


ROOT = root(_try)


def load_search(path: Path = SEARCH) -> pd.DataFrame:
    """The rows that `try_candidates` wrote, by default those of the checkout.

    Raises ``FileNotFoundError`` that says how the record is made.
    """
    return load(path, "`amr search`")

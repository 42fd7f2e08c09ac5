"""Symbol-wise networks across noise powers, beside the ceilings that know as much as they do.

*told*: a word of the noise power comes with each chunk. *blind*: it does not, and a hidden layer
behind the average has to find it out. *offsets*: blind, and trained with a gain, a rotation and a
frequency of its own in each chunk. *taught*: told, and learnt from the posterior of the likelihood
in place of labels, in other steps. *centred*: taught, with first weights that make the word count,
and noise powers drawn uniformly. Knobs and sizes were chosen on validation chunks; those of the
record are drawn for it alone and counted once.
"""

from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from amrpkg.common.arguments import require_choice
from amrpkg.common.code import current_digest, provenance, root
from amrpkg.common.files import RESULTS
from amrpkg.evaluation.accuracy import evaluate, samples_for
from amrpkg.evaluation.blind import NOISE_RANGE, blind_ceiling
from amrpkg.evaluation.bounds import ceiling
from amrpkg.export.writing import export
from amrpkg.models.architectures import Architecture, symbol_wise
from amrpkg.models.network import Network, build
from amrpkg.models.symbolwise import centre_noise_word
from amrpkg.models.weights import load_float_weights
from amrpkg.records.exports import CHUNKS_PER_CLASS, compare_files
from amrpkg.records.rows import complete, load, read_rows
from amrpkg.signals.chunks import Chunks, make_chunks, receive
from amrpkg.signals.noise_word import LOUDEST, QUIETEST, estimate_noise_power
from amrpkg.training.protocols import across_noise_knobs
from amrpkg.training.stream import impair

ACROSS_NOISE = RESULTS / "across_noise.csv"
KEY = ["network", "bit_width", "seed"]
NOISE_POWERS = (0.005, 0.03, 0.05, 0.1)  # N_a
COUNTED = 4_000  # chunks a class and noise power
_APART = 1_000  # seeds of the streams of two bit widths
_BLOCK = 14  # of the evaluation split, used here and nowhere else
_EXPORTED_AT = 0.05  # N_a of the chunks that the files are compared on
PILOTS = (32, 256)  # known symbols that a word is estimated from


class Kind(NamedTuple):
    """A network, the noise powers that it is trained on, whether on offsets, too, whether from the
    posterior, how the powers are drawn, and whether the word is centred in the first weights."""

    row: Architecture
    noise_range: tuple[float, float]
    offsets: bool = False
    taught: bool = False
    noise_exponent: float = 0.0
    centred: bool = False


_BLIND = symbol_wise("fold_sign", 32, 24, hidden=(16,))
_TOLD = symbol_wise("fold_sign_noise", 40, 24)
NETWORKS = {
    "told": Kind(_TOLD, (QUIETEST, LOUDEST)),
    "taught": Kind(_TOLD, (QUIETEST, LOUDEST), taught=True),
    "centred": Kind(
        symbol_wise("fold_sign_noise", 48, 24),
        (QUIETEST, LOUDEST),
        taught=True,
        noise_exponent=1.0,
        centred=True,
    ),
    "blind": Kind(_BLIND, NOISE_RANGE),
    "offsets": Kind(_BLIND, NOISE_RANGE, offsets=True),
}
CANDIDATES = (  # key of `NETWORKS`, bit width, seed
    ("told", 8, 0),
    ("told", 4, 0),
    ("blind", 8, 0),
    ("blind", 4, 0),
    ("offsets", 8, 0),
    ("taught", 8, 0),
    ("centred", 8, 0),
)


def train_across_noise(network: str, bit_width: int, seed: int = 0, share: float = 1.0) -> Network:
    """Train one of `NETWORKS` on chunks of many noise powers; a quantised one goes on from float.

    seed : of the initial weights and the stream
    share : of the chunks that the recorded ones are trained on

    Raises ``ValueError`` or ``TypeError`` that names the argument.
    """
    require_choice("network", network, NETWORKS)
    row, *kind, centred = NETWORKS[network]
    model = build(row, bit_width, seed=seed)
    if bit_width != 32:
        load_float_weights(model, _float_network(network, seed, share))
    elif centred:
        centre_noise_word(model.layers.conv1)
    knobs = across_noise_knobs(bit_width, *kind).scaled(share)
    # Of streams no chunk comes twice, so each training has one of its own.
    knobs.train(model, seed + bit_width * _APART, retraining=False, progress=False)
    return model


@cache
def _float_network(network: str, seed: int, share: float) -> Network:
    return train_across_noise(network, 32, seed, share)


def count_across_noise(model: Network) -> list[dict]:
    """How many of the recorded chunks a network decides right: a row a noise power and case.

    Cases: "as made"; "offsets", each chunk with a gain, a rotation and a frequency as in the
    training of `NETWORKS`; and of a network that is told the noise, words that are wrong by a
    decibel or estimated from so many known symbols, within the bounds of the word.

    Returns ``noise_power``, ``case``, ``correct``, ``count``, and how many of the chunks as made
    the two ceilings decide right, ``knowing`` and ``blind``.
    """
    rows = []
    for power in NOISE_POWERS:
        for case, chunks in _cases(model, power):
            found = evaluate(model, chunks)
            counts = {"correct": found.correct, "count": found.count}
            rows.append({"noise_power": power, "case": case} | counts | _ceilings(power, COUNTED))
    return rows


def _cases(model: Network, noise_power: float):
    chunks = _chunks(noise_power, COUNTED)
    yield "as made", chunks
    knobs = across_noise_knobs(model.bit_width, NOISE_RANGE, offsets=True)
    yield "offsets", impair(chunks, knobs, np.random.default_rng(0))
    if model.inputs == 2:
        return
    for name, told in _words(noise_power, len(chunks)).items():
        yield name, replace(chunks, noise_power=np.clip(told, QUIETEST, LOUDEST))


def _words(noise_power: float, count: int) -> dict[str, float | np.ndarray]:
    words = {f"word {decibels:+d} dB": noise_power * 10 ** (decibels / 10) for decibels in (1, -1)}
    for symbols in PILOTS:
        received = receive("BPSK", count * symbols, noise_power).reshape(count, symbols)
        # One in millions of these decisions is wrong: they stand for symbols known beforehand.
        words[f"word of {symbols} symbols"] = estimate_noise_power(received, np.sign(received.real))
    return words


@cache
def _chunks(noise_power: float, chunks_per_class: int) -> Chunks:
    return make_chunks(chunks_per_class, noise_power=noise_power, split="evaluation", block=_BLOCK)


@cache
def _ceilings(noise_power: float, chunks_per_class: int) -> dict[str, int]:
    """How many chunks the likelihood decides right that knows the noise, and that does not."""
    chunks = _chunks(noise_power, chunks_per_class)
    return {
        "knowing": ceiling(chunks, noise_power).correct,
        "blind": blind_ceiling(chunks).correct,
    }


def record_across_noise(path: Path = ACROSS_NOISE, progress: bool = True) -> pd.DataFrame:
    """Train all `CANDIDATES`; keep the rows in `path`, the networks in the folder of its name.

    Written anew after every network, so it can be stopped and goes on when called again; networks
    of the same code stay. Returns the rows of `count_across_noise`, each with the network's
    sizes, what `compare_files` found of its files on 10,008 fresh chunks, and what made it.
    """
    rows = read_rows(path, KEY, code_digest=current_digest(ROOT))
    folder = path.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    tasks = {key: partial(_record, *key, folder) for key in CANDIDATES}
    return complete(path, rows, tasks, "network", progress)


def _record(network: str, bit_width: int, seed: int, folder: Path) -> list[dict]:
    model = train_across_noise(network, bit_width, seed)
    layers = model.row.layers()
    row = dict(zip(KEY, (network, bit_width, seed), strict=True)) | {
        "architecture": model.row.short,
        "weights": sum(layer.weights for layer in layers),
        "biases": sum(layer.biases for layer in layers),
    }
    fresh = make_chunks(CHUNKS_PER_CLASS, noise_power=_EXPORTED_AT, split="evaluation")
    found = compare_files(model, samples_for(model, fresh))
    kept = ("chunks", "differing", "decided", "bytes", "dsp", "ff", "lut", "bram")
    exported = {f"exported_{key}": x for key, x in found.items() if key.startswith(kept)}
    name = f"{network}_{bit_width}bit_seed_{seed}"
    export(model, folder / f"{name}.safetensors", "integer", name)
    made_by = exported | provenance(current_digest(ROOT))
    return [row | counts | made_by for counts in count_across_noise(model)]


ROOT = root(_record)


def load_across_noise(path: Path = ACROSS_NOISE) -> pd.DataFrame:
    """The rows that `record_across_noise` wrote, by default those of the checkout.

    Raises ``FileNotFoundError`` that says how the record is made.
    """
    return load(path, "`amr across-noise`")

"""A learning curve: the same steps of the same optimizer, on few distinct chunks and on many.

Every network takes as many steps of Adam, with the thesis's loss and knobs but for the number of
epochs and a larger batch. What changes is how many chunks there are to go through.
"""

from functools import partial
from pathlib import Path

import pandas as pd

from amrpkg.common.arguments import require_choice, require_count
from amrpkg.common.code import current_digest, provenance, root
from amrpkg.common.files import RESULTS
from amrpkg.evaluation.accuracy import evaluate
from amrpkg.models.network import build
from amrpkg.records.rows import complete, load, read_rows
from amrpkg.signals.chunks import FRESH_CHUNKS_PER_CLASS, make_chunks
from amrpkg.signals.constellations import CONSTELLATIONS
from amrpkg.training.fixed_set import train
from amrpkg.training.protocols import Settings

LEARNING = RESULTS / "learning.csv"
KEY = ["architecture", "chunks"]
RATES = {  # architecture -> Adam's rate
    "symbolwise_2_8_8": 2e-2,
    "vgglike_2f_1c_1re_1mp": 2e-3,
    "vgglike_3f_3c_2re_3mp": 2e-3,
}
CHUNKS_PER_CLASS = (256, 1_280, 6_400, 32_000)  # the first are the thesis's
_BATCH = 128


def learn(architecture: str, chunks_per_class: int, epochs: int, seed: int = 0) -> dict:
    """Train a float network on so many distinct chunks, each used once an epoch.

    Returns a row: ``architecture``; ``chunks``, the distinct ones; ``steps``; the rate and batch
    size; loss and accuracy of the last epoch on its chunks; how many of the record's fresh
    chunks are right, of how many. Raises ``ValueError`` or ``TypeError`` that names the argument.
    """
    require_choice("architecture", architecture, RATES)
    require_count("epochs", epochs)
    chunks = make_chunks(chunks_per_class, seed=seed)
    knobs = Settings(RATES[architecture], target_loss=-1.0, max_epochs=epochs, batch_size=_BATCH)
    model = build(architecture, seed=seed)
    last = train(model, chunks, knobs, seed, progress=False).history.iloc[-1]
    fresh = evaluate(model, make_chunks(FRESH_CHUNKS_PER_CLASS, seed=seed, split="evaluation"))
    return {
        "architecture": architecture,
        "chunks": len(chunks),
        "steps": epochs * -(-len(chunks) // _BATCH),
        "learning_rate": knobs.learning_rate,
        "batch_size": _BATCH,
        "training_loss": last["loss"],
        "training_accuracy": last["accuracy"],
        "fresh_correct": fresh.correct,
        "fresh_count": fresh.count,
    }


def record_learning(path: Path = LEARNING, progress: bool = True) -> pd.DataFrame:
    """Train each network of `RATES` on each number of chunks, and keep the rows in `path`.

    Written anew after every network, so it can be stopped and goes on when called again; networks
    of the same code stay. Returns the rows of `learn`, with what made them.
    """
    rows = read_rows(path, KEY, code_digest=current_digest(ROOT))
    tasks = {
        (architecture, len(CONSTELLATIONS) * count): partial(_record, architecture, count)
        for architecture in RATES
        for count in CHUNKS_PER_CLASS
    }
    return complete(path, rows, tasks, "network", progress)


def _record(architecture: str, chunks_per_class: int) -> list[dict]:
    epochs = max(CHUNKS_PER_CLASS) // chunks_per_class
    return [learn(architecture, chunks_per_class, epochs) | provenance(current_digest(ROOT))]


ROOT = root(_record)


def load_learning(path: Path = LEARNING) -> pd.DataFrame:
    """The rows that `record_learning` wrote, by default those of the checkout.

    Raises ``FileNotFoundError`` that says how the record is made.
    """
    return load(path, "`amr learning`")

"""A learning curve: the same steps of the same optimizer, on few distinct chunks and on many.

Adam, the thesis's loss, one batch size, one schedule, and for each network the peak rate that suits
it. What changes is how many distinct chunks there are to go through, and, apart from that, how
many steps are taken: a sixteenth, a quarter or all of what nine million chunks give.
"""

from functools import partial
from pathlib import Path
from time import process_time

import pandas as pd

from amrpkg.common.arguments import require_choice
from amrpkg.common.code import current_digest, provenance, root
from amrpkg.common.files import RESULTS
from amrpkg.evaluation.accuracy import evaluate
from amrpkg.models.network import build
from amrpkg.records.rows import complete, load, read_rows
from amrpkg.signals.chunks import FRESH_CHUNKS_PER_CLASS, make_chunks
from amrpkg.training.distinct_chunks import BATCH, BLOCK, train_in_passes

LEARNING = RESULTS / "learning.csv"
KEY = ["architecture", "chunks", "steps"]
RATES = {  # architecture -> Adam's peak rate, by validation chunks
    "symbolwise_2_8_8": 5e-2,
    "vgglike_2f_1c_1re_1mp": 6e-3,
    "vgglike_3f_3c_2re_3mp": 3e-3,
}
SYMBOL_WISE, SMALLEST, THIRD = RATES
CURVE = (  # architecture, blocks of 2,304 distinct chunks, blocks that go by: those come again
    *((name, blocks, 256) for name in RATES for blocks in (1, 16, 256)),
    *((name, blocks, 1024) for name in (SYMBOL_WISE, SMALLEST) for blocks in (1, 16, 256, 1024)),
    *((name, blocks, 4096) for name in (SYMBOL_WISE, SMALLEST) for blocks in (4096, 1)),
    *((THIRD, blocks, 1024) for blocks in (1024, 1, 256, 16)),
)
_LAST = 100  # batches, by which the loss and accuracy at the end are told


def learn(architecture: str, blocks: int, steps: int, seed: int = 0) -> dict:
    """Train a float network on so many blocks of distinct chunks, as `train_in_passes` does.

    Returns a row: ``architecture``; ``chunks``, the distinct ones; ``steps``; the peak rate and
    batch size; loss and accuracy of the last hundred batches, before they were learnt from; how
    many of the record's fresh chunks are right, of how many; processor time. Raises ``ValueError``
    or ``TypeError`` that names the argument.
    """
    require_choice("architecture", architecture, RATES)
    model, start = build(architecture, seed=seed), process_time()
    last = train_in_passes(model, blocks, steps, RATES[architecture], seed).tail(_LAST).mean()
    seconds = process_time() - start
    fresh = evaluate(model, make_chunks(FRESH_CHUNKS_PER_CLASS, seed=seed, split="evaluation"))
    return {
        "architecture": architecture,
        "chunks": blocks * BLOCK,
        "steps": steps,
        "peak_rate": RATES[architecture],
        "batch_size": BATCH,
        "training_loss": last["loss"],
        "training_accuracy": last["accuracy"],
        "fresh_correct": fresh.correct,
        "fresh_count": fresh.count,
        "cpu_seconds": round(seconds, 1),
    }


def record_learning(path: Path = LEARNING, progress: bool = True) -> pd.DataFrame:
    """Train the networks of `CURVE`, and keep the rows in `path`.

    Written anew after every network, so it can be stopped and goes on when called again; networks
    of the same code stay. Returns the rows of `learn`, with what made them.
    """
    rows = read_rows(path, KEY, code_digest=current_digest(ROOT))
    tasks = {
        (name, blocks * BLOCK, steps): partial(_record, name, blocks, steps)
        for name, blocks, seen in CURVE
        for steps in (seen * BLOCK // BATCH,)
    }
    return complete(path, rows, tasks, "network", progress)


def _record(architecture: str, blocks: int, steps: int) -> list[dict]:
    return [learn(architecture, blocks, steps) | provenance(current_digest(ROOT))]


ROOT = root(_record)


def load_learning(path: Path = LEARNING) -> pd.DataFrame:
    """The rows that `record_learning` wrote, by default those of the checkout.

    Raises ``FileNotFoundError`` that says how the record is made.
    """
    return load(path, "`amr learning`")

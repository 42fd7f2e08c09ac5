"""Class scores of any form of a network, and accuracy on training and on fresh chunks."""

import numpy as np

from amrpkg.common.arguments import require_count
from amrpkg.evaluation.decisions import Evaluation, count_decisions
from amrpkg.signals.chunks import Chunks


def score(model, iq: np.ndarray, batch_size: int = 1024) -> np.ndarray:
    """Class scores of ``float32[n, 2, chunk_size]``, ``[n, 9]``, in batches.

    model : a form of a network that has a method ``scores(iq)``, as `IntegerNetwork` and what
        `load_network` gives; or a torch module, which runs on the current torch threads, in its
        own precision, and is left in evaluation mode
    """
    require_count("batch_size", batch_size)
    batches = np.split(iq, range(batch_size, len(iq), batch_size))
    if hasattr(model, "scores"):
        return np.concatenate([model.scores(batch) for batch in batches])
    import torch  # here: it takes seconds

    model.eval()
    kind = next((values.dtype for values in model.parameters()), torch.float32)
    with torch.inference_mode():
        scores = [model(torch.from_numpy(batch).to(kind)) for batch in batches]
    return torch.cat(scores).numpy()


def decide(model, iq: np.ndarray, batch_size: int = 1024) -> np.ndarray:
    """The classes with the highest of the scores, ``int64[n]``; arguments as of `score`."""
    return score(model, iq, batch_size).argmax(axis=1)


def evaluate(model, chunks: Chunks, batch_size: int = 1024) -> Evaluation:
    """Classify every chunk and count; arguments as of `score`."""
    return count_decisions(chunks, decide(model, chunks.iq, batch_size))

"""Class scores of any form of a network, and accuracy on training and on fresh chunks."""

import numpy as np
from tqdm import tqdm

from amrpkg.common.arguments import require_count, require_kind
from amrpkg.evaluation.decisions import Evaluation, count_decisions
from amrpkg.signals.chunks import Chunks
from amrpkg.signals.noise_word import with_noise_word

_MOST_SAMPLES = 1 << 17  # of a batch, whose features have to stay in memory


def score(model, iq: np.ndarray, batch_size: int = 1024, progress: bool = False) -> np.ndarray:
    """Class scores of ``float32[n, 2, chunk_size]``, ``[n, 9]``, in batches.

    model : a form of a network that has a method ``scores(iq)``, as `IntegerNetwork` and what
        `load_network` gives; or a torch module, which runs on the current torch threads, in its
        own precision, and is left in evaluation mode
    batch_size : chunks at a time, fewer where they are longer than 128
    progress : show a bar on a terminal

    Raises ``ValueError`` or ``TypeError`` that names the argument.
    """
    require_network(model)
    require_kind("iq", iq, np.ndarray)
    require_count("batch_size", batch_size)
    size = min(batch_size, max(1, _MOST_SAMPLES // iq.shape[-1]))
    batches = np.split(iq, range(size, len(iq), size))
    bar = tqdm(batches, unit="batch", leave=False, disable=None if progress else True)
    if hasattr(model, "scores"):
        return np.concatenate([model.scores(batch) for batch in bar])
    import torch  # here: it takes seconds

    model.eval()
    kind = next((values.dtype for values in model.parameters()), torch.float32)
    with torch.inference_mode():
        scores = [model(torch.from_numpy(batch).to(kind)) for batch in bar]
    return torch.cat(scores).numpy()


def require_network(model: object) -> None:
    """Raise ``TypeError`` for what gives no scores: neither a method for it nor a torch module."""
    if not hasattr(model, "scores") and not hasattr(model, "parameters"):
        allowed = "a torch module, or an object with a method scores(iq)"
        raise TypeError(f"model is of type {type(model).__name__}; allowed: {allowed}")


def decide(model, iq: np.ndarray, batch_size: int = 1024, progress: bool = False) -> np.ndarray:
    """The classes with the highest of the scores, ``int64[n]``; arguments as of `score`."""
    return score(model, iq, batch_size, progress).argmax(axis=1)


def samples_for(model, chunks: Chunks) -> np.ndarray:
    """What a form of a network reads of chunks: their samples, ``float32[n, 2, chunk_size]``, and
    a third channel, the word of their noise power, where it is told.

    Raises ``ValueError`` for chunks without noise power, or one without a word, where it is told.
    """
    if getattr(model, "inputs", 2) != 3:
        return chunks.iq
    return with_noise_word(chunks.iq, chunks.noise_power)


def evaluate(model, chunks: Chunks, batch_size: int = 1024, progress: bool = False) -> Evaluation:
    """Classify every chunk and count; arguments as of `score`, raises as `samples_for`, too."""
    require_kind("chunks", chunks, Chunks)
    return count_decisions(chunks, decide(model, samples_for(model, chunks), batch_size, progress))

"""Accuracy on training and on fresh chunks, its confidence interval, and inference speed."""

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from amrpkg.common.arguments import require_count, require_kind
from amrpkg.evaluation.decisions import Evaluation, count_decisions
from amrpkg.signals.chunks import Chunks

_MOST_SAMPLES = 1 << 17  # of a batch, whose features have to stay in memory


def decide(
    model: nn.Module, iq: np.ndarray, batch_size: int = 1024, progress: bool = False
) -> np.ndarray:
    """Classify ``float32[n, 2, chunk_size]`` in batches on the current torch threads, ``int64[n]``.

    batch_size : chunks at a time, fewer where they are longer than 128
    progress : show a bar on a terminal

    The model is left in evaluation mode. Raises ``ValueError`` or ``TypeError`` that names the
    argument.
    """
    require_kind("model", model, nn.Module)
    require_kind("iq", iq, np.ndarray)
    require_count("batch_size", batch_size)
    batches = torch.from_numpy(iq).split(min(batch_size, max(1, _MOST_SAMPLES // iq.shape[-1])))
    model.eval()
    with torch.inference_mode():
        bar = tqdm(batches, unit="batch", leave=False, disable=None if progress else True)
        return torch.cat([model(batch).argmax(1) for batch in bar]).numpy()


def evaluate(
    model: nn.Module, chunks: Chunks, batch_size: int = 1024, progress: bool = False
) -> Evaluation:
    """Classify every chunk and count; arguments, errors and what is left as in `decide`."""
    require_kind("chunks", chunks, Chunks)
    return count_decisions(chunks, decide(model, chunks.iq, batch_size, progress))

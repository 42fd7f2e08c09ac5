"""Accuracy on training and on fresh chunks, its confidence interval, and inference speed."""

import numpy as np
import torch
from torch import nn

from amrpkg.common.arguments import require_count
from amrpkg.evaluation.decisions import Evaluation, count_decisions
from amrpkg.signals.chunks import Chunks


def decide(model: nn.Module, iq: np.ndarray, batch_size: int = 1024) -> np.ndarray:
    """Classify ``float32[n, 2, chunk_size]`` in batches on the current torch threads, ``int64[n]``.

    The model is left in evaluation mode.
    """
    require_count("batch_size", batch_size)
    model.eval()
    with torch.inference_mode():
        decisions = [model(batch).argmax(1) for batch in torch.from_numpy(iq).split(batch_size)]
    return torch.cat(decisions).numpy()


def evaluate(model: nn.Module, chunks: Chunks, batch_size: int = 1024) -> Evaluation:
    """Classify every chunk and count; the model is left in evaluation mode."""
    return count_decisions(chunks, decide(model, chunks.iq, batch_size))

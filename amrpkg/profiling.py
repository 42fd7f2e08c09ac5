"""Where the time of a batch goes: the network's own arithmetic, other operators, Python."""

import os
from time import perf_counter

import pandas as pd
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.profiler import ProfilerActivity, profile

from amrpkg.arguments import require_count
from amrpkg.evaluation import BATCH_SIZE

# What the float network consists of too, forward and backward; names as PyTorch gives them.
_ARITHMETIC = ("conv", "addmm", "aten::mm", "max_pool", "relu", "clamp_min", "threshold_backward")
os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # or the profiler writes to stderr
PARTS = ("arithmetic", "other operators", "Python and dispatch")


def profile_batch(model: nn.Module, training: bool = False, batches: int = 20) -> pd.DataFrame:
    """Measure the parts of a batch's time: forward or, in training, forward and backward.

    Index: "arithmetic", what a float network computes too (convolutions, matrix products,
    pooling, rectifiers); "other operators", which in a quantised network are the scaling,
    rounding and clamping of fake quantisation; "Python and dispatch", the time outside of
    operators. Columns: ``calls`` of operators and ``ms``, each per batch of 32. The profiler
    makes every call slower, so read the shares, not the milliseconds.
    """
    require_count("batches", batches)
    rng = torch.Generator().manual_seed(0)
    iq = torch.randn(BATCH_SIZE, 2, model.chunk_size, generator=rng)
    labels = torch.arange(BATCH_SIZE) % 9
    model.train(training)

    def batch():
        with torch.set_grad_enabled(training):
            scores = model(iq)
            if training:
                cross_entropy(scores, labels).backward()

    batch()
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        begin = perf_counter()
        for _ in range(batches):
            batch()
        seconds = perf_counter() - begin
    calls, ms = dict.fromkeys(PARTS, 0), dict.fromkeys(PARTS, 0.0)
    for event in profiler.key_averages():
        if event.key.startswith("aten::") or "Fn" in event.key:  # Brevitas's own end in Fn
            own = any(name in event.key for name in _ARITHMETIC)
            part = PARTS[0] if own else PARTS[1]
            calls[part] += event.count
            ms[part] += event.self_cpu_time_total / 1e3
    ms[PARTS[2]] = 1e3 * seconds - sum(ms.values())
    return pd.DataFrame({"calls": calls, "ms": ms}) / batches

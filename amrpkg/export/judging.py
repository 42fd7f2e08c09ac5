"""What the book asks of a network, as text: accuracy, ceiling, confusions, resource estimate."""

from dataclasses import replace

import numpy as np
import pandas as pd
from torch import nn

from amrpkg.common.arguments import require_kind
from amrpkg.evaluation.accuracy import evaluate
from amrpkg.evaluation.bounds import log_likelihoods
from amrpkg.evaluation.decisions import count_decisions
from amrpkg.hardware.resources import Resources, estimate
from amrpkg.signals.chunks import FRESH_CHUNKS_PER_CLASS, NOISE_POWER, make_chunks
from amrpkg.signals.constellations import CONSTELLATIONS


def report(
    model: nn.Module,
    chunks_per_class: int = FRESH_CHUNKS_PER_CLASS,
    noise_power: float = NOISE_POWER,
    seed: int = 0,
    progress: bool = True,
) -> str:
    """Evaluate a network on fresh chunks, beside the ceiling on the same chunks.

    model : of `network_files.load_network`; one that knows some of the classes only is asked
        about those, and so is the ceiling
    progress : show a bar on a terminal

    Raises ``ValueError`` or ``TypeError`` that names the argument.
    """
    require_kind("model", model, nn.Module)
    chunks = make_chunks(
        chunks_per_class, model.chunk_size, noise_power, seed=seed, split="evaluation"
    )
    names = getattr(model, "classes", tuple(CONSTELLATIONS))
    places = np.array([list(CONSTELLATIONS).index(name) for name in names])
    known = np.isin(chunks.labels, places)
    chunks = replace(chunks, iq=chunks.iq[known], labels=chunks.labels[known])
    likeliest = log_likelihoods(chunks.iq, noise_power)[:, places].argmax(axis=1)
    evaluation = evaluate(model, chunks, progress=progress)
    table = pd.DataFrame(evaluation.confusion, list(CONSTELLATIONS), list(CONSTELLATIONS))
    table = table.loc[sorted(names, key=list(CONSTELLATIONS).index), :]
    counts = zip(Resources._fields, estimate(model), strict=True)
    estimates = ", ".join(f"{name.upper()} {count}" for name, count in counts)
    return "\n".join(
        [
            f"network: {evaluation}",
            f"ceiling: {count_decisions(chunks, places[likeliest])}",
            "decisions (columns) by true class (rows):",
            table.loc[:, table.index].to_string(),
            f"estimate (Algorithm II, {model.bit_width} bit): {estimates}",
        ]
    )

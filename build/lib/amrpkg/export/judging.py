"""What the book asks of a network: accuracy, ceiling, confusions, resource estimate."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from amrpkg.evaluation.accuracy import evaluate, require_network
from amrpkg.evaluation.bounds import log_likelihoods
from amrpkg.evaluation.decisions import Evaluation, binomial_interval, count_decisions
from amrpkg.hardware.resources import Resources, estimate
from amrpkg.signals.chunks import FRESH_CHUNKS_PER_CLASS, NOISE_POWER, make_chunks
from amrpkg.signals.constellations import CONSTELLATIONS


@dataclass(frozen=True)
class Judgement:
    """A network on fresh chunks beside the ceiling on the same chunks; ``str`` tells it.

    confusions : decisions (columns) by true class (rows), of the classes that the network knows
    resources : by Algorithm II, at `bit_width`
    """

    network: Evaluation
    ceiling: Evaluation
    confusions: pd.DataFrame
    bit_width: int
    resources: Resources

    def record(self) -> dict:
        """The same as plain numbers under names, for JSON; intervals are exact, of 95 %."""
        record = {"confusions": self.confusions.to_dict("index"), "bit_width": self.bit_width}
        for name, found in (("network", self.network), ("ceiling", self.ceiling)):
            low, high = binomial_interval(found.correct, found.count)
            counts = {"correct": found.correct, "count": found.count, "accuracy": found.accuracy}
            record[name] = counts | {"low": low, "high": high}
        return record | {"resources": self.resources._asdict()}

    def __str__(self) -> str:
        counts = self.resources._asdict().items()
        estimates = ", ".join(f"{name.upper()} {count}" for name, count in counts)
        lines = [
            f"network: {self.network}",
            f"ceiling: {self.ceiling}",
            "decisions (columns) by true class (rows):",
            self.confusions.to_string(),
            f"estimate (Algorithm II, {self.bit_width} bit): {estimates}",
        ]
        return "\n".join(lines)


def judge(
    model,
    chunks_per_class: int = FRESH_CHUNKS_PER_CLASS,
    noise_power: float = NOISE_POWER,
    seed: int = 0,
    progress: bool = True,
) -> Judgement:
    """Evaluate a network on fresh chunks, beside the ceiling on the same chunks.

    model : of `load_network`; one that knows some of the classes only is asked about those, and
        so is the ceiling
    progress : show a bar on a terminal

    Raises ``ValueError`` or ``TypeError`` that names the argument.
    """
    require_network(model)
    chunks = make_chunks(
        chunks_per_class, model.chunk_size, noise_power, seed=seed, split="evaluation"
    )
    names = [name for name in CONSTELLATIONS if name in getattr(model, "classes", CONSTELLATIONS)]
    places = np.array([list(CONSTELLATIONS).index(name) for name in names])
    asked = np.isin(chunks.labels, places)
    chunks = replace(chunks, iq=chunks.iq[asked], labels=chunks.labels[asked])
    likeliest = log_likelihoods(chunks.iq, noise_power)[:, places].argmax(axis=1)
    found = evaluate(model, chunks, progress=progress)
    table = pd.DataFrame(found.confusion[np.ix_(places, places)], names, names)
    bound = count_decisions(chunks, places[likeliest])
    return Judgement(found, bound, table, model.bit_width, estimate(model))

"""What the book asks of a network: accuracy, ceiling, confusions, resource estimate."""

from dataclasses import dataclass, replace

import numpy as np

from amrpkg.common.arguments import require_count
from amrpkg.evaluation.accuracy import evaluate, require_network
from amrpkg.evaluation.bounds import log_likelihoods
from amrpkg.evaluation.decisions import Evaluation, binomial_interval, count_decisions
from amrpkg.hardware.resources import Resources, estimate
from amrpkg.signals.chunks import FRESH_CHUNKS_PER_CLASS, NOISE_POWER, make_chunks
from amrpkg.signals.constellations import CONSTELLATIONS

_MOST_SAMPLES = 1 << 26  # in all; they and what is computed of them stay below 2 GB


@dataclass(frozen=True)
class Judgement:
    """A network on fresh chunks beside the ceiling on the same chunks; ``str`` tells it.

    classes : that the network knows, in the book's order; the chunks are of these
    resources : by Algorithm II, at `bit_width`
    """

    network: Evaluation
    ceiling: Evaluation
    classes: tuple[str, ...]
    bit_width: int
    resources: Resources

    def confusions(self) -> dict[str, dict[str, int]]:
        """How often a true class was decided as each."""
        places = [list(CONSTELLATIONS).index(name) for name in self.classes]
        table = self.network.confusion[np.ix_(places, places)].tolist()
        return {
            true: dict(zip(self.classes, row, strict=True))
            for true, row in zip(self.classes, table, strict=True)
        }

    def record(self) -> dict:
        """The same as plain numbers under names, for JSON; intervals are exact, of 95 %."""
        accuracies = {}
        for name, found in (("network", self.network), ("ceiling", self.ceiling)):
            low, high = binomial_interval(found.correct, found.count)
            counts = {"correct": found.correct, "count": found.count, "accuracy": found.accuracy}
            accuracies[name] = counts | {"low": low, "high": high}
        return {
            **accuracies,
            "confusions": self.confusions(),
            "bit_width": self.bit_width,
            "resources": self.resources._asdict(),
        }

    def __str__(self) -> str:
        import pandas as pd  # here: it takes longer than NumPy

        estimates = ", ".join(
            f"{k.upper()} {count}" for k, count in self.resources._asdict().items()
        )
        lines = [
            f"network: {self.network}",
            f"ceiling: {self.ceiling}",
            "decisions (columns) by true class (rows):",
            pd.DataFrame(self.confusions()).T.to_string(),
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
    require_count("chunks_per_class", chunks_per_class)
    most = max(1, _MOST_SAMPLES // (len(CONSTELLATIONS) * model.chunk_size))
    if chunks_per_class > most:
        raise ValueError(
            f"chunks_per_class is {chunks_per_class}; allowed for chunks of {model.chunk_size}: "
            f"at most {most}"
        )
    chunks = make_chunks(
        chunks_per_class, model.chunk_size, noise_power, seed=seed, split="evaluation"
    )
    known = getattr(model, "classes", CONSTELLATIONS)
    places = np.array([k for k, name in enumerate(CONSTELLATIONS) if name in known])
    asked = np.isin(chunks.labels, places)
    chunks = replace(chunks, iq=chunks.iq[asked], labels=chunks.labels[asked])
    likeliest = log_likelihoods(chunks.iq, noise_power)[:, places].argmax(axis=1)
    return Judgement(
        evaluate(model, chunks, progress=progress),
        count_decisions(chunks, places[likeliest]),
        tuple(np.array(list(CONSTELLATIONS))[places].tolist()),
        model.bit_width,
        estimate(model),
    )

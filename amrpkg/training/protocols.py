"""How each model is trained: the knobs of a protocol, per model and bit width, as one table.

*thesis*: a fixed set of chunks until it is learnt. The thesis says: cross entropy, Adam, 2,304
chunks, learning rate and weight decay adjusted per model, stop at a target loss between 0.030
and 1.000, then prune and retrain (chapter 4). The batch size of 32 is recovered: throughput
times inference time is 32 in all of its 81 rows. The adjusted values are not printed; those
below are ours.

*streaming*: fresh chunks only, each seen once, so that nothing can be learnt by heart. A
pruned float model starts from the unpruned one, a quantised model from its float model.

*ranging*: streaming, and each chunk with a noise power of its own. For the small networks.

*offsets*: ranging, and each chunk with a gain, a rotation and a frequency of its own as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from amrpkg.common.arguments import require_choice, require_count
from amrpkg.models.architectures import (
    ARCHITECTURES,
    BIT_WIDTHS,
    THESIS_ARCHITECTURES,
    require_model,
)
from amrpkg.signals.chunks import NOISE_POWER

PRUNING_VARIANTS = ("held", "regrowing")  # what a mask does in retraining, see pruning.py


@dataclass(frozen=True)
class Settings:
    """The knobs of one training on a fixed set."""

    learning_rate: float
    weight_decay: float = 1e-5
    target_loss: float = 0.03  # mean cross entropy of an epoch, nats; at or below: done
    max_epochs: int = 200  # more: recorded as not converged
    batch_size: int = 32

    def __post_init__(self) -> None:
        require_count("max_epochs", self.max_epochs)
        require_count("batch_size", self.batch_size)

    def reached(self, metrics: Mapping) -> bool:
        """Whether a run met the target: the loss of its last epoch."""
        return metrics["training_loss"] <= self.target_loss


@dataclass(frozen=True)
class StreamSettings:
    """The knobs of one training on fresh chunks, each seen once."""

    peak_rate: float  # of AdamW; Muon's is five times that
    chunks: int  # of the training from random weights, or from those of a float model
    retraining_rate: float  # the same two for a pruned model
    retraining_chunks: int
    batch_size: int = 512
    warm_up: float = 0.05  # share of the steps in which the rate rises
    weight_decay: float = 0.01
    weight_bound: float = 0.0  # weights stay within so many r.m.s. of their layer; 0: no bound
    target_accuracy: float = 0.999  # on the recorded fresh chunks; below: not converged
    least_noise: float = NOISE_POWER  # N_a of a chunk, log-uniform between the two
    most_noise: float = NOISE_POWER
    most_decibels: float = 0.0  # gain error of a chunk, uniform between minus and plus
    most_degrees: float = 0.0  # rotation, likewise
    most_cycles: float = 0.0  # frequency offset per symbol, likewise

    def reached(self, metrics: Mapping) -> bool:
        """Whether a run met the target: the accuracy on fresh chunks."""
        return metrics["fresh_correct"] >= self.target_accuracy * metrics["fresh_count"]


_LEARNING_RATES = {
    # architecture: at 32, 8, 6 and 4 bit
    "vgglike_5f_5c_4re_4mp": (1e-3, 1e-3, 1e-3, 1e-3),
    "vgglike_5f_4c_4re_4mp": (1e-3, 1e-3, 1e-3, 1e-3),
    "vgglike_5f_3c_4re_3mp": (1e-3, 1e-3, 1e-3, 1e-3),
    "vgglike_3f_3c_2re_3mp": (2e-3, 2e-3, 2e-3, 2e-3),
    "vgglike_3f_2c_2re_2mp": (2e-3, 2e-3, 2e-3, 2e-3),
    "vgglike_2f_2c_2re_2mp": (2e-3, 2e-3, 2e-3, 2e-3),
    "vgglike_2f_1c_1re_1mp": (2e-3, 2e-3, 2e-3, 2e-3),
}

_THESIS = {
    (architecture, bit_width): Settings(rate)
    for architecture, rates in _LEARNING_RATES.items()
    for bit_width, rate in zip(BIT_WIDTHS, rates, strict=True)
}

_STREAMED = {
    # architecture: millions of fresh chunks in float from random weights, and after pruning;
    # the batch size of both; how many times the chunks of _FINE_TUNED
    "vgglike_5f_5c_4re_4mp": (1.5, 0.6, 512, 1),
    "vgglike_5f_4c_4re_4mp": (1.2, 0.9, 256, 1),
    "vgglike_5f_3c_4re_3mp": (1.2, 0.9, 256, 1),
    "vgglike_3f_3c_2re_3mp": (2, 1, 512, 1.5),
    "vgglike_3f_2c_2re_2mp": (2, 1, 512, 1.5),
    "vgglike_2f_2c_2re_2mp": (2, 1.2, 512, 2),
    "vgglike_2f_1c_1re_1mp": (8, 3, 512, 6),
}
# bit width: peak rate and millions of fresh chunks from the float model. A high rate undoes it
# at 8 and 6 bits; at 4 bits a weight has to cross a wide level before anything changes, so it
# is higher, but for the deepest two, which it unsettles. Steps count, so batches are small.
_FINE_TUNED = {8: (3e-4, 0.1), 6: (5e-4, 0.3), 4: (3e-3, 0.2)}
_UNSETTLED = {"vgglike_5f_5c_4re_4mp": 1e-3, "vgglike_5f_4c_4re_4mp": 1e-3}  # rates at 4 bits
_FINE_BATCH = 256
_BOUND = 3.0  # of weights, in r.m.s. of their layer: one step for all must do at 4 bit


def _streamed(architecture: str, bit_width: int) -> StreamSettings:
    millions, again, batch_size, times = _STREAMED[architecture]
    if bit_width == 32:
        chunks, fewer = round(1e6 * millions), round(1e6 * again)
        return StreamSettings(3e-3, chunks, 2e-3, fewer, batch_size, weight_bound=_BOUND)
    rate, millions = _FINE_TUNED[bit_width]
    if bit_width == 4:
        rate = _UNSETTLED.get(architecture, rate)
    chunks = round(1e6 * millions * times)
    return StreamSettings(rate, chunks, rate, chunks, _FINE_BATCH, weight_bound=_BOUND)


_SMALL = {
    # bit width: peak rate and millions of fresh chunks, and both for a pruned one
    32: (3e-3, 2, 3e-3, 1),
    8: (1e-3, 0.3, 1e-3, 0.3),
    6: (1e-3, 0.5, 1e-3, 0.5),
    4: (3e-3, 1, 3e-3, 1),
}
_RANGED = {32: 8, 8: 0.6, 6: 0.6, 4: 2}  # bit width: millions of chunks of many noise powers


def _small(bit_width: int) -> StreamSettings:
    rate, millions, again, fewer = _SMALL[bit_width]
    return StreamSettings(rate, round(1e6 * millions), again, round(1e6 * fewer))


_STREAMING = {model: _streamed(*model) for model in _THESIS} | {
    (architecture, bit_width): _small(bit_width)
    for architecture in ARCHITECTURES
    if architecture not in THESIS_ARCHITECTURES
    for bit_width in BIT_WIDTHS
}
_RANGING = {
    (architecture, bit_width): replace(
        knobs, chunks=round(1e6 * _RANGED[bit_width]), least_noise=0.004, most_noise=0.12
    )
    for (architecture, bit_width), knobs in _STREAMING.items()
    if architecture not in THESIS_ARCHITECTURES
}

_OFFSETS = {
    model: replace(knobs, most_decibels=1.0, most_degrees=10.0, most_cycles=1e-3)
    for model, knobs in _RANGING.items()
}

PROTOCOLS: dict[str, dict[tuple[str, int], Settings | StreamSettings]] = {
    "thesis": _THESIS,
    "streaming": _STREAMING,
    "ranging": _RANGING,
    "offsets": _OFFSETS,
    # One epoch, to try a sweep or a change of the code; nothing to learn from its accuracies.
    "trial": {model: replace(knobs, max_epochs=1) for model, knobs in _THESIS.items()},
}
"""Protocol -> (architecture, bit width) -> settings."""


def settings(
    architecture: str, bit_width: int, protocol: str = "thesis"
) -> Settings | StreamSettings:
    """Look up the knobs of a model.

    Raises ``ValueError`` for an unknown protocol, architecture or bit width.
    """
    require_choice("protocol", protocol, PROTOCOLS)
    require_model(architecture, bit_width)
    require_choice("architecture", architecture, sorted({name for name, _ in PROTOCOLS[protocol]}))
    return PROTOCOLS[protocol][architecture, bit_width]

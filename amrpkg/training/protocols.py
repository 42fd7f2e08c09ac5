"""How each model is trained: a protocol gives the knobs of a model, and these how to train it.

*thesis*: a fixed set of chunks until it is learnt. The thesis says: cross entropy, Adam, 2,304
chunks, learning rate and weight decay adjusted per model, stop at a target loss between 0.030
and 1.000, then prune and retrain (chapter 4). The batch size of 32 is recovered: throughput
times inference time is 32 in all of its 81 rows. The adjusted values are not printed; those
below are ours.

*retuned*: the thesis's, and then with the learning rate adjusted until all 2,304 chunks are right.

*streaming*: fresh chunks only, each seen once, so that nothing can be learnt by heart. A
pruned float model starts from the unpruned one, a quantised model from its float model.

*refining*: streaming, but for the quantised models: all scales are fitted once and held, under Adam
and with small batches, at rates in levels of each layer's integers.

*ranging*: streaming, and each chunk with a noise power of its own. For the small networks.

*offsets*: ranging, and each chunk with a gain, a rotation and a frequency of its own as well.

A bit width that a table does not list takes the knobs of the nearest that it does, an
architecture those written for the others of its family.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from amrpkg.common.arguments import require_choice, require_count, require_number
from amrpkg.models.architectures import (
    ARCHITECTURES,
    POINTWISE,
    SYMBOL_WISE,
    VGG_LIKE,
    require_model,
)
from amrpkg.signals.chunks import NOISE_POWER, make_chunks

if TYPE_CHECKING:  # the names of protocols are known without torch
    from amrpkg.models.network import Network
    from amrpkg.training.fixed_set import Training

PRUNING_VARIANTS = ("held", "regrowing")  # what a mask does in retraining, see pruning.py


@dataclass(frozen=True)
class Settings:
    """The knobs of one training on a fixed set."""

    learning_rate: float
    weight_decay: float = 1e-5
    target_loss: float = 0.03  # mean cross entropy of an epoch, nats; at or below: done
    max_epochs: int = 200  # more: recorded as not converged
    batch_size: int = 32

    quantised_last: ClassVar[bool] = False  # a pruned point starts from the quantised one
    start_bits: ClassVar[int] = 32  # if not
    start_protocol: ClassVar[str] = ""  # of the run of the same point that one goes on from

    def __post_init__(self) -> None:
        require_count("max_epochs", self.max_epochs)
        require_count("batch_size", self.batch_size)

    def train(self, model: "Network", seed: int, retraining: bool, progress: bool) -> "Training":
        """Train `model` in place on the set of that seed; what a pruned one takes is the same."""
        from amrpkg.training.fixed_set import train

        return train(model, make_chunks(seed=seed), self, seed, progress)

    def count_training(self, model: "Network", training: "Training", seed: int) -> tuple[int, int]:
        """How many training chunks the trained model decides right, of how many."""
        from amrpkg.evaluation.accuracy import evaluate

        on_training = evaluate(model, make_chunks(seed=seed))
        return on_training.correct, on_training.count

    def reached(self, metrics: Mapping) -> bool:
        """Whether a run met the target: the loss of its last epoch."""
        return metrics["training_loss"] <= self.target_loss


@dataclass(frozen=True)
class RetuningSettings(Settings):
    """The knobs of going on, from the thesis's protocol, until all chunks of the set are right."""

    target_loss: float = 0.0  # none: that all are right ends it
    max_epochs: int = 10  # at one learning rate
    most_adjustments: int = 8  # of the learning rate, which is halved each time, the first too

    start_protocol: ClassVar[str] = "thesis"

    def train(self, model: "Network", seed: int, retraining: bool, progress: bool) -> "Training":
        from amrpkg.training.retuning import train_until_right

        return train_until_right(model, make_chunks(seed=seed), self, seed, progress)

    def reached(self, metrics: Mapping) -> bool:
        """Whether a run met the target: all chunks of the set."""
        return metrics["training_correct"] == metrics["training_count"]


@dataclass(frozen=True)
class StreamSettings:
    """The knobs of one training on fresh chunks, each seen once. Methods as of `Settings`."""

    peak_rate: float  # of AdamW; Muon's is five times that
    chunks: int  # of the training from random weights, or from those of a float model
    retraining_rate: float  # the same two for a pruned model
    retraining_chunks: int
    batch_size: int = 512
    warm_up: float = 0.05  # share of the steps in which the rate rises
    weight_decay: float = 0.01
    weight_bound: float = 0.0  # weights stay within so many r.m.s. of their layer; 0: no bound
    target_accuracy: float = 0.999  # on the recorded fresh chunks; below: not converged
    least_noise: float = NOISE_POWER  # N_a of a chunk, drawn between the two
    most_noise: float = NOISE_POWER
    noise_exponent: float = 0.0  # its power that is uniform; 0: its logarithm
    most_decibels: float = 0.0  # gain error of a chunk, uniform between minus and plus
    most_degrees: float = 0.0  # rotation, likewise
    most_cycles: float = 0.0  # frequency offset per symbol, likewise
    inverted: float = 0.0  # share of the chunks that come conjugated
    taught: bool = False  # by the posterior of the likelihood, see `teacher`; else by labels
    plain: bool = False  # computed in plain products, see `models.products`
    start_bits: int = 32  # of the run of the same pruning that a quantised one starts from, or 0
    optimizer: str = "muon"  # and AdamW for what is no hidden matrix; "adam": AdamW for all
    held_scales: bool = False  # channels equalised, all scales fitted at the start and held
    input_step: float = 0.0  # of the samples' integers; 0: learned
    in_levels: bool = False  # rates are in steps of each layer's integers: held scales, "adam"
    starts: int = 0  # float networks that are made first, see `stream.train_from_best_start`
    float_rate: float = 0.0
    float_chunks: int = 0  # of each
    trials: int = 0  # how many of them are quantised and tried
    trial_rate: float = 0.0
    trial_chunks: int = 0  # of each

    quantised_last: ClassVar[bool] = True  # a chunk is learnt from in float in a third of the time
    start_protocol: ClassVar[str] = ""

    def __post_init__(self) -> None:
        require_choice("optimizer", self.optimizer, ("muon", "adam"))
        if self.in_levels and (not self.held_scales or self.optimizer != "adam"):
            raise ValueError(
                'in_levels is True; allowed: with held scales and the optimizer "adam"'
            )

    def train(self, model: "Network", seed: int, retraining: bool, progress: bool) -> "Training":
        from amrpkg.training.stream import train_from_best_start

        return train_from_best_start(model, self, seed, retraining, progress)

    @property
    def in_float(self) -> "StreamSettings":
        """Those of a start."""
        knobs = replace(self, peak_rate=self.float_rate, chunks=self.float_chunks)
        return replace(knobs, held_scales=False, input_step=0.0, in_levels=False)

    @property
    def in_trial(self) -> "StreamSettings":
        return replace(self, peak_rate=self.trial_rate, chunks=self.trial_chunks)

    def scaled(self, share: float) -> "StreamSettings":
        """Those with a share of the chunks, but a batch at least. Raises unless it is above 0."""
        require_number("share", share, minimum=1e-6)
        names = (name for name in ("chunks", "float_chunks", "trial_chunks") if getattr(self, name))
        chunks = {n: max(self.batch_size, round(share * getattr(self, n))) for n in names}
        return replace(self, **chunks)

    def count_training(self, model: "Network", training: "Training", seed: int) -> tuple[int, int]:
        """Of the last hundred batches, before the model learnt from them: no set to go back to."""
        last = training.history.iloc[-1]
        return round(last["accuracy"] * int(last["chunks"])), int(last["chunks"])

    def reached(self, metrics: Mapping) -> bool:
        """Whether a run met the target: the accuracy on fresh chunks."""
        return metrics["fresh_correct"] >= self.target_accuracy * metrics["fresh_count"]


def _nearest(table: Mapping[int, tuple | float], bit_width: int):
    """The entry of the nearest bit width, of two as near the lower."""
    return table[min(table, key=lambda bits: (abs(bits - bit_width), bits))]


_LARGEST = ("vgglike_5f_5c_4re_4mp", "vgglike_5f_4c_4re_4mp", "vgglike_5f_3c_4re_3mp")


def _thesis(architecture: str, bit_width: int) -> Settings:
    return Settings(1e-3 if architecture in _LARGEST else 2e-3)


def _retuned(architecture: str, bit_width: int) -> RetuningSettings:
    return RetuningSettings(_thesis(architecture, bit_width).learning_rate)


def _trial(architecture: str, bit_width: int) -> Settings:
    return replace(_thesis(architecture, bit_width), max_epochs=1)


_STREAMED = {
    # architecture: millions of fresh chunks in float from random weights, and after pruning;
    # the batch size of both; how many times the chunks of _FINE_TUNED
    "vgglike_5f_5c_4re_4mp": (1.5, 0.6, 512, 1),
    "vgglike_5f_4c_4re_4mp": (1.2, 0.9, 256, 1),
    "vgglike_5f_3c_4re_3mp": (1.2, 0.9, 256, 1),
    "vgglike_2f_2c_2re_2mp": (2, 1.2, 512, 2),
    "vgglike_2f_1c_1re_1mp": (8, 3, 512, 6),
}
_OTHERS = (2, 1, 512, 1.5)
# bit width: peak rate and millions of fresh chunks from the float model. A high rate undoes it
# at 8 and 6 bits; at 4 bits a weight has to cross a wide level before anything changes, so it
# is higher, but for the deepest two, which it unsettles. Steps count, so batches are small.
_FINE_TUNED = {8: (3e-4, 0.1), 6: (5e-4, 0.3), 4: (3e-3, 0.2)}
_UNSETTLED = {"vgglike_5f_5c_4re_4mp": 1e-3, "vgglike_5f_4c_4re_4mp": 1e-3}  # rates at 4 bits
_FINE_BATCH = 256
_BOUND = 3.0  # of weights, in r.m.s. of their layer: one step for all must do at 4 bit
_REFINED = {
    # architecture: peak rate, whether in levels, thousands of fresh chunks from the float model,
    # at 4 bits
    "vgglike_5f_5c_4re_4mp": (1 / 32, True, 300),
    "vgglike_5f_4c_4re_4mp": (1 / 32, True, 400),
    "vgglike_5f_3c_4re_3mp": (1 / 32, True, 400),
    "vgglike_3f_3c_2re_3mp": (2e-3, False, 1000),
    "vgglike_3f_2c_2re_2mp": (2e-3, False, 1000),
}
_OTHERS_REFINED = (1 / 16, True, 800)
_WIDER_REFINED = {  # bit width: the same, of all architectures; little is lost there
    8: (1 / 32, True, 60),
    6: (1 / 64, True, 100),
}
_SMALL = {
    # of pointwise networks, bit width: peak rate, millions of fresh chunks, both if pruned
    32: (3e-3, 2, 3e-3, 1),
    8: (1e-3, 0.3, 1e-3, 0.3),
    6: (1e-3, 0.5, 1e-3, 0.5),
    4: (3e-3, 1, 3e-3, 1),
}
_SYMBOL_WISE = {
    # bit width: starts, trials, peak rate and millions of fresh chunks of each trial, the same
    # two of the training after them
    8: (2, 1, 5e-3, 0.2, 2e-3, 0.2),
    6: (2, 1, 5e-3, 0.2, 2e-3, 0.2),
    4: (8, 3, 1e-2, 0.4, 3e-3, 0.6),
    3: (8, 3, 1e-2, 0.4, 3e-3, 0.6),
}
_ACROSS = {
    # bit width: optimizer, peak rate, chunks from random weights or from float ones, batch size
    32: ("muon", 6e-3, 3_000_000, 512),
    8: ("adam", 2e-3, 750_000, 256),
    4: ("adam", 5e-3, 1_000_000, 256),
}
_TAUGHT = {  # the same of those that learn from the posterior
    32: ("muon", 6e-3, 1_500_000, 256),
    8: ("adam", 2e-3, 500_000, 256),
    4: ("adam", 5e-3, 1_000_000, 256),
}
_OFFSETS = {"most_decibels": 1.0, "most_degrees": 10.0, "most_cycles": 1e-3}
_RANGED = {32: 8, 8: 0.6, 6: 0.6, 4: 2}  # bit width: millions of chunks of many noise powers


def symbol_wise_knobs(bit_width: int) -> StreamSettings:
    """The knobs of the streaming protocol for symbol-wise networks, named or not.

    Few weights of few bits are a matter of luck: of several trainings of one architecture some
    end at many times the errors of others. So several are begun.
    """
    plain = StreamSettings(
        2e-2, 1_000_000, 5e-3, 500_000, 128, weight_decay=0.0, start_bits=0, optimizer="adam"
    )
    if bit_width == 32:
        return plain
    starts, trials, trial_rate, trial, rate, millions = _nearest(_SYMBOL_WISE, bit_width)
    return replace(
        plain,
        peak_rate=rate,
        chunks=round(1e6 * millions),
        held_scales=True,
        starts=starts,
        float_rate=2e-2,
        float_chunks=500_000,
        trials=trials,
        trial_rate=trial_rate,
        trial_chunks=round(1e6 * trial),
    )


def across_noise_knobs(
    bit_width: int,
    noise_range: tuple[float, float],
    offsets: bool = False,
    taught: bool = False,
    noise_exponent: float = 0.0,
) -> StreamSettings:
    """The knobs of symbol-wise networks across noise powers, chosen on validation chunks.

    noise_range : (low, high) of N_a
    offsets : whether each chunk has a gain, a rotation and a frequency of its own as well
    taught : whether by the posterior of the likelihood, not by labels
    noise_exponent : as of `signals.stream`
    """
    table = _TAUGHT if taught else _ACROSS
    optimizer, rate, chunks, batch_size = _nearest(table, bit_width)
    knobs = StreamSettings(rate, chunks, rate, chunks, batch_size, weight_decay=0.0)
    low, high = noise_range
    knobs = replace(knobs, least_noise=low, most_noise=high, noise_exponent=noise_exponent)
    knobs = replace(knobs, optimizer=optimizer, held_scales=bit_width != 32)
    knobs = replace(knobs, taught=taught, plain=taught)
    return replace(knobs, **_OFFSETS) if offsets else knobs


def _streaming(architecture: str, bit_width: int) -> StreamSettings:
    if ARCHITECTURES[architecture].family == SYMBOL_WISE:
        return symbol_wise_knobs(bit_width)
    if ARCHITECTURES[architecture].family != VGG_LIKE:
        rate, millions, again, fewer = _nearest(_SMALL, bit_width)
        return StreamSettings(rate, round(1e6 * millions), again, round(1e6 * fewer))
    millions, again, batch_size, times = _STREAMED.get(architecture, _OTHERS)
    if bit_width == 32:
        chunks, fewer = round(1e6 * millions), round(1e6 * again)
        return StreamSettings(3e-3, chunks, 2e-3, fewer, batch_size, weight_bound=_BOUND)
    rate, millions = _nearest(_FINE_TUNED, bit_width)
    if bit_width <= 4:
        rate = _UNSETTLED.get(architecture, rate)
    chunks = round(1e6 * millions * times)
    return StreamSettings(rate, chunks, rate, chunks, _FINE_BATCH, weight_bound=_BOUND)


def _refining(architecture: str, bit_width: int) -> StreamSettings:
    if bit_width == 32:
        return _streaming(architecture, 32)
    at_four = _REFINED.get(architecture, _OTHERS_REFINED)
    rate, in_levels, thousands = _WIDER_REFINED.get(bit_width, at_four)
    chunks, step = 1000 * thousands, 2.0 ** (1 - bit_width)  # samples reach one unit each way
    knobs = StreamSettings(rate, chunks, rate, chunks, batch_size=128, weight_decay=0.0)
    knobs = replace(knobs, optimizer="adam", held_scales=True, in_levels=in_levels)
    return replace(knobs, input_step=step, plain=True)


def _ranging(architecture: str, bit_width: int) -> StreamSettings:
    chunks = round(1e6 * _nearest(_RANGED, bit_width))
    knobs = _streaming(architecture, bit_width)
    return replace(knobs, chunks=chunks, least_noise=0.004, most_noise=0.12)


def _offsets(architecture: str, bit_width: int) -> StreamSettings:
    return replace(_ranging(architecture, bit_width), **_OFFSETS)


class Protocol(NamedTuple):
    """(architecture, bit width) -> knobs, and the families that it is for (none named: all)."""

    knobs: Callable[[str, int], Settings | StreamSettings]
    families: tuple[str, ...] = ()


PROTOCOLS = {
    "thesis": Protocol(_thesis, (VGG_LIKE,)),
    "retuned": Protocol(_retuned, (VGG_LIKE,)),
    "streaming": Protocol(_streaming),
    "refining": Protocol(_refining, (VGG_LIKE,)),
    "ranging": Protocol(_ranging, (POINTWISE,)),
    "offsets": Protocol(_offsets, (POINTWISE,)),
    # One epoch, to try a sweep or a change of the code; nothing to learn from its accuracies.
    "trial": Protocol(_trial, (VGG_LIKE,)),
}


def settings(
    architecture: str, bit_width: int, protocol: str = "thesis"
) -> Settings | RetuningSettings | StreamSettings:
    """Look up the knobs of a model.

    Raises ``ValueError`` for an unknown protocol, architecture or bit width.
    """
    require_choice("protocol", protocol, PROTOCOLS)
    require_model(architecture, bit_width)
    knobs, families = PROTOCOLS[protocol]
    if families:
        allowed = [name for name, row in ARCHITECTURES.items() if row.family in families]
        require_choice("architecture", architecture, sorted(allowed))
    return knobs(architecture, bit_width)

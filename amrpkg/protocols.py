"""How each model is trained: the knobs of a protocol, per model and bit width, as one table.

The thesis says of its protocol: cross entropy, Adam, a fixed set of 2,304 chunks, learning
rate and weight decay adjusted per model, stop at a target loss between 0.030 and 1.000, then
prune and retrain (chapter 4). The batch size of 32 is recovered: throughput times inference
time is 32 in all of its 81 rows. The adjusted values are not printed; those below are ours.
"""

from dataclasses import dataclass, replace

from amrpkg.architectures import BIT_WIDTHS, require_model
from amrpkg.arguments import require_choice, require_count

PRUNING_VARIANTS = ("held", "regrowing")  # what a mask does in retraining, see pruning.py


@dataclass(frozen=True)
class Settings:
    """The knobs of one training."""

    learning_rate: float
    weight_decay: float = 1e-5
    target_loss: float = 0.03  # mean cross entropy of an epoch, nats; at or below: done
    max_epochs: int = 200  # more: recorded as not converged
    batch_size: int = 32

    def __post_init__(self) -> None:
        require_count("max_epochs", self.max_epochs)
        require_count("batch_size", self.batch_size)


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

PROTOCOLS: dict[str, dict[tuple[str, int], Settings]] = {
    "thesis": _THESIS,
    # One epoch, to try a sweep or a change of the code; nothing to learn from its accuracies.
    "trial": {model: replace(knobs, max_epochs=1) for model, knobs in _THESIS.items()},
}
"""Protocol -> (architecture, bit width) -> settings."""


def settings(architecture: str, bit_width: int, protocol: str = "thesis") -> Settings:
    """Look up the knobs of a model.

    Raises ``ValueError`` for an unknown protocol, architecture or bit width.
    """
    require_choice("protocol", protocol, PROTOCOLS)
    require_model(architecture, bit_width)
    require_choice("architecture", architecture, sorted({name for name, _ in PROTOCOLS[protocol]}))
    return PROTOCOLS[protocol][architecture, bit_width]

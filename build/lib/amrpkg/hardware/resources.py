"""The thesis's analytic FPGA resource estimate (Algorithm II), exact to its printed tables.

The printed lines of Algorithm II contradict the printed numbers (C_nb multiplies weights by
biases, E_F counts pool weights). The rule below is recovered from Appendix A. Per layer, with
w non-zero weights, b non-zero biases and B bits (float counts as 32):

    C_nw = floor(w B / 32)      C_nb = floor(b B / 32)
    conv    DSP 2 C_nw    LUT 4 C_nw            FF 2 C_nw + C_nb    BRAM floor(C_nw / 32000)
    linear  DSP 2 C_nw    LUT   C_nw            FF 2 C_nw + C_nb    BRAM floor(C_nw / 32000)
    pool                  LUT floor(100 B / 32)
    average, sum, fold    LUT floor(100 B / 32)

Against Appendix A: DSP, FF and LUT 27 of 27 rows, BRAM 23 of 27. In the four other BRAM cells
(5f_4c float; 5f_5c at 8, 6, 4 bit) the convolutions of 128 x 256 and 256 x 512 channels stand
as if their kernel size were 1, while the float row of 5f_5c counts them in full.

The thesis has neither an average or a sum over the chunk nor a fold of the samples: the last
line is our extension, which takes them for a pool. (A mean over a power of two is adders and a
shift, a fold a few inverters and gates.)

These are estimates for comparing models, not synthesis results.
"""

from collections.abc import Sequence
from typing import NamedTuple

from amrpkg.common.arguments import require_number
from amrpkg.models.architectures import ARCHITECTURES, WEIGHTLESS, require_model


class Resources(NamedTuple):
    """Estimated counts: DSP blocks, flip-flops, look-up tables, block RAMs.

    The thesis says 32 Kbit a block RAM; its printed counts take 32,000 words of 32 bits.
    """

    dsp: int
    ff: int
    lut: int
    bram: int


class LayerCount(NamedTuple):
    """A layer's name, kind (as in `architectures.Layer`), non-zero weights and biases."""

    name: str
    kind: str
    weights: int
    biases: int


def count_model(model) -> list[LayerCount]:
    """Count the non-zero weights and biases of a torch model, in order of its layers.

    What counts is the trained value, as in the thesis: a small weight that a coarse bit width
    rounds to zero is still counted. Under held masks the masked value counts. A network that
    torch does not compute (`ForeignNetwork`) has counted its own ``layer_counts``.
    """
    if hasattr(model, "layer_counts"):
        return model.layer_counts
    from torch import nn  # here, so that estimates from architectures load no torch

    from amrpkg.models.symbolwise import Fold

    kinds = {
        nn.Conv1d: "conv",
        nn.Linear: "linear",
        nn.MaxPool1d: "pool",
        nn.AvgPool1d: "average",
    }
    counts = []
    for name, module in model.named_modules():
        kind = next((kinds[cls] for cls in kinds if isinstance(module, cls)), None)
        if isinstance(module, Fold):
            kind = module.kind
        elif name == "layers.sum":  # an average times the chunk size in torch
            kind = "sum"
        if kind:
            weights, biases = (
                0 if values is None else int(values.count_nonzero())
                for values in (getattr(module, "weight", None), getattr(module, "bias", None))
            )
            counts.append(LayerCount(name.removeprefix("layers."), kind, weights, biases))
    return counts


def count_architecture(architecture: str, pruning_percent: float = 0) -> list[LayerCount]:
    """The same from the architecture alone: dense, or with that share of channels held at zero."""
    require_model(architecture, 32)
    require_number("pruning_percent", pruning_percent, below=100)
    layers = ARCHITECTURES[architecture].layers()
    counts = []
    for layer in layers:
        pruned = 0 if layer is layers[-1] else round(pruning_percent / 100 * layer.outputs)
        if pruned == layer.outputs and layer.taps:
            raise ValueError(
                f"pruning_percent is {pruning_percent}; allowed: one that leaves"
                f" {layer.name} a channel"
            )
        weights = layer.weights // layer.outputs * (layer.outputs - pruned)
        biases = layer.biases and layer.biases - pruned
        counts.append(LayerCount(layer.name, layer.kind, weights, biases))
    return counts


def zero_shares(counts: Sequence[LayerCount], architecture: str) -> dict[str, float]:
    """Share of zero weights in the convolutions and in the fully connected layers."""
    dense = count_architecture(architecture)

    def weights(layers, kind):
        return sum(layer.weights for layer in layers if layer.kind == kind)

    return {kind: 1 - weights(counts, kind) / weights(dense, kind) for kind in ("conv", "linear")}


def estimate_layer(layer: LayerCount, bit_width: int) -> Resources:
    """Algorithm II for one layer."""
    if layer.kind in WEIGHTLESS:
        return Resources(dsp=0, ff=0, lut=100 * bit_width // 32, bram=0)
    c_nw = layer.weights * bit_width // 32
    c_nb = layer.biases * bit_width // 32
    lut_per_weight = 4 if layer.kind == "conv" else 1
    return Resources(2 * c_nw, 2 * c_nw + c_nb, lut_per_weight * c_nw, c_nw // 32_000)


def estimate_layers(layers: Sequence[LayerCount], bit_width: int) -> Resources:
    """Algorithm II summed over the layers of a network."""
    rows = [estimate_layer(layer, bit_width) for layer in layers]
    return Resources(*map(sum, zip(*rows, strict=True)))


def estimate(model) -> Resources:
    """Estimate the resources of a model of `models.build` from its non-zero weights."""
    return estimate_layers(count_model(model), model.bit_width)


def estimate_architecture(
    architecture: str, bit_width: int = 32, pruning_percent: float = 0
) -> Resources:
    """Estimate the resources of an architecture, without training or weights.

    Raises ``ValueError`` or ``TypeError`` that names the argument.
    """
    require_model(architecture, bit_width)
    return estimate_layers(count_architecture(architecture, pruning_percent), bit_width)

"""Estimates that know how a network is built: folded as in FINN-R, or unrolled into adders.

Algorithm II (`resources`) knows neither: it is the thesis's, and compares models. These two, each
by its name, say before synthesis what a design may take; none of them is a synthesis.
"""

import heapq
import math
from collections.abc import Mapping
from typing import NamedTuple

from amrpkg.common.arguments import require_count
from amrpkg.hardware.adder_graphs import signed_digits
from amrpkg.hardware.integers import IntegerLayer, IntegerNetwork
from amrpkg.models.architectures import FOLDS


class FoldedEstimate(NamedTuple):
    """Look-up tables, multipliers, block RAMs of 36 Kbit (half a one is of 18)."""

    lut: int
    dsp: int
    bram: float


class AdderGraph(NamedTuple):
    """Adders of an unrolled network, and the bits of all of them: a LUT a bit."""

    adders: int
    lut: int


def estimate_finn_r(
    network: IntegerNetwork, foldings: Mapping[str, tuple[int, int]]
) -> FoldedEstimate:
    """The matrix-vector units of FINN-R, products in DSP blocks and weights in block RAM.

    foldings : of each layer with weights, by its name: outputs and inputs that it takes a clock
        (PE and SIMD)

    Per unit, with P and Q of these, W and A bits of a weight and an input, N inputs of an output
    (taps counted), and omega = N outputs / (P Q) words of W P Q bits:

        LUT   300 + 1.1 P ((W + A) (2 Q - 1) + accumulator bits)
        DSP   P Q ceil((W + A) / 48)
        BRAM  of 18 Kbit, by the shape of the memory

    Thresholds are left out: ours rounds by a shift. Blott et al., FINN-R (2018), equations as in
    FINN's ``matrixvectoractivation.py``.

    Raises ``ValueError`` for a layer without a folding.
    """
    lut = dsp = half_rams = 0
    for layer, bits, signed in _weighted(network):
        if layer.name not in foldings:
            raise ValueError(f"foldings lacks {layer.name}; allowed: one for each layer")
        (pe, simd), width = foldings[layer.name], layer.weight_bits + bits
        outputs, inputs = len(layer.weights), layer.weights[0].size
        alpha = math.log2(inputs) + width - 1 - signed
        accumulator = math.ceil(alpha + math.log2(1 + 2**-alpha) + 1)
        lut += int(300 + 1.1 * pe * (width * (2 * simd - 1) + accumulator))
        dsp += pe * simd * math.ceil(width / 48)
        words = math.ceil(outputs / pe) * math.ceil(inputs / simd)
        half_rams += _rams_of_18(words, layer.weight_bits * pe * simd)
    return FoldedEstimate(lut, dsp, half_rams / 2)


def estimate_adder_graph(network: IntegerNetwork, symbols_per_clock: int = 1) -> AdderGraph:
    """Every weight as its signed digits, every sum as a tree of adders, nothing shared.

    Layers before the sum over the chunk stand there once a symbol of a clock, all others once.
    An adder takes a LUT for each bit that it makes, the two narrowest terms first; comparisons of
    a pool and signs of a fold count as adders. Registers, memories and rounding are left out.

    A published one of this kind is 0.97 to 1.13 of the LUTs that were placed, for twenty networks
    of another generator (JEDI-linear), which shares what this does not.

    Raises ``TypeError`` or ``ValueError`` for `symbols_per_clock`.
    """
    require_count("symbols_per_clock", symbols_per_clock)
    bits, signed = network.input_bits, True
    channels, copies = network.inputs, symbols_per_clock
    widths = []  # of all adders
    for layer in network.layers:
        if layer.kind in FOLDS:
            made = [bits] * 2
            channels = FOLDS[layer.kind][1]
        elif layer.kind == "pool":
            made = [bits] * channels
        elif layer.kind in ("sum", "average"):  # exact: an average only moves the point
            made = [bits + (network.chunk_size - 1).bit_length()] * channels
        else:
            made = _adders(layer, bits, signed)
            channels = len(layer.weights)
        widths += made * copies
        copies = 1 if layer.kind in ("sum", "average") else copies
        bits, signed = layer.bits, False
    return AdderGraph(len(widths), sum(widths))


def _adders(layer: IntegerLayer, bits: int, signed: bool) -> list[int]:
    """Bits that each adder of a layer makes, at one position."""
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    widths = []
    for row, bias in zip(layer.weights.reshape(len(layer.weights), -1), layer.biases, strict=True):
        terms = [  # the largest there is, so that a heap gives the narrowest; shift; range
            _term(shift, *sorted((sign * low, sign * high)))
            for weight in row
            for shift, sign in signed_digits(int(weight))
        ]
        if bias:
            terms.append(_term(0, int(bias), int(bias)))
        heapq.heapify(terms)
        while len(terms) > 1:
            (_, s, a, b), (_, t, c, d) = heapq.heappop(terms), heapq.heappop(terms)
            base = min(s, t)
            least, most = (a << s - base) + (c << t - base), (b << s - base) + (d << t - base)
            widths.append(_width(least, most) - abs(s - t))  # lower bits go past the adder
            heapq.heappush(terms, _term(base, least, most))
    return widths


def _term(shift: int, low: int, high: int) -> tuple[int, int, int, int]:
    return max(-low, high) << shift, shift, low, high


def _width(low: int, high: int) -> int:
    """Bits of whole numbers from `low` to `high`, with a sign where there are negative ones."""
    if low >= 0:
        return max(high.bit_length(), 1)
    return 1 + max((-low - 1).bit_length(), high.bit_length() if high > 0 else 0)


def _weighted(network: IntegerNetwork):
    """Layers with weights, the bits of their input and whether it is signed."""
    bits, signed = network.input_bits, True
    for layer in network.layers:
        if layer.weights is not None:
            yield layer, bits, signed
        bits, signed = layer.bits, False


def _rams_of_18(words: int, width: int) -> int:
    """Block RAMs of 18 Kbit of a memory, one port to read."""
    for deepest, widest in ((16384, 1), (8192, 2), (4096, 4), (2048, 9)):
        if width <= widest:
            return math.ceil(words / deepest) * math.ceil(width / widest)
    if width <= 18 or words > 512:
        return math.ceil(words / 1024) * math.ceil(width / 18)
    return math.ceil(words / 512) * math.ceil(width / 36)

"""How a layer's products are spread over clocks: the folding of a network.

A folded layer has PE x SIMD multipliers: it takes SIMD inputs for PE outputs in one clock, and
goes over its window and its outputs again and again. With the formulas of FINN-R (Blott et al.,
2018) it needs

    clocks = positions * (outputs / PE) * (inputs * taps / SIMD)

a chunk. Layers work on different chunks at once, so the slowest sets the rate. What does not
divide is filled up with outputs of zero weights, which count.
"""

from dataclasses import dataclass

from amrpkg.common.arguments import require_count
from amrpkg.hardware.integers import IntegerLayer, IntegerNetwork


@dataclass(frozen=True)
class Stage:
    """A layer that multiplies, with the pool behind it.

    positions : of its input, each of which it multiplies; 1 if it is fully connected
    before : positions of the layer before it, all inputs of one that is fully connected
    pool : positions of which the largest goes on
    """

    layer: IntegerLayer
    positions: int
    before: int
    pool: int


@dataclass(frozen=True)
class Folding:
    """How one layer is folded.

    layer : its name
    pe, simd : outputs and inputs that it takes in a clock
    positions, taps : as in its layer
    groups : of `pe` outputs, with those that fill up the last one
    words : of `simd` inputs at a position
    """

    layer: str
    pe: int
    simd: int
    positions: int
    taps: int
    groups: int
    words: int

    @property
    def clocks(self) -> int:
        """That it needs for a chunk."""
        return self.positions * self.depth

    @property
    def depth(self) -> int:
        """Words of its weights, of `multipliers` weights each."""
        return self.groups * self.taps * self.words

    @property
    def multipliers(self) -> int:
        return self.pe * self.simd


def stages(network: IntegerNetwork) -> list[Stage]:
    """The layers that a folded design has, in order of the data.

    Raises ``ValueError`` for a network that is not of convolutions of odd kernels, each with at
    most one pool, then fully connected layers; or whose shifts differ in a layer.
    """
    found, positions, kinds = [], network.chunk_size, ""
    for layer in network.layers:
        if layer.kind == "pool" and kinds.endswith("c"):
            found[-1] = Stage(found[-1].layer, positions, positions, 2)
            positions //= 2
            kinds += "p"
        elif layer.kind == "conv" and "l" not in kinds and layer.weights.shape[2] % 2:
            found.append(Stage(layer, positions, positions, 1))
            kinds += "c"
        elif layer.kind == "linear":
            found.append(Stage(layer, 1, positions, 1))
            positions = 1
            kinds += "l"
        else:
            raise ValueError(
                f"network {network.name} has {layer.name}, of kind {layer.kind}, which is not"
                " folded; allowed: convolutions of odd kernels, each perhaps with a pool behind"
                " it, then fully connected layers"
            )
        if layer.weights is not None and len(set(layer.shifts.tolist())) > 1:
            raise ValueError(
                f"network {network.name} has {layer.name}, whose shifts differ; allowed: one"
                " shift for all outputs of a layer"
            )
    return found


def fold(network: IntegerNetwork, clocks_per_chunk: int) -> tuple[Folding, ...]:
    """The foldings with the fewest multipliers that take a chunk every `clocks_per_chunk`.

    A layer's words of `pe` values are regrouped to the next one's of `simd`, so one of the two
    divides the other. The scores come one by one: the last layer's PE is 1. A layer rests for
    one clock between two chunks.

    Raises ``ValueError`` for fewer clocks than `fewest_clocks`, and as `stages`.
    """
    layers = stages(network)
    require_count("clocks_per_chunk", clocks_per_chunk, minimum=fewest_clocks(network))
    # What a layer gives, (values a word, words a position, clocks from one word to the next) ->
    # the cheapest way there: (multipliers, outputs a clock), foldings.
    ways = {(network.inputs, 1, 1): ((0, 0), ())}
    for stage in layers:
        outputs, _, taps = stage.layer.weights.shape
        choices = [1] if stage is layers[-1] else _group_sizes(outputs)
        following = {}
        for (width, words, pause), (cost, chosen) in ways.items():
            if stage.layer.kind == "linear":
                words *= stage.before
            for simd, simd_words in _regroupings(width, words, pause):
                window = taps * simd_words
                allowed = (clocks_per_chunk - 1) // (stage.positions * window)  # groups
                least = -(-outputs // allowed) if allowed else outputs + 1
                for pe in choices:
                    if not least <= pe <= 2 * least:  # more brings nothing to the next layer
                        continue
                    groups = -(-outputs // pe)
                    folding = Folding(
                        stage.layer.name, pe, simd, stage.positions, taps, groups, simd_words
                    )
                    total = (cost[0] + folding.multipliers, cost[1] + pe)
                    key = (pe, groups, window * stage.pool)
                    if key not in following or total < following[key][0]:
                        following[key] = (total, (*chosen, folding))
        ways = following
    return min(ways.values(), key=lambda way: way[0])[1]


def fewest_clocks(network: IntegerNetwork) -> int:
    """Clocks a chunk below which no folding goes: a position and a tap are taken in each, as is a
    symbol, and a score is given."""
    needed = [stage.positions * stage.layer.weights.shape[2] for stage in stages(network)]
    return 1 + max(network.chunk_size, len(network.layers[-1].weights), *needed)


def clocks_for(network: IntegerNetwork, multipliers: int) -> int:
    """The fewest clocks a chunk that this many multipliers allow, as a device's DSP blocks.

    Raises ``ValueError`` for fewer than the network needs at any rate, and as `stages`.
    """
    low = fewest_clocks(network)
    high = 1 + max(stage.positions * stage.layer.weights.size for stage in stages(network))

    def needed(clocks: int) -> int:
        return sum(folding.multipliers for folding in fold(network, clocks))

    require_count("multipliers", multipliers, minimum=needed(high))
    while low < high:  # needed(high) is within
        middle = (low + high) // 2
        low, high = (low, middle) if needed(middle) <= multipliers else (middle + 1, high)
    return high


def _group_sizes(outputs: int) -> list[int]:
    """Outputs a clock: the fewest for each number of groups."""
    return sorted({-(-outputs // groups) for groups in range(1, outputs + 1)})


def _regroupings(width: int, words: int, pause: int) -> list[tuple[int, int]]:
    """(SIMD, words) that `words` of `width` values, one every `pause` clocks, can become."""
    wider = [(width * n, words // n) for n in range(1, words + 1) if words % n == 0]
    narrower = [(width // n, words * n) for n in range(2, min(width, pause) + 1) if width % n == 0]
    return wider + narrower

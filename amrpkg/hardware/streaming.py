"""A symbol-wise or pointwise network as a streaming design: one symbol a clock, or several.

All layers that look at a symbol are unrolled and take symbols in every clock. The sum over the
chunk puts chunks one behind another; what comes behind it works on digits (`serial_modules`),
of as few bits as a chunk's clocks allow.

Back-pressure never stops a pipeline. A chunk's last symbols are let in only when there is room
for what becomes of them: either in the *stages* behind the sum, each of which takes a chunk when
the next is free, or, where these would be too slow for the symbols, in a *queue* of classes.
"""

from dataclasses import dataclass

from amrpkg.common.arguments import require_choice
from amrpkg.hardware.design import CLASS_BITS, Design, Step
from amrpkg.hardware.integers import IntegerNetwork
from amrpkg.hardware.serial_modules import (
    SERIAL_ADDER,
    argmax_module,
    hidden_module,
    scores_module,
    serial_layer,
)
from amrpkg.hardware.stream_pins import QUEUE, Stage, top_module
from amrpkg.hardware.streaming_modules import (
    FOLD_LATENCY,
    Values,
    chunk_sum_module,
    fold_module,
    samples,
    symbol_layer_module,
)
from amrpkg.models.architectures import FOLDS

SYMBOLS_PER_CLOCK = (1, 2, 4, 8)
TOP = "classifier"


def generate_streaming(network: IntegerNetwork, symbols_per_clock: int = 1) -> Design:
    """The design of a network that treats symbols alike.

    symbols_per_clock : one of `SYMBOLS_PER_CLOCK`, at most half of the chunk

    Raises ``ValueError`` for a network with layers that see several symbols, and for
    `symbols_per_clock` that do not divide the chunk.
    """
    _require_symbol_wise(network)
    size = network.chunk_size
    allowed = [p for p in SYMBOLS_PER_CLOCK if size % p == 0 and size // p > 1]
    require_choice("symbols_per_clock", symbols_per_clock, allowed)
    front = _front(network, symbols_per_clock)
    plans = (
        _plan(front, network, digit, queued) for queued in (False, True) for digit in range(1, 64)
    )
    clocks = size // symbols_per_clock
    plan = next(plan for plan in plans if plan.clocks <= clocks)
    files = {f"{name}.sv": text for name, text in {**front.modules, **plan.modules}.items()}
    latency = front.latency + plan.latency
    # what is under way, what waits to be taken, and one: a full queue would look empty
    places = 1 << (-(-latency // clocks) + 2).bit_length() if plan.queued else 0
    top = top_module(
        TOP,
        network,
        symbols_per_clock,
        front.instances,
        front.latency,
        plan.stages,
        places,
        plan.score_bits,
        plan.digit,
    )
    return Design(
        network,
        "streaming",
        symbols_per_clock,
        TOP,
        {f"{TOP}.sv": top, **files},
        plan.score_bits,
        latency,
        clocks,
        front.steps(network, symbols_per_clock) + tuple(plan.steps),
    )


def _require_symbol_wise(network: IntegerNetwork) -> None:
    over_chunk = any(layer.kind in ("sum", "average") for layer in network.layers)
    for layer in network.layers:
        wide = layer.kind == "conv" and layer.weights.shape[2] > 1
        if wide or layer.kind == "pool" or not over_chunk:
            raise ValueError(
                f"network is {network.name!r}, whose {layer.name} sees several symbols; allowed: "
                "a symbol-wise or pointwise one (a folded design takes the others)"
            )


@dataclass(frozen=True)
class _Front:
    """What looks at symbols, with the sum.

    modules : name -> text
    instances : name, width of what it gives, latency of each module but the sum
    outputs : the sums
    latency : clocks from the one that takes the last symbols to the one that has the sums
    """

    modules: dict[str, str]
    instances: list[tuple[str, int, int]]
    outputs: Values
    latency: int

    def steps(self, network: IntegerNetwork, symbols: int) -> tuple[Step, ...]:
        pins = Step("pins", 1, symbols * network.inputs * network.input_bits)
        layers = [Step(name, clocks, symbols * width) for name, width, clocks in self.instances]
        rest = self.latency - sum(step.clocks for step in (pins, *layers))
        return pins, *layers, Step("chunk_sum", rest, self.outputs.width)


def _front(network: IntegerNetwork, symbols: int) -> _Front:
    values = samples(network.inputs, network.input_bits)
    modules, instances = {}, []
    ones = [1] * network.inputs
    for layer in network.layers:
        if layer.kind in FOLDS:
            modules["fold"], values = fold_module(layer, network.input_bits)
            ones = [1] * len(values.widths)
            if layer.kind != "fold":
                ones[2] = min(1 << -network.input_exponent, (1 << layer.bits) - 1)
            instances.append(("fold", values.width, FOLD_LATENCY))
        elif layer.kind == "conv":
            modules[layer.name], values, latency = symbol_layer_module(layer, values, ones)
            instances.append((layer.name, values.width, latency))
            ones = [1] * len(values.widths)
        elif layer.kind in ("sum", "average"):
            modules["chunk_sum"], sums, latency = chunk_sum_module(
                values, layer.bits, symbols, network.chunk_size
            )
    through = sum(clocks for *_, clocks in instances)
    return _Front(modules, instances, sums, 1 + through + latency)


@dataclass(frozen=True)
class _Plan:
    """What works on a chunk's sums.

    stages : its fully connected layers
    steps : these and what follows
    latency : clocks from the one that has the sums to the one that shows the class
    clocks : that it needs for a chunk
    queued : whether classes go through a queue
    """

    modules: dict[str, str]
    stages: list[Stage]
    steps: list[Step]
    latency: int
    clocks: int
    queued: bool
    score_bits: int
    digit: int


def _plan(front: _Front, network: IntegerNetwork, digit: int, queued: bool) -> _Plan:
    layers = [layer for layer in network.layers if layer.kind == "linear"]
    values, modules, stages, steps, clocks = front.outputs, {}, [], [], 0
    before = front.latency  # clocks from the promise of a place to the chunk's arrival
    for layer in layers:
        final = layer is layers[-1]
        serial = serial_layer(layer, values, digit, spare=int(final and digit > 1))
        busy = max(0, serial.digits + serial.gap - before - 1)
        stages.append(Stage(layer.name, values.width, busy))
        rest = serial.digits + serial.gap
        clocks = max(clocks, rest if queued else max(rest, before + busy + 1))
        if final:
            modules[layer.name] = scores_module(layer, serial, values, digit)
            before = serial.time + serial.digits
            steps.append(Step(layer.name, before, len(serial.sums) * digit))
            steps.append(Step("argmax", 3, CLASS_BITS))
            before += 3
        else:
            modules[layer.name], values, before = hidden_module(layer, serial, values, digit)
            steps.append(Step(layer.name, before, values.width))
    score_bits = max(word.width + (not word.signed) for word in serial.sums)
    modules["argmax"] = argmax_module(len(serial.sums), score_bits, serial.digits, digit)
    modules["serial_adder"] = SERIAL_ADDER
    if queued:
        modules["queue"] = QUEUE
        steps.append(Step("queue", 2, CLASS_BITS))
    else:  # the class has to be taken before the next
        clocks = max(clocks, before + 1)
    latency = sum(step.clocks for step in steps)
    return _Plan(modules, stages, steps, latency, clocks, queued, score_bits, digit)

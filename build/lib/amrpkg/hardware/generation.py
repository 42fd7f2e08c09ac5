"""Which design a network becomes for a device: streaming or folded, and how much of it at once."""

import math

from amrpkg.common.arguments import require_number
from amrpkg.hardware.design import Design
from amrpkg.hardware.devices import Device
from amrpkg.hardware.folded import generate_folded
from amrpkg.hardware.folding import clocks_for
from amrpkg.hardware.integers import IntegerNetwork
from amrpkg.hardware.streaming import SYMBOLS_PER_CLOCK, generate_streaming

FOLDED_CLOCK = 0.5  # of the device's: a folded design multiplies between two registers


def generate(
    network: IntegerNetwork,
    device: Device,
    symbols_per_clock: int | None = None,
    rate: float | None = None,
) -> Design:
    """The design of a network: streaming if it treats all symbols alike, else folded.

    device : its clock, `clock_of`, turns a rate into clocks; its DSP blocks bound the multipliers
        of a folded design
    symbols_per_clock : of a streaming design; by default as few as the rate needs
    rate : chunks a second, at least

    Raises ``ValueError`` for a rate that the design does not reach at that clock, for symbols a
    clock of a folded design, and as the generators.
    """
    if rate is not None:
        require_number("rate", rate, minimum=1e-3)
    if not is_symbol_wise(network):
        return _folded(network, device, symbols_per_clock, rate)
    clock, size = device.clock * 1e6, network.chunk_size
    if symbols_per_clock is None:
        reached = [p for p in SYMBOLS_PER_CLOCK if p * clock / size >= (rate or 0)]
        symbols_per_clock = min(reached, default=SYMBOLS_PER_CLOCK[-1])
    most = symbols_per_clock * clock / size
    if rate is not None and most < rate:
        raise ValueError(
            f"rate is {rate:g}; allowed at {symbols_per_clock} symbols a clock and "
            f"{device.clock:g} MHz on {device.name}: at most {most:g} chunks a second"
        )
    return generate_streaming(network, symbols_per_clock)


def is_symbol_wise(network: IntegerNetwork) -> bool:
    """Whether all symbols of a chunk are treated alike and summed up."""
    kinds = {layer.kind for layer in network.layers}
    wide = any(layer.kind == "conv" and layer.weights.shape[2] > 1 for layer in network.layers)
    return not wide and bool(kinds & {"sum", "average"})


def clock_of(design: Design, device: Device) -> float:
    """MHz that a design is constrained to on a device."""
    return device.clock * (1 if design.kind == "streaming" else FOLDED_CLOCK)


def _folded(
    network: IntegerNetwork, device: Device, symbols_per_clock: int | None, rate: float | None
) -> Design:
    if symbols_per_clock not in (None, 1):
        raise ValueError(
            f"symbols_per_clock is {symbols_per_clock}; allowed for {network.name}, which is "
            "folded: 1"
        )
    if rate is None:
        return generate_folded(network, clocks_for(network, device.dsp))
    return generate_folded(network, math.floor(device.clock * FOLDED_CLOCK * 1e6 / rate))

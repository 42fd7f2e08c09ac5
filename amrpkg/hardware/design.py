"""A network as Verilog: what a generator gives, and what simulation and synthesis take.

Every design has the same pins. Samples come and classes go over AXI4-Stream (Arm IHI 0051): a
word moves in a clock in which both ``tvalid`` and ``tready`` are high.

=================  ================================================================================
``clk``, ``rst``   one clock; reset while high, synchronous
``s_axis_tdata``   `symbols_per_clock` symbols, the earliest in the lowest bits; of a symbol its
                   channels, I lowest, each `IntegerNetwork.input_bits` wide, two's complement
``s_axis_tlast``   with the last symbols of a chunk. A chunk of another length is given up
``m_axis_tdata``   the class: its place in ``CONSTELLATIONS``, the first of the largest scores
``m_axis_tuser``   the nine scores, that of the first class in the lowest `score_bits`, signed
=================  ================================================================================
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from amrpkg.hardware.integers import IntegerNetwork

CLASS_BITS = 4


class Step(NamedTuple):
    """A part of the way of a chunk's last symbols to its class.

    name : of a module, or "pins"
    clocks : that pass in it
    bits : that come out of it side by side
    """

    name: str
    clocks: int
    bits: int


@dataclass(frozen=True, eq=False)
class Design:
    """A network as Verilog.

    network : what it computes
    kind : "streaming" or "folded"
    symbols_per_clock : that it takes
    top : name of the outermost module
    files : name -> text: ``.sv``, of one module of that name, and ``.mem``, memories for those
    score_bits : of each of the nine scores, signed
    latency : clocks from the one that takes a chunk's last symbols to the one that shows its
        class, when nothing stalls it
    clocks_per_chunk : between two classes when nothing stalls it
    steps : of the latency, in the order of the data
    """

    network: IntegerNetwork
    kind: str
    symbols_per_clock: int
    top: str
    files: dict[str, str]
    score_bits: int
    latency: int
    clocks_per_chunk: int
    steps: tuple[Step, ...] = ()

    @property
    def input_width(self) -> int:
        """Bits of ``s_axis_tdata``."""
        return self.symbols_per_clock * self.network.inputs * self.network.input_bits

    def write(self, folder: Path) -> list[Path]:
        """Write the files into a folder that exists; returns their paths."""
        paths = [folder / name for name in self.files]
        for path, text in zip(paths, self.files.values(), strict=True):
            path.write_text(text)
        return paths

"""The pins of a simulated design, clock by clock: what an oscilloscope would show."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from amrpkg.hardware.design import Design
from amrpkg.hardware.simulation import RtlNetwork, quantise

_PINS = ("rst", "s_axis_tvalid", "s_axis_tready", "s_axis_tlast", "s_axis_tdata")
_PINS += ("m_axis_tvalid", "m_axis_tready", "m_axis_tdata")


def sample_pins(design: Design, iq: np.ndarray) -> pd.DataFrame:
    """Stream chunks through a design without a gap; a row a clock, from the first symbols on.

    iq : ``float32[n, inputs, chunk_size]``

    Columns are the pins by their names, as whole numbers, but the scores; in place of
    ``s_axis_tdata`` the channels of the earliest of a clock's symbols: ``x0`` (I), ``x1`` (Q).
    What is on data pins while nothing is valid means nothing.

    Raises as `RtlNetwork` and `quantise`.
    """
    with TemporaryDirectory() as name:
        file = Path(name) / "pins"
        watched = design.files[f"{design.top}.sv"].rstrip().removesuffix("endmodule")
        watched += (
            f'  integer pins;\n  initial pins = $fopen("{file}", "w");\n'
            f'  always_ff @(posedge clk) $fwrite(pins, "{"%0d " * len(_PINS)}\\n", '
            f"{', '.join(_PINS)});\nendmodule\n"
        )
        simulated = RtlNetwork(design, {**design.files, f"{design.top}.sv": watched})
        simulated.play([quantise(design.network, iq)])
        rows = [[int(word) for word in line.split()] for line in file.read_text().splitlines()]
    table, bits = pd.DataFrame(rows, columns=_PINS), design.network.input_bits
    words, sign = table.pop("s_axis_tdata"), 1 << (bits - 1)
    for channel in range(design.network.inputs):
        table[f"x{channel}"] = [
            (((word >> channel * bits) + sign) & (2 * sign - 1)) - sign for word in words
        ]
    return table[table["s_axis_tvalid"].argmax() :].reset_index(drop=True)

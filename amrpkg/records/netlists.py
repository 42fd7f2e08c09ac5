"""Whether what Yosys made of the small designs still computes them: its netlists, simulated.

The mapper's own check of equivalence is off, so a netlist is compared as a design is: every score
of every chunk, in Verilator, with Yosys's models of the family's cells.
"""

from functools import partial
from pathlib import Path

import pandas as pd

from amrpkg.common.code import current_digest, provenance, root
from amrpkg.common.files import RESULTS
from amrpkg.hardware.simulation import RtlNetwork
from amrpkg.hardware.synthesis import synthesise
from amrpkg.hardware.tools import tool_version
from amrpkg.records.rows import complete, load, read_rows
from amrpkg.records.synthesis import (
    CANDIDATES,
    KEY,
    Candidate,
    digest_of,
    generate_design,
    simulate,
)

NETLISTS = RESULTS / "netlists.csv"
FAMILY = "xc7"  # whose counts every design has
_LEFT_OUT = "centred_8bit_seed_0", "pointwise_48_32_16_8bit"  # take more than ten minutes each
SMALL = tuple(x for x in CANDIDATES if x.is_streaming and x.network not in _LEFT_OUT)


def simulate_netlists(path: Path = NETLISTS, progress: bool = True) -> pd.DataFrame:
    """Synthesise every small design for Xilinx 7 with its nine scores, and simulate the netlist.

    Written anew after each, so it can be stopped and goes on when called again; netlists made by
    the same code stay. Returns a row a design: ``chunks`` and ``equal_chunks``, the counts of the
    netlist, ``verilog_sha256`` as in `records.synthesis`, what made it.
    """
    rows = read_rows(path, KEY, code_digest=current_digest(ROOT))
    tasks = {(x.network, x.symbols_per_clock): partial(_simulate, x) for x in SMALL}
    return complete(path, rows, tasks, "netlist", progress)


def _simulate(candidate: Candidate) -> list[dict]:
    made = synthesise(generate_design(candidate), FAMILY, class_only=False)
    row = {"network": candidate.network, "symbols_per_clock": candidate.symbols_per_clock}
    row |= {"family": FAMILY, **simulate(RtlNetwork(made.design, made.simulation_files()))}
    row["tools"] = f"Yosys {made.yosys}, Verilator {tool_version('verilator')}"
    row |= made.counts._asdict() | {"verilog_sha256": digest_of(made.design)}
    return [row | provenance(current_digest(ROOT))]


ROOT = root(_simulate, without=["read_integers"])  # trained elsewhere, compared by their Verilog


def load_netlists(path: Path = NETLISTS) -> pd.DataFrame:
    """The rows that `simulate_netlists` wrote, by default those of the checkout.

    Raises ``FileNotFoundError`` that says how the record is made.
    """
    return load(path, "`amr netlists`")

"""What networks become on FPGAs: estimates, simulation, synthesis, place and route, side by side.

Networks are trained ones, pruned channels taken out. The small ones lie in ``results/search``, the
one that is told the noise in ``results/across_noise``, the pointwise ones and seven of the
thesis's points in ``results/integers``; a finished run of `amr sweep` gives any other point. What
is only compared by its gates is simulated and synthesised; place and route, which takes minutes,
is for some.
"""

import re
from collections.abc import Iterable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from amrpkg.common.arguments import printable
from amrpkg.common.code import current_digest, provenance, root
from amrpkg.common.files import RESULTS
from amrpkg.export.integer_file import load_integers
from amrpkg.export.reading import as_network, read_integers
from amrpkg.grid.folders import runs_folder
from amrpkg.grid.points import SMALL_GRID, THESIS_GRID, Point
from amrpkg.hardware.design import Design
from amrpkg.hardware.devices import DEVICES, find_device, shortage
from amrpkg.hardware.disturbance import disturb
from amrpkg.hardware.estimates import estimate_adder_graph, estimate_finn_r
from amrpkg.hardware.folded import generate_folded
from amrpkg.hardware.folding import clocks_for, fold
from amrpkg.hardware.integers import IntegerNetwork
from amrpkg.hardware.placement import place
from amrpkg.hardware.resources import estimate
from amrpkg.hardware.simulation import RtlNetwork
from amrpkg.hardware.streaming import generate_streaming
from amrpkg.hardware.synthesis import Synthesis, synthesise
from amrpkg.hardware.tools import tool_version
from amrpkg.records.rows import complete, load, read_rows
from amrpkg.records.search import CANDIDATES as SEARCHED
from amrpkg.signals.chunks import make_chunks
from amrpkg.signals.noise_word import LOUDEST, QUIETEST, with_noise_word

SYNTHESIS = RESULTS / "synthesis.csv"
KEY = ["network", "symbols_per_clock"]
MULTIPLIERS = 156  # of a folded design: as many as the largest ECP5 has
CHUNKS_PER_CLASS = {"streaming": 2_223, "folded": 112}  # simulated: 20,007 and 1,008
FRESH = "trained"
_RUNS = {  # protocol of a run -> what trained its weights
    "streaming": FRESH,
    "refining": "refined on fresh chunks",
    "thesis": "trained on the thesis's 2,304 chunks",
}
_COUNTS = ("lut", "ff", "carry", "dsp", "bram")


class Candidate(NamedTuple):
    """A network to build.

    network : a file of ``results/search``, ``across_noise`` or ``integers``, or the point of a run
    architecture, bit_width, pruning_percent : what it is
    symbols_per_clock : of a streaming design
    targets : devices, or families where there is no place and route
    """

    network: str
    architecture: str
    bit_width: int
    pruning_percent: int
    symbols_per_clock: int
    targets: tuple[str, ...]

    @property
    def is_streaming(self) -> bool:
        return not self.architecture.startswith("vgglike")


def _symbol_wise(channels: str, symbols: int, *targets: str, bits: int = 4, seed: int = 2):
    name = f"symbolwise_{channels}"
    return Candidate(f"{name}_{bits}bit_seed_{seed}", name, bits, 0, symbols, targets)


_POINTWISE = ("pointwise_24_16_8", "pointwise_48_32_16")
_PLACED = tuple(
    f"vgglike_{short}"
    for short in ("2f_1c_1re_1mp", "3f_3c_2re_3mp", "2f_2c_2re_2mp", "3f_2c_2re_2mp")
)


def _point(point: Point, *targets: str) -> Candidate:
    keys = point.architecture, point.bit_width, point.pruning_percent
    return Candidate(point.name, *keys, 1, targets)


CANDIDATES = (  # the seed of a symbol-wise one is the best of five on validation chunks
    _symbol_wise(
        "2_6_6",
        1,
        "ecp5-25k",
        "ice40-hx1k",
        "ice40-up5k",
        "ice40-hx8k",
        "gatemate-a1",
        "gowin-gw1nr9",
        "xc7",
        "xcup",
    ),
    _symbol_wise("2_6_6", 8, "ecp5-25k", "ice40-hx8k", "xc7", "xcup"),
    _symbol_wise("2_8", 1, "ecp5-25k", "ice40-up5k", "xc7", bits=8, seed=0),
    _symbol_wise("2_6_8", 1, "ecp5-25k", "ice40-up5k", "xc7"),
    _symbol_wise("2_8_8", 1, "ecp5-25k", "ice40-up5k", "xc7"),
    _symbol_wise("2_6_8", 8, "ecp5-25k", "xc7"),
    _symbol_wise("2_8_8", 8, "ecp5-25k", "xc7"),
    *(_point(Point(name, 4, 30), "ecp5-25k", "xc7") for name in _POINTWISE),
    Candidate("centred_8bit_seed_0", "symbolwise_4_48_24", 8, 0, 1, ("ecp5", "xc7")),
    *(_point(Point(name, 6, 30), "ecp5-85k", "xc7") for name in _PLACED),
)
CANDIDATES += tuple(  # and, compared by their gates alone, all that are quantised
    candidate
    for candidate in (
        *(
            _symbol_wise("_".join(map(str, (2, *channels))), 1, "xc7", bits=bits, seed=seed)
            for channels, bits, seed in SEARCHED
        ),
        *(_point(point, "xc7") for point in SMALL_GRID + THESIS_GRID),
    )
    if candidate.bit_width != 32 and candidate.network not in {x.network for x in CANDIDATES}
)


def build_all(
    path: Path = SYNTHESIS,
    network: str | None = None,
    symbols_per_clock: int | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Build all `CANDIDATES`, or those of one network, one number of symbols a clock.

    path : of the rows, written anew after each design, so that it can be stopped and goes on when
        called again; designs built by the same code stay

    Returns a row a design and target: its kind is "simulation", "synthesis", "placed and routed"
    or, where the device does not hold it, "does not fit", with what is short.

    Raises ``ValueError`` for a network that is no candidate.
    """
    asked = [
        candidate
        for candidate in CANDIDATES
        if network in (None, candidate.network)
        and symbols_per_clock in (None, candidate.symbols_per_clock)
    ]
    if not asked:
        names = ", ".join(dict.fromkeys(candidate.network for candidate in CANDIDATES))
        raise ValueError(f"network is {network!r} at {symbols_per_clock}; allowed: {names}")
    rows = read_rows(path, KEY, code_digest=current_digest(ROOT))
    tasks = {(x.network, x.symbols_per_clock): partial(_build, x) for x in asked}
    return complete(path, rows, tasks, "design", progress)


def find_network(candidate: Candidate) -> tuple[IntegerNetwork, str]:
    """The integers of a candidate, and what trained them: `FRESH` or another value of `_RUNS`.

    Raises ``ValueError`` for a point without a file or a run.
    """
    name = candidate.network
    for folder in ("search", "across_noise", "integers", "integers/streaming"):
        if (file := RESULTS / folder / f"{name}.safetensors").exists():
            return load_integers(file), FRESH
    for protocol, values in _RUNS.items():
        if (file := runs_folder() / protocol / name / "model.safetensors").exists():
            return read_integers(file, name), values
    raise ValueError(
        f"network {name} is in none of {RESULTS / 'integers'} and {runs_folder()}; allowed: after "
        f"`amr sweep --architecture {candidate.architecture} --bit-width {candidate.bit_width} "
        f"--pruning {candidate.pruning_percent}`"
    )


def generate_design(candidate: Candidate) -> Design:
    """The design of a candidate: streaming, or folded to at most `MULTIPLIERS`."""
    network, _ = find_network(candidate)
    if candidate.is_streaming:
        return generate_streaming(network, candidate.symbols_per_clock)
    return generate_folded(network, clocks_for(network, MULTIPLIERS))


def digest_of(design: Design) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of a design's files without their comments.

    The modules of folded designs are no Python, which a digest of the code does not see.
    """
    texts = [name + re.sub(r"\s*//.*", "", text) for name, text in sorted(design.files.items())]
    return sha256("\n".join(texts).encode()).hexdigest()[:16]


def _build(candidate: Candidate) -> list[dict]:
    network, values = find_network(candidate)
    estimates = {
        f"algorithm_ii_{kind}": count
        for kind, count in estimate(as_network(network))._asdict().items()
    }
    adders = estimate_adder_graph(network, candidate.symbols_per_clock)
    estimates |= {"adder_graph_adders": adders.adders, "adder_graph_lut": adders.lut}
    design = generate_design(candidate)
    if not candidate.is_streaming:
        foldings = fold(network, clocks_for(network, MULTIPLIERS))
        found = estimate_finn_r(network, {x.layer: (x.pe, x.simd) for x in foldings})
        estimates |= {f"finn_r_{kind}": count for kind, count in found._asdict().items()}
    weights = [layer.weights for layer in network.layers if layer.weights is not None]
    about = {
        "network": candidate.network,
        "architecture": candidate.architecture,
        "bit_width": candidate.bit_width,
        "pruning_percent": candidate.pruning_percent,
        "values": values,
        "weights": sum(w.size for w in weights),
        "weights_not_zero": sum(np.count_nonzero(w) for w in weights),
        "symbols_per_clock": candidate.symbols_per_clock,
        "generator": design.kind,
        "clocks_per_chunk": design.clocks_per_chunk,
        "latency_clocks": design.latency,
        "verilog_sha256": digest_of(design),
    }
    made = provenance(current_digest(ROOT))
    rtl = RtlNetwork(design)
    rows = [{"target": "verilator", **simulate(rtl), **_disturb(rtl)}]
    rows += _synthesise(design, candidate.targets)
    return [about | row | estimates | made for row in rows]


def simulate(rtl: RtlNetwork) -> dict:
    """Count the chunks, of as many as `CHUNKS_PER_CLASS` says, whose nine scores are those of the
    integers when they come back to back."""
    chunks = _chunks(rtl.design)
    equal = (rtl.compute(chunks) == rtl.design.network.compute(chunks)).all(axis=1)
    tool = f"Verilator {tool_version('verilator')}"
    found = {"chunks": len(chunks), "equal_chunks": int(equal.sum())}
    return {"kind": "simulation", **found, "tools": tool}


def _disturb(rtl: RtlNetwork) -> dict:
    """The same chunks under gaps, stalls, resets and a ``last`` in a wrong place."""
    found = disturb(rtl, _chunks(rtl.design), np.random.default_rng(0))
    return {f"disturbed_{name}": count for name, count in found._asdict().items()}


def _chunks(design: Design) -> np.ndarray:
    chunks = make_chunks(CHUNKS_PER_CLASS[design.kind], split="evaluation").iq
    if design.network.inputs == 3:  # every word is told
        chunks = with_noise_word(chunks, np.geomspace(QUIETEST, LOUDEST, len(chunks)))
    return chunks


def _synthesise(design: Design, targets: Iterable[str]) -> list[dict]:
    """A row a target."""
    rows, known = [], {}
    for target in targets:
        family = find_device(target).family if target in DEVICES else target
        if family not in known:
            known[family] = synthesise(design, family)
        row = {"target": target, "family": family, "kind": "synthesis"}
        row["tools"] = f"Yosys {known[family].yosys}"
        counts = known[family].counts._asdict()
        row |= {f"synthesised_{kind}": counts[kind] for kind in _COUNTS}
        rows.append(row | (_place(known[family], target) if target in DEVICES else {}))
    return rows


def _place(synthesis: Synthesis, target: str) -> dict:
    device, design = find_device(target), synthesis.design
    if short := shortage(synthesis.counts, device):
        return {"kind": "does not fit", "shortage": short}
    try:
        found = place(synthesis, device)
    except ValueError as error:  # it fits by its counts, and there is no place for it
        return {"kind": "does not fit", "shortage": printable(error)}
    return {
        "kind": "placed and routed",
        "tools": f"Yosys {synthesis.yosys}, nextpnr {found.nextpnr}",
        **{f"placed_{kind}": found.counts.get(kind) for kind in ("lut", "ff", "dsp", "bram")},
        "fmax_mhz": round(found.fmax, 2),
        **{f"fmax_mhz_seed_{seed}": round(fmax, 2) for seed, fmax in found.by_seed.items()},
        "latency_ns": round(1e3 * design.latency / found.fmax, 1),
        "classifications_per_second": round(found.fmax * 1e6 / design.clocks_per_chunk),
    }


ROOT = root(_build, without=["read_integers"])  # trained elsewhere, compared by their Verilog


def load_synthesis(path: Path = SYNTHESIS) -> pd.DataFrame:
    """The rows that `build_all` wrote, by default those of the checkout.

    Raises ``FileNotFoundError`` that says how the record is made.
    """
    return load(path, "`amr synthesis`")

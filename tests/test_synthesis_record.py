"""The record of what networks become: its designs, its rows."""

import numpy as np
import pandas as pd
import pytest

from amrpkg.cli import main
from amrpkg.grid import THESIS_GRID, Point
from amrpkg.hardware import Counts
from amrpkg.hardware.disturbance import Disturbed
from amrpkg.models import save_model
from amrpkg.records import load_netlists, load_synthesis, netlists, synthesis


@pytest.fixture
def quick(monkeypatch):
    """Nothing is simulated, synthesised or placed; how often it was asked for."""
    asked = []

    class Synthesised:
        counts, family, yosys = Counts(100, 200, 10, 0, 0.5), "", "0.70"

        def __init__(self, design):
            self.design = design

        def simulation_files(self):
            return {}

    class Placed:
        counts, by_seed, fmax, nextpnr = {"lut": 120}, {1: 90.0, 2: 100.0, 3: 130.0}, 100.0, "0.11"

    class Simulated:
        def __init__(self, design, files=None):
            self.design = design

        def compute(self, iq):
            return self.design.network.compute(iq) + (np.arange(len(iq)) == 5)[:, None]

    def synthesise(design, family, class_only=True):
        asked.append((design.network.name, family))
        return Synthesised(design)

    monkeypatch.setattr(synthesis, "synthesise", synthesise)
    monkeypatch.setattr(synthesis, "place", lambda *_: Placed)
    for module in (synthesis, netlists):
        monkeypatch.setattr(module, "RtlNetwork", Simulated)
    monkeypatch.setattr(synthesis, "disturb", lambda rtl, iq, rng: Disturbed(len(iq), 2, 15))
    monkeypatch.setattr(synthesis, "CHUNKS_PER_CLASS", {"streaming": 2, "folded": 2})
    return asked


def test_a_design_has_a_row_for_each_target_and_is_built_once(quick, tmp_path, capsys):
    path, name = tmp_path / "synthesis.csv", "symbolwise_2_6_6_4bit_seed_2"
    command = ["synthesis", "--output", str(path), "--network", name]
    assert main([*command, "--symbols-per-clock", "1"]) == 0
    assert quick == [
        (name, family) for family in ("ecp5", "ice40", "gatemate", "gowin", "xc7", "xcup")
    ]
    assert main(command) == 0 and len(quick) == 6 + 4
    rows = load_synthesis(path)
    assert f"{len(rows)} rows -> {path}" in capsys.readouterr().out
    one = rows[rows["symbols_per_clock"] == 1].set_index("target")
    assert list(one["kind"]) == ["simulation", *["placed and routed"] * 6, *["synthesis"] * 2]
    assert one.loc["verilator", "chunks"] == 18 and one.loc["verilator", "equal_chunks"] == 17
    assert one.loc["verilator", "disturbed_given_up"] == 2
    placed = one.loc["ice40-up5k"]
    assert placed["fmax_mhz"] == 100 and placed["fmax_mhz_seed_3"] == 130
    assert placed["classifications_per_second"] == round(100e6 / 32)
    assert placed["latency_ns"] == 10 * placed["latency_clocks"] and placed["placed_lut"] == 120
    assert placed["tools"] == "Yosys 0.70, nextpnr 0.11" and placed["synthesised_bram"] == 0.5
    assert (one["weights"] == 102).all() and (one["values"] == "trained").all()
    assert len(set(one["verilog_sha256"])) == 1 and len(one["verilog_sha256"].iloc[0]) == 16
    assert np.isnan(one.loc["xc7", "fmax_mhz"])  # nothing placed it
    if synthesis.SYNTHESIS.exists():
        assert set(rows.columns) <= {*load_synthesis().columns, "verilog_sha256"}


def test_a_point_of_the_thesis_comes_from_its_run_and_has_finn_s_estimate(
    quick, calibrated, tmp_path, monkeypatch
):
    monkeypatch.setenv("AMR_RUNS", str(tmp_path))
    name = "vgglike_2f_1c_1re_1mp_8bit_pr_20"
    with pytest.raises(ValueError, match=f"network {name} is in none of .* --pruning 20`"):
        synthesis.build_all(None, name, progress=False)
    model = calibrated("vgglike_2f_1c_1re_1mp", 8, 0.2)
    (tmp_path / "thesis" / name).mkdir(parents=True)
    save_model(model, tmp_path / "thesis" / name / "model.safetensors")
    synthesis.build_all(path := tmp_path / "s.csv", name, progress=False)
    rows = load_synthesis(path)
    assert list(rows["target"]) == ["verilator", "xc7"] and (rows["generator"] == "folded").all()
    assert (rows["values"] == "trained on the thesis's 2,304 chunks").all()
    assert 100 < rows["finn_r_dsp"][0] <= synthesis.MULTIPLIERS
    assert rows["algorithm_ii_dsp"][0] > 1000 and rows["adder_graph_lut"][0] > 100_000
    with pytest.raises(ValueError, match="network is 'none' at None; allowed: symbolwise_2_6_6"):
        synthesis.build_all(path, "none")


def test_the_designs_are_points_of_the_grid_or_of_the_search():
    names = [(x.network, x.symbols_per_clock) for x in synthesis.CANDIDATES]
    assert len(set(names)) == len(names)
    points = {point.name for point in THESIS_GRID if point.bit_width != 32}
    assert points <= set(dict(names)) and len(points) == 60
    for candidate in synthesis.CANDIDATES:
        if candidate.architecture.startswith("symbolwise"):
            network, values = synthesis.find_network(candidate)
            assert (network.bit_width, values) == (candidate.bit_width, "trained")
        else:
            point = Point(candidate.architecture, candidate.bit_width, candidate.pruning_percent)
            assert point.name == candidate.network


def test_the_recorded_designs_are_those_of_today_and_equal_in_simulation():
    record = load_synthesis()
    simulated = record[record["kind"] == "simulation"]
    assert (simulated["equal_chunks"] == simulated["chunks"]).all()
    equal = simulated["disturbed_equal"] + simulated["disturbed_given_up"]
    assert (equal == simulated["disturbed_chunks"]).all()
    assert (simulated["disturbed_chunks"] == simulated["chunks"]).all()
    under_way = simulated["latency_clocks"] / simulated["clocks_per_chunk"] + 8  # and in buffers
    assert (simulated["disturbed_given_up"] <= 20 * under_way).all()  # of 20 resets
    known = {(x.network, x.symbols_per_clock): x for x in synthesis.CANDIDATES}
    for row in simulated.itertuples():
        candidate = known[row.network, row.symbols_per_clock]
        assert row.chunks >= (20_000 if candidate.is_streaming else 1_000)
        if row.values != "trained" or (candidate.is_streaming and row.adder_graph_adders > 2_000):
            continue  # by a run, which the checkout does not have; or seconds for a graph
        design = synthesis.generate_design(candidate)
        assert (design.latency, design.clocks_per_chunk) == (
            row.latency_clocks,
            row.clocks_per_chunk,
        )
        recorded = getattr(row, "verilog_sha256", None)  # the first rows have none
        assert pd.isna(recorded) or recorded == synthesis.digest_of(design)
    placed = record[record["kind"] == "placed and routed"]
    seeds = placed.filter(like="fmax_mhz_seed_")
    assert seeds.shape[1] == 3 and np.allclose(seeds.median(axis=1), placed["fmax_mhz"])
    assert not record[record["family"].isin(["xc7", "xcup"])]["fmax_mhz"].notna().any()
    assert (record.query("kind != 'simulation'")["synthesised_lut"] > 0).all()


def test_the_netlists_of_the_small_designs_are_those_designs():
    """Each with Yosys's cells in place of the Verilog of the same digest, score by score."""
    record = load_netlists()
    assert (record["chunks"] >= 20_000).all() and (record["lut"] > 100).all()
    assert (record["equal_chunks"] == record["chunks"]).all()
    designs = load_synthesis().query("kind == 'simulation'").set_index(synthesis.KEY)
    built = record.set_index(synthesis.KEY)["verilog_sha256"]
    known = designs.loc[built.index, "verilog_sha256"].dropna()  # the first rows have none
    assert (built[known.index] == known).all() and len(known) > 30
    assert set(built.index) == {(x.network, x.symbols_per_clock) for x in netlists.SMALL}


def test_a_netlist_has_a_row(quick, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(netlists, "SMALL", netlists.SMALL[:1])
    monkeypatch.setattr(netlists, "synthesise", synthesis.synthesise)
    path = tmp_path / "netlists.csv"
    assert main(["netlists", "--output", str(path)]) == 0
    [row] = load_netlists(path).to_dict("records")
    assert (row["network"], row["family"]) == ("symbolwise_2_6_6_4bit_seed_2", "xc7")
    assert (row["chunks"], row["equal_chunks"], row["lut"], row["bram"]) == (18, 17, 100, 0.5)
    assert main(["netlists", "--output", str(path)]) == 0 and len(quick) == 1
    assert capsys.readouterr().out.count("1 rows -> ") == 2

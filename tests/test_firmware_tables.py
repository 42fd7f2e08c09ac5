"""Tables of the chapter on firmware, from a record by hand."""

import numpy as np
import pandas as pd
import pytest

from amrpkg.book import (
    accuracy_interval,
    compare_estimates,
    compare_published,
    count_fitting,
    list_devices,
    list_gates,
    spread_of_estimates,
    summarise_placed,
)
from amrpkg.book.figures import plot_adder_graph, plot_gates, plot_lut_estimates, plot_pipeline
from amrpkg.evaluation import binomial_interval
from amrpkg.export import load_integers
from amrpkg.hardware import DEVICES, generate_streaming
from amrpkg.hardware.adder_graphs import share_adders
from amrpkg.records import load_search

NAME = "symbolwise_2_6_6_4bit_seed_2"
ROW = {
    "network": NAME,
    "architecture": "symbolwise_2_6_6",
    "bit_width": 4,
    "pruning_percent": 0,
    "symbols_per_clock": 1,
    "generator": "streaming",
    "algorithm_ii_lut": 50,
    "adder_graph_lut": 1_000,
}


@pytest.fixture
def record(tmp_path):
    """A network placed on a part, short of another, and synthesised for Xilinx 7."""
    placed = {"kind": "placed and routed", "placed_lut": 900, "placed_dsp": 0, "placed_bram": 0}
    placed |= {"fmax_mhz": 320.04, "latency_ns": 115.6, "classifications_per_second": 10_000_000}
    rows = [
        ROW | placed | {"target": "ecp5-25k"},
        ROW | {"target": "ice40-hx1k", "kind": "does not fit", "shortage": "LUT short by 1"},
        ROW | {"target": "xc7", "kind": "synthesis", "synthesised_lut": 500},
    ]
    pd.DataFrame(rows).to_csv(path := tmp_path / "synthesis.csv", index=False)
    return path


def test_what_was_placed_and_what_does_not_fit(record):
    there, short = summarise_placed(record).to_dict("records")
    assert (there["LUT"], there["clock (MHz)"], there["million chunks/s"]) == (900, 320.0, 10)
    assert there["network"] == "symbolwise_2_6_6_4bit" and there["does not fit"] == ""
    assert short["does not fit"] == "LUT short by 1" and np.isnan(short["LUT"])


def test_estimates_stand_beside_synthesis(record):
    [row] = compare_estimates(record).to_dict("records")
    assert row["synthesised"] == 500
    assert row["Algorithm II / synthesised"] == 0.1 and row["adder graph / synthesised"] == 2
    assert len(plot_lut_estimates(compare_estimates(record)).axes) == 1
    twice = pd.concat([compare_estimates(record)] * 2, ignore_index=True)
    twice.loc[1, ["synthesised", "Algorithm II / synthesised"]] = 250, 0.2
    [row] = spread_of_estimates(twice).to_dict("records")
    assert row["designs"] == 2 and row["LUT, synthesised"] == "250 to 500"
    assert row["Algorithm II"] == "0.1 / 0.15 / 0.2" and row["adder graph"] == "2"


def test_ours_stand_below_the_published_ones(record):
    table = compare_published(record).set_index("design")
    assert table.loc["symbolwise_2_6_6_4bit, 1 a clock", "LUT per million/s"] == 90
    [row] = load_search().query("channels == '6-6' and bit_width == 4 and seed == 2").itertuples()
    right, low, high = accuracy_interval(NAME)
    assert right == row.more_correct / row.more_count
    assert (low, high) == binomial_interval(row.more_correct, row.more_count)
    accuracy = table.loc["symbolwise_2_6_6_4bit, 1 a clock", "accuracy (%)"]
    assert accuracy == round(100 * right, 2)
    vgg10 = table.loc["finn-examples, vgg10-radioml", "LUT per million/s"]
    assert vgg10 == round(90_000 / 0.23)


def test_the_graph_has_a_mark_for_every_signal_that_is_used():
    graph = share_adders(np.array([[3, 5], [-6, 1]]), [1, 0], [4, 4])
    [ax] = plot_adder_graph(graph).axes
    names = [text.get_text() for text in ax.texts]
    assert names.count("+") == len(graph.adders) and {"x0", "x1", "b0", "y0", "y1"} <= set(names)
    assert "b1" not in names


def test_gates_and_fitting_of_a_record_by_hand(tmp_path):
    made = {"target": "xc7", "kind": "synthesis", "synthesised_carry": 0, "synthesised_ff": 10}
    made |= {"algorithm_ii_ff": 10, "algorithm_ii_bram": 0, "architecture": "symbolwise_2_6_6"}
    folded = {"generator": "folded", "architecture": "vgglike_2f_1c_1re_1mp", "bit_width": 6}
    folded |= {"algorithm_ii_dsp": 5_000, "synthesised_dsp": 150, "clocks_per_chunk": 900}
    small = {"algorithm_ii_dsp": 18, "synthesised_dsp": 0, "clocks_per_chunk": 32}
    rows = [
        ROW | made | small | {"synthesised_lut": 500, "synthesised_bram": 0},
        ROW | made | small | {"synthesised_lut": 600, "synthesised_bram": 0},  # another seed
        ROW | made | small | {"synthesised_lut": 700, "synthesised_bram": 0, "bit_width": 8},
        ROW | made | small | {"synthesised_lut": 900, "architecture": "symbolwise_2_8"},  # alone
        ROW | made | folded | {"synthesised_lut": 3_000, "synthesised_bram": 140},
        ROW
        | made
        | folded
        | {"synthesised_lut": 2_000, "synthesised_bram": 140.5, "pruning_percent": 20},
    ]
    pd.DataFrame(rows).to_csv(path := tmp_path / "synthesis.csv", index=False)
    gates = list_gates(path)
    assert list(gates["synthesised_lut"]) == [700, 500, 3_000, 2_000]
    lines = [line.get_ydata().tolist() for ax in plot_gates(gates).axes for line in ax.lines]
    assert [700, 500] in lines and [140] in lines and [140.5] in lines
    fitting = count_fitting(path).set_index("network")
    assert list(fitting.loc["symbolwise_2_6_6", ["designs", "xc7s6", "xc7a35t"]]) == [
        3, "0 / 3", "3 / 3",
    ]  # fmt: skip
    # 140 block RAMs are all that a Zynq 7020 has, and none holds 5,000 multipliers
    assert list(fitting.loc["2f_1c_1re_1mp", ["xc7z020", "xc7v2000t"]]) == ["0 / 1", "0 / 2"]


def test_the_pipeline_is_drawn_as_long_as_it_is(root):
    design = generate_streaming(load_integers(root / f"results/search/{NAME}.safetensors"))
    [ax] = plot_pipeline(design).axes
    color = ax.patches[0].get_facecolor()
    first = [bar for bar in ax.patches if bar.get_facecolor() == color]
    assert first[0].get_x() == 0 and len(first) == len(design.steps)
    assert first[-1].get_x() + first[-1].get_width() == 31 + design.latency
    enters, leaves = ax.lines[-1].get_xdata()
    assert leaves == 31 + design.latency and leaves - enters == design.steps[-1].clocks
    assert ax.get_yticklabels()[0].get_text() == "pins: 1 clock, 16 bit"


def test_the_parts_are_listed_as_they_are():
    table = list_devices().set_index("part")
    assert list(table.loc["`xc7z020`"])[:5] == [53_200, 106_400, 220, 140, ""]  # DS190
    assert table.loc["`ecp5-25k`", "place and route"] == "nextpnr" and len(table) == len(DEVICES)

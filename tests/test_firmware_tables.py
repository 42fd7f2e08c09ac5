"""Tables of the chapter on firmware, from a record by hand."""

import numpy as np
import pandas as pd
import pytest

from amrpkg.book import accuracy_interval, compare_estimates, compare_published, summarise_placed
from amrpkg.book.figures import plot_adder_graph, plot_lut_estimates
from amrpkg.evaluation import binomial_interval
from amrpkg.hardware.adder_graphs import share_adders
from amrpkg.records import load_search

NAME = "symbolwise_2_6_6_4bit_seed_2"
ROW = {
    "network": NAME,
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

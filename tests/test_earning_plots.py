"""Error rates: where marks lie, what no error at all looks like, what the legend says."""

import io
from xml.etree import ElementTree

import pandas as pd
import pytest

from amrpkg.book.figures import plot_earned, plot_size
from amrpkg.book.figures.style import save_svg
from amrpkg.evaluation import binomial_interval

LARGE, SMALL = "vgglike_5f_5c_4re_4mp", "vgglike_2f_1c_1re_1mp"


def runs(*rows):
    columns = ["architecture", "bit_width", "pruning_percent", "fresh_correct", "nonzero_weights"]
    return pd.DataFrame(rows, columns=columns).assign(fresh_count=1000)


def marks(ax):
    return [line for line in ax.lines if len(line.get_xdata()) == 1]


def test_memorised_and_earned_share_axes_and_each_bit_width_has_a_panel():
    memorised = runs((LARGE, 32, 0, 700, 9), (SMALL, 8, 20, 600, 9))
    earned = runs((LARGE, 32, 0, 999, 9), (SMALL, 8, 20, 990, 9))
    figure = plot_earned(memorised, earned)
    assert [ax.get_title() for ax in figure.axes] == ["float", "8 bit", "6 bit", "4 bit"]
    wrong = [[mark.get_ydata()[0] for mark in marks(ax)] for ax in figure.axes[:2]]
    assert wrong == [pytest.approx([30, 0.1]), pytest.approx([40, 1])]
    assert marks(figure.axes[1])[0].get_marker() == "s"
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend[:2] == ["learnt by heart", "trained on fresh chunks"]
    assert "%" in figure.axes[0].get_ylabel()


def test_no_error_is_shown_as_the_upper_bound_of_its_share():
    ax = plot_size(runs((SMALL, 4, 0, 1000, 250_000))).axes[0]
    mark = marks(ax)[0]
    low, _ = binomial_interval(1000, 1000)
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (250_000, pytest.approx(100 * (1 - low)))
    assert mark.get_marker() == "v"


def test_the_file_of_a_figure_holds_its_table_and_the_names_of_its_marks():
    rows = runs((SMALL, 4, 20, 900, 250_000), ("symbol-wise", 32, 0, 1000, 450))
    save_svg(plot_size(rows), file := io.BytesIO())
    drawing = ElementTree.fromstring(file.getvalue())
    [table] = drawing.iter("{http://purl.org/dc/elements/1.1/}description")
    read = pd.read_csv(io.StringIO(table.text))
    assert read.equals(rows[read.columns]) and {"bit_width", "fresh_correct"} <= set(read)
    names = [item.get("id") for item in drawing.iter() if ": " in item.get("id", "")]
    assert names == [
        "2f_1c_1re_1mp, 4 bit, 20 % pruned: 250,000 weights, 10 % wrong",
        "symbol-wise, float: 450 weights, 0 % wrong",
    ]


def test_the_thesis_networks_are_hollow_and_the_others_filled():
    ax = plot_size(runs((SMALL, 4, 0, 900, 250_000), ("pointwise_16_16_16", 4, 0, 990, 450))).axes[
        0
    ]
    styles = [mark.get_fillstyle() for mark in marks(ax)]
    assert styles == ["none", "full"]
    assert ax.get_xscale() == ax.get_yscale() == "log"

"""Figures show the data they are given, have units, and leave matplotlib's settings alone."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from amrpkg.book import Table, figures
from amrpkg.models import ARCHITECTURES
from amrpkg.signals import make_chunks


def texts(figure):
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def test_settings_and_open_figures_are_left_alone():
    before = dict(mpl.rcParams)
    figures.plot_received("QPSK", 10, 0.005, 0.005)
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == []


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_architecture_has_a_block_a_layer_with_its_size(name):
    figure = figures.plot_architecture(name)
    layers = ARCHITECTURES[name].layers()
    assert len(figure.axes[0].patches) == 1 + len(layers)
    labels = texts(figure)
    assert labels[0] == "input\n2 x 32"
    conv1 = next(layer for layer in layers if layer.name == "conv1")
    assert f"conv1\n{conv1.outputs} x 32" in labels
    assert f"{layers[-1].name}\n9" == labels[-1]


def test_constellations_show_ideal_and_received_points():
    figure = figures.plot_constellations(0.005, 0.005)
    assert len(figure.axes) == 9
    received, ideal = figure.axes[8].collections
    assert (len(received.get_offsets()), len(ideal.get_offsets())) == (500, 32)


def test_shapes_stand_above_those_that_they_are_not_and_ring_one_point():
    figure = figures.plot_shapes()
    rings = {tuple(ax.collections[0].get_offsets()[0]) for ax in figure.axes}
    at_one = [(abs(ax.collections[1].get_offsets() - [1, 0]).max(1) < 1e-9) for ax in figure.axes]
    assert rings == {(1, 0)}
    assert [bool(found.any()) for found in at_one] == [True, True, False, False, False, False]


def test_a_chunk_under_two_phases_is_coloured_in_the_order_of_its_symbols():
    received = {"white": np.array([1, 1j]), "drifting": np.array([1j, -1])}
    white, drifting, _ = figures.plot_phases(received, np.array([1, 1j, -1, -1j])).axes
    assert (white.get_title(), drifting.get_title()) == ("white", "drifting")
    marks = drifting.collections[1]
    assert marks.get_offsets().tolist() == [[0, 1], [-1, 0]]
    assert marks.get_array().tolist() == [0, 1]


def test_chunking_shuffles_but_keeps_every_chunk():
    labels = texts(figures.plot_chunking(make_chunks(8), shown=4))
    for name in ("4ASK", "QPSK", "16QAM"):
        assert labels.count(name) == 1 + 4 + 4


def test_confusion_is_in_percent_of_the_true_class():
    confusion = 50 * np.eye(9, dtype=int)
    confusion[0, :2] = [25, 75]
    labels = texts(figures.plot_confusion(confusion))
    assert sorted(labels) == sorted(["25", "75", *["100"] * 8])


def test_training_marks_target_and_phases():
    rows = [(1, 1.0, 0.5, "training"), (1, 0.1, 0.9, "retraining")]
    history = pd.DataFrame(rows, columns=["epoch", "loss", "accuracy", "phase"])
    figure = figures.plot_training(history, 0.03)
    legend = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert legend == ["training", "retraining", "target 0.03"]
    assert "nats" in figure.axes[0].get_ylabel() and "%" in figure.axes[1].get_ylabel()


def test_accuracies_have_a_row_a_run():
    columns = ["training_correct", "training_count", "fresh_correct", "fresh_count"]
    runs = pd.DataFrame([[10, 10, 5, 10]] * 3, columns=columns, index=["a", "b", "c"])
    ax = figures.plot_accuracies(runs).axes[0]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b", "c"]
    assert list(ax.lines[3].get_xdata()) == [100, 100, 100]
    assert list(ax.lines[-2].get_xdata()) == [50, 50, 50]
    assert list(ax.lines[-1].get_xdata()) == [100, 100]  # the ceiling


def test_runs_of_an_architecture_stand_together_below_its_name():
    names = ["vgglike_5f_5c_4re_4mp", "vgglike_2f_1c_1re_1mp"] * 2
    runs = pd.DataFrame({"architecture": names, "bit_width": [32, 32, 8, 8]})
    runs = runs.assign(pruning_percent=20, training_correct=10, training_count=10, fresh_count=10)
    ax = figures.plot_accuracies(runs.assign(fresh_correct=[1, 2, 3, 4])).axes[0]
    labels = [label.get_text() for label in ax.get_yticklabels()]
    head, *rows = "5f_5c_4re_4mp", "float, 20 %", "8 bit, 20 %"
    assert labels == [head, *rows, "2f_1c_1re_1mp", *rows]
    [fresh] = [line for line in ax.lines if line.get_label() == "fresh chunks"]
    assert list(fresh.get_xdata()) == [10, 30, 20, 40] and list(fresh.get_ydata()) == [1, 2, 4, 5]


def test_whole_numbers_of_a_table_are_written_out_beside_missing_ones():
    frame = pd.DataFrame({"chunks/s": [10_399_334, np.nan, -0.0], "share": [1e-7, 0.25, 1.0]})
    *_, first, second, third, _ = (
        Table(frame, "tab-x", "X.")._repr_mimebundle_()["text/markdown"].splitlines()
    )
    assert [first, second, third] == ["| 10,399,334 | 1e-07 |", "|  | 0.25 |", "| 0 | 1 |"]


def test_a_table_is_numbered_markdown_for_the_book_and_html_for_a_notebook():
    frame = pd.DataFrame({"name": ["a|b"], "count": [12345], "share": [0.5], "good": [True]})
    bundle = Table(frame, "tab-x", "What it shows.")._repr_mimebundle_()
    assert bundle["text/markdown"].splitlines() == [
        ":::{table} What it shows.",
        ":name: tab-x",
        "",
        "| name | count | share | good |",
        "| --- | ---: | ---: | ---: |",
        "| a\\|b | 12,345 | 0.5 | yes |",
        ":::",
    ]
    long_and_wide = pd.DataFrame([range(8)] * 11)
    lines = Table(long_and_wide, "tab-x", "Long.")._repr_mimebundle_()["text/markdown"]
    assert lines.splitlines()[2] == ":class: tab-wide sortable"
    assert "<table" in bundle["text/html"] and "What it shows." in bundle["text/html"]

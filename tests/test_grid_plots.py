"""Figures of the whole grid draw the printed and the recorded values, on shared scales."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from amrpkg.book import METRICS, figures, load_thesis
from amrpkg.book.figures import results, style
from amrpkg.grid import KEYS
from amrpkg.models import THESIS_ARCHITECTURES

LARGEST, *_, SMALLEST = THESIS_ARCHITECTURES
PRINTED = load_thesis().set_index(KEYS)


def heights(ax):
    """[pruning rate, bit width] of grouped bars."""
    return np.array([[bar.get_height() for bar in group] for group in ax.containers])


def test_bars_are_the_printed_and_the_recorded_values(record):
    thesis, held, regrowing = figures.plot_model("dsp", LARGEST, record).axes
    printed = [[PRINTED.loc[(LARGEST, b, p), "dsp"] for b in (32, 8, 6, 4)] for p in (0, 20, 30)]
    assert heights(thesis).tolist() == printed
    expected = [[100 * percent + bits for bits in (32, 8, 6, 4)] for percent in (0, 20, 30)]
    assert heights(held).tolist() == heights(regrowing).tolist() == expected
    assert [ax.get_title() for ax in (thesis, held)] == ["thesis", "ours, masks held"]
    assert thesis.get_ylim() == held.get_ylim() == regrowing.get_ylim()
    assert "estimated count" in thesis.get_ylabel()
    assert [text.get_text() for text in held.texts][:4] == ["32", "8", "6", "4"]


def test_bars_of_a_time_are_ratios_to_float(record):
    thesis, held, regrowing = figures.plot_model("inference_time_ms", LARGEST, record).axes
    printed = PRINTED["inference_time_ms"]
    ratio = printed[(LARGEST, 8, 30)] / printed[(LARGEST, 32, 0)]
    assert heights(thesis)[2, 1] == pytest.approx(ratio)
    assert heights(held)[2].tolist() == pytest.approx([32.3, 8.3, 6.3, 4.3])
    assert heights(regrowing)[2].tolist() == pytest.approx([32.8, 8.8, 6.8, 4.8])
    assert "ratio to float" in thesis.get_ylabel()


def test_times_are_the_printed_and_the_recorded_milliseconds(record):
    figure = figures.plot_times(record)
    lines = []
    for ax in figure.axes:
        assert len([line for line in ax.lines if ": " in (line.get_gid() or "")]) == 81
        lines.append([line.get_ydata() for line in ax.lines if len(line.get_xdata()) == 7])
    printed, held = lines
    times = PRINTED["inference_time_ms"]
    assert [line[0] for line in printed] == [times[LARGEST, bits, 0] for bits in (32, 8, 6, 4)]
    assert [line[0] for line in held] == [64, 16, 12, 8]
    assert figure.data["thesis"].to_list() == times.to_list()
    assert "ms" in figure.axes[0].get_ylabel()


def test_the_training_latency_has_no_printed_panel_but_the_range_of_the_text(record):
    figure = figures.plot_model("training_latency_ms", LARGEST, record)
    assert [ax.get_title() for ax in figure.axes] == ["ours, masks held", "ours, regrowing"]
    band = figure.axes[0].collections[0].get_paths()[0].get_extents()
    assert (band.ymin, band.ymax) == (4, 6)
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["0 % pruned", "20 % pruned", "30 % pruned", "thesis's text: 4 to 6"]


def test_the_point_that_is_not_in_the_grid_is_left_out_and_said(record):
    for ax in figures.plot_model("dsp", SMALLEST, record).axes:
        assert np.isnan(heights(ax)[:, 3]).all() and not np.isnan(heights(ax)[:, :3]).any()
        assert [text.get_text() for text in ax.texts].count(" not in the grid") == 1
    ax = figures.plot_overview("dsp", record).axes[0]
    assert [text.get_text() for text in ax.texts].count("–") == 3
    line = figures.plot_all_models("dsp", record).axes[-1].lines[0]
    assert np.isnan(line.get_ydata()[3]) and line.get_ydata()[0] == 60_032


@pytest.mark.parametrize("metric", METRICS)
def test_all_models_stand_on_one_scale(metric, record):
    figure = figures.plot_all_models(metric, record)
    rows = 2 if metric == "training_latency_ms" else 3
    assert len(figure.axes) == 7 * rows
    low, high = figure.axes[0].get_ylim()
    for ax in figure.axes:
        assert ax.get_ylim() == (low, high)
        drawn = np.concatenate([line.get_ydata() for line in ax.lines])
        assert len(ax.lines) == 3 and low <= np.nanmin(drawn) and np.nanmax(drawn) <= high
        assert [line.get_color() for line in ax.lines] == list(style.PRUNING_COLORS.values())
    if rows == 3 and not METRICS[metric].to_float:
        printed = [PRINTED.loc[(LARGEST, bits, 20), metric] for bits in (32, 8, 6, 4)]
        assert figure.axes[0].lines[1].get_ydata().tolist() == printed


@pytest.mark.parametrize("metric", METRICS)
def test_the_flat_overview_shows_every_value_on_one_scale_of_colours(metric, record):
    *panels, bar = figures.plot_overview(metric, record).axes
    assert len({(p.images[0].norm.vmin, p.images[0].norm.vmax) for p in panels}) == 1
    assert METRICS[metric].label == bar.get_ylabel()
    for panel in panels:
        cells = panel.images[0].get_array()
        assert cells.shape == (7, 12) and np.ma.count(np.ma.masked_invalid(cells)) == 81
    if metric == "dsp":
        assert panels[0].images[0].get_array()[0, 4] == PRINTED.loc[(LARGEST, 8, 20), "dsp"]
        assert panels[2].images[0].get_array()[3, 4] == 32_008


def test_the_three_dimensional_overview_has_a_layer_a_pruning_rate(record):
    thesis, held = figures.plot_overview_3d("bram", record).axes
    for ax in (thesis, held):
        assert len(ax.collections) == 6  # a surface and its points, three times
    points = np.ma.filled(held.collections[1]._offsets3d[2], np.nan)
    assert np.sort(np.unique(points[~np.isnan(points)])).tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert thesis.get_zlim() == held.get_zlim() == (0, 68)
    logarithmic = figures.plot_overview_3d("dsp", record).axes[0]
    assert logarithmic.get_zlim()[1] == pytest.approx(np.log10(PRINTED["dsp"].max()))


@pytest.mark.parametrize(
    ("value", "text"),
    [(4_520_576, "4.52M"), (999_900, "1M"), (84_700, "84.7k"), (0.1304, "0.13"), (0, "0")],
)
def test_values_are_written_in_three_digits(value, text):
    assert results.compact(value) == text
    assert results.compact(float("nan")) == ""


def test_unknown_names_are_refused_with_what_is_allowed():
    with pytest.raises(ValueError, match="architecture is '5f'; allowed: vgglike_5f_5c_4re_4mp, "):
        figures.plot_model("dsp", "5f")
    for plot in ("plot_all_models", "plot_overview", "plot_overview_3d"):
        with pytest.raises(ValueError, match="metric is 'area'; allowed: training_latency_ms, "):
            getattr(results, plot)("area")


def test_settings_and_open_figures_are_left_alone(record):
    before = dict(mpl.rcParams)
    figures.plot_model("dsp", LARGEST, record)
    assert dict(mpl.rcParams) == before and plt.get_fignums() == []

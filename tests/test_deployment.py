"""The records of deployable forms, and the tables and figures made of them."""

import numpy as np
import onnx
import pytest

from amrpkg.book import (
    choose,
    compare_c,
    compare_speed,
    figures,
    summarise_removal,
    summarise_speed,
    thesis_points,
)
from amrpkg.export import (
    load_integers,
    qcdq_graph,
    qonnx_graph,
    run_onnxruntime,
    run_openvino,
    run_qonnx,
)
from amrpkg.grid import KEYS, SMALL_GRID, THESIS_GRID, Point, parse_point
from amrpkg.hardware import estimate_architecture
from amrpkg.models.architectures import symbol_wise
from amrpkg.records import C_SPEED, load_exports, load_grid, load_speed
from amrpkg.records.search import CANDIDATES
from amrpkg.signals import FRESH_CHUNKS_PER_CLASS, make_chunks
from amrpkg.speed import BATCH_SIZES

FORMS = ("shrunk", "integer", "onnxruntime", "openvino", "qonnx", "c")


def points(rows):
    return [Point(*row) for row in rows[KEYS].itertuples(index=False)]


# Is it equal


def test_every_point_was_exported_and_every_form_is_equal():
    rows = load_exports()
    assert set(points(rows)) == set(THESIS_GRID + SMALL_GRID)
    assert len(rows) == len(THESIS_GRID + SMALL_GRID)
    assert (rows["chunks"] >= 10_000).all()
    exact = rows[rows["bit_width"] != 32]
    for form in FORMS:
        assert (exact[f"differing_{form}"] == 0).all(), form
    assert (exact["largest_difference"] == 0).all()
    real = rows[rows["bit_width"] == 32]
    assert (real["largest_difference_double"] < 1e-5).all()
    assert (real["largest_difference"] < 1e-6 * real["largest_score"]).all()
    decided = real[["decided_shrunk", "decided_onnxruntime", "decided_openvino"]]
    assert (decided == 0).all(axis=None)


def test_the_exported_networks_are_those_of_the_grid():
    """Trained on fresh chunks, by one protocol or the other."""
    exports = load_exports()
    for protocol, rows in exports.groupby("protocol"):
        grid = load_grid(protocol).set_index(KEYS)["weights_sha256"]
        exported = rows.set_index(KEYS)["weights_sha256"]
        assert (exported == grid.loc[exported.index]).all()
    assert set(exports["protocol"]) == {"streaming", "refining"}


def test_recorded_counts_follow_from_the_layer_sizes():
    for row in load_exports().itertuples():
        held = estimate_architecture(row.architecture, row.bit_width, row.pruning_percent)
        assert row.dsp <= held.dsp and row.dsp == pytest.approx(held.dsp, rel=0.01)
        assert row.shrunk_dsp <= row.dsp and row.shrunk_lut <= row.lut
        share = row.shrunk_weights / row.weights
        assert share == pytest.approx((1 - row.pruning_percent / 100) ** 2, abs=0.06)
        assert np.isnan(row.bytes_integer) == (row.bit_width == 32)
        if row.bit_width != 32:
            packed = row.shrunk_weights * row.bit_width / 8
            assert packed < row.bytes_integer < 1.02 * packed + 12_000


@pytest.mark.parametrize("name", sorted({point.architecture for point in THESIS_GRID + SMALL_GRID}))
def test_a_stored_network_of_each_architecture_is_right_as_often_as_recorded(name, root):
    """From its integers alone: in NumPy and in three runtimes, the same scores, and the count
    of right decisions that the training run recorded with Brevitas."""
    [path] = (root / "results/integers").glob(f"{name}_*")
    network, point = load_integers(path), parse_point(path.stem)
    assert network.name == point.name and network.bit_width == point.bit_width
    row = load_grid("streaming").set_index(KEYS).loc[tuple(vars(point).values())]
    chunks = make_chunks(FRESH_CHUNKS_PER_CLASS, split="evaluation")
    graph = qcdq_graph(network)
    onnx.checker.check_model(graph, full_check=True)
    scores = run_onnxruntime(graph)(chunks.iq)
    assert (scores.argmax(1) == chunks.labels).sum() == row["fresh_correct"]
    few = slice(0, 2304)
    expected = network.scores(chunks.iq[few])
    np.testing.assert_array_equal(scores[few], expected)
    np.testing.assert_array_equal(run_qonnx(qonnx_graph(network))(chunks.iq[few]), expected)
    np.testing.assert_array_equal(run_openvino(graph, 256)(chunks.iq[few]), expected)


REFINED = ("2f_2c_2re_2mp", "3f_2c_2re_2mp", "3f_3c_2re_3mp", "5f_5c_4re_4mp")


@pytest.mark.parametrize("name", REFINED)
def test_a_refined_network_of_4_bits_is_right_as_often_as_recorded(name, root):
    point = Point(f"vgglike_{name}", 4, 30)
    network = load_integers(root / f"results/integers/refining/{point.name}.safetensors")
    row = load_grid("refining").set_index(KEYS).loc[tuple(vars(point).values())]
    chunks = make_chunks(FRESH_CHUNKS_PER_CLASS, split="evaluation")
    scores = run_onnxruntime(qcdq_graph(network))(chunks.iq)
    assert (scores.argmax(1) == chunks.labels).sum() == row["fresh_correct"]
    np.testing.assert_array_equal(scores[:900], network.scores(chunks.iq[:900]))


# Is it fast


def test_every_point_was_timed_in_every_form():
    rows = load_speed()
    assert set(points(rows)) == set(THESIS_GRID + SMALL_GRID)
    assert set(rows["batch_size"]) == set(BATCH_SIZES) and (rows["ms"] > 0).all()
    assert not rows.duplicated([*KEYS, "batch_size", "network", "runtime"]).any()
    assert rows[["cpu", "openvino", "onnxruntime", "commit", "date"]].notna().all(axis=None)
    assert (rows["threads"] == 1).all() and not rows["commit"].str.contains("dirty").any()
    for batch_size in BATCH_SIZES:
        table = compare_speed(batch_size)
        assert table.notna().all(axis=None) and len(table) == len(THESIS_GRID + SMALL_GRID)


def test_every_quantised_network_was_timed_as_c():
    table, runs = compare_c(), load_speed(C_SPEED)
    quantised = [x for x in THESIS_GRID + SMALL_GRID if x.bit_width != 32]
    small = table[table.index.get_level_values("architecture").str.startswith("symbolwise")]
    kept = {(symbol_wise("fold", *x).short, bits) for x, bits, _ in CANDIDATES if bits != 32}
    assert {key[:2] for key in small.index} == kept
    assert len(table) - len(small) == len(quantised) * len(BATCH_SIZES)
    assert table.notna().all(axis=None) and (small["to_runtime"] > 1).all()
    assert small.xs(1, level="batch_size")["c"].min() <= 0.5  # microseconds
    assert not runs.duplicated([*KEYS, "batch_size", "network", "runtime"]).any()
    assert (runs["threads"] == 1).all() and not runs["commit"].str.contains("[+]").any()


def test_the_goals_at_the_thesis_batch_size_are_met_against_float():
    table = thesis_points(compare_speed(32)).query("bit_width != 32")
    assert len(table) == 60
    assert (table["to_eager"] >= 3).all()
    assert (table.query("pruning_percent > 0")["to_fastest"] >= 1.5).all()
    assert (table["trained"] < 1).all()  # the simulation is slower than float


def test_the_summary_counts_points_and_misses():
    summary = summarise_speed()
    assert list(summary["points"]) == [60, 40, 40] * 3
    for row in summary.itertuples():
        assert row.minimum <= row.median <= row.maximum
        assert (row.below > 0) == (row.minimum < row.goal)


# What to take


def test_removal_saves_on_both_sides():
    table = summarise_removal()
    assert len(table) == 14
    share = (1 - table["pruned (%)"] / 100) ** 2
    np.testing.assert_allclose(table["weights left (%)"] / 100, share, atol=0.015)
    zeros = table["DSP, zeros"] / table["DSP unpruned"]
    np.testing.assert_allclose(zeros, share**0.5, atol=0.01)
    np.testing.assert_allclose(table["DSP, taken out"] / table["DSP unpruned"], share, atol=0.015)


def test_the_choice_is_the_smallest_and_the_fastest_that_meets_the_target():
    table = choose((0.99, 0.999))
    grid = load_grid("streaming").set_index(KEYS)["fresh_accuracy"]
    sizes, speed = load_exports().set_index(KEYS), compare_speed(32)
    assert len(table) == 2 * 2 * 2
    for target, family, wish, name, right in table.iloc[:, :5].itertuples(index=False):
        able = grid[grid >= target / 100]
        able = (thesis_points(able) if family == "thesis's" else able).index
        assert right >= target
        point = parse_point(name if name.startswith("pointwise") else f"vgglike_{name}")
        key = tuple(vars(point).values())
        if wish == "fastest":
            assert speed.loc[key, "ms"] == speed.loc[able, "ms"].min()
        else:
            size = sizes["bytes_integer"].fillna(sizes["bytes_onnx"])
            assert size[key] == size[able].min()


def test_figures_show_every_architecture_and_point():
    figure = figures.plot_speed()
    assert len(figure.axes) == 7
    grid = load_grid("streaming").set_index(KEYS)["fresh_accuracy"]
    [ax] = figures.plot_sizes(grid).axes
    drawn = sum(len(line.get_xdata()) == 1 for line in ax.lines)
    assert drawn == len(THESIS_GRID + SMALL_GRID)


def test_a_missing_record_is_named_with_what_makes_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="allowed: a record that `amr verify` wrote"):
        load_exports(tmp_path / "exports.csv")

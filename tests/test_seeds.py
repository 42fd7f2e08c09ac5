"""What is read from several seeds and from retuned points, from tables that are made up."""

import pandas as pd
import pytest

from amrpkg.book import (
    compare_retuned,
    compare_seeds,
    correlate_regrowth,
    figures,
    seed_spread,
    summarise_retuned,
    summarise_seeds,
)
from amrpkg.grid import DROPPED, THESIS_GRID, Run

SMALLEST, SECOND = "vgglike_2f_1c_1re_1mp", "vgglike_2f_2c_2re_2mp"


def row(point, protocol="thesis", seed=0, **changes):
    fresh = 0.6 + 0.02 * seed - 0.001 * point.pruning_percent
    numbers = {"training_correct": 2304, "training_count": 2304, "training_accuracy": 1.0}
    numbers |= {"fresh_correct": round(1000 * fresh), "fresh_count": 1000, "fresh_accuracy": fresh}
    numbers |= {"epochs": 10, "dsp": 100, "converged": True, "adjustments": 0}
    return {**Run(point, protocol, seed).columns, **numbers, **changes}


@pytest.fixture
def records(tmp_path):
    """Two architectures from three seeds, one of which lacks a point of the smallest."""
    points = [p for p in THESIS_GRID if p.architecture in (SMALLEST, SECOND)]
    again = [row(p, seed=seed) for seed in (1, 2) for p in points]
    again = [r for r in again if (r["architecture"], r["seed"], r["bit_width"]) != (SMALLEST, 2, 6)]
    dropped = [row(p, seed=1, training_correct=2300) for p in DROPPED]
    points_too = [*(p for p in points if p.architecture == SMALLEST), *DROPPED]
    retuned = [
        row(p, "retuned", 1, epochs=k, adjustments=k % 3, fresh_correct=700, converged=k != 4)
        for k, p in enumerate(points_too)
    ]
    retuned.append(row(points[0], "retuned", 1))
    paths = tmp_path / "grid.csv", tmp_path / "repeats.csv"
    pd.DataFrame([row(p) for p in points]).to_csv(paths[0], index=False)
    pd.DataFrame([*again, *dropped, *retuned]).to_csv(paths[1], index=False)
    return paths


def test_only_architectures_that_every_seed_has_whole_are_judged(records):
    rows = compare_seeds("held", *records)
    assert set(rows["architecture"]) == {SECOND} and len(rows) == 3 * 12
    assert seed_spread(rows).tolist() == pytest.approx([0.04] * 12)
    assert compare_seeds("regrowing", *records).empty


def test_the_numbers_of_a_seed_are_means_over_its_points(records):
    table = summarise_seeds(*records)
    assert list(table) == ["seed 0", "seed 1", "seed 2"]
    means = [mean - 5 / 3 for mean in (60, 62, 64)]
    assert table.loc["fresh chunks right (%)"].tolist() == pytest.approx(means)
    assert table.loc["networks of 12 right on all training chunks"].tolist() == [12] * 3
    pruned = table.loc["fresh accuracy at 30 % pruned over none"]
    assert pruned.tolist() == pytest.approx([0.57 / 0.6, 0.59 / 0.62, 0.61 / 0.64])
    assert table.loc["epochs at 4 bits over float"].tolist() == [1] * 3


def test_seeds_that_save_alike_where_weights_grow_back_correlate(tmp_path):
    points = [p for p in THESIS_GRID if p.architecture == SECOND]

    def regrown(seed, saved):
        for k, point in enumerate(points):
            variant = "regrowing" if point.pruning_percent else "none"
            dsp = 100 - saved(k) * (point.pruning_percent > 0)
            yield row(point, seed=seed, pruning_variant=variant, dsp=dsp)
            if point.pruning_percent:
                yield row(point, seed=seed)  # held

    grid, repeats = tmp_path / "grid.csv", tmp_path / "repeats.csv"
    pd.DataFrame(regrown(0, lambda k: k)).to_csv(grid, index=False)
    others = [*regrown(1, lambda k: 2 * k), *regrown(2, lambda k: 50 - k)]
    pd.DataFrame(others).to_csv(repeats, index=False)
    # Two seeds agree, and the third is against both.
    assert correlate_regrowth(grid, repeats).tolist() == pytest.approx([-1 / 3] * 2)
    saved = summarise_seeds(grid, repeats).filter(like="regrowing", axis=0)
    assert [text.endswith("of 4 networks (%)") for text in saved.index] == [True] * 2
    assert saved["seed 1"].tolist() == pytest.approx([2 * 5.5, 2 * 9.5])


def test_retuned_points_stand_beside_the_runs_they_went_on_from(records):
    rows = compare_retuned(records[1])
    assert set(rows["architecture"]) == {SMALLEST} and len(rows) == 12
    one, every = summarise_retuned(rows).to_dict("records")
    assert one["network"] == "2f_1c_1re_1mp" and every == {**one, "network": "all"}
    counts = {"points": 12, "all right before": 9, "all right after": 11}
    counts |= {"adjustments, most": 2, "epochs, median": 5.5, "epochs, most": 11}
    assert counts.items() <= one.items()
    assert one["fresh before (%)"] == pytest.approx(62 - 5 / 3)
    assert one["fresh after (%)"] == pytest.approx(70)


def test_a_bar_runs_from_the_lowest_seed_to_the_highest(records):
    figure = figures.plot_seeds(compare_seeds("held", *records))
    bars = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 2]
    heights = sorted(tuple(bar.get_ydata()) for bar in bars)
    assert heights[0] == pytest.approx((57, 61)) and heights[-1] == pytest.approx((60, 64))
    assert len(bars) == 12 and len(figure.data) == 12

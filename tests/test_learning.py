"""The learning curve: as many steps whatever the number of chunks, rows that go on."""

import pytest

from amrpkg.book.figures import plot_learning
from amrpkg.cli import main
from amrpkg.records import learn, learning, load_learning


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(learning, "FRESH_CHUNKS_PER_CLASS", 20)
    monkeypatch.setattr(learning, "CHUNKS_PER_CLASS", (64, 256))


def test_all_steps_are_taken_on_chunks_that_come_again():
    row = learn("symbolwise_2_8_8", 64, 4)
    assert (row["chunks"], row["steps"], row["fresh_count"]) == (576, 4 * 5, 180)
    assert row["fresh_correct"] > 40 and 0 < row["training_accuracy"] < 1


def test_bad_networks_are_refused():
    with pytest.raises(ValueError, match="architecture is 'pointwise_24_16_8'; allowed: symbolwi"):
        learn("pointwise_24_16_8", 64, 1)
    with pytest.raises(ValueError, match="epochs is 0"):
        learn("symbolwise_2_8_8", 64, 0)


def test_the_command_goes_on_and_its_rows_are_drawn(tmp_path, monkeypatch, capsys):
    calls = []

    def counted(architecture, *rest):
        calls.append((architecture, *rest))
        return learn("symbolwise_2_8_8", *rest) | {"architecture": architecture}

    monkeypatch.setattr(learning, "learn", counted)
    path = tmp_path / "learning.csv"
    for _ in range(2):
        assert main(["learning", "--output", str(path)]) == 0
    assert calls == [(name, *x) for name in learning.RATES for x in ((64, 4), (256, 1))]
    assert f"6 rows -> {path}" in capsys.readouterr().out
    rows = load_learning(path)
    assert list(rows["chunks"]) == [576, 2304] * 3
    ax = plot_learning(rows).axes[0]
    wrong = 100 * (1 - rows["fresh_correct"] / rows["fresh_count"])
    assert [list(line.get_ydata()) for line in ax.lines] == [
        pytest.approx(list(wrong[k : k + 2])) for k in (0, 2, 4)
    ]
    assert len({line.get_marker() for line in ax.lines}) == 3  # told apart in grey, too


def test_the_record_is_that_of_the_command():
    rows = load_learning().set_index(learning.KEY)
    counts = [9 * count for count in (256, 1_280, 6_400, 32_000)]
    assert list(rows.index) == [(name, count) for name in learning.RATES for count in counts]
    assert rows["steps"].nunique() == rows["batch_size"].nunique() == 1
    assert (rows["fresh_count"] == 23_040).all()
    right = (rows["fresh_correct"] / rows["fresh_count"]).unstack()
    for name in ("vgglike_2f_1c_1re_1mp", "vgglike_3f_3c_2re_3mp"):
        assert 0.5 < right.loc[name, 2304] < right.loc[name, 288_000] - 0.05 < 0.8
    symbol_wise = right.loc["symbolwise_2_8_8"]
    assert symbol_wise.min() > 0.97 and symbol_wise.max() - symbol_wise.min() < 0.01

"""The learning curve: as many steps whatever the number of chunks, rows that go on."""

from itertools import islice

import numpy as np
import pytest

from amrpkg.book.figures import plot_learning
from amrpkg.cli import main
from amrpkg.models import build
from amrpkg.records import learn, learning, load_learning
from amrpkg.training import passes, train_in_passes
from amrpkg.training.distinct_chunks import BATCH, BLOCK

SHORT = ((learning.SYMBOL_WISE, 1, 1), (learning.SMALLEST, 2, 4), (learning.SMALLEST, 1, 4))


def chunks_of(blocks, batches, seed=0):
    """The chunks of so many batches, as a set of bytes, and how many there were."""
    drawn = [chunk.tobytes() for x in islice(passes(blocks, seed), batches) for chunk in x.iq]
    return set(drawn), len(drawn)


def test_each_pass_has_every_chunk_of_the_set_once():
    per_block = BLOCK // BATCH
    one, count = chunks_of(1, per_block)
    assert len(one) == count == 2304
    assert chunks_of(1, 3 * per_block) == (one, 3 * 2304)
    three, count = chunks_of(3, 3 * per_block)
    assert len(three) == count == 3 * 2304
    assert one < three
    assert not one & chunks_of(1, per_block, seed=1)[0]


def test_batches_are_mixed_and_every_pass_has_another_order():
    first, *_, again = islice(passes(2), 2 * BLOCK // BATCH + 1)
    assert set(np.bincount(first.labels)) != {len(first) // 9}
    assert not np.array_equal(first.iq, again.iq)
    assert first.split == "training"
    for wrong in (0, -1):
        with pytest.raises(ValueError, match=f"blocks is {wrong}"):
            passes(wrong)


def test_the_rate_ends_at_zero_whatever_the_set():
    model = build("symbolwise_2_8_8")
    before = model.state_dict()["layers.conv1.weight"].clone()
    history = train_in_passes(model, 2, 40, 5e-2)
    assert len(history) == 40 and not model.training
    assert history["loss"].tail(10).mean() < 0.5 * history["loss"].head(5).mean()
    assert (model.state_dict()["layers.conv1.weight"] - before).abs().max() > 0.05
    with pytest.raises(ValueError, match="steps is 0"):
        train_in_passes(model, 1, 0, 1e-2)


def test_a_row_tells_what_was_trained_on(monkeypatch):
    monkeypatch.setattr(learning, "FRESH_CHUNKS_PER_CLASS", 20)
    row = learn("symbolwise_2_8_8", 1, 30)
    assert (row["chunks"], row["steps"], row["fresh_count"]) == (2304, 30, 180)
    assert row["fresh_correct"] > 40 and 0 < row["training_accuracy"] < 1
    with pytest.raises(ValueError, match="architecture is 'pointwise_24_16_8'; allowed: symbolwi"):
        learn("pointwise_24_16_8", 1, 1)


def test_the_command_goes_on_and_its_rows_are_drawn(tmp_path, monkeypatch, capsys):
    calls = []

    def counted(architecture, blocks, steps):
        calls.append((architecture, blocks, steps))
        known = {"fresh_correct": 100 + len(calls), "fresh_count": 180}
        return {"architecture": architecture, "chunks": blocks * BLOCK, "steps": steps} | known

    monkeypatch.setattr(learning, "learn", counted)
    monkeypatch.setattr(learning, "CURVE", SHORT)
    path = tmp_path / "learning.csv"
    for _ in range(2):
        assert main(["learning", "--output", str(path)]) == 0
    assert calls == [(name, blocks, 6 * seen) for name, blocks, seen in SHORT]
    assert f"3 rows -> {path}" in capsys.readouterr().out
    one, smallest = plot_learning(load_learning(path)).axes[0].lines
    assert list(smallest.get_xdata()) == [2304, 4608]
    assert list(smallest.get_ydata()) == pytest.approx([100 * 77 / 180, 100 * 78 / 180])
    assert one.get_marker() != smallest.get_marker()  # told apart in grey, too
    assert one.get_linestyle() != smallest.get_linestyle()


def test_the_record_is_that_of_the_command():
    rows = load_learning()
    curve = [(name, blocks * BLOCK, 6 * seen) for name, blocks, seen in learning.CURVE]
    recorded = list(rows[learning.KEY].itertuples(index=False, name=None))
    assert recorded == [x for x in curve if x in recorded]
    assert (rows["fresh_count"] == 23_040).all() and (rows["batch_size"] == BATCH).all()
    right = (rows["fresh_correct"] / rows["fresh_count"]).set_axis(recorded)
    ends = ([right[name, chunks, 1536] for name in learning.RATES] for chunks in (2304, 589824))
    symbol_wise, *thesis = zip(*ends, strict=True)
    assert abs(symbol_wise[1] - symbol_wise[0]) < 0.01 < 0.97 < min(symbol_wise)
    assert all(0.5 < few < many - 0.05 < 0.85 for few, many in thesis)
    longer = [right[learning.SYMBOL_WISE, chunks, 24_576] for chunks in (2304, 9_437_184)]
    assert 0.97 < longer[0] < 0.99 < 0.999 < longer[1]

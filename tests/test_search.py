"""A candidate of the search: its sizes, its bit widths, and chunks that nothing else sees."""

import pytest

from amrpkg.cli import main
from amrpkg.records import load_search, search, try_network


def test_a_candidate_is_trained_in_float_and_then_at_each_bit_width(monkeypatch):
    monkeypatch.setattr(search, "VALIDATION_CHUNKS_PER_CLASS", 100)
    tried = try_network((24, 16, 8), (8, 4), share=0.03)
    assert list(tried["bit_width"]) == [32, 8, 4]
    assert (tried["weights"] == 2 * 24 + 24 * 16 + 16 * 8 + 8 * 9).all()
    assert (tried["biases"] == 24 + 16 + 8 + 9).all()
    assert (tried["channels"] == "24-16-8").all() and (tried["count"] == 900).all()
    assert (tried["correct"] > 150).all()
    assert tried["training_chunks"][0] == pytest.approx(60_000, abs=512)


def test_bad_bit_widths_are_refused():
    with pytest.raises(ValueError, match="bit_width is 5; allowed: 32, 8, 6, 4"):
        try_network((16, 8, 6), (5,))


def test_the_command_tries_each_candidate_once(tmp_path, monkeypatch, capsys):
    tried, small = [], ((8, 8, 8), (12, 8, 8))

    def counted(channels, *how):
        tried.append(channels)
        return try_network(channels, *how)

    monkeypatch.setattr(search, "VALIDATION_CHUNKS_PER_CLASS", 10)
    monkeypatch.setattr(search, "SHARE", 0.001)
    monkeypatch.setattr(search, "try_network", counted)
    path = tmp_path / "search.csv"
    for candidates in (small[:1], small):  # stopped after the first, and gone on with
        monkeypatch.setattr(search, "CANDIDATES", candidates)
        assert main(["search", "--output", str(path)]) == 0
    assert tried == list(small)
    rows = load_search(path)
    assert f"{len(rows)} rows -> {path}" in capsys.readouterr().out
    assert list(rows["bit_width"]) == [32, 8, 6, 4] * 2 and rows["code_digest"].nunique() == 1
    assert set(load_search().columns) == set(rows.columns)
    monkeypatch.setattr(search, "current_digest", lambda root: "edited")
    assert main(["search", "--output", str(path)]) == 0
    assert tried == list(small) * 2


def test_the_recorded_candidates_are_those_of_the_command():
    named = ["-".join(map(str, channels)) for channels in search.CANDIDATES]
    assert list(load_search()["channels"].unique()) == named
    assert set(load_search()["bit_width"]) == {32, *search.BIT_WIDTHS}

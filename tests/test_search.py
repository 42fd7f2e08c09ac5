"""A candidate of the search: its sizes, its bit widths, and chunks that nothing else sees."""

import pytest

from amrpkg.records import search, try_network


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

"""Candidates of the search: their sizes, their bit widths, chunks that nothing else sees, files."""

import pytest

from amrpkg.cli import main
from amrpkg.evaluation import evaluate
from amrpkg.export import load_integers
from amrpkg.records import SEARCH, describe_network, load_search, search, try_network
from amrpkg.signals import make_chunks


@pytest.mark.parametrize("bits", [32, 4, 3])
def test_a_candidate_is_trained_with_a_share_of_the_chunks(bits, monkeypatch):
    monkeypatch.setitem(search.SPLITS, "validation", (100, "validation", None))
    model = try_network((6, 5), bits, share=0.02)
    found = describe_network(model, "validation")
    assert found["weights"] == 2 * 6 + 6 * 5 + 5 * 9 and found["biases"] == 6 + 5 + 9
    assert found["channels"] == "6-5" and found["bit_width"] == bits
    assert found["validation_count"] == 900 and found["validation_correct"] > 200


def test_bad_candidates_are_refused():
    with pytest.raises(ValueError, match="bit_width is 5; allowed: 32, 8, 6, 4, 3"):
        try_network((8, 8), 5)
    with pytest.raises(ValueError, match="channels is 0; allowed: an integer of at least 1"):
        try_network((8, 0), 4)
    with pytest.raises(ValueError, match="share is 0"):
        try_network((8, 8), 4, share=0)


def test_the_command_tries_each_candidate_once(tmp_path, monkeypatch, capsys):
    tried, few = [], (((4,), 32, 0), ((4,), 4, 1))

    def counted(*candidate):
        tried.append(candidate)
        return try_network(*candidate, share=0.002)

    for split, (_, name, block) in search.SPLITS.items():
        monkeypatch.setitem(search.SPLITS, split, (10, name, block))
    monkeypatch.setattr(search, "CHUNKS_PER_CLASS", 10)
    monkeypatch.setattr(search, "try_network", counted)
    path = tmp_path / "search.csv"
    for candidates in (few[:1], few):  # stopped after the first, and gone on with
        monkeypatch.setattr(search, "CANDIDATES", candidates)
        assert main(["search", "--output", str(path)]) == 0
    assert tried == list(few)
    rows = load_search(path)
    assert f"2 rows -> {path}" in capsys.readouterr().out
    assert list(rows["bit_width"]) == [32, 4] and list(rows["channels"]) == ["4", "4"]
    later = {f"exported_{kind}_c" for kind in ("bytes", "differing", "decided")}
    assert set(rows.columns) - later == set(load_search().columns)  # recorded before there was C
    network = load_integers(tmp_path / "search" / "symbolwise_2_4_4bit_seed_1.safetensors")
    found = evaluate(network, make_chunks(10, seed=1, split="evaluation"))
    assert found.correct == rows["fresh_correct"][1] and rows["exported_differing_integer"][1] == 0
    monkeypatch.setattr(search, "current_digest", lambda root: "edited")
    assert main(["search", "--output", str(path)]) == 0
    assert tried == list(few) * 2


def test_the_recorded_candidates_are_those_of_the_command():
    keys = load_search()[search.KEY].itertuples(index=False, name=None)
    named = {("-".join(map(str, channels)), *rest) for channels, *rest in search.CANDIDATES}
    assert set(keys) == named and len(load_search()) == len(named)


def test_the_stored_networks_decide_as_the_record_says():
    """All of them on the first chunks of the record; where none is wrong, none is here."""
    record = load_search().query("bit_width < 32")
    for row in record.itertuples():
        channels = row.channels.replace("-", "_")
        name = f"symbolwise_2_{channels}_{row.bit_width}bit_seed_{row.seed}"
        network = load_integers(SEARCH.with_suffix("") / f"{name}.safetensors")
        assert sum(layer.weights.size for layer in network.layers if layer.weights is not None) == (
            row.weights
        )
        fresh = make_chunks(search.FRESH_CHUNKS_PER_CLASS, seed=row.seed, split="evaluation")
        if row.seed == 0:
            assert evaluate(network, fresh).correct == row.fresh_correct
    differing = record.filter(like="exported_differing").drop(columns="exported_differing_openvino")
    assert (differing == 0).all(axis=None) and (record["exported_chunks"] == 10_008).all()


def test_the_more_chunks_are_others_than_those_of_the_record():
    """108,000 of the evaluation split's thirteenth further set, counted here in integers."""
    row = load_search().query("channels == '6-8' and bit_width == 4 and seed == 2").iloc[0]
    network = load_integers(SEARCH.with_suffix("") / "symbolwise_2_6_8_4bit_seed_2.safetensors")
    more = make_chunks(12_000, seed=2, split="evaluation", block=13)
    assert evaluate(network, more).correct == row["more_correct"]
    assert len(more) == row["more_count"] == 108_000
    fresh = make_chunks(10, seed=2, split="evaluation")
    assert not (more.iq[:1000, 0, 0, None] == fresh.iq[:, 0, 0]).any()
    assert search.SPLITS["more"] == (12_000, "evaluation", 13)

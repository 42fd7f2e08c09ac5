"""Networks across noise powers: what they are told, the cases they are counted in, the record."""

import numpy as np
import pandas as pd
import pytest
import torch

from amrpkg.book.figures import plot_ratios
from amrpkg.cli import main
from amrpkg.evaluation import blind_ceiling, ceiling, evaluate
from amrpkg.export import load_integers
from amrpkg.models import build
from amrpkg.models.symbolwise import centre_noise_word
from amrpkg.records import (
    ACROSS_NOISE,
    across_noise,
    count_across_noise,
    load_across_noise,
    train_across_noise,
)
from amrpkg.signals import CONSTELLATIONS, estimate_noise_power, make_chunks
from amrpkg.training.protocols import across_noise_knobs, symbol_wise_knobs


@pytest.fixture
def few(monkeypatch):
    """180 chunks a noise power, at two of them."""
    monkeypatch.setattr(across_noise, "COUNTED", 20)
    monkeypatch.setattr(across_noise, "NOISE_POWERS", (0.005, 0.1))


@pytest.mark.parametrize("bits", [32, 4])
def test_a_network_is_told_in_training_and_counted_with_right_and_wrong_words(bits, few):
    model = train_across_noise("told", bits, share=0.01)
    rows = {(row["noise_power"], row["case"]): row for row in count_across_noise(model)}
    cases = ["as made", "offsets", "word +1 dB", "word -1 dB"]
    cases += ["word of 32 symbols", "word of 256 symbols"]
    assert list(rows) == [(power, case) for power in (0.005, 0.1) for case in cases]
    chunks = make_chunks(20, noise_power=0.1, split="evaluation", block=14)
    row = rows[0.1, "as made"]
    assert row["correct"] == evaluate(model, chunks).correct and row["count"] == 180
    assert row["knowing"] == ceiling(chunks, 0.1).correct
    assert row["blind"] == blind_ceiling(chunks).correct
    assert rows[0.005, "as made"]["correct"] > 60
    assert len({row["correct"] for row in rows.values()}) > 4


def test_the_blind_have_two_cases_and_layers_behind_the_average(few):
    model = train_across_noise("offsets", 8, share=0.002)
    assert {row["case"] for row in count_across_noise(model)} == {"as made", "offsets"}
    assert sum(layer.weights for layer in model.row.layers()) == 3 * 32 + 32 * 24 + 24 * 16 + 144


def test_a_centred_word_starts_with_more_say_and_changes_nothing_in_the_middle():
    row = across_noise.NETWORKS["centred"].row
    model, usual = build(row, seed=3), build(row, seed=3)
    centre_noise_word(model.layers.conv1)
    iq = torch.rand(1, 3, 32, generator=torch.Generator().manual_seed(0)) - 0.5
    found = []
    for word in (0.95, 0.95 + 0.3, 0.95 - 0.3):
        iq[:, 2] = word
        drawn = usual.layers.conv1(usual.layers.fold(iq))
        found.append(model.layers.conv1(model.layers.fold(iq)) - drawn)
    # At the middle word the first layer gives what it gave without a word.
    of_word = usual.layers.conv1.weight[:, 3]
    assert torch.allclose(found[0], (-0.95 * of_word).expand_as(found[0]), atol=1e-5)
    assert torch.allclose(found[1] - found[0], (0.6 * of_word).expand_as(found[0]), atol=1e-5)
    assert torch.allclose(found[2] - found[0], (-0.6 * of_word).expand_as(found[0]), atol=1e-5)
    with pytest.raises(ValueError, match="first has 3 inputs; allowed: 4"):
        centre_noise_word(build(across_noise.NETWORKS["blind"].row).layers.conv1)


def test_knobs():
    knobs = across_noise_knobs(8, (0.004, 0.12), offsets=True)
    assert (knobs.least_noise, knobs.most_noise, knobs.most_degrees) == (0.004, 0.12, 10)
    assert knobs.scaled(0.1).chunks == knobs.chunks // 10
    assert symbol_wise_knobs(4).scaled(0.5).trial_chunks == 200_000
    assert knobs.scaled(1e-5).chunks == knobs.batch_size
    assert symbol_wise_knobs(32).scaled(0.5).trial_chunks == 0
    with pytest.raises(ValueError, match="share is 0"):
        knobs.scaled(0)


def test_the_centred_network_is_centred_in_float_and_its_noise_is_drawn_uniformly(monkeypatch):
    centred, drawn = [], []
    monkeypatch.setattr(across_noise, "centre_noise_word", centred.append)
    usual = across_noise_knobs

    def watched(*arguments):
        drawn.append(knobs := usual(*arguments))
        return knobs

    monkeypatch.setattr(across_noise, "across_noise_knobs", watched)
    train_across_noise("centred", 8, seed=1, share=1e-3)
    train_across_noise("taught", 8, seed=1, share=1e-3)
    assert [layer.in_channels for layer in centred] == [4]  # of one float network, no other
    assert [knobs.noise_exponent for knobs in drawn] == [1.0, 1.0, 0.0, 0.0]
    assert all(knobs.taught for knobs in drawn)


def test_bad_networks_are_refused():
    with pytest.raises(
        ValueError, match="network is 'deaf'; allowed: told, taught, centred, blind, offsets"
    ):
        train_across_noise("deaf", 8)
    with pytest.raises(ValueError, match="bit_width is 5"):
        train_across_noise("told", 5)


def test_known_symbols_show_the_noise():
    rng = np.random.default_rng(0)
    known = rng.choice(CONSTELLATIONS["QPSK"], (4_000, 32))
    noise = rng.normal(0, (0.03 / 2) ** 0.5, (2, *known.shape))
    found = estimate_noise_power(known + noise[0] + 1j * noise[1], known)
    assert found.shape == (4_000,) and found.mean() == pytest.approx(0.03, rel=0.01)
    assert found.std() == pytest.approx(0.03 / 32**0.5, rel=0.05)


def test_the_command_trains_each_network_once(tmp_path, monkeypatch, capsys, few):
    trained, candidates = [], (("blind", 8, 1), ("told", 4, 0))

    def counted(network, bits, seed, share=0.002):
        trained.append((network, bits, seed))
        return train_across_noise(network, bits, seed, share)

    monkeypatch.setattr(across_noise, "CHUNKS_PER_CLASS", 10)
    monkeypatch.setattr(across_noise, "train_across_noise", counted)
    path = tmp_path / "across_noise.csv"
    for few_candidates in (candidates[:1], candidates):  # stopped after the first, and gone on
        monkeypatch.setattr(across_noise, "CANDIDATES", few_candidates)
        assert main(["across-noise", "--output", str(path)]) == 0
    floats = [(network, 32, seed) for network, _, seed in candidates]  # that they start from
    assert trained == [candidates[0], floats[0], candidates[1], floats[1]]
    rows = load_across_noise(path)
    assert f"{2 * 2 + 2 * 6} rows -> {path}" in capsys.readouterr().out
    network = load_integers(tmp_path / "across_noise" / "told_4bit_seed_0.safetensors")
    chunks = make_chunks(20, noise_power=0.1, split="evaluation", block=14)
    row = rows.query("network == 'told' and case == 'as made' and noise_power == 0.1").iloc[0]
    assert evaluate(network, chunks).correct == row["correct"]
    assert row["exported_differing_integer"] == 0 and row["weights"] == 4 * 40 + 40 * 24 + 24 * 9


def test_ratios_are_drawn_network_by_network():
    rows = pd.DataFrame(
        [
            (network, bits, power, 1 - power * (1 + (network == "blind")) / bits)
            for network in ("told", "blind")
            for bits in (8, 4)
            for power in (0.005, 0.1)
        ],
        columns=["network", "bit_width", "noise_power", "ratio"],
    )
    figure = plot_ratios(rows)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["told, 8 bit", "told, 4 bit", "blind, 8 bit", "blind, 4 bit"]
    drawn = {line.get_label(): list(line.get_ydata()) for line in figure.axes[0].lines}
    assert drawn["blind, 4 bit"] == [1 - 0.01 / 4, 1 - 0.2 / 4]


def test_the_record_is_that_of_the_command_and_no_network_is_above_its_ceiling():
    record = load_across_noise()
    keys = record[across_noise.KEY].drop_duplicates().itertuples(index=False, name=None)
    assert set(keys) == set(across_noise.CANDIDATES)
    files = record.filter(like="exported_differing").drop(columns="exported_differing_openvino")
    assert (files.fillna(0) == 0).all(axis=None) and (record["exported_chunks"] == 10_008).all()
    assert (record["count"] == 36_000).all() and record["weights"].max() <= 1_600
    told = record["network"].isin(["told", "taught", "centred"])
    bound = record["knowing"].where(told, record["blind"])
    assert (record["correct"] < 1.002 * bound).all() and (
        record["blind"] <= record["knowing"]
    ).all()
    made = record[record["case"] == "as made"].assign(ratio=record["correct"] / bound)
    least = made.groupby(["network", "bit_width"])["ratio"].min()
    assert (
        least["told", 8] > 0.98
        and least["taught", 8] > 0.98
        and least["centred", 8] > 0.99
        and least["blind", 8] > 0.97
        and least["told", 4] > 0.9
    )


def test_a_stored_network_decides_as_the_record_says():
    row = load_across_noise().query(
        "network == 'told' and bit_width == 8 and case == 'as made' and noise_power == 0.1"
    )
    network = load_integers(ACROSS_NOISE.with_suffix("") / "told_8bit_seed_0.safetensors")
    chunks = make_chunks(4_000, noise_power=0.1, split="evaluation", block=14)
    assert evaluate(network, chunks).correct == row["correct"].iloc[0]

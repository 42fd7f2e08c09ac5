"""Signals that a library not ours made, classified from Python and with ``amr classify``."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from komm_signals import KOMM, komm_receive
from safetensors.torch import save_file

from amrpkg.cli import main
from amrpkg.evaluation import (
    FAR,
    HIGHEST,
    LOWEST,
    SHIPPED,
    binomial_interval,
    classify,
    doubts,
    is_possible,
    level,
    matching_factor,
    score,
)
from amrpkg.export import load_network
from amrpkg.models import build, load_model, save_model
from amrpkg.signals import (
    CONSTELLATIONS,
    OTHER_SHAPES,
    change_gain,
    make_chunks,
    offset_frequency,
    rotate,
)

NAMES = list(CONSTELLATIONS)
GAINS = (1e-6, 0.37, 1.3, 2e5)


@pytest.fixture(scope="module")
def model():
    return build("vgglike_2f_1c_1re_1mp", seed=3)


@pytest.fixture
def weights(model, tmp_path):
    save_model(model, path := tmp_path / "weights.safetensors")
    return path


@pytest.fixture(scope="module")
def shipped():
    return load_network(SHIPPED)


# The shipped network


def test_the_shipped_integers_are_those_of_the_trained_weights(root, shipped):
    """Equal scores on 20,007 chunks, those with offsets among them."""
    assert SHIPPED.stat().st_size < 5_000
    trained = load_model(root / "results/weights" / SHIPPED.name)
    chunks = make_chunks(741, noise_power=0.02, split="evaluation")
    turned = rotate(chunks, np.linspace(-20, 20, len(chunks)))
    for given in (chunks, change_gain(turned, 1.5), offset_frequency(chunks, 2e-3)):
        np.testing.assert_array_equal(score(shipped, given.iq), score(trained, given.iq))


@pytest.mark.parametrize("gain", [None, *GAINS])
def test_komms_chunks_are_classified(gain, shipped):
    """Gain None: at the level of the convention. Else unknown, and normalised."""
    correct = 0
    for seed, name in enumerate(KOMM):
        samples = komm_receive(name, 256 * 32, seed)
        if gain is not None:
            samples *= gain
            samples *= matching_factor(samples)
        table = classify(shipped, samples)
        assert doubts(samples, table) == []
        correct += (table["modulation"] == name).sum()
    assert binomial_interval(correct, 256 * 9)[0] > 0.99


def test_a_single_chunk_at_an_unknown_level_is_classified(shipped):
    correct = 0
    for seed in range(25):
        for name in KOMM:
            samples = 40 * komm_receive(name, 32, seed)
            table = classify(shipped, matching_factor(samples) * samples)
            correct += table["modulation"][0] == name
    assert binomial_interval(correct, 225)[0] > 0.98


def test_a_file_of_komms_chunks_with_the_shipped_weights(tmp_path, capsys):
    np.save(path := tmp_path / "x.npy", komm_receive("16QAM", 70, seed=0))
    assert main(["classify", str(path)]) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines()[-1] == "2 chunks of 32 samples: 16QAM 2"
    assert "the last 6 of 70 samples" in shown.err
    assert "warning" not in shown.err


# The level


@pytest.mark.parametrize("name", NAMES)
def test_the_level_of_every_class_is_found(name):
    for gain in GAINS:
        assert gain * matching_factor(gain * komm_receive(name, 2048, 1)) == pytest.approx(1, 0.02)


def test_the_level_of_a_mixture_is_found():
    samples = 7 * np.concatenate([komm_receive(name, 96, 2) for name in NAMES])
    assert 7 * matching_factor(samples) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("noise_power", [0, 1e-4, 0.01])
@pytest.mark.parametrize("name", ["8ASK", "16PSK", "32QAM"])
def test_the_level_is_found_at_other_noise(name, noise_power):
    samples = komm_receive(name, 2048, 3, noise_power)
    assert matching_factor(samples) == pytest.approx(1, abs=0.02)


def test_zeros_have_no_level():
    with pytest.raises(ValueError, match="all zero; allowed"):
        matching_factor(np.zeros(64, np.complex64))


@pytest.mark.parametrize("count", [32, 4096])
@pytest.mark.parametrize("name", NAMES)
def test_a_right_level_is_possible_and_a_wrong_one_is_not(name, count):
    rms = level(komm_receive(name, count, 5))
    assert is_possible(rms, count)
    assert not is_possible(0.4 * rms, 4096)
    assert not is_possible(2.5 * rms, 4096)
    energy = np.mean(np.abs(CONSTELLATIONS[name]) ** 2) + 0.005
    assert LOWEST - 1e-9 <= energy**0.5 <= HIGHEST + 1e-9


# The table


def test_the_table_is_what_the_model_says(model):
    samples = komm_receive("QPSK", 32 * 1500 + 31, seed=0).astype(np.complex64)
    table = classify(model, samples)
    chunks = samples[: 32 * 1500].reshape(-1, 32)
    with torch.inference_mode():
        scores = model(torch.from_numpy(np.stack([chunks.real, chunks.imag], axis=1)))
    confidence, label = scores.softmax(1).max(1)
    assert list(table["modulation"].cat.codes) == label.tolist()
    np.testing.assert_allclose(table["confidence"], confidence, rtol=1e-5)
    assert list(table["first_sample"]) == list(range(0, 48_000, 32))


@pytest.mark.parametrize("name", NAMES)
def test_the_distance_is_that_of_the_noise(name):
    """Of a model that knows the answer."""
    samples = komm_receive(name, 6400, seed=1)
    table = classify(Oracle(name), samples)
    assert table["distance"].median() == pytest.approx(0.005**0.5, rel=0.08)
    assert table["distance"].max() < 1.4 * FAR
    assert doubts(samples, table) == []


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (lambda samples: 0.01 * samples, "--normalise"),
        (lambda samples: 100 * samples, "--normalise"),
        (lambda samples: 0.8 * samples, "do not trust"),
        (lambda samples: samples * np.exp(0.3j), "do not trust"),
        (lambda samples: samples * np.exp(0.01j * np.arange(len(samples))), "do not trust"),
        (lambda samples: (samples + np.roll(samples, 1)) / 2, "do not trust"),
    ],
)
def test_what_breaks_the_convention_is_doubted(change, hint):
    samples = change(komm_receive("16QAM", 2048, seed=1))
    assert hint in " ".join(doubts(samples, classify(Oracle("16QAM"), samples)))


def noisy(points, count, seed, held=1):
    """Symbols of any points, each `held` times, with the convention's noise."""
    rng = np.random.default_rng(seed)
    symbols = np.repeat(rng.choice(points, -(-count // held)), held)[:count]
    return symbols + 0.05 * (rng.normal(size=count) + 1j * rng.normal(size=count))


@pytest.mark.parametrize("chunks_per_class", [3, 30])
def test_no_class_and_no_mixture_of_them_is_doubted(chunks_per_class, shipped):
    for seed in range(25):
        chunks = make_chunks(chunks_per_class, seed=seed, split="evaluation")
        for label in (None, *range(9)):
            iq = chunks.iq if label is None else chunks.iq[chunks.labels == label]
            samples = (iq[:, 0] + 1j * iq[:, 1]).ravel()
            assert doubts(samples, classify(shipped, samples)) == [], (seed, label)


def turned(name, degrees):
    return CONSTELLATIONS[name] * np.exp(1j * np.deg2rad(degrees))


@pytest.mark.parametrize(
    ("points", "taken_for", "used"),
    [
        (turned("QPSK", 45), "8PSK", "4 of the 8"),
        (turned("8PSK", 22.5), "16PSK", "8 of the 16"),
        (turned("BPSK", 90), "QPSK", "2 of the 4"),
        (OTHER_SHAPES["8QAM"], "16QAM", "8 of the 16"),
    ],
)
def test_points_that_go_unused_are_told_by_class(points, taken_for, used, shipped):
    for seed, chunks in enumerate([10] * 20 + [3_000]):
        samples = noisy(points, 32 * chunks, seed)
        found = [text for text in doubts(samples, classify(shipped, samples)) if taken_for in text]
        assert len(found) == 1 and f"use {used}" in found[0]
        assert f"do not trust {taken_for}" in found[0]


@pytest.mark.parametrize("name", NAMES)
def test_held_symbols_are_told(name, shipped):
    for seed in range(20):
        samples = noisy(CONSTELLATIONS[name], 320, seed, held=4)
        assert "same point" in " ".join(doubts(samples, classify(shipped, samples)))


def test_a_single_point_is_no_modulation():
    samples = noisy([1.0], 64, 0)
    [doubt] = doubts(samples, classify(Oracle("BPSK"), samples))
    assert "same point in 100% of the cases; expected: 50%" in doubt


def test_a_few_wrong_chunks_among_many_are_not_told():
    """Four of 1,000 chunks, which use a quarter of the points of the class decided."""
    samples = np.concatenate([noisy(CONSTELLATIONS["16PSK"], 32 * 996, 0), noisy([1, -1], 128, 1)])
    assert doubts(samples, classify(Oracle("16PSK"), samples)) == []


class Oracle(torch.nn.Module):
    chunk_size = 32

    def __init__(self, name):
        super().__init__()
        self.score = torch.eye(9)[NAMES.index(name)]

    def forward(self, iq):
        return self.score.expand(len(iq), 9)


@pytest.mark.parametrize(
    ("samples", "came"),
    [
        (np.zeros(31, complex), "complex128[31]"),
        (np.zeros((2, 32), complex), "complex128[2, 32]"),
        (np.zeros(64), "float64[64]"),
    ],
)
def test_samples_of_another_kind_are_refused(samples, came, model):
    with pytest.raises(ValueError, match="allowed") as error:
        classify(model, samples)
    assert came in str(error.value)


# The command


def test_the_command_prints_a_line_a_chunk_and_the_counts_last(weights, tmp_path, capsys):
    np.save(path := tmp_path / "x.npy", komm_receive("QPSK", 3 * 32, seed=0))
    assert main(["classify", str(path), "--weights", str(weights)]) == 0
    header, *lines, counts = capsys.readouterr().out.splitlines()
    assert header.split() == ["chunk", "first", "sample", "class", "confidence", "distance"]
    assert [line.split()[:2] for line in lines] == [["0", "0"], ["1", "32"], ["2", "64"]]
    assert all(line.split()[2] in NAMES and "%" in line for line in lines)
    assert counts.startswith("3 chunks of 32 samples: ")


def test_a_wrong_level_is_warned_of_and_normalised(weights, tmp_path, capsys):
    np.save(path := tmp_path / "x.npy", 500 * komm_receive("QPSK", 3200, seed=0))
    assert main(["classify", str(path), "--weights", str(weights)]) == 0
    warning = capsys.readouterr().err
    assert "r.m.s. of the samples is 5" in warning and "--normalise" in warning
    assert main(["classify", str(path), "--weights", str(weights), "--normalise"]) == 0
    shown = capsys.readouterr()
    assert "scaled by 0.002" in shown.err and "r.m.s." not in shown.err
    assert "100 chunks" in shown.out


def test_a_reader_that_stops_early_sees_no_traceback(tmp_path):
    np.save(path := tmp_path / "x.npy", komm_receive("QPSK", 32 * 5_000, seed=0))
    command = f"from amrpkg.cli import main; raise SystemExit(main({['classify', str(path)]!r}))"
    shell = f'"{sys.executable}" -c "$COMMAND" | head -n 2'
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", shell],
        env=os.environ | {"COMMAND": command},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 2
    assert "Broken" not in done.stderr and "Traceback" not in done.stderr


def refuse(arguments, capsys) -> str:
    assert main(["classify", *map(str, arguments)]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.splitlines()) == 1 and shown.err.startswith("amr classify: ")
    return shown.err


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.wav", b"RIFF"),
        ("x.npy", b""),
        ("x.npz", b"PK"),
        ("x.cf32", b"\0" * 9),
        ("x.cf32", b"\xff" * 800),
        ("x.sigmf-meta", b"{}"),
        ("x.sigmf", b""),
    ],
)
def test_a_broken_file_ends_with_2_and_its_name(name, content, tmp_path, capsys):
    (path := tmp_path / name).write_bytes(content)
    assert str(path) in refuse([path], capsys)


def test_too_short_a_file_is_refused(weights, tmp_path, capsys):
    np.save(path := tmp_path / "x.npy", np.ones(31, complex))
    for more in ([], ["--normalise"]):
        message = refuse([path, "--weights", weights, *more], capsys)
        assert str(path) in message and "31 samples" in message and "32" in message


def test_silence_is_not_normalised(weights, tmp_path, capsys):
    np.save(path := tmp_path / "x.npy", np.zeros(64, complex))
    assert "all zero" in refuse([path, "--weights", weights, "--normalise"], capsys)


@pytest.mark.parametrize("kind", ["text", "empty", "cut", "foreign", "other"])
def test_wrong_weights_end_with_2_and_their_name(kind, model, weights, tmp_path, capsys):
    np.save(path := tmp_path / "x.npy", komm_receive("QPSK", 64, seed=0))
    wrong = tmp_path / "wrong.safetensors"
    if kind in ("text", "empty", "cut"):
        content = {"text": b"weights" * 9, "empty": b"", "cut": weights.read_bytes()[:-9]}
        wrong.write_bytes(content[kind])
    elif kind == "foreign":
        save_file({"layer.weight": torch.zeros(3, 3)}, wrong)
    elif kind == "other":
        metadata = {"architecture": "vgglike_3f_2c_2re_2mp", "bit_width": "32", "chunk_size": "32"}
        save_file(dict(model.state_dict()), wrong, metadata)
    assert "wrong.safetensors" in refuse([path, "--weights", wrong], capsys)

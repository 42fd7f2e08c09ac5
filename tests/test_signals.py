"""Noise by its moments, Algorithm I, seeds and splits, and the endless stream."""

from itertools import islice

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from amrpkg.signals import CONSTELLATIONS, SPLITS, Chunks, make_chunks, receive, stream


@pytest.mark.parametrize("name", CONSTELLATIONS)
def test_without_noise_each_point_is_drawn_equally_often(name):
    points = CONSTELLATIONS[name]
    received = receive(name, 64_000, noise_power=0, phase_noise=0)
    nearest = np.abs(received[:, None] - points).argmin(axis=1)
    assert np.abs(received - points[nearest]).max() < 1e-6
    counts = np.bincount(nearest, minlength=len(points))
    assert stats.chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize("name", CONSTELLATIONS)
@pytest.mark.parametrize("noise_power", [0.005, 0.1])
def test_additive_noise_has_its_power_and_is_circular(name, noise_power):
    count = 200_000
    clean = receive(name, count, noise_power=0, phase_noise=0, seed=3)
    noise = receive(name, count, noise_power, phase_noise=0, seed=3) - clean
    assert np.mean(np.abs(noise) ** 2) == pytest.approx(noise_power, rel=0.02)
    assert abs(np.mean(noise**2)) < 0.02 * noise_power
    scaled = noise * np.sqrt(2 / noise_power)
    for part in (scaled.real, scaled.imag):
        assert stats.kstest(part[:50_000], "norm").pvalue > 1e-4


def test_phase_noise_is_normal_in_radians_and_leaves_the_amplitude():
    received = receive("8PSK", 200_000, noise_power=0, phase_noise=0.05)
    assert np.abs(np.abs(received) - 1).max() < 1e-6
    phase = np.angle(received**8) / 8
    assert phase.std() == pytest.approx(0.05, rel=0.01)
    assert stats.kstest(phase[:50_000] / 0.05, "norm").pvalue > 1e-4


def test_the_phase_rotates_signal_and_noise_together():
    # (s + n) exp(jp): with rotation last, the noise is still circular around the rotated point.
    clean = receive("QPSK", 100_000, 0.02, phase_noise=0, seed=5)
    rotated = receive("QPSK", 100_000, 0.02, phase_noise=0.3, seed=5)
    assert np.abs(np.abs(rotated) - np.abs(clean)).max() < 1e-5


def test_the_default_set_is_the_thesis_s():
    chunks = make_chunks()
    assert chunks.iq.shape == (2304, 2, 32)
    assert chunks.iq.dtype == np.float32
    assert chunks.labels.dtype == np.int64
    assert (np.bincount(chunks.labels) == 256).all()
    assert chunks.split == "training"


def test_every_chunk_holds_samples_of_its_own_class():
    chunks = make_chunks(chunks_per_class=5, noise_power=0, phase_noise=0)
    for iq, label in zip(chunks.iq, chunks.labels, strict=True):
        points = list(CONSTELLATIONS.values())[label]
        samples = iq[0] + 1j * iq[1]
        assert np.abs(samples[:, None] - points).min(axis=1).max() < 1e-6


def test_chunks_are_shuffled():
    labels = make_chunks().labels
    assert 0.05 < (np.diff(labels) == 0).mean() < 0.2  # 1/9 if shuffled, near 1 if not


def test_same_seed_same_bits():
    one, two = make_chunks(8, seed=7), make_chunks(8, seed=7)
    assert one.iq.tobytes() == two.iq.tobytes()
    assert (one.labels == two.labels).all()


@pytest.mark.parametrize("other", [{"seed": 8}, {"seed": 7, "split": "evaluation"}])
def test_another_seed_or_split_is_another_set(other):
    one, two = make_chunks(64, seed=7), make_chunks(64, **other)
    seen = {chunk.tobytes() for chunk in one.iq}
    assert not any(chunk.tobytes() in seen for chunk in two.iq)
    assert abs(np.corrcoef(one.iq.ravel(), two.iq.ravel())[0, 1]) < 0.03


def test_noise_does_not_move_the_symbols():
    quiet = make_chunks(16, noise_power=0, phase_noise=0)
    noisy = make_chunks(16, noise_power=1e-6, phase_noise=0)
    assert np.abs(quiet.iq - noisy.iq).max() < 0.01


def test_global_random_state_is_left_alone():
    np.random.seed(1)
    before = np.random.get_state()[1].copy()
    make_chunks(2, seed=0)
    assert (np.random.get_state()[1] == before).all()


def test_data_frame_of_algorithm_one():
    chunks = make_chunks(chunks_per_class=3, chunk_size=16)
    frame = chunks.to_frame()
    assert list(frame.columns) == ["modulation", *(f"{a}{k}" for a in "iq" for k in range(16))]
    assert (frame["modulation"] == np.array(list(CONSTELLATIONS))[chunks.labels]).all()
    assert (frame.iloc[:, 1:17].to_numpy() == chunks.iq[:, 0]).all()
    assert (frame.iloc[:, 17:].to_numpy() == chunks.iq[:, 1]).all()


@pytest.mark.parametrize("split", ["training", "evaluation"])
def test_chunks_of_their_data_frame(split, tmp_path):
    chunks = make_chunks(3, chunk_size=7, split=split)
    frame = chunks.to_frame()
    frame.to_csv(tmp_path / "x.csv", index=False)
    for read, known in ((frame, split), (pd.read_csv(tmp_path / "x.csv"), "training")):
        found = Chunks.from_frame(read)
        np.testing.assert_array_equal(found.iq, chunks.iq)
        np.testing.assert_array_equal(found.labels, chunks.labels)
        assert (found.iq.dtype, found.labels.dtype) == (chunks.iq.dtype, chunks.labels.dtype)
        assert found.split == known


def test_stream_is_seeded_fresh_and_uniform_over_classes():
    batches = list(islice(stream(batch_size=256, seed=1), 20))
    again = next(stream(batch_size=256, seed=1))
    assert all(isinstance(batch, Chunks) and batch.split == "stream" for batch in batches)
    assert batches[0].iq.shape == (256, 2, 32)
    assert batches[0].iq.tobytes() == again.iq.tobytes()
    chunks = {chunk.tobytes() for batch in batches for chunk in batch.iq}
    assert len(chunks) == 20 * 256
    labels = np.concatenate([batch.labels for batch in batches])
    assert stats.chisquare(np.bincount(labels, minlength=9)).pvalue > 1e-4


def test_the_bits_of_a_seed_stay():
    """What the recorded runs were trained on; float32 up to the machine's cosines."""
    chunks, batch = make_chunks(1, seed=7), next(stream(64, seed=7))
    assert chunks.labels.tolist() == [7, 1, 5, 3, 8, 4, 6, 2, 0]
    expected = [[0.99836296, -0.34444153, 1.0584954], [-1.0476866, -1.0462496, 0.3231094]]
    assert chunks.iq[0, :, :3] == pytest.approx(np.array(expected), abs=1e-5)
    assert batch.labels[:9].tolist() == [3, 5, 7, 4, 4, 0, 2, 6, 6]
    expected = [[-1.0319579, 0.09540109, 0.00238386], [0.04230626, -0.99275666, -0.966803]]
    assert batch.iq[0, :, :3] == pytest.approx(np.array(expected), abs=1e-5)


def test_blocks_of_a_split_are_further_independent_sets():
    sets = [make_chunks(32, split=split, block=block) for split in SPLITS for block in (None, 0, 1)]
    seen = [chunk.tobytes() for chunks in sets for chunk in chunks.iq]
    assert len(set(seen)) == len(seen)
    correlation = np.corrcoef([chunks.iq.ravel() for chunks in sets]) - np.eye(len(sets))
    assert np.abs(correlation).max() < 0.04
    again = make_chunks(32, split="training", block=1)
    assert again.iq.tobytes() == sets[2].iq.tobytes()


def test_a_range_of_noise_powers_gives_each_chunk_its_own_uniform_in_its_logarithm():
    low, high = 1e-3, 1e-1
    wide = next(stream(4000, 256, (low, high), phase_noise=0, seed=2))
    bpsk = wide.iq[wide.labels == list(CONSTELLATIONS).index("BPSK")]
    power = 2 * np.mean(bpsk[:, 1] ** 2, axis=1)  # BPSK has no quadrature: all of it is noise
    place = np.log(power / low) / np.log(high / low)
    assert stats.kstest(place, "uniform").pvalue > 1e-4
    again = next(stream(4000, 256, (low, high), phase_noise=0, seed=2))
    assert again.iq.tobytes() == wide.iq.tobytes()


@pytest.mark.parametrize("exponent", [1.0, 0.5])
def test_so_may_a_power_of_the_noise_power(exponent):
    low, high = 1e-3, 1e-1
    power = next(stream(4000, 1, (low, high), seed=2, noise_exponent=exponent)).noise_power
    place = (power**exponent - low**exponent) / (high**exponent - low**exponent)
    assert stats.kstest(place, "uniform").pvalue > 1e-4


@pytest.mark.parametrize("bad", [-1.0, np.nan, 8, "log"])
def test_a_bad_exponent_is_refused(bad):
    with pytest.raises((ValueError, TypeError), match=r"noise_exponent is .*; allowed: a finite"):
        stream(noise_power=(0.01, 0.1), noise_exponent=bad)


@pytest.mark.parametrize(
    "bad", [(0.1, 0.001), (0, 0.1), (0.1, 0.1), (0.1,), (-1, 2), (0.1, np.inf), ("a", "b")]
)
def test_a_range_must_be_one(bad):
    with pytest.raises((ValueError, TypeError), match=r"noise_power is .*; allowed"):
        stream(noise_power=bad)


@pytest.mark.parametrize("bad", [{"block": -1}, {"block": 0.5}, {"symbols": "sorted"}])
def test_bad_blocks_and_symbols(bad):
    with pytest.raises((ValueError, TypeError), match=r"(block|symbols) is .*; allowed"):
        make_chunks(1, **bad)

"""``amr classify -``: decisions on a stream as they come, in bounded memory, and how it ends."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from komm_signals import KOMM, komm_receive

from amrpkg.cli import main
from amrpkg.evaluation import LOOKED_AT, PERIOD, SHIPPED, Watch, classify, window_size
from amrpkg.export import find_compiler, load_compiled, load_network
from amrpkg.signals import CONSTELLATIONS, RAW_TYPES, Burst, RawStream

SMALLEST = "results/search/symbolwise_2_6_6_4bit_seed_2.safetensors"


class Dribble(io.BytesIO):
    """Bytes that come in pieces of 1,001, as through a narrow pipe."""

    def readinto1(self, buffer):
        return super().readinto(buffer[:1001])


@pytest.fixture(scope="module")
def samples():
    """300 chunks of each class."""
    parts = [komm_receive(name, 32 * 300, seed) for seed, name in enumerate(KOMM)]
    return np.concatenate(parts).astype(np.complex64)


@pytest.fixture
def pipe(monkeypatch, capsys):
    """Runs the command on bytes in this process: status, standard output and error.

    Without a compiler, whose time it would take; the processes below use theirs.
    """
    monkeypatch.setenv("PATH", "")

    def run(content, *arguments):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=Dribble(content)))
        return main(["classify", "-", *map(str, arguments)]), *capsys.readouterr()

    return run


@pytest.fixture
def start(root):
    """Starts the command in a process of its own, with the smallest network; ends it."""
    started = []

    def run(*options, model=root / SMALLEST, **streams):
        command = ["-m", "amrpkg", "classify", "-", "--json", *options]
        command += ["--model", str(model)] if model else []
        streams = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
        process = subprocess.Popen(
            [sys.executable, *command],
            **streams,
            env={k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"},
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        with process:  # closes the pipes
            pass


# Decisions


def test_decisions_are_those_of_the_file(samples, pipe):
    table = classify(load_network(SHIPPED), samples)
    status, out, err = pipe(samples.tobytes(), "--json")
    assert (status, err) == (0, "")
    expected = table.drop(columns="distance").rename_axis("chunk").reset_index()
    assert list(map(json.loads, out.splitlines())) == expected.to_dict("records")
    _, out, _ = pipe(samples.tobytes(), "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert list(rows[0]) == list(expected)
    assert [float(row["confidence"]) for row in rows] == list(expected["confidence"])
    _, out, _ = pipe(samples.tobytes())
    header, *lines, counts = out.splitlines()
    assert header.split() == ["chunk", "first", "sample", "class", "confidence"]
    assert [line.split()[2] for line in lines] == list(expected["modulation"])
    assert counts.startswith("2700 chunks of 32 samples: ") and "8PSK 300" in counts


def test_chunks_are_put_together_from_pieces_of_any_length(samples):
    stream = RawStream(Dribble(samples.tobytes() + b"12345"), 32)
    found = np.concatenate([chunks.copy() for chunks in stream])
    np.testing.assert_array_equal(found.ravel(), samples)
    assert (stream.chunks, stream.left) == (2700, 5)


def test_integers_are_compiled_and_decide_as_in_numpy(root, samples, monkeypatch):
    path = root / SMALLEST
    iq = np.stack([samples.real, samples.imag]).reshape(2, -1, 32).transpose(1, 0, 2)
    fast = load_compiled(path)
    monkeypatch.setenv("PATH", "")
    slow = load_compiled(path)
    np.testing.assert_array_equal(fast.scores(iq), slow.scores(iq))
    assert slow.run.__func__ is load_network(path).run.__func__
    monkeypatch.undo()
    if find_compiler():
        assert fast.run.__func__ is not slow.run.__func__


# What is told


@pytest.mark.parametrize(
    ("odd", "told"),
    [
        (0, "amr classify: -: the last 6 of 70 samples do not fill a chunk and are left out\n"),
        (3, "amr classify: -: the stream ends with 3 of the 8 bytes of a sample, which"),
    ],
)
def test_what_is_left_at_the_end_is_told(odd, told, samples, pipe):
    status, out, err = pipe(samples[:70].tobytes() + bytes(odd), "--json")
    assert status == 0 and len(out.splitlines()) == 2
    assert told in err and len(err.splitlines()) == 1 + (odd > 0)


@pytest.mark.parametrize("count", [0, 31])
def test_less_than_a_chunk_is_refused(count, samples, pipe):
    status, out, err = pipe(samples[:count].tobytes(), "--json")
    assert (status, out) == (2, "") and len(err.splitlines()) == 1
    assert f"the stream holds {count} samples; allowed: at least a chunk of 32" in err


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1j * np.inf])
def test_what_is_not_finite_is_told_with_its_place_after_the_chunks_before(bad, samples, pipe):
    broken = samples[:320].copy()
    broken[100] = bad
    status, out, err = pipe(broken.tobytes(), "--json")
    assert status == 2 and len(out.splitlines()) == 3
    assert len(err.splitlines()) == 1 and " at sample 100; allowed: finite numbers" in err


@pytest.mark.parametrize("count", [10, LOOKED_AT + 44])
def test_a_turned_signal_is_warned_of(count, pipe):
    turned = komm_receive("QPSK", 32 * count, 0) * np.exp(0.25j * np.pi)
    status, _, err = pipe(turned.astype(np.complex64).tobytes(), "--json")
    assert status == 0 and "use 4 of the 8 points" in err and len(err.splitlines()) == 1


def test_doubts_are_told_when_they_begin():
    watch = Watch(load_network(SHIPPED))
    good = komm_receive("QPSK", 32 * LOOKED_AT, 0).reshape(-1, 32).astype(np.complex64)
    bad = good * np.complex64(np.exp(0.25j * np.pi))
    unseen = np.broadcast_to(np.complex64(9), (PERIOD - LOOKED_AT, 32))
    assert watch.see(good) == watch.see(unseen) == watch.see(bad[:100]) == []
    assert "of the 8 points" in " ".join(watch.see(np.concatenate([bad[100:], unseen])))
    assert watch.see(bad) == watch.see(unseen[50:]) == []  # told already
    assert watch.see(np.concatenate([unseen[:50], good])) == watch.see(unseen) == []
    assert len(watch.see(bad)) == 1 and watch.end() == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["--normalise"],
        ["--output", "x.sigmf-meta"],
    ],
)
def test_what_takes_a_whole_recording_is_refused(arguments, samples, pipe):
    status, out, err = pipe(samples[:64].tobytes(), *arguments)
    name = arguments[0].strip("-").replace("-", "_")
    assert (status, out) == (2, "")
    assert err == f"amr classify: {name} is given with -; allowed: with a file, read as a whole\n"


# Other numbers, and the receiver


@pytest.mark.parametrize("raw", ["cs16", "cs8", "cu8"])
def test_integers_of_radios_are_decided_as_floats(raw, samples, pipe):
    """At half of full scale, which the network is given back by its own steps."""
    kind, parts = RAW_TYPES[raw], (0.5 * samples[:3200]).view(np.float32)
    numbers = np.rint(parts * kind.full_scale + kind.middle).astype(kind.numbers)
    read = kind.read(numbers.tobytes())
    np.testing.assert_allclose(read.view(np.float32), parts, atol=0.51 / kind.full_scale)
    status, out, err = pipe(numbers.tobytes() + b"1", "--json", "--format", raw)
    expected = classify(load_network(SHIPPED), read)["modulation"].tolist()
    assert status == 0 and [json.loads(line)["modulation"] for line in out.splitlines()] == expected
    assert f"ends with 1 of the {kind.bytes_a_sample} bytes" in err


def test_a_format_is_of_a_stream_and_a_receiver_wants_its_rate(pipe, samples, tmp_path, capsys):
    np.save(path := tmp_path / "x.npy", samples[:64])
    assert main(["classify", str(path), "--format", "cs8"]) == 2
    assert "format is given with a file; allowed: with -" in capsys.readouterr().err
    status, out, err = pipe(samples[:64].tobytes(), "--roll-off", "0.3")
    assert (status, out) == (2, "") and "samples_per_symbol is not given" in err
    status, out, err = pipe(samples[:64].tobytes(), "--samples-per-symbol", "1.5")
    assert (status, out) == (2, "") and "samples_per_symbol is 1.5; allowed" in err


def radio(name, symbols, seed, **offsets):
    burst = Burst(**{"es_n0_db": 22, "samples_per_symbol": 3.2, "gain": 0.05} | offsets)
    return burst.transmit(CONSTELLATIONS[name], symbols, np.random.default_rng(seed))


def test_a_stream_is_received_without_a_gap(pipe):
    """Windows follow each other: a decision every 32 symbols, the places where they are."""
    x = radio("8PSK", 3200, 0, carrier=0.001)
    numbers = np.rint(x.view(np.float32) * 2**15).astype("<i2").tobytes()
    options = ["--samples-per-symbol", "3.2", "--format", "cs16"]
    status, out, err = pipe(numbers, *options, "--json")
    rows = list(map(json.loads, out.splitlines()))
    assert status == 0 and err == "" and {row["modulation"] for row in rows} == {"8PSK"}
    assert [row["chunk"] for row in rows] == list(range(96))
    steps = np.diff([row["first_sample"] for row in rows])
    assert np.abs(steps - 32 * 3.2).max() < 2 and rows[0]["first_sample"] < 60
    assert all(abs(row["es_n0_db"] - 22) < 1.5 for row in rows)
    _, out, _ = pipe(numbers, *options, "--csv")
    found = list(csv.DictReader(io.StringIO(out)))
    assert [float(row["level"]) for row in found] == [row["level"] for row in rows]
    _, out, _ = pipe(numbers, *options)
    assert out.splitlines()[-1] == "96 decisions: 8PSK 96" and len(out.splitlines()) == 98


def test_a_signal_that_begins_in_a_stream_is_found_and_noise_is_unknown(pipe):
    noise = np.random.default_rng(1).normal(size=(2, 40_000)) / 1000
    x = np.concatenate([noise[0] + 1j * noise[1], radio("QPSK", 6400, 2)]).astype(np.complex64)
    status, out, _ = pipe(x.tobytes(), "--samples-per-symbol", "auto", "--json")
    first, *rows = map(json.loads, out.splitlines())
    assert status == 0 and (first["modulation"], first["confidence"]) == ("unknown", None)
    assert first["first_sample"] == 0 and "no symbol rate" in first["reason"]
    assert [row["modulation"] for row in rows].count("QPSK") > 100
    assert {row["modulation"] for row in rows} == {"QPSK", "unknown"}
    assert all(row["first_sample"] > 38_000 for row in rows if row["modulation"] == "QPSK")


def test_a_received_stream_comes_as_it_is_sent_and_ctrl_c_ends(start):
    process = start("--samples-per-symbol", "3.2", model=None, stdout=subprocess.PIPE)
    x = radio("QPSK", 4000, 3)
    process.stdin.write(x[: window_size(3.2) + 10].tobytes())
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["modulation"] == "QPSK"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert err.decode().split("\n")[-2] == "amr classify: stopped; the same command goes on"


# A process at a pipe


def test_a_decision_comes_before_more_is_sent_and_ctrl_c_ends(root, samples, start):
    process = start(stdout=subprocess.PIPE)
    table = classify(load_network(root / SMALLEST), samples[:96])
    for number in range(3):
        process.stdin.write(samples[32 * number :][:32].tobytes())
        process.stdin.flush()
        row = json.loads(process.stdout.readline())
        assert (row["chunk"], row["first_sample"]) == (number, 32 * number)
        assert row["modulation"] == table["modulation"][number]
        assert row["confidence"] == table["confidence"][number]
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, b"")
    assert [line for line in err.decode().splitlines() if line] == [
        "amr classify: stopped; the same command goes on"
    ]


def test_a_reader_that_waits_holds_the_sender_and_one_that_leaves_ends_it(samples, start):
    process = start(stdout=subprocess.PIPE)
    process.stdin.write(samples[:32].tobytes())
    process.stdin.flush()
    process.stdout.readline()
    os.set_blocking(process.stdin.fileno(), False)
    content, taken, last = samples.tobytes(), 0, time.monotonic()
    while time.monotonic() - last < 1:
        try:
            taken += os.write(process.stdin.fileno(), content)
            last = time.monotonic()
        except BlockingIOError:
            time.sleep(0.02)
    assert 1e5 < taken < 4e6  # two pipes and a buffer of 1 MiB
    process.stdout.close()
    assert process.wait(20) == 0 and process.stderr.read() == b""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc to read memory from")
def test_memory_does_not_grow(samples, start):
    """Over 200 MB, 800,000 chunks."""
    process = start(stdout=subprocess.DEVNULL)
    content = np.resize(samples, 1_000_000).tobytes()

    def peak_mb():
        status = Path(f"/proc/{process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024

    process.stdin.write(content * 2)
    before = peak_mb()
    for _ in range(25):
        process.stdin.write(content)
    grown = peak_mb() - before
    process.stdin.close()
    assert process.wait(20) == 0
    assert grown < 20

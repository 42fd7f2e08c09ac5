"""Oversampled recordings from Python, from the command line, from liquid-dsp, and bad ones."""

import json
import re

import numpy as np
import pytest
import sigmf
from komm_signals import KOMM, komm_points

from amrpkg.cli import main
from amrpkg.evaluation import (
    SHIPPED,
    STEPS,
    cut_band,
    decide_by_steps,
    receive_recording,
    write_annotated,
)
from amrpkg.export import load_network
from amrpkg.receiver import NAMES
from amrpkg.signals import (
    CONSTELLATIONS,
    SCHEMES,
    Burst,
    has_liquid,
    load_samples,
    transmit_with_komm,
    transmit_with_liquid,
)

NOISE = 0.02 * np.random.default_rng(5).normal(size=(5000, 2)) @ [1, 1j]
HINT = "liquid-dsp is not installed (apt-get install libliquid1): its signals are not tested"


def recording(name="16QAM", symbols=600, **offsets):
    burst = Burst(**{"es_n0_db": 24, "samples_per_symbol": 3.7, "phase": 0.4} | offsets)
    return burst.transmit(CONSTELLATIONS[name], symbols, np.random.default_rng(0))


@pytest.fixture
def file(tmp_path):
    np.save(path := tmp_path / "x.npy", recording(carrier=0.05, gain=7))
    return path


def test_everything_is_found_from_the_samples():
    found = receive_recording(recording("8PSK", symbols=1100, carrier=-0.031, gain=0.02))
    table = found.table
    assert found.samples_per_symbol == pytest.approx(3.7, rel=1e-4)
    assert found.band.roll_off == pytest.approx(0.35, abs=0.06)
    assert len(table) == 32 and set(table["modulation"]) == {"8PSK"}
    assert table["confidence"].min() > 0.99 and (table["reason"] == "").all()
    np.testing.assert_allclose(table["carrier"], -0.031, atol=2e-5)
    np.testing.assert_allclose(table["es_n0_db"], 24, atol=1)
    np.testing.assert_allclose(table["level"], 0.02, rtol=0.02)
    assert found.notes == []


def test_a_network_decides_where_it_is_given():
    model = load_network(SHIPPED)
    assert set(receive_recording(recording(), 3.7, model=model).table["modulation"]) == {"16QAM"}
    assert receive_recording(1j * recording(), 3.7, 0.35, 0.0).table["reason"].eq("").all()


@pytest.mark.parametrize("kind", ["constant", "clipped"])
def test_defects_are_told(kind):
    """A constant is known to a symbol over the root of their number: it takes a long recording."""
    x = recording("QPSK", symbols=3000, es_n0_db=14)
    x = x + 0.5 if kind == "constant" else np.clip(x.real, -0.3, 0.3) + 1j * x.imag
    found = receive_recording(x.astype(np.complex64), 3.7)
    assert len(found.notes) == 1 and kind in found.notes[0]
    if kind == "constant":
        assert set(found.table["modulation"]) == {"QPSK"}
    else:
        assert set(found.table["modulation"]) <= {"unknown", "QPSK"}


@pytest.mark.parametrize(
    ("samples", "given", "named"),
    [
        (np.zeros(5000, complex), {}, "all zero"),
        (np.ones(100, complex), {}, "samples are 100; allowed"),
        (recording(symbols=200), {"samples_per_symbol": 3.7}, r"samples are \[740\]; allowed: at"),
        (recording(), {"samples_per_symbol": 1.5}, "samples_per_symbol is 1.5; allowed"),
        (recording(), {"samples_per_symbol": float("nan")}, "samples_per_symbol is nan"),
        (recording(), {"samples_per_symbol": 3.7, "roll_off": 2.0}, "roll_off is 2.0; allowed"),
        (recording(), {"samples_per_symbol": 3.7, "carrier": 3.0}, "carrier is 3.0; allowed"),
        (np.exp(0.3j * np.arange(5000)) + NOISE, {}, "no symbol rate"),
    ],
)
def test_what_cannot_be_received_is_refused(samples, given, named):
    with pytest.raises(ValueError, match=named):
        receive_recording(samples, **given)


def test_the_command_receives_what_is_oversampled(file, capsys):
    assert main(["classify", str(file), "--samples-per-symbol", "auto"]) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines()[-1] == "16 chunks of 32 symbols: 16QAM 16"
    assert ": 3.700" in shown.err and "roll-off 0.3" in shown.err and "at 0.0" in shown.err
    given = ["--samples-per-symbol", "3.7", "--roll-off", "0.35", "--carrier", "0.05", "--json"]
    assert main(["classify", str(file), *given]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 16 and rows[3]["modulation"] == "16QAM"
    assert rows[0]["level"] == pytest.approx(7, rel=0.03)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (["--samples-per-symbol", "1"], "samples_per_symbol is 1.0"),
        (["--samples-per-symbol", "auto", "--normalise"], "normalise is given"),
        (["--carrier", "auto"], "samples_per_symbol is not given"),
    ],
)
def test_options_that_do_not_fit_end_with_2(given, named, file, capsys):
    assert main(["classify", str(file), *given]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and named in shown.err and len(shown.err.splitlines()) == 1


def test_annotations_are_those_of_sigmf(tmp_path, capsys):
    """Written, validated and read by SigMF's own reader, and by this command again."""
    x = np.concatenate([recording("8PSK"), recording("QPSK", gain=3)])
    first, second = tmp_path / "x.sigmf-meta", tmp_path / "y.sigmf-meta"
    write_annotated(first, x, receive_recording(x, 3.7), sample_rate=3.7e6)
    again = ["classify", str(first), "--samples-per-symbol", "3.7", "--output", str(second)]
    assert main(again) == 0
    assert "1e+06 symbols a second" in capsys.readouterr().err
    read = sigmf.fromfile(second)
    read.validate()
    np.testing.assert_array_equal(read.read_samples(), x)
    assert read.get_global_field("core:sample_rate") == 3.7e6
    eight, *between, four = read.get_annotations()
    assert eight["core:label"] == "8PSK" and four["core:label"] == "QPSK"
    assert [item["core:label"] for item in between] == ["unknown"]
    assert eight["signal:detail"] == {"type": "digital", "mod_class": "psk", "order": 8}
    assert eight["core:sample_count"] == pytest.approx(512 * 3.7, abs=3)
    width = eight["core:freq_upper_edge"] - eight["core:freq_lower_edge"]
    assert width == pytest.approx(1.35e6, rel=0.06)
    assert main([*again[:-1], str(first)]) == 2
    assert "allowed: another file than is read" in capsys.readouterr().err
    assert main([*again[:-1], str(tmp_path / "y.json")]) == 2
    assert "y.json'; allowed: a file that ends in .sigmf-meta" in capsys.readouterr().err


def mark(path, *annotations, rate=3.7e6):
    """Add annotations to a SigMF file."""
    meta = json.loads(path.read_text())
    keys = ("sample_start", "sample_count", "freq_lower_edge", "freq_upper_edge")
    for values, detail in annotations:
        marks = {f"core:{key}": value for key, value in zip(keys, values, strict=False)}
        meta["annotations"].append(marks | ({"signal:detail": detail} if detail else {}))
    meta["captures"][0]["core:frequency"] = 1e8
    meta["global"]["core:sample_rate"] = rate
    path.write_text(json.dumps(meta))


def test_annotated_bursts_are_received_one_by_one(tmp_path, capsys):
    """Two at a time in bands of their own, one after them at another rate, one too short."""
    noise = 0.02 * np.random.default_rng(6).normal(size=(12_000, 2)) @ [1, 1j]
    marks, rate = [], 3.7e6
    for name, start, carrier, width, detail in (
        ("8PSK", 300, -0.3, 7.4, {}),
        ("QPSK", 500, 0.2, 7.4, {"symbol_rate": rate / 7.4}),
        ("16QAM", 6000, 0.0, 4.0, {}),
    ):
        x = recording(name, 700, samples_per_symbol=width, carrier=carrier, es_n0_db=40)
        x = x[: len(noise) - start]
        noise[start : start + len(x)] += x
        edges = [1e8 + rate * (carrier + side * 0.675 / width) for side in (-1, 1)]
        marks.append(((start, len(x), *edges), detail))
    marks.append(((11_000, 600), {}))
    path, output = tmp_path / "x.sigmf-meta", tmp_path / "y.sigmf-meta"
    sigmf.fromarray(noise.astype(np.complex64)).tofile(tmp_path / "x")
    mark(path, *marks)
    command = ["classify", str(path), "--samples-per-symbol", "auto", "--json"]
    assert main([*command, "--output", str(output)]) == 0
    shown = capsys.readouterr()
    assert "the annotation of samples 11000 to 11600: " in shown.err
    told = [float(rate) for rate in re.findall(r"([\d.e+]+) symbols a second", shown.err)]
    assert told == pytest.approx([500_000, 500_000, 925_000], rel=1e-4) and told[1] == 500_000
    rows = json.loads(shown.out)
    names = [row["modulation"] for row in rows]
    assert names == ["8PSK"] * 16 + ["QPSK"] * 16 + ["16QAM"] * 16
    found = {"8PSK": rows[:16], "QPSK": rows[16:32], "16QAM": rows[32:]}
    for name, ((start, count, low, high), _) in zip(found, marks, strict=False):
        middle = (low + high) / 2 - 1e8
        for row in found[name]:
            assert start < row["first_sample"] < start + count
            assert row["carrier"] * rate == pytest.approx(middle, abs=200)
            assert row["level"] == pytest.approx(1, rel=0.05)
    labels = [item["core:label"] for item in sigmf.fromfile(output).get_annotations()]
    assert labels == ["8PSK", "QPSK", "16QAM"]


@pytest.mark.parametrize("symbol_rate", ["fast", -1, 0])
def test_a_symbol_rate_that_is_none_is_told(symbol_rate, tmp_path, capsys):
    sigmf.fromarray(recording()).tofile(tmp_path / "x")
    mark(path := tmp_path / "x.sigmf-meta", ((100, 1500), {"symbol_rate": symbol_rate}))
    assert main(["classify", str(path), "--samples-per-symbol", "3.7"]) == 2
    assert "with a symbol_rate of" in capsys.readouterr().err


def test_a_band_is_cut_out_with_its_noise_and_level():
    rng = np.random.default_rng(7)
    n = np.arange(4000)
    tone = np.exp(2j * np.pi * (0.3 + 1 / 400) * n)
    noise = 0.1 * rng.normal(size=(4000, 2)) @ [1, 1j]
    part, share = cut_band(tone + noise, 0.3, 0.1)
    assert (len(part), share) == (400, 0.1)
    level = (
        part @ np.exp(-2j * np.pi * np.arange(400) / 40) / 400
    )  # 1/400 is 1/40 of the lower rate
    assert abs(level) == pytest.approx(10**0.5, rel=0.05)
    assert np.var(part - level * np.exp(2j * np.pi * np.arange(400) / 40)) == pytest.approx(
        0.02, rel=0.2
    )


# Bad recordings: a clear word, or unknown, never a class that is not there.


def spoilt(kind) -> np.ndarray:
    rng, x = np.random.default_rng(8), recording("QPSK", 900)
    if kind == "below two samples a symbol":
        return recording("QPSK", 2000, samples_per_symbol=1.5)
    if kind == "no signal":
        return rng.normal(size=(4000, 2)) @ [1, 1j]
    if kind == "two signals":
        return x + recording("8PSK", 900, timing=0.4, carrier=0.002, phase=1)
    if kind == "shorter than the front end":
        return x[:900]
    if kind == "clipped":
        return np.clip(x.real, -0.2, 0.2) + 1j * np.clip(x.imag, -0.2, 0.2)
    if kind == "constant":
        return x + 3
    if kind == "drop-outs":
        return np.where(np.arange(len(x)) % 1000 < 300, 0, x)
    return np.where(np.arange(len(x)) == 700, np.nan, x)


@pytest.mark.parametrize(
    ("kind", "rate", "told"),
    [
        ("below two samples a symbol", "auto", None),
        ("below two samples a symbol", "1.5", "samples_per_symbol is 1.5; allowed: at least 2"),
        ("below two samples a symbol", "2", None),
        ("no signal", "auto", "no symbol rate between 2 and 16"),
        ("no signal", "3.7", None),
        ("two signals", "3.7", None),
        ("shorter than the front end", "3.7", "samples are [900]; allowed: at least"),
        ("clipped", "3.7", None),
        ("constant", "3.7", None),
        ("drop-outs", "3.7", None),
        ("not a number", "3.7", "at sample 700; allowed: finite"),
    ],
)
def test_a_bad_recording_is_refused_or_unknown(kind, rate, told, tmp_path, capsys):
    samples = spoilt(kind).astype(np.complex64)
    np.save(path := tmp_path / "x.npy", samples)
    status = main(["classify", str(path), "--samples-per-symbol", rate, "--json"])
    shown = capsys.readouterr()
    if told or status == 2:
        assert (status, shown.out) == (2, "") and (told or "no symbol rate") in shown.err
    else:
        rows = json.loads(shown.out)
        wrong = [row for row in rows if row["modulation"] not in ("unknown", "QPSK")]
        right = [row for row in rows if row["modulation"] == "QPSK"]
        assert status == 0 and not wrong
        assert kind in ("clipped", "constant", "drop-outs") or not right
    if kind == "not a number":
        with pytest.raises(ValueError, match=r"samples has .*nan.* at 700; allowed: finite"):
            receive_recording(samples)
    if kind in ("clipped", "constant"):
        assert kind in shown.err


def test_every_step_decides_right_at_20_db():
    rng, model = np.random.default_rng(1), load_network(SHIPPED)
    for name in ("16PSK", "32QAM"):
        decided = decide_by_steps(name, Burst.draw(20, rng), 2, rng, model)
        assert list(decided) == [*STEPS, "network"]
        for labels in decided.values():
            assert labels.shape == (2, 8) and (labels == NAMES.index(name)).all()


def test_perfect_knowledge_is_better_in_noise():
    rng = np.random.default_rng(2)
    decided = decide_by_steps("16QAM", Burst.draw(9, rng), 24, rng, load_network(SHIPPED))
    right = {step: np.mean(labels == NAMES.index("16QAM")) for step, labels in decided.items()}
    assert 0.5 < right["noise"] <= right["perfect"] + 0.03 < 1.03


@pytest.mark.parametrize("file", ["gnu_radio_16psk.cs8", "komm_8qam.cs8"])
def test_stored_recordings_of_others_are_recognised(file, root):
    found = receive_recording(load_samples(root / "results/recordings" / file))
    name = file.split("_")[-1].removesuffix(".cs8").upper()
    assert found.table["modulation"].tolist() == [name] * 24
    np.testing.assert_allclose(found.table["es_n0_db"], 24, atol=1)


@pytest.mark.parametrize("es_n0_db", [45, 300])
def test_recordings_with_next_to_no_noise_are_recognised(es_n0_db):
    """What the filter leaves of neighbours is then more than the noise, and not like it."""
    for name in ("8ASK", "16QAM"):
        x = recording(name, es_n0_db=es_n0_db, carrier=0.002)
        assert set(receive_recording(x).table["modulation"]) == {name}


def test_komm_sends_what_is_asked():
    """Its pulses and its channel too; other shapes are unknown."""
    for name in ("4ASK", "32QAM", "8QAM, rectangular"):
        burst = Burst.draw(24, np.random.default_rng(4))
        table = receive_recording(transmit_with_komm(burst, name, 3 * 256 + 60, 4)).table
        assert set(table["modulation"]) == {name if name in NAMES else "unknown"}
        np.testing.assert_allclose(table["carrier"], burst.carrier, atol=1e-3)
    with pytest.raises(ValueError, match="name is '64QAM'; allowed"):
        transmit_with_komm(burst, "64QAM", 10, 0)


def test_komm_s_points_are_recognised_behind_our_pulses():
    for seed, name in enumerate(KOMM):
        rng = np.random.default_rng(seed)
        x = Burst(22, 2.4, 0.25, phase=seed).transmit(3 * komm_points(name), 600, rng)
        found = receive_recording(x, 2.4, 0.25)
        assert set(found.table["modulation"]) == {name} and not found.notes


@pytest.mark.skipif(not has_liquid(), reason=HINT)
@pytest.mark.parametrize("name", SCHEMES)
def test_liquid_s_signals_are_recognised_or_unknown(name):
    burst = Burst.draw(24, np.random.default_rng(3))
    x = transmit_with_liquid(burst, name, 3 * 256 + 60, 4)
    expected = name if name in NAMES else "unknown"
    assert set(receive_recording(x).table["modulation"]) == {expected}


@pytest.mark.skipif(not has_liquid(), reason=HINT)
def test_liquid_makes_what_is_asked():
    burst = Burst(es_n0_db=20, samples_per_symbol=2.5, roll_off=0.3, carrier=0.003, gain=5)
    x = transmit_with_liquid(burst, "QPSK", 1000, 0)
    assert len(x) == pytest.approx(2500, abs=10)
    table = receive_recording(x, 2.5, 0.3).table
    np.testing.assert_allclose(table["carrier"], 0.003, atol=3e-5)
    np.testing.assert_allclose(table["es_n0_db"], 20, atol=1)
    with pytest.raises(ValueError, match="name is '64QAM'; allowed"):
        transmit_with_liquid(burst, "64QAM", 10, 0)

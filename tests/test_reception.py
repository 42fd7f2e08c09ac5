"""Oversampled recordings from Python, from the command line, from liquid-dsp, and bad ones."""

import json

import numpy as np
import pytest
import sigmf
from komm_signals import KOMM, komm_points

from amrpkg.cli import main
from amrpkg.evaluation import SHIPPED, STEPS, decide_by_steps, receive_recording, write_annotated
from amrpkg.export import load_network
from amrpkg.receiver import NAMES
from amrpkg.signals import CONSTELLATIONS, SCHEMES, Burst, has_liquid, transmit_with_liquid

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

"""`amr hardware`: the folder that it writes, and what it refuses without leaving half of one."""

import errno
import json
import re
from types import SimpleNamespace

import numpy as np
import pytest

from amrpkg.cli import main
from amrpkg.export import load_integers
from amrpkg.hardware import Counts, Design, IntegerNetwork, find_device, firmware, generate
from amrpkg.models import build, save_model

SMALLEST = "results/search/symbolwise_2_6_6_4bit_seed_2.safetensors"


@pytest.fixture
def smallest(root):
    return root / SMALLEST


def test_a_folder_with_a_design_that_fits_the_smallest_part(smallest, tmp_path, capsys):
    folder = tmp_path / "made" / "here"
    command = ["hardware", smallest, "-o", folder, "--device", "ice40-hx1k", "--place", "--json"]
    assert main([*map(str, command)]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report == json.loads((folder / "report.json").read_text())
    assert sorted(path.name for path in folder.iterdir()) == [
        *("README.md", "clock.sdc", "report.json", "verilog")
    ]
    assert [path.name for path in folder.parent.iterdir()] == ["here"]
    found, placed = report["synthesis"], report["placed and routed"]
    assert 300 < found["lut"] < 1280 and found["dsp"] == found["bram"] == 0
    parts = sum(counts["lut"] for counts in found["modules"].values())
    assert 0.9 * found["lut"] < parts < 1.5 * found["lut"]
    assert found["lut"] < placed["lut"] <= 1280
    assert placed["share"]["lut"] == placed["lut"] / 1280
    rate = placed["fmax_mhz"] * 1e6 / 32
    assert placed["chunks_per_second"] == pytest.approx(rate) and rate > 2e6
    readme = (folder / "README.md").read_text()
    assert f"| placed and routed: LUT | {placed['lut']} |" in readme
    assert "nextpnr-ice40 --hx1k" in readme and "create_clock" in (folder / "clock.sdc").read_text()


def test_the_vectors_are_the_network_s_own(smallest, tmp_path):
    network = load_integers(smallest)
    design = generate(network, find_device("ecp5-25k"), 4)
    iq = np.random.default_rng(1).normal(size=(5, 2, 32)).astype(np.float32)
    files = firmware.testbench(design, iq)
    scores = network.compute(iq)
    for line, row in zip(files["expected.hex"].splitlines(), scores, strict=True):
        word, bits = int(line, 16), design.score_bits
        for score in row:
            value = word & ((1 << bits) - 1)
            assert value - (value >> bits - 1 << bits) == score
            word >>= bits
        assert word == row.argmax()
    beats = files["symbols.hex"].splitlines()
    assert len(beats) == 5 * 8 and all(len(beat) == 4 * 2 * 8 // 4 for beat in beats)
    first = np.clip(np.rint(iq[0, :, 0] * 64), -128, 127).astype(int) & 255
    assert int(beats[0], 16) & 0xFFFF == first[0] | first[1] << 8
    assert "PER_CHUNK = 8, CHUNKS = 5" in files["testbench.sv"]


def test_a_design_as_parallel_as_the_rate_needs(smallest, root):
    network, device = load_integers(smallest), find_device("ecp5-25k")  # 250 MHz
    assert generate(network, device).symbols_per_clock == 1
    assert generate(network, device, rate=7.8e6).symbols_per_clock == 1
    assert generate(network, device, rate=7.9e6).symbols_per_clock == 2
    with pytest.raises(ValueError, match=r"rate is 8e\+07; allowed .* at most 6.25e\+07"):
        generate(network, device, rate=8e7)
    with pytest.raises(ValueError, match="rate is 8e\\+06; allowed at 1 symbols a clock"):
        generate(network, device, 1, 8e6)
    folded = load_integers(root / "results/integers/vgglike_2f_1c_1re_1mp_6bit_pr_30.safetensors")
    design = generate(folded, find_device("ecp5-85k"), rate=50_000)
    assert design.kind == "folded" and design.clocks_per_chunk <= 125e6 / 50_000
    with pytest.raises(ValueError, match="symbols_per_clock is 2; allowed for vgglike"):
        generate(folded, find_device("ecp5-85k"), 2)


@pytest.fixture
def refuse(tmp_path, capsys):
    """Runs the command; what it says, after it left nothing behind."""

    def run(network, *options):
        before = set(tmp_path.rglob("*"))
        assert main(["hardware", str(network), "-o", str(tmp_path / "out"), *options]) == 2
        shown = capsys.readouterr()
        assert shown.out == "" and len(shown.err.splitlines()) == 1, shown
        assert set(tmp_path.rglob("*")) == before
        return shown.err

    return run


def test_bad_input_is_refused(smallest, tmp_path, refuse, root):
    assert "symbols_per_clock is 3; allowed: 1, 2, 4, 8" in refuse(
        smallest, "--symbols-per-clock", "3"
    )
    assert "rate is" in refuse(smallest, "--rate", "1e12")
    assert "rate is -1.0; allowed" in refuse(smallest, "--rate", "-1")
    assert "no finished run" in refuse("vgglike_5f_5c_4re_4mp_4bit", "--seed", "99")
    save_model(build("pointwise_24_16_8", 32), tmp_path / "float.safetensors")
    assert "model is float" in refuse(tmp_path / "float.safetensors")
    (tmp_path / "half.safetensors").write_bytes(smallest.read_bytes()[:-9])
    assert "is damaged" in refuse(tmp_path / "half.safetensors")
    network = load_integers(smallest)
    pooled = load_integers(root / "results/integers/vgglike_2f_1c_1re_1mp_6bit_pr_30.safetensors")
    mixed = (pooled.layers[0], *network.layers[3:])
    without = IntegerNetwork("mixed", 4, 32, 6, -4, mixed)
    with pytest.raises(ValueError, match="sum"):
        generate(without, find_device("ecp5-25k"))
    (tmp_path / "out").mkdir()
    assert "is there; allowed: a new folder" in refuse(smallest)


def test_a_device_it_does_not_fit_and_a_missing_tool(smallest, refuse, monkeypatch):
    counts = Counts(lut=1300, ff=900, carry=0, dsp=0, bram=0)
    monkeypatch.setattr(
        firmware,
        "synthesise",
        lambda *_, **__: SimpleNamespace(counts=counts, modules={}, yosys=""),
    )
    said = refuse(smallest, "--synthesise", "--device", "ice40-hx1k")
    assert "LUT short by 20 (1,300 needed, 1,280 there)" in said
    monkeypatch.undo()
    monkeypatch.setattr("amrpkg.hardware.tools.find_spec", lambda name: None)
    assert 'pip install "amrpkg[hardware]"' in refuse(smallest, "--place")


def test_a_full_disk_leaves_nothing(smallest, refuse, monkeypatch):
    def full(self, folder):
        (folder / "half.sv").write_text("module")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Design, "write", full)
    assert "No space left on device" in refuse(smallest)


@pytest.mark.parametrize("wrong", [0, 1])
def test_a_simulation_that_differs_is_an_error(smallest, wrong, tmp_path, monkeypatch, capsys):
    class Simulated:
        def __init__(self, design):
            self.design = design

        def compute(self, iq):
            scores = self.design.network.compute(iq)
            scores[7, 3] += wrong
            return scores

    monkeypatch.setattr(firmware, "RtlNetwork", Simulated)
    command = ["hardware", str(smallest), "-o", str(tmp_path / "out"), "--simulate"]
    assert main(command) == 2 * wrong
    said = "only 1007 of 1008 chunks are equal" if wrong else "a class every 32 clocks"
    assert re.search(said, "".join(capsys.readouterr()))
    assert (tmp_path / "out").exists() != wrong

"""GNU Radio's signals through the receiver, and the blocks of examples/gnuradio in GNU Radio.

GNU Radio has its own Python, so all of it runs in processes of that.
"""

import json
import re
import subprocess
import sysconfig

import numpy as np
import pytest
import yaml

from amrpkg.evaluation import classify, receive_recording
from amrpkg.export import load_network
from amrpkg.signals import CONSTELLATIONS, Burst, find_gnu_radio, transmit_with_gnu_radio

SMALLEST = "results/search/symbolwise_2_6_6_4bit_seed_2.safetensors"
HINT = (
    "GNU Radio is not installed (apt-get install gnuradio): its signals and blocks are not tested"
)
with_gnu_radio = pytest.mark.skipif(find_gnu_radio() is None, reason=HINT)
FLOWGRAPHS = {"classify_bursts": "classify_pdus", "tag_symbols": "tag_modulation"}


@with_gnu_radio
@pytest.mark.parametrize("name", ["16PSK", "4ASK", "32QAM, hole inside"])
def test_gnu_radio_s_signals_are_recognised_or_unknown(name):
    burst = Burst.draw(24, np.random.default_rng(3))
    x = transmit_with_gnu_radio(burst, name, 3 * 256 + 60, 4)
    table = receive_recording(x).table
    assert set(table["modulation"]) == {name if name in CONSTELLATIONS else "unknown"}
    np.testing.assert_allclose(table["carrier"], burst.carrier, atol=1e-4)
    if name in CONSTELLATIONS:
        np.testing.assert_allclose(table["es_n0_db"], 24, atol=1)


def test_what_gnu_radio_cannot_send_is_told(monkeypatch):
    with pytest.raises(ValueError, match="name is '64QAM'; allowed"):
        transmit_with_gnu_radio(Burst(), "64QAM", 10, 0)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(OSError, match="apt-get install gnuradio"):
        transmit_with_gnu_radio(Burst(), "QPSK", 10, 0)


@pytest.mark.parametrize("name", FLOWGRAPHS)
def test_a_flowgraph_holds_the_block_as_it_stands_beside_it(name, root):
    folder = root / "examples/gnuradio"
    blocks = yaml.safe_load((folder / f"{name}.grc").read_text())["blocks"]
    [embedded] = [block["parameters"] for block in blocks if block["id"] == "epy_block"]
    assert embedded["_source_code"] == (folder / f"{FLOWGRAPHS[name]}.py").read_text()


@with_gnu_radio
@pytest.mark.parametrize("name", FLOWGRAPHS)
def test_a_flowgraph_is_compiled_and_runs_without_a_display(name, root, tmp_path):
    grc = root / f"examples/gnuradio/{name}.grc"
    subprocess.run(["grcc", grc, "-o", tmp_path], check=True, capture_output=True)
    start = f"import runpy, sys; sys.path[:0] = ['.', {str(root)!r}]; "
    start += f"sys.path.append({sysconfig.get_path('purelib')!r}); runpy.run_path('{name}.py', "
    command = [find_gnu_radio(), "-c", start + "run_name='__main__')"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    named = re.findall(r"\(modulation \. (\w+)\)", done.stdout)
    if name == "tag_symbols":
        assert named == ["QPSK"] and "Offset: 0 " in done.stdout
    else:
        firsts = [int(first) for first in re.findall(r"\(first_sample \. (\d+)\)", done.stdout)]
        assert set(named) == {"16QAM"} and len(named) == len(firsts) == 96
        assert firsts == sorted(firsts) and np.diff(firsts)[:7].tolist() == [128] * 7


@with_gnu_radio
def test_the_blocks_decide_as_the_package_does(root, tmp_path):
    """A stream of two classes, and bursts: with and without a place of its own, and silent."""
    rng = np.random.default_rng(5)
    symbols = [rng.choice(CONSTELLATIONS[name], 320) for name in ("QPSK", "16QAM")]
    noise = 0.05 * rng.normal(size=(2, 650))
    stream = np.pad(np.concatenate(symbols), (0, 10)) + noise[0] + 1j * noise[1]
    x = Burst(22, 3.3, 0.3, gain=9).transmit(CONSTELLATIONS["8PSK"], 600, rng)
    (tmp_path / "bursts").mkdir()
    for number, samples in enumerate([stream, x, x, np.zeros(2000)]):
        np.save(tmp_path / f"bursts/{number}.npy", samples.astype(np.complex64))
    script = [find_gnu_radio(), root / "tests/gnu_radio_blocks.py", root]
    arguments = [sysconfig.get_path("purelib"), tmp_path / "bursts", root / SMALLEST]
    done = subprocess.run([*script, *arguments], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    table = classify(load_network(root / SMALLEST), stream.astype(np.complex64))
    told = found["stream"]
    assert (told["count"], told["same"], len(told["messages"])) == (640, True, 20)
    for row, message in zip(table.itertuples(), told["messages"], strict=True):
        assert (message["modulation"], message["first_sample"]) == (
            row.modulation,
            row.first_sample,
        )
        assert message["confidence"] == pytest.approx(row.confidence, rel=1e-6)
    assert [(place, key, value["modulation"]) for place, key, value in told["tags"]] == [
        (0, "modulation", "QPSK"),
        (320, "modulation", "16QAM"),
    ]
    *heard, silence = found["bursts"]
    table = receive_recording(x).table
    count = len(table)
    assert len(heard) == 2 * count
    for part, offset in ((heard[:count], 0), (heard[count:], 5000)):
        assert [m["modulation"] for m in part] == table["modulation"].tolist()
        np.testing.assert_allclose(
            [m["first_sample"] for m in part], table["first_sample"] + offset, atol=1
        )
        np.testing.assert_allclose([m["es_n0_db"] for m in part], table["es_n0_db"], rtol=1e-5)
    assert silence["modulation"] == "unknown" and silence["first_sample"] == 2 * len(x)

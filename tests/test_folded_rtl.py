"""Folded networks in simulation: every score equal to the integers, whatever comes at the pins."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from amrpkg.hardware import IntegerLayer, IntegerNetwork, generate_folded, to_integers
from amrpkg.hardware.simulation import RtlNetwork, quantise
from amrpkg.signals import make_chunks
from amrpkg.training import shrink


def random_layer(rng, name, sizes, bits, weight_bits, shift):
    limit = 1 << (weight_bits - 1)
    return IntegerLayer(
        name,
        "conv" if name.startswith("conv") else "linear",
        0,
        bits,
        weight_bits,
        rng.integers(-limit, limit, sizes).astype(np.int8),
        rng.integers(-20, 20, sizes[0]).astype(np.int32),
        np.full(sizes[0], shift, np.int8),
    )


@pytest.fixture(scope="module")
def deep():
    """Five small layers, no two of the same bits or shift, none whose sizes divide."""
    rng = np.random.default_rng(9)
    layers = (
        random_layer(rng, "conv1", (5, 2, 3), 5, 4, 3),
        IntegerLayer("pool1", "pool", 0, 5),
        random_layer(rng, "conv2", (7, 5, 5), 3, 3, 5),
        IntegerLayer("pool2", "pool", 0, 3),
        random_layer(rng, "conv3", (3, 7, 1), 7, 5, -1),
        random_layer(rng, "linear1", (6, 12, 1), 4, 8, 8),
        random_layer(rng, "linear2", (9, 6, 1), 0, 4, 0),
    )
    return IntegerNetwork("deep", 4, 16, 6, -3, layers)


@pytest.fixture(scope="module")
def chunks():
    """Chunks that reach the ends of every range: ``float32[n, 2, 16]``."""
    rng = np.random.default_rng(4)
    scales = rng.choice([0.1, 1, 3, 9], (60, 1, 1))
    return (scales * rng.normal(size=(60, 2, 16))).astype(np.float32)


@pytest.fixture(scope="module")
def small(deep):
    return RtlNetwork(generate_folded(deep, 150))


def test_all_scores_of_a_deep_network(deep, small, chunks):
    expected = deep.compute(chunks)
    assert len(np.unique(expected.argmax(axis=1))) > 3  # the chunks tell something
    np.testing.assert_array_equal(small.compute(chunks), expected)


def test_latency_and_rate_are_those_that_the_generator_knows(small, chunks):
    samples = quantise(small.design.network, chunks)
    alone = small.play([samples[:1]])
    assert alone.shown[0] - alone.ends[0] == small.design.latency
    shown = small.play([samples]).shown
    assert set(np.diff(shown)[20:]) == {small.design.clocks_per_chunk}


@pytest.mark.parametrize(("gap", "stall"), [(0.7, 0), (0, 0.995), (0.5, 0.98)])
def test_gaps_and_stalls(deep, small, chunks, gap, stall):
    trace = small.play([quantise(deep, chunks)], gap, stall, seed=1)
    np.testing.assert_array_equal(trace.scores, deep.compute(chunks))


@pytest.mark.parametrize("length", [1, 15, 17, 31, 32, 33, 48])
def test_a_chunk_of_a_wrong_length_is_given_up(deep, small, chunks, length):
    samples = quantise(deep, chunks)
    wrong = np.resize(samples, (1, length, 2))
    parts = [samples[:1], wrong, samples[1:4], wrong, wrong, samples[4:6]]
    for gap in (0, 0.5):
        trace = small.play(parts, gap)
        np.testing.assert_array_equal(trace.scores, deep.compute(chunks[:6]))


@pytest.mark.parametrize("beat", [1, 15, 16, 17, 100, 300, 700])
def test_after_a_reset_comes_the_next_whole_chunk(deep, small, chunks, beat):
    """What was in it is forgotten; a chunk of which a part was taken comes too short."""
    count = 50
    trace = small.play([quantise(deep, chunks[:count])], stall=0.5, resets=[beat])
    expected = deep.compute(chunks[:count])
    after = count - -(-beat // 16)
    assert after <= len(trace.scores) < count + (beat == 16 * (beat // 16))
    np.testing.assert_array_equal(trace.scores[-after:], expected[-after:])
    before = len(trace.scores) - after
    np.testing.assert_array_equal(trace.scores[:before], expected[:before])


def test_a_trained_network_of_the_thesis(root, calibrated):
    """The smallest one, 4 bit, 30 % of its channels removed."""
    network = to_integers(shrink(calibrated("vgglike_2f_1c_1re_1mp", 4, 0.3)))
    iq = make_chunks(28, noise_power=0.02, split="evaluation").iq
    rtl = RtlNetwork(generate_folded(network, 12_000))
    np.testing.assert_array_equal(rtl.compute(iq), network.compute(iq))


def flip(text):
    """The lowest bit of the last word."""
    return f"{text[:-2]}{int(text[-2], 16) ^ 1:x}\n"


MUTATIONS = {  # file -> what is changed in it
    "a weight": ("conv1_weights.mem", flip),
    "half a step of rounding": ("conv1_biases.mem", flip),
    "a shift": ("folded.sv", lambda text: text.replace(".SHIFT(2)", ".SHIFT(3)")),
    "half to even": ("requantise.sv", lambda text: text.replace(" & ~tie", "")),
    "the clamp": ("requantise.sv", lambda text: text.replace("above ? '1", "above ? '0")),
    "the pool": ("pool.sv", lambda text: text.replace("out > in", "out < in")),
    "the padding": ("chunk_buffer.sv", lambda text: text.replace("padding ? '0", "padding ? '1")),
    "two scores": ("classifier.sv", lambda text: text.replace("tuser <= scores", SWAPPED)),
    "the first of the largest": ("classifier.sv", lambda text: text.replace(">", ">=")),
}
SWAPPED = "tuser <= {scores[BITS*8-1:BITS*7], scores[CLASSES*BITS-1:BITS*8], scores[BITS*7-1:0]}"


@pytest.fixture(scope="module")
def tiny():
    """A network that every mutation changes, and chunks that tell."""
    rng = np.random.default_rng(5)
    layers = (
        random_layer(rng, "conv1", (3, 2, 3), 4, 4, 2),
        IntegerLayer("pool1", "pool", 0, 4),
        replace(random_layer(rng, "linear1", (9, 6, 1), 0, 2, 0), biases=np.zeros(9, np.int32)),
    )
    return (
        IntegerNetwork("tiny", 4, 4, 4, -1, layers),
        rng.integers(-6, 6, (300, 2, 4)).astype(np.float32),
    )


def share_of_right(network, iq, files):
    trace = RtlNetwork(generate_folded(network, 40), files).play([quantise(network, iq)])
    expected = network.compute(iq)
    right = (trace.scores == expected).all(axis=1) & (trace.classes == expected.argmax(axis=1))
    return right.mean()


def test_without_a_mutation_all_is_equal(tiny):
    assert share_of_right(*tiny, generate_folded(tiny[0], 40).files) == 1


def test_yosys_reads_the_same(tiny, tmp_path):
    """Frontends differ: one took the sign off a cast."""
    design = generate_folded(tiny[0], 40)
    modules = " ".join(path.name for path in design.write(tmp_path) if path.suffix == ".sv")
    commands = [f"read_verilog -sv -defer {modules}", f"prep -flatten -top {design.top}"]
    commands.append("write_verilog -noattr read.v")
    script = "import pyosys.libyosys as yosys, sys; design = yosys.Design(); "
    script += "[yosys.run_pass(command, design) for command in sys.argv[1:]]"
    command = [sys.executable, "-c", script, *commands]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert share_of_right(*tiny, {"read.v": (tmp_path / "read.v").read_text()}) == 1


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_mutation_is_found(tiny, mutation):
    files = generate_folded(tiny[0], 40).files
    file, change = MUTATIONS[mutation]
    changed = change(files[file])
    assert changed != files[file]
    assert share_of_right(*tiny, {**files, file: changed}) < 1

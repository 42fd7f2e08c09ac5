"""Streaming designs against the integers: every score, every class, in the clock that is told."""

import itertools
import re
import subprocess
from copy import copy
from dataclasses import replace

import numpy as np
import pytest

from amrpkg.common.files import RESULTS
from amrpkg.export.integer_file import load_integers
from amrpkg.hardware import simulation
from amrpkg.hardware.adder_graphs import share_adders, signed_digits
from amrpkg.hardware.disturbance import disturb
from amrpkg.hardware.integers import IntegerLayer, IntegerNetwork
from amrpkg.hardware.simulation import RtlNetwork, quantise
from amrpkg.hardware.streaming import generate_streaming
from amrpkg.hardware.waveform import sample_pins
from amrpkg.models.architectures import FOLDS
from amrpkg.signals import make_chunks

NETWORK = load_integers(RESULTS / "search" / "symbolwise_2_6_6_4bit_seed_2.safetensors")


def samples(network: IntegerNetwork, count: int, seed: int = 1) -> np.ndarray:
    """A half of real chunks at two noise powers, a half over and beyond the whole range."""
    size, rng = network.chunk_size, np.random.default_rng(seed)
    real = [make_chunks(-(-count // 36), size, power, seed=seed).iq for power in (0.005, 0.1)]
    most = 1.1 * 2.0 ** (network.input_exponent + network.input_bits - 1)
    wild = rng.uniform(-most, most, (count - sum(map(len, real)), 2, size))
    iq = np.concatenate([*real, wild]).astype(np.float32)[rng.permutation(count)]
    if network.inputs == 3:  # the noise is never negative
        noise = rng.uniform(0, most, (count, 1, 1)).repeat(size, axis=2)
        iq = np.concatenate([iq, noise], axis=1, dtype=np.float32)
    return iq


def random_layer(rng, name, kind, inputs, outputs, bits, weight_bits, largest, exponent):
    """Weights of which some are zero; biases and shifts that keep the outputs in their range.

    largest : that an input gets, of which 0.4 is taken for its mean
    """
    most = (1 << (weight_bits - 1)) - 1
    weights = rng.integers(-most, most + 1, (outputs, inputs, 1)).astype(np.int8)
    weights[rng.random(weights.shape) < 0.2] = 0
    mean = 0.4 * largest * weights.sum((1, 2), dtype=float)
    spread = 0.3 * largest * np.sqrt((weights.astype(float) ** 2).sum((1, 2))) + 1
    biases = (rng.uniform(-0.3, 0.6, outputs) * spread - mean).astype(np.int32)
    shifts = np.log2(spread).astype(int) - bits + 1 if bits else -rng.integers(0, 4, outputs)
    shifts = shifts.astype(np.int8)
    return IntegerLayer(name, kind, exponent, bits, weight_bits, weights, biases, shifts)


def random_network(fold: str, channels: tuple, bits: int, seed: int = 0, hidden=None, size=32):
    """A network of either family that no training made."""
    rng, largest = np.random.default_rng(seed), (1 << bits) - 1
    layers = [IntegerLayer("fold", fold, -6, 7)] if fold else []
    count, most = FOLDS[fold][1], 127
    for k, outputs in enumerate(channels, start=1):
        layers.append(random_layer(rng, f"conv{k}", "conv", count, outputs, bits, bits, most, -2))
        count, most = outputs, largest
    more = (size - 1).bit_length()
    over = ("average", -2 - more) if hidden else ("sum", -2)
    layers.append(IntegerLayer(over[0], *over, bits + more))
    count, most = outputs, size * largest
    if hidden:
        linear = random_layer(rng, "linear1", "linear", count, hidden, bits, bits, most, -2)
        # averages are nearer to their mean than what they are of
        layers.append(replace(linear, shifts=linear.shifts - 2))
        count, most = hidden, largest
    name = "linear2" if hidden else "linear1"
    layers.append(random_layer(rng, name, "linear", count, 9, 0, bits, most, -6))
    return IntegerNetwork(f"random {seed}", bits, size, 8, -6, tuple(layers))


@pytest.fixture(scope="module")
def rtl() -> RtlNetwork:
    return RtlNetwork(generate_streaming(NETWORK))


def assert_equal(trace, scores: np.ndarray) -> None:
    np.testing.assert_array_equal(trace.scores, scores)
    np.testing.assert_array_equal(trace.classes, scores.argmax(axis=1))


def test_twenty_thousand_chunks_are_equal_in_the_clocks_that_are_told(rtl):
    iq = samples(NETWORK, 20_000)
    trace = rtl.play([quantise(NETWORK, iq)])
    assert_equal(trace, NETWORK.compute(iq))
    assert set(trace.shown - trace.ends) == {rtl.design.latency}
    assert set(np.diff(trace.shown)) == {rtl.design.clocks_per_chunk} == {32}
    assert len(np.unique(trace.classes)) == 9


def test_it_is_a_form_of_the_network(rtl):
    iq = samples(NETWORK, 100, seed=2)
    np.testing.assert_array_equal(rtl.scores(iq), NETWORK.scores(iq))
    np.testing.assert_array_equal(rtl.predict(iq), NETWORK.scores(iq).argmax(axis=1))
    with pytest.raises(ValueError, match=r"iq has shape \(100, 2, 31\); allowed: \(n, 2, 32\)"):
        rtl.compute(iq[:, :, :31])


def test_a_large_design_is_compiled_without_optimisation_and_equal(rtl, monkeypatch):
    run, seen = subprocess.run, []
    monkeypatch.setattr(simulation, "LARGE", 0)
    monkeypatch.setattr(
        simulation.subprocess,
        "run",
        lambda command, **how: seen.append(command) or run(command, **how),
    )
    large, iq = RtlNetwork(rtl.design), samples(NETWORK, 100, seed=9)
    assert "-O0" in seen[-1]
    np.testing.assert_array_equal(large.compute(iq), NETWORK.compute(iq))


@pytest.mark.parametrize(
    ("gap", "stall"), [(0.3, 0), (0.9, 0), (0, 0.5), (0, 0.98), (0.5, 0.95), (0.97, 0.9)]
)
def test_gaps_and_stalls_change_nothing(rtl, gap, stall):
    iq = samples(NETWORK, 600, seed=3)
    assert_equal(rtl.play([quantise(NETWORK, iq)], gap, stall, seed=4), NETWORK.compute(iq))


def test_all_at_once_harms_no_chunk_but_those_under_way_at_a_reset(rtl):
    iq = samples(NETWORK, 400, seed=10)
    found = disturb(rtl, iq, np.random.default_rng(11))
    assert found.chunks == 400 and 0 < found.given_up < 20 * 10
    assert found.equal == 400 - found.given_up
    last = replace(NETWORK.layers[-1], biases=NETWORK.layers[-1].biases + 1)
    other = replace(NETWORK, layers=(*NETWORK.layers[:-1], last))
    (wrong := copy(rtl)).design = replace(rtl.design, network=other)
    assert disturb(wrong, iq, np.random.default_rng(11)).equal == 0


def with_wrong_chunks(design, iq: np.ndarray, seed: int):
    """Chunks among which some are too short and too long, by beats."""
    rng, beat = np.random.default_rng(seed), design.symbols_per_clock
    symbols = quantise(design.network, iq)
    parts = []
    for chunk in symbols:
        if rng.random() < 0.3:
            length = beat * int(rng.choice([1, 2, 3, 30, 31, 33, 34, 64, 65, 90]) // beat or 1)
            if length != design.network.chunk_size:
                parts.append(np.resize(symbols, (1, length, symbols.shape[2])))
        parts.append(chunk[None])
    return parts


@pytest.mark.parametrize(("gap", "stall"), [(0, 0), (0.4, 0.9)])
def test_a_last_in_the_wrong_place_harms_no_other_chunk(rtl, gap, stall):
    iq = samples(NETWORK, 400, seed=5)
    parts = with_wrong_chunks(rtl.design, iq, seed=6)
    assert len(parts) > 480
    assert_equal(rtl.play(parts, gap, stall, seed=7), NETWORK.compute(iq))


def test_a_reset_gives_up_what_is_under_way_and_nothing_behind_it(rtl):
    iq, scores = samples(NETWORK, 120, seed=8), None
    scores = NETWORK.compute(iq)
    for beat in (*range(1600, 1664, 7), 1632, 1633, 1631):
        trace = rtl.play([quantise(NETWORK, iq)], 0.2, 0.3, seed=beat, resets=[beat])
        whole = 120 - -(-beat // 32)  # chunks that begin behind the reset
        assert_equal(
            replace(trace, classes=trace.classes[-whole:], scores=trace.scores[-whole:]),
            scores[-whole:],
        )
        early = len(trace.classes) - whole
        assert 45 < early <= beat // 32
        np.testing.assert_array_equal(trace.scores[:early], scores[:early])


RANDOM = [  # fold, channels, bits, hidden, symbols per clock, chunk size
    ("fold", (5, 4), 3, None, 1, 32),
    ("fold_sign", (6,), 6, None, 2, 32),
    ("fold_sign_noise", (4, 3), 4, None, 4, 32),
    ("fold", (3, 4, 5), 4, None, 8, 32),
    ("", (6, 5), 4, 4, 1, 32),
    ("", (4, 3), 4, 3, 8, 64),
    ("fold_sign_noise", (4, 4), 8, None, 1, 24),
]


@pytest.mark.parametrize(("fold", "channels", "bits", "hidden", "symbols", "size"), RANDOM)
def test_networks_of_every_kind(fold, channels, bits, hidden, symbols, size):
    network = random_network(fold, channels, bits, len(channels), hidden, size)
    rtl = RtlNetwork(generate_streaming(network, symbols))
    iq = samples(network, 600, seed=9)
    scores = network.compute(iq)
    assert (scores.std(axis=0) > 1).sum() > 5
    trace = rtl.play([quantise(network, iq)])
    assert_equal(trace, scores)
    assert set(trace.shown - trace.ends) == {rtl.design.latency}
    assert set(np.diff(trace.shown)) == {rtl.design.clocks_per_chunk} == {size // symbols}
    parts = with_wrong_chunks(rtl.design, iq, seed=10)
    assert_equal(rtl.play(parts, 0.3, 0.8, seed=11), scores)


def mutate(files: dict[str, str], name: str, old: str, new: str) -> dict[str, str]:
    """One place of one file changed: the first that a pattern finds."""
    text, count = re.subn(old, new, files[name], count=1)
    assert count == 1
    return {**files, name: text}


MUTATIONS = {
    "weight": ("conv1.sv", r"<<< 2", "<<< 1"),
    "bias": ("conv2.sv", r"'sd(\d)", r"'sd1\1"),
    "shift": ("conv1.sv", r"\? 4'd0 : \{(\w+)\[(\d+):(\d+)\]", r"? 4'd0 : {\1[\2:\3] >> 1"),
    "half to even": ("conv1.sv", r" & \|\w+\[\d+:0\]", ""),
    "saturation": ("fold.sv", r" \| \{7\{i_least\}\}", ""),
    "score bias": ("linear1.sv", r"17'h1f", "17'h1e"),
    "swapped scores": ("linear1.sv", r"y = \{y8, y7", "y = {y7, y8"),
    "sum not cleared": ("chunk_sum.sv", r"if \(first_next\)", "if (1'b0)"),
    "last compared as the others": ("argmax.sv", r"last \? y\[0\]", "1'b0 ? y[0]"),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutated_design_is_found_out(name):
    design = generate_streaming(NETWORK)
    iq = samples(NETWORK, 400, seed=12)
    trace = RtlNetwork(design, mutate(design.files, *MUTATIONS[name])).play([quantise(NETWORK, iq)])
    with pytest.raises(AssertionError):
        assert_equal(trace, NETWORK.compute(iq))


def test_of_equal_scores_the_first_wins():
    last = NETWORK.layers[-1]
    order = [4, 4, 2, 2, 2, 1, 0, 1, 0]
    twins = replace(
        last, weights=last.weights[order], biases=last.biases[order], shifts=last.shifts[order]
    )
    network = replace(NETWORK, layers=(*NETWORK.layers[:-1], twins))
    iq = samples(network, 300, seed=13)
    for symbols in (1, 4):
        trace = RtlNetwork(generate_streaming(network, symbols)).play([quantise(network, iq)])
        assert_equal(trace, network.compute(iq))
        assert set(trace.classes) <= {0, 2, 5, 6}


def test_signed_digits_are_canonical():
    for value in range(-300, 300):
        digits = list(signed_digits(value))
        assert sum(sign << shift for shift, sign in digits) == value
        assert all(b - a > 1 for (a, _), (b, _) in itertools.pairwise(digits))


def test_adder_graphs_are_products_and_share():
    rng = np.random.default_rng(0)
    saved = 0
    for _ in range(100):
        outputs, inputs = rng.integers(1, 12), rng.integers(1, 9)
        weights = rng.integers(-127, 128, (outputs, inputs))
        weights[rng.random(weights.shape) < 0.3] = 0
        constants = rng.integers(-1000, 1000, outputs) * rng.integers(0, 2, outputs)
        graph = share_adders(weights, constants, [7] * inputs)
        vector = np.concatenate([rng.integers(-128, 128, inputs), constants])
        values = graph.coefficients() @ vector
        found = [values[term.signal] << term.shift for term in graph.outputs]
        assert found == list(weights @ vector[:inputs] + constants)
        assert all(term.sign == 1 for term in graph.outputs)
        for k, (one, other) in enumerate(graph.adders, start=inputs + outputs):
            assert graph.depths[k] == 1 + max(graph.depths[t.signal] for t in (one, other))
        terms = sum(len(list(signed_digits(int(w)))) for w in weights.ravel())
        saved += terms + np.count_nonzero(constants) - outputs - len(graph.adders)
    assert saved > 1000


def test_what_has_no_streaming_design_is_refused():
    with pytest.raises(ValueError, match="symbols_per_clock is 3; allowed: 1, 2, 4, 8"):
        generate_streaming(NETWORK, 3)
    odd = random_network("fold", (4,), 4, size=20)
    with pytest.raises(ValueError, match=r"symbols_per_clock is 8; allowed: 1, 2, 4$"):
        generate_streaming(odd, 8)
    folder = RESULTS / "integers"
    with pytest.raises(ValueError, match=r"whose conv1 sees several symbols; allowed: a symbol"):
        generate_streaming(load_integers(folder / "vgglike_2f_1c_1re_1mp_6bit_pr_30.safetensors"))


def test_what_simulation_lacks_or_refuses_is_told(monkeypatch):
    design = generate_streaming(NETWORK)
    with pytest.raises(RuntimeError, match="verilator_bin refuses it"):
        RtlNetwork(design, mutate(design.files, "argmax.sv", "endmodule", "end"))
    drops = mutate(
        design.files, "classifier.sv", r"decided \| \(m_axis_tvalid & ~m_axis_tready\)", "decided"
    )
    rtl = RtlNetwork(design, drops)
    symbols = [quantise(NETWORK, samples(NETWORK, 72, seed=14))]
    assert len(rtl.play(symbols).classes) == 72
    with pytest.raises(RuntimeError, match="breaks AXI4-Stream"):
        rtl.play(symbols, stall=0.5)
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(RuntimeError, match=r"C\+\+ compiler is missing"):
        RtlNetwork(design)


def test_the_pins_are_sampled_clock_by_clock():
    design, iq = generate_streaming(NETWORK, 2), samples(NETWORK, 40)[:3]
    pins = sample_pins(design, iq)
    taken = pins[(pins["s_axis_tvalid"] & pins["s_axis_tready"]) == 1]
    given = quantise(NETWORK, iq).reshape(-1, 2, 2)[:, 0]  # the earlier of a clock's two symbols
    assert (taken[["x0", "x1"]] == given).all(axis=None)
    ends = taken.index[taken["s_axis_tlast"] == 1]
    shown = pins.index[pins["m_axis_tvalid"] == 1]
    assert list(shown - ends) == [design.latency] * 3
    assert list(pins["m_axis_tdata"][shown]) == list(NETWORK.compute(iq).argmax(axis=1))

"""A network as C gives the scores of its integers, to the bit, and a wrong one is seen."""

import re
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
import torch

from amrpkg.cli import main
from amrpkg.evaluation import evaluate
from amrpkg.export import (
    CNetwork,
    as_network,
    c_network,
    export,
    find_compiler,
    generate_c,
    judge,
    load_integers,
    load_network,
    save_c,
)
from amrpkg.hardware import IntegerLayer, IntegerNetwork, to_integers
from amrpkg.models import ARCHITECTURES, THESIS_ARCHITECTURES, build, quantization
from amrpkg.models.architectures import symbol_wise
from amrpkg.signals import CONSTELLATIONS, make_chunks, with_noise_word

needs_compiler = pytest.mark.skipif(not find_compiler(), reason="no C compiler here")
STRICT = ("-Wall", "-Wextra", "-Wshadow", "-Werror", "-pedantic")
SMALL = [
    "integers/pointwise_48_32_16_4bit_pr_30",
    "integers/pointwise_24_16_8_4bit_pr_30",
    "search/symbolwise_2_6_6_4bit_seed_0",
    "search/symbolwise_2_12_8_3bit_seed_0",
    "search/symbolwise_2_8_8_6bit_seed_0",
    "search/symbolwise_2_6_8_8bit_seed_0",
    "search/symbolwise_2_8_8bit_seed_0",
]
FOLDED = [symbol_wise("fold_sign", 6, 8), symbol_wise("fold_sign_noise", 8, 6)]


@pytest.fixture
def stored(root):
    return lambda name: load_integers(root / "results" / f"{name}.safetensors")


def make_samples(network: IntegerNetwork, count: int, seed: int = 0) -> np.ndarray:
    """Chunks of signals, a tenth of them any integers and ties: ``float32[count, ...]``."""
    rng, step = np.random.default_rng(seed), 2.0**network.input_exponent
    iq = make_chunks(-(-count // 9), network.chunk_size, 0.02, seed=seed).iq[:count]
    if network.inputs == 3:
        noise = rng.integers(0, 41, (count, 1, 1)) * np.ones((1, 1, network.chunk_size)) / 32
        iq = np.concatenate([iq, noise], axis=1).astype(np.float32)
    largest, odd = 1 << network.input_bits, iq[::10, :2]
    odd[:] = rng.integers(-largest, largest + 1, odd.shape) * step / 2
    return iq


def differing(network: IntegerNetwork, count: int, *flags: str) -> int:
    iq = make_samples(network, count)
    found = CNetwork(network, *flags).compute(iq)
    return int((found != network.compute(iq)).any(axis=1).sum())


@needs_compiler
@pytest.mark.parametrize("name", SMALL)
def test_small_networks_are_equal_on_ten_thousand_chunks(name, stored):
    assert differing(stored(name), 10_000, *STRICT) == 0


@needs_compiler
@pytest.mark.parametrize("architecture", THESIS_ARCHITECTURES)
def test_networks_of_the_thesis_are_equal(architecture, stored):
    network = stored(f"integers/{architecture}_6bit_pr_30")
    assert differing(network, 1_000, *STRICT) == 0


@needs_compiler
@pytest.mark.parametrize("row", FOLDED, ids=lambda row: row.short)
@pytest.mark.parametrize("bits", [8, 3])
def test_every_fold_is_equal(row, bits, monkeypatch):
    monkeypatch.setitem(ARCHITECTURES, row.short, row)
    torch.manual_seed(bits)
    iq = with_noise_word(make_chunks(16).iq, 0.02)[:, : row.inputs]
    model = build(row.short, bits)
    quantization.hold_fitted_scales(model, torch.from_numpy(iq))
    assert differing(to_integers(model.eval()), 10_000, *STRICT) == 0


def random_network(rng: np.random.Generator) -> IntegerNetwork:
    """Layers of any sizes and shifts, far from ours, whose scores stay in 32 bits."""
    size, channels = 8, 2
    kinds = [str(kind) for kind in rng.choice(["conv", "pool", "linear"], 4)] + ["linear"]
    layers = []
    for k, kind in enumerate(kinds, start=1):
        last, bits = k == len(kinds), int(rng.integers(2, 13))
        if kind == "pool":
            if size > 1:
                size //= 2
                layers.append(
                    IntegerLayer(f"layer{k}", "pool", 0, layers[-1].bits if layers else 6)
                )
            continue
        taps = int(rng.choice([1, 3, 5])) if kind == "conv" else 1
        if kind == "linear":
            channels, size = channels * size, 1
        outputs = 9 if last else int(rng.integers(1, 40))
        weights = rng.integers(-128, 128, (outputs, channels, taps)).astype(np.int8)
        biases = rng.integers(-(2**14), 2**14, outputs).astype(np.int32)
        shifts = rng.integers(-3, 1, outputs) if last else rng.integers(-6, 21, outputs)
        sizes = 0, 0 if last else bits, 8, weights, biases, shifts.astype(np.int8)
        layers.append(IntegerLayer(f"layer{k}", kind, *sizes))
        channels = outputs
    return IntegerNetwork("any", 8, 8, 6, 0, tuple(layers))


@needs_compiler
@pytest.mark.parametrize("seed", range(12))
def test_any_layers_and_shifts_are_equal(seed):
    assert differing(random_network(np.random.default_rng(seed)), 200, *STRICT) == 0


@needs_compiler
def test_sums_of_more_than_32_bits_are_equal():
    rng = np.random.default_rng(0)
    sizes = ((8, 2, 3, 16), (5, 64, 1, 16), (9, 5, 1, 0))
    layers = []
    for outputs, inputs, taps, bits in sizes:
        weights = rng.integers(-100, 100, (outputs, inputs, taps)).astype(np.int8)
        biases = rng.integers(-(2**30), 2**30, outputs).astype(np.int32)
        shifts = np.arange(outputs, dtype=np.int8) * 3 % 17 if bits else np.zeros(9, np.int8)
        kind = "conv" if taps > 1 else "linear"
        layers.append(IntegerLayer(kind, kind, 0, bits, 8, weights, biases, shifts))
    network = IntegerNetwork("wide", 8, 8, 16, -8, tuple(layers))
    assert "int64_t sum" in generate_c(network, "x").source
    assert "int16_t iq[]" in generate_c(network, "x").header
    assert differing(network, 500, *STRICT) == 0


MUTATIONS = {
    "a weight": (r"(_weights\[\d+\] = \{\s*)(-?\d+)", lambda m: f"{m[1]}{int(m[2]) ^ 1}"),
    "a bias": (r"(conv2_biases\[\d+\] = \{\s*)(-?\d+)", lambda m: f"{m[1]}{int(m[2]) + 1}"),
    "a shift": (r"(activation\(sum, )(\d+)", lambda m: f"{m[1]}{int(m[2]) + 1}"),
    "a tie up": (r"half - 1 \+ \(value >> shift & 1\)", "half"),
    "down": (r"value \+ half - 1 \+ \(value >> shift & 1\)", "value"),
    "no clamp": (r"value < top \? value : top", "value"),
    "no rectifier": (r"sum > 0 \? sum : 0", "sum"),
    "scores swapped": (r"out\[c \* 1 \+ p\] = sum", "out[c ^ (c < 2)] = sum"),
    "a sum too short": (r"p < 32; p\+\+\)(\n +sum \+=)", r"p < 31; p++)\1"),
}


@needs_compiler
@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_wrong_number_or_rounding_is_seen(mutation, stored, monkeypatch):
    network, (old, new) = stored(SMALL[2]), MUTATIONS[mutation]
    assert differing(network, 500) == 0

    def mutated(*arguments):
        code = generate_c(*arguments)
        source, count = re.subn(old, new, code.source, count=1)
        assert count == 1
        return replace(code, source=source)

    monkeypatch.setattr(c_network, "generate_c", mutated)
    assert differing(network, 500) > 0


@needs_compiler
def test_samples_are_rounded_as_the_integers_round_them(stored):
    network = stored(SMALL[2])
    compiled = CNetwork(network)
    ties = np.arange(-300, 300) / 2
    near = np.nextafter(ties.astype(np.float32), np.float32([[-np.inf], [np.inf]]))
    odd = [0.0, -0.0, 1e-30, -1e-45, 3e38, -3e38, np.inf, -np.inf]
    values = np.concatenate([ties, *near, odd]).astype(np.float32)
    values = np.resize(values, (-(-len(values) // 64), 2, 32)) * np.float32(2**-6)
    np.testing.assert_array_equal(compiled.compute(values), network.compute(values))
    lowest = np.full((1, 2, 32), -2, np.float32)
    holes = np.where(np.arange(32) % 2, lowest, np.float32(np.nan))
    np.testing.assert_array_equal(compiled.compute(holes), network.compute(lowest))


@needs_compiler
def test_a_bound_call_takes_integers_and_samples(stored):
    network = stored(SMALL[2])
    compiled, iq = CNetwork(network), make_samples(network, 64)
    words = np.rint(iq.clip(-2, 127 / 64) * 64).astype(np.int8)
    expected = network.compute(iq)
    for samples in (iq, words):
        call = compiled.bind(samples, scores := np.empty((64, 9), np.int32))
        call()
        np.testing.assert_array_equal(scores, expected)
        samples[5] = 0  # seen by the next call
        call()
        assert (scores[5] == network.compute(iq[:1] * 0)).all()
    for wrong in (iq[:, :, ::-1], iq.astype(float), words.astype(np.int16)):
        with pytest.raises(ValueError, match=r"iq is of .*; allowed: float32 or int8, without"):
            compiled.bind(wrong, scores)
    with pytest.raises(ValueError, match=r"iq has shape \(1, 3, 32\); allowed: \(n, 2, 32\)"):
        compiled.compute(np.zeros((1, 3, 32)))
    with pytest.raises(ValueError, match=r"scores is int64 of shape \(64, 9\); allowed: int32"):
        compiled.bind(iq, scores.astype(int))


@needs_compiler
def test_it_is_judged_as_the_other_forms(stored):
    network = stored(SMALL[2])
    compiled = CNetwork(network)
    chunks = make_chunks(50, split="evaluation")
    confusions = [evaluate(form, chunks).confusion for form in (compiled, as_network(network))]
    np.testing.assert_array_equal(*confusions)
    found = judge(as_network(network, compiled.scores), 50, progress=False)
    assert str(found) == str(judge(as_network(network), 50, progress=False))


PROGRAM = """
#include <cstdio>
#include "mine.h"

int main()
{
    float samples[THAT_SAMPLES];
    int8_t iq[THAT_SAMPLES];
    int32_t scores[THAT_CLASSES];
    for (int k = 0; k < THAT_SAMPLES; k++)
        samples[k] = (float)(k % 7 - 3) / 4;
    that_quantise(samples, iq);
    that_scores(iq, scores);
    std::printf("%s", that_classes[that_class(iq)]);
    for (int k = 0; k < THAT_CLASSES; k++)
        std::printf(" %ld", (long)scores[k]);
}
"""


@pytest.mark.skipif(not (find_compiler() and shutil.which("g++")), reason="no C++ compiler here")
def test_the_command_writes_what_a_program_in_cpp_can_use(root, tmp_path, capsys):
    weights = root / "results/weights/vgglike_2f_2c_2re_2mp_6bit_pr_20.safetensors"
    assert main(["export", str(weights), "--format", "c", "-o", str(tmp_path / "mine.c")]) == 0
    assert f"-> {tmp_path / 'mine.c'} (" in capsys.readouterr().out
    program = PROGRAM.replace("that", weights.stem).replace("THAT", weights.stem.upper())
    (tmp_path / "main.cpp").write_text(program)
    cc = [find_compiler(), "-std=c99", *STRICT, "-c", "mine.c"]
    cpp = ["g++", "-std=c++11", *STRICT, "main.cpp", "mine.o", "-o", "main"]
    for command in (cc, cpp):
        subprocess.run(command, cwd=tmp_path, check=True)
    shown = subprocess.run([tmp_path / "main"], check=True, capture_output=True, text=True).stdout
    main(["export", str(weights), "--format", "integer", "-o", str(tmp_path / "x.safetensors")])
    iq = ((np.arange(64) % 7 - 3) / 4).astype(np.float32).reshape(1, 2, 32)
    scores = load_integers(tmp_path / "x.safetensors").compute(iq)[0]
    assert shown.split() == [list(CONSTELLATIONS)[scores.argmax()], *map(str, scores)]


def test_a_file_of_c_is_not_read(tmp_path, capsys):
    (tmp_path / "x.c").write_text("int x;")
    with pytest.raises(ValueError, match=r"x.c' is of an unknown kind; allowed: .onnx, .safe"):
        load_network(tmp_path / "x.c")


def test_without_a_compiler_it_is_said(stored, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ValueError, match="no C compiler is found; allowed: one of cc, gcc, clang"):
        CNetwork(stored(SMALL[2]))


@needs_compiler
def test_what_the_compiler_refuses_is_said(stored):
    with pytest.raises(ValueError, match=r"cc refused: .*no-such-flag"):
        CNetwork(stored(SMALL[2]), "--no-such-flag")


def test_no_name_of_a_file_gets_into_the_code(stored):
    network = stored(SMALL[2])
    for name, own in (
        ('x */ #include "/etc/passwd"', "x_include_etc_passwd"),
        ("16 öre", "network_16_re"),
        ("", "network"),
        ("a" * 1000, "a" * 64),
    ):
        layers = tuple(replace(layer, name=f"{name} evil()") for layer in network.layers)
        code = generate_c(replace(network, name=name, layers=layers), "x")
        assert code.name == own
        assert "evil" not in code.source and "/etc" not in code.source + code.header


def test_what_c_cannot_say_is_refused(stored, tmp_path):
    network = stored(SMALL[2])
    with pytest.raises(ValueError, match=r"name of the file is 'a\\nb'; allowed for C"):
        save_c(network, tmp_path / "a\nb.c")
    *layers, last = network.layers
    for shifts, message in (
        (np.full(9, 1, np.int8), "shifts of 1 to 1 in linear layers; allowed in C: at most 32"),
        (np.full(9, -30, np.int8), "sums of 45 bits in linear1; allowed in C: at most 32"),
        (np.full(9, -60, np.int8), "sums of 47 bits in linear1; allowed in C: at most 32"),
    ):
        wrong = replace(network, layers=(*layers, replace(last, shifts=shifts)))
        with pytest.raises(ValueError, match=message):
            save_c(wrong, tmp_path / "x.c")
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="format is 'c' and the model is float; allowed"):
        export(build("pointwise_24_16_8"), tmp_path / "x.c", "c")

"""Symbol-wise networks are the same in every form: one contract for all folds and bit widths."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch

from amrpkg.evaluation import evaluate, samples_for, score
from amrpkg.export import (
    FORMATS,
    as_network,
    export,
    find_compiler,
    judge,
    load_integers,
    load_network,
    qcdq_graph,
    qonnx_graph,
    run_onnxruntime,
    run_openvino,
    run_qonnx,
    save_integers,
)
from amrpkg.export.runtimes import has_vnni
from amrpkg.hardware import (
    count_architecture,
    count_model,
    estimate,
    estimate_architecture,
    to_integers,
)
from amrpkg.models import ARCHITECTURES, build, quantization
from amrpkg.models.architectures import symbol_wise
from amrpkg.records.exports import compare_files
from amrpkg.signals import CONSTELLATIONS, make_chunks, stream, with_noise_word
from amrpkg.signals.noise_word import LOUDEST, QUIETEST
from amrpkg.training import make_permanent, prune_channels, shrink

ROWS = [
    symbol_wise("fold", 8, 8),
    symbol_wise("fold_sign", 6, 8),
    symbol_wise("fold_sign_noise", 8, 6),
    symbol_wise("fold_sign", 8, 6, hidden=(16,)),
]
BITS = [8, 6, 4, 3]
QUANTISED = [(row.short, bits) for row in ROWS for bits in BITS]


@pytest.fixture(autouse=True)
def rows(monkeypatch):
    for row in ROWS:
        monkeypatch.setitem(ARCHITECTURES, row.short, row)


@pytest.fixture(scope="module")
def chunks():
    """576 chunks and all words of noise; samples that saturate, zeros and ties among them."""
    rng = np.random.default_rng(0)
    iq = with_noise_word(make_chunks(64, noise_power=0.02, split="evaluation").iq, 0.02)
    iq[::7, :2] *= 4
    iq[1::7, :2] = np.rint(64 * iq[1::7, :2]) / 64 + 1 / 128
    iq[:, :2][rng.random((len(iq), 2, 32)) < 0.1] = 0
    iq[2::7, 0], iq[3::7, :2], iq[4::7, 1, ::2] = -0.0, 0, -2
    iq[:, 2] = rng.integers(0, 41, (len(iq), 1)) / 32
    return iq


def scores(model, iq):
    with torch.inference_mode():
        return model(torch.from_numpy(iq)).numpy()


def network(name, bits, fraction, iq):
    model = build(name, bits, seed=bits)
    if bits != 32:
        quantization.hold_fitted_scales(model, torch.from_numpy(iq))
    prune_channels(model, fraction)
    make_permanent(model)
    return model.eval()


@pytest.mark.parametrize("fraction", [0, 0.3])
@pytest.mark.parametrize(("name", "bits"), QUANTISED)
def test_every_form_gives_the_scores_to_the_bit(name, bits, fraction, chunks, tmp_path):
    iq = chunks[:, : ARCHITECTURES[name].inputs]
    model = network(name, bits, fraction, iq)
    expected = scores(model, iq)
    assert len(np.unique(expected)) > 50
    small = shrink(model)
    np.testing.assert_array_equal(scores(small, iq), expected)
    for form in (to_integers(model), integers := to_integers(small)):
        np.testing.assert_array_equal(form.scores(iq), expected)
    save_integers(integers, path := tmp_path / "x.safetensors")
    np.testing.assert_array_equal(load_integers(path).compute(iq), integers.compute(iq))
    graph = qcdq_graph(integers)
    onnx.checker.check_model(graph, full_check=True)
    np.testing.assert_array_equal(run_onnxruntime(graph)(iq), expected)
    np.testing.assert_array_equal(run_qonnx(qonnx_graph(integers))(iq), expected)
    if bits < 8 or has_vnni():  # else OpenVINO's sums clip
        np.testing.assert_array_equal(run_openvino(graph, 64)(iq), expected)
    word = max(bits, 4)
    hidden = [word] * len(ARCHITECTURES[name].hidden_features)
    assert [layer.bits for layer in integers.layers] == [7, word, word, word + 5, *hidden, 0]


@pytest.mark.parametrize("size", [1, 8, 256])
@pytest.mark.parametrize("name", [row.short for row in ROWS])
def test_longer_and_shorter_sums(name, size):
    iq = with_noise_word(make_chunks(16, size, 0.02).iq, 0.02)[:, : ARCHITECTURES[name].inputs]
    model = build(name, 6, size)
    quantization.hold_fitted_scales(model, torch.from_numpy(iq))
    expected, integers = scores(model.eval(), iq), to_integers(model)
    np.testing.assert_array_equal(integers.scores(iq), expected)
    np.testing.assert_array_equal(run_onnxruntime(qcdq_graph(integers))(iq), expected)
    np.testing.assert_array_equal(run_qonnx(qonnx_graph(integers))(iq), expected)


@pytest.mark.parametrize(("name", "bits"), QUANTISED)
def test_every_file_is_read_back_exact_and_counts_as_the_others(name, bits, chunks, tmp_path):
    iq = chunks[:, : ARCHITECTURES[name].inputs]
    model, found = network(name, bits, 0.3, iq), set()
    for format, form in ((key, form) for key, form in FORMATS.items() if form.read):
        export(model, path := tmp_path / f"{format}{form.suffix}", format)
        read = load_network(path)
        np.testing.assert_array_equal(score(read, iq), scores(model, iq))
        found.add(estimate(read))
        assert (read.inputs, read.bit_width) == (iq.shape[1], bits)
        with pytest.raises(ValueError, match=rf"allowed: \(n, {iq.shape[1]}, 32\)"):
            read.scores(np.zeros((1, 5, 32), np.float32))
    assert len(found) == 1


@pytest.mark.parametrize("name", [row.short for row in ROWS])
def test_float_files(name, chunks, tmp_path):
    iq = chunks[:, : ARCHITECTURES[name].inputs]
    model = network(name, 32, 0.3, iq)
    expected = scores(model, iq)
    largest = np.abs(expected).max()
    export(model, path := tmp_path / "x.onnx", "onnx")
    read = load_network(path)
    for found in (score(read, iq), run_openvino(onnx.load(path), 64)(iq)):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 * largest)
    assert estimate(read) == estimate(shrink(model))


@pytest.mark.parametrize(("name", "bits"), [(row.short, bits) for row in ROWS for bits in (32, 6)])
def test_counts_are_those_of_the_row(name, bits):
    assert count_model(build(name, bits)) == count_architecture(name)
    assert estimate(build(name, bits)) == estimate_architecture(name, bits)


@pytest.mark.parametrize("name", [row.short for row in ROWS])
def test_a_table_for_the_designer(name, chunks):
    integers = to_integers(network(name, 3, 0, chunks[:, : ARCHITECTURES[name].inputs]))
    table = integers.describe().set_index("layer")
    behind = ["average", "linear1", "linear2"] if "_h" in name else ["sum", "linear1"]
    assert list(table.index) == ["fold", "conv1", "conv2", *behind]
    assert list(table["output bits"]) == [7, 4, 4, 9, *[4] * (len(behind) - 2), ""]
    assert table.loc["conv2", "weight bits"] == 3


@pytest.mark.parametrize("bits", [32, 6])
def test_files_are_compared_with_the_noise_told(bits, chunks):
    model = network(ROWS[2].short, bits, 0.3, chunks)
    row = compare_files(model, chunks)
    assert row["largest_difference"] <= (bits == 32) * 1e-6 * row["largest_score"]
    forms = ["shrunk", "integer", "onnxruntime", "openvino", "qonnx"]
    forms += ["c"] * bool(find_compiler())
    for form in forms if bits < 32 else forms[:1]:
        assert row[f"decided_{form}"] == 0 and (bits == 32 or row[f"differing_{form}"] == 0)


def test_a_network_is_judged_with_the_noise_told(chunks):
    name = ROWS[2].short
    model = network(name, 6, 0, chunks)
    for form in (model, as_network(to_integers(model))):
        fresh = make_chunks(20, noise_power=0.03, split="evaluation")
        decided = scores(model, with_noise_word(fresh.iq, 0.03)).argmax(axis=1)
        found = judge(form, 20, 0.03, progress=False).network.confusion
        assert (found.sum(0) == np.bincount(decided, minlength=9)).all()
        assert (found == evaluate(form, fresh).confusion).all()
        with pytest.raises(ValueError, match=r"noise_power is 0\.3; allowed"):
            judge(form, 20, 0.3, progress=False)


def test_the_noise_is_told_in_eighths_of_an_octave():
    iq = make_chunks(1).iq
    for noise_power, value in ((2**-8, 0), (2**-7.51, 4 / 32), (0.005, 3 / 32), (2**-3, 40 / 32)):
        told = with_noise_word(iq, noise_power)
        assert told.shape == (9, 3, 32) and told.dtype == np.float32
        assert (told[:, :2] == iq).all() and (told[:, 2] == np.float32(value)).all()


def test_each_chunk_of_a_stream_is_told_its_own_noise():
    batch = next(stream(64, noise_power=(QUIETEST, LOUDEST), seed=3))
    told = samples_for(build(ROWS[2].short, 6), batch)
    assert samples_for(build(ROWS[1].short, 6), batch) is batch.iq
    assert (told[:, :2] == batch.iq).all() and (told[:, 2] == told[:, 2, :1]).all()
    assert np.abs(told[:, 2, 0] * 32 - 8 * np.log2(batch.noise_power) - 64).max() <= 0.5
    assert len(np.unique(told[:, 2])) > 20
    points = np.concatenate(list(CONSTELLATIONS.values()))
    away = np.abs((batch.iq[:, 0] + 1j * batch.iq[:, 1])[..., None] - points).min(axis=-1)
    loudest = batch.noise_power.argsort()[-32:]
    assert np.delete(away, loudest, 0).mean() < away[loudest].mean()  # the powers are the chunks'


@pytest.mark.parametrize(
    ("noise_power", "came"),
    [
        *((power, power) for power in (0, 0.0039, 0.126, np.nan, None)),
        (np.full(9, 0.126), r"an array of shape \(9,\)"),
        (np.full(8, 0.1), r"an array of shape \(8,\)"),
    ],
)
def test_noise_that_has_no_word_is_refused(noise_power, came):
    with pytest.raises(ValueError, match=f"noise_power is {came}; allowed: 0.00390625 to 0.125"):
        with_noise_word(make_chunks(1).iq, noise_power)


def test_a_layer_behind_a_sum_is_refused():
    with pytest.raises(ValueError, match=r"hidden_features is \(5,\); allowed: \(\) behind a sum"):
        replace(ROWS[0], hidden_features=(5,))

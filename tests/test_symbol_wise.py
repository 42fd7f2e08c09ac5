"""Symbol-wise networks are the same in every form: one contract for all folds and bit widths."""

import numpy as np
import onnx
import pytest
import torch

from amrpkg.export import (
    load_integers,
    qcdq_graph,
    qonnx_graph,
    run_onnxruntime,
    run_openvino,
    run_qonnx,
    save_integers,
)
from amrpkg.export.runtimes import has_vnni
from amrpkg.hardware import count_architecture, count_model, to_integers
from amrpkg.models import ARCHITECTURES, BIT_WIDTHS, build, quantization
from amrpkg.models.architectures import symbol_wise
from amrpkg.signals import make_chunks
from amrpkg.signals.noise_word import with_noise_word
from amrpkg.training import make_permanent, prune_channels, shrink

ROWS = [
    symbol_wise("fold", 8, 8),
    symbol_wise("fold_sign", 6, 8),
    symbol_wise("fold_sign_noise", 8, 6),
]
BITS = [8, 6, 4, 3]
QUANTISED = [(row.short, bits) for row in ROWS for bits in BITS]


@pytest.fixture(autouse=True)
def rows_and_bits(monkeypatch):
    for row in ROWS:
        monkeypatch.setitem(ARCHITECTURES, row.short, row)
    added = [bits for bits in BITS if bits not in BIT_WIDTHS]
    BIT_WIDTHS.extend(added)
    yield
    for bits in added:
        BIT_WIDTHS.remove(bits)


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
    assert len(np.unique(expected)) > 1000
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
    assert [layer.bits for layer in integers.layers] == [
        7,
        *[max(bits, 4)] * 2,
        max(bits, 4) + 5,
        0,
    ]


@pytest.mark.parametrize(("name", "bits"), QUANTISED)
def test_counts(name, bits):
    assert count_model(build(name, bits)) == count_architecture(name)


def test_the_noise_is_told_in_eighths_of_an_octave():
    iq = make_chunks(1).iq
    for noise_power, value in ((2**-8, 0), (2**-7.51, 4 / 32), (0.005, 3 / 32), (2**-3, 40 / 32)):
        told = with_noise_word(iq, noise_power)
        assert told.shape == (9, 3, 32) and told.dtype == np.float32
        assert (told[:, :2] == iq).all() and (told[:, 2] == np.float32(value)).all()


@pytest.mark.parametrize("noise_power", [0, 0.0039, 0.126, np.nan])
def test_noise_that_has_no_word_is_refused(noise_power):
    with pytest.raises(ValueError, match=f"noise_power is {noise_power}; allowed: "):
        with_noise_word(make_chunks(1).iq, noise_power)

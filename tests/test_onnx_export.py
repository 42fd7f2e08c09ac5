"""Exported graphs give the trained scores, in integers, and are small on the disk."""

import json
import subprocess
import sys
import warnings
from time import perf_counter

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, numpy_helper

from amrpkg.export import (
    FORMATS,
    Format,
    as_network,
    export,
    float_graph,
    load_network,
    load_onnx,
    qcdq_graph,
    qonnx_graph,
    run_onnxruntime,
    run_openvino,
    run_qonnx,
    runtimes,
)
from amrpkg.hardware import IntegerLayer, IntegerNetwork, estimate, to_integers
from amrpkg.models import ARCHITECTURES, build, load_model
from amrpkg.signals import CONSTELLATIONS, make_chunks
from amrpkg.speed import onnxruntime_operators, openvino_layers, profile_openvino
from amrpkg.training import prune_channels, shrink

QUANTISED = [(name, bits) for name in ARCHITECTURES for bits in (8, 6, 4)]
STORED = "vgglike_2f_2c_2re_2mp_6bit_pr_20"


@pytest.fixture(scope="module")
def iq():
    return make_chunks(20, noise_power=0.02, split="evaluation").iq


def scores(model, iq):
    with torch.inference_mode():
        return model(torch.from_numpy(iq)).numpy()


@pytest.mark.parametrize(("name", "bits"), QUANTISED)
def test_every_quantised_graph_gives_the_scores_to_the_bit(name, bits, calibrated, iq):
    model = calibrated(name, bits, 0.3)
    network, expected = to_integers(shrink(model)), scores(model, iq)
    graph = qcdq_graph(network)
    onnx.checker.check_model(graph, full_check=True)
    np.testing.assert_array_equal(run_onnxruntime(graph)(iq), expected)
    np.testing.assert_array_equal(run_qonnx(qonnx_graph(network))(iq), expected)
    if bits < 8:  # at 8 bits OpenVINO's sums clip on processors without VNNI
        np.testing.assert_array_equal(run_openvino(graph, 32)(iq), expected)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_float_graph_gives_the_scores(name, calibrated, iq):
    model = calibrated(name, 32, 0.2)
    graph, expected = float_graph(shrink(model)), scores(model, iq)
    onnx.checker.check_model(graph, full_check=True)
    for run in (run_onnxruntime(graph), run_openvino(graph, 7)):
        np.testing.assert_allclose(run(iq), expected, atol=1e-6 * max(1, np.abs(expected).max()))


def test_the_stored_weights_on_ten_thousand_chunks(root):
    model = load_model(root / f"results/weights/{STORED}.safetensors")
    chunks = make_chunks(1112, split="evaluation")
    network, expected = to_integers(shrink(model), STORED), scores(model, chunks.iq)
    for graph, run in ((qcdq_graph, run_onnxruntime), (qonnx_graph, run_qonnx)):
        assert (run(graph(network))(chunks.iq) != expected).sum() == 0


@pytest.mark.filterwarnings("ignore")  # PyTorch's on its older exporter
@pytest.mark.parametrize(
    ("name", "bits"),
    [("vgglike_2f_2c_2re_2mp", 6), ("pointwise_24_16_8", 4), ("vgglike_2f_1c_1re_1mp", 8)],
)
def test_a_qonnx_file_is_fast_for_one_chunk_too_and_no_bit_is_changed(
    name, bits, calibrated, tmp_path
):
    """Ours and, but for an average, Brevitas's own for one chunk at a time, on ten thousand."""
    from brevitas.export import export_qonnx

    model, iq = shrink(calibrated(name, bits, 0.2)), make_chunks(1112, split="evaluation").iq
    onnx.save(qonnx_graph(to_integers(model)), tmp_path / "ours.onnx")
    expected = run_qonnx(onnx.load(tmp_path / "ours.onnx"))(iq)
    np.testing.assert_array_equal(load_onnx(tmp_path / "ours.onnx").scores(iq), expected)
    if not ARCHITECTURES[name].over_chunk:
        export_qonnx(model.layers, torch.zeros(1, 2, 32), f"{tmp_path}/one.onnx", dynamo=False)
        one = onnx.load(tmp_path / "one.onnx")
        start = perf_counter()
        np.testing.assert_array_equal(run_qonnx(one)(iq[:10]), expected[:10])
        node_by_node = (perf_counter() - start) / 10
        network = load_onnx(tmp_path / "one.onnx")
        start = perf_counter()
        np.testing.assert_array_equal(network.scores(iq), expected)
        assert (perf_counter() - start) / len(iq) < node_by_node / 10


@pytest.mark.parametrize(("name", "bits"), QUANTISED)
def test_onnxruntime_computes_every_layer_in_integers(name, bits, calibrated):
    found = onnxruntime_operators(qcdq_graph(to_integers(calibrated(name, bits, 0.3))))
    row = ARCHITECTURES[name]
    assert found["QLinearConv"] == len(row.conv_channels)
    assert found["QGemm"] == len(row.hidden_features) + 1
    assert not found.keys() & {"Conv", "FusedConv", "Gemm", "MatMul", "DequantizeLinear"}


@pytest.mark.parametrize("bits", [8, 6, 4])
def test_openvino_computes_every_layer_in_integers(bits, calibrated):
    name = "vgglike_3f_2c_2re_2mp"
    found = openvino_layers(qcdq_graph(to_integers(calibrated(name, bits))))
    assert found.total() == 2 + 2 + 3 and {kind for _, kind in found} <= {"i8", "u8"}, found
    real = openvino_layers(float_graph(calibrated(name, 32)))
    assert real.total() == 7 and not {kind for _, kind in real} & {"i8", "u8"}


@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_the_parts_of_a_call_make_its_whole(precision, calibrated, iq):
    graph = float_graph(calibrated("vgglike_3f_3c_2re_3mp", 32))
    parts = profile_openvino(graph, iq, precision, calls=500)
    assert list(parts.index[-2:]) == ["rounding and reordering", "the call itself"]
    assert parts["convolutions"] > parts["pooling"] > 0 and parts["fully connected"] > 0
    assert parts["the call itself"] > 0


@pytest.mark.parametrize(("bits", "kind"), [(8, "INT8"), (6, "INT8"), (4, "INT4")])
def test_weights_lie_on_the_disk_as_integers(bits, kind, calibrated):
    network = to_integers(calibrated("vgglike_2f_2c_2re_2mp", bits))
    graph = qcdq_graph(network)
    weights = [x for x in graph.graph.initializer if "weights" in x.name]
    assert {TensorProto.DataType.Name(x.data_type) for x in weights} == {kind}
    count = sum(np.prod(x.dims) for x in weights)
    assert count == sum(x.weights.size for x in network.layers if x.weights is not None)
    assert graph.ByteSize() < count * (0.5 if bits == 4 else 1) + 10_000
    for tensor, layer in zip(
        weights, (x for x in network.layers if x.weights is not None), strict=True
    ):
        values = numpy_helper.to_array(tensor).astype(int)
        np.testing.assert_array_equal(values.ravel(), layer.weights.ravel())


@pytest.mark.parametrize("make", [qcdq_graph, qonnx_graph])
def test_the_file_says_what_it_is(make, calibrated):
    graph = make(to_integers(calibrated("pointwise_24_16_8", 6), "a point"))
    about = {entry.key: entry.value for entry in graph.metadata_props}
    assert about["name"] == "a point" and about["bit_width"] == "6"
    assert json.loads(about["classes"]) == list(CONSTELLATIONS)
    assert "amplitudes as in amrpkg/signals/constellations.py" in about["constellations"]
    assert graph.producer_name == "amrpkg" and graph.producer_version == about["amrpkg_version"]


@pytest.mark.parametrize("name", ["vgglike_2f_2c_2re_2mp", "vgglike_5f_3c_4re_3mp"])
@pytest.mark.parametrize("bits", [8, 4])
def test_brevitas_exports_the_same_network(name, bits, calibrated, iq, tmp_path, monkeypatch):
    """Also told that sums of products could clip, which needs other kernels, or none."""
    from brevitas.export import export_onnx_qcdq, export_qonnx

    model = shrink(calibrated(name, bits, 0.2))
    network = to_integers(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch on its older exporter, which QCDQ needs
        export_onnx_qcdq(model.layers, torch.from_numpy(iq), f"{tmp_path}/q.onnx", dynamo=False)
        export_qonnx(model.layers, torch.from_numpy(iq), f"{tmp_path}/n.onnx", dynamo=False)
    for vnni in (runtimes.has_vnni(), False):
        monkeypatch.setattr(runtimes, "has_vnni", lambda told=vnni: told)
        theirs = run_onnxruntime(onnx.load(tmp_path / "q.onnx"))(iq)
        np.testing.assert_array_equal(theirs, run_onnxruntime(qcdq_graph(network))(iq))
    theirs = run_qonnx(onnx.load(tmp_path / "n.onnx"))(iq)
    np.testing.assert_array_equal(theirs, run_qonnx(qonnx_graph(network))(iq))


@pytest.mark.parametrize("format", ["qonnx", "integer", "c"])
def test_a_float_model_has_no_integer_form(format, tmp_path):
    with pytest.raises(ValueError, match=f"format is '{format}' and the model is float; allowed"):
        export(build("vgglike_2f_1c_1re_1mp"), tmp_path / f"x{FORMATS[format].suffix}", format)
    assert not list(tmp_path.iterdir())


def test_a_row_adds_a_format(calibrated, iq, tmp_path, monkeypatch):
    """The integers as plain text, written and read by a row that is added here."""

    def write(model, path, name):
        network = to_integers(model, name)
        about = [name, network.bit_width, 32, network.input_bits, network.input_exponent]
        layers = [vars(layer) for layer in network.layers]
        path.write_text(json.dumps([about, layers], default=np.ndarray.tolist))

    def read(path, classes):
        about, layers = json.loads(path.read_text())
        for layer in layers:
            for key, kind in {"weights": np.int8, "biases": np.int32, "shifts": np.int8}.items():
                layer[key] = None if layer[key] is None else np.array(layer[key], kind)
        return as_network(IntegerNetwork(*about, tuple(IntegerLayer(**x) for x in layers)))

    monkeypatch.setitem(FORMATS, "text", Format(".txt", "to be read by people", write, read))
    model, path = calibrated("pointwise_24_16_8", 6), tmp_path / "x.txt"
    export(model, path, "text")
    network = load_network(path)
    np.testing.assert_array_equal(scores(network, iq), scores(model, iq))
    export(model, tmp_path / "x.onnx", "qonnx")
    assert estimate(network) == estimate(load_network(tmp_path / "x.onnx"))
    with pytest.raises(ValueError, match="the model is float; allowed for float: onnx"):
        export(build("pointwise_24_16_8"), path, "text")


def test_names_and_uses_of_formats_load_neither_torch_nor_onnx(root):
    code = "import sys, amrpkg.export as e; [form.use for form in e.FORMATS.values()]"
    code += "; assert not {'torch', 'onnx', 'onnxruntime'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True)


def test_a_quantised_model_has_no_float_form(calibrated):
    with pytest.raises(ValueError, match="model is of 8 bit; allowed: float"):
        float_graph(calibrated("vgglike_2f_1c_1re_1mp", 8))


def test_an_unknown_format_and_held_masks_are_refused(tmp_path):
    model = build("vgglike_2f_1c_1re_1mp")
    with pytest.raises(ValueError, match="format is 'tflite'; allowed: qonnx, onnx, integer"):
        export(model, tmp_path / "x", "tflite")
    prune_channels(model, 0.2)
    with pytest.raises(ValueError, match="pruning masks; allowed: none, call make_permanent"):
        export(model, tmp_path / "x.onnx", "onnx")


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_is_named_as_it_will_be_read(format, calibrated, tmp_path):
    with pytest.raises(
        ValueError, match=rf"path is .*allowed for {format}: .*\{FORMATS[format].suffix}"
    ):
        export(calibrated("pointwise_24_16_8", 8), tmp_path / "x.bin", format)

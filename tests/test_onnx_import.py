"""Files of others: what is taken, and what is refused before anything of it runs."""

import re

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from amrpkg.evaluation import evaluate
from amrpkg.export import (
    export,
    float_graph,
    load_network,
    load_onnx,
    onnx_import,
    qcdq_graph,
    run_qonnx,
)
from amrpkg.hardware import count_model, estimate, to_integers
from amrpkg.signals import CONSTELLATIONS, make_chunks
from amrpkg.training import shrink

NAMES = list(CONSTELLATIONS)


def graph_of(*nodes, inputs=(("x", (None, 2, 32)),), outputs=(("y", (None, 9)),), tensors=()):
    """A model of nodes (operator, inputs, outputs, attributes)."""

    def describe(values):
        kind = TensorProto.FLOAT
        return [helper.make_tensor_value_info(name, kind, shape) for name, shape in values]

    made = [helper.make_node(*node[:3], **(node[3] if len(node) > 3 else {})) for node in nodes]
    constants = [numpy_helper.from_array(value, name) for name, value in tensors]
    graph = helper.make_graph(made, "g", describe(inputs), describe(outputs), constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def linear(outputs=9, *more, **changes):
    """Flatten and one matrix: the smallest network there is, with `more` nodes behind it."""
    weights = np.random.default_rng(0).standard_normal((64, outputs)).astype(np.float32)
    last = "y" if not more else "z"
    nodes = [("Flatten", ["x"], ["f"]), ("MatMul", ["f", "w"], [last]), *more]
    shapes = {"outputs": [("y", (None, outputs))], "tensors": [("w", weights)]} | changes
    return graph_of(*nodes, **shapes), weights


@pytest.fixture
def path(tmp_path):
    return tmp_path / "foreign.onnx"


def save(model, path):
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("fixed", [None, 1, 32])
@pytest.mark.parametrize("count", [1, 33])
def test_scores_do_not_depend_on_the_batch_of_the_graph(fixed, count, path):
    model, weights = linear(inputs=[("x", (fixed, 2, 32))])
    iq = make_chunks(8).iq[:count]
    found = load_network(save(model, path), NAMES)(torch.from_numpy(iq)).numpy()
    np.testing.assert_allclose(found, iq.reshape(count, -1) @ weights, rtol=1e-4, atol=1e-5)


def test_scores_come_in_the_books_order_and_unknown_classes_never_win(path):
    order = ["QPSK", "BPSK", "32QAM"]
    model, weights = linear(3)
    network = load_network(save(model, path), order)
    iq = make_chunks(8).iq
    found = network(torch.from_numpy(iq)).numpy()
    expected = iq.reshape(len(iq), -1) @ weights
    np.testing.assert_allclose(found[:, [NAMES.index(x) for x in order]], expected, atol=1e-4)
    assert np.isneginf(found).sum() == 6 * len(iq)


def test_probabilities_are_taken_for_what_they_are(path):
    scores, _ = linear()
    model, _ = linear(9, ("Softmax", ["z"], ["y"]))
    iq = torch.from_numpy(make_chunks(8).iq)
    plain = load_network(save(scores, path), NAMES)(iq).softmax(1)
    found = load_network(save(model, path), NAMES)(iq).softmax(1)
    torch.testing.assert_close(found, plain, atol=1e-5, rtol=1e-4)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("dynamo", [True, False])
def test_a_network_exported_by_pytorch_is_evaluated_and_counted(dynamo, path):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(120, 9)).eval()
    model.chunk_size = 32
    more = {"external_data": False, "verbose": False} if dynamo else {}
    torch.onnx.export(model, (torch.zeros(8, 2, 32),), str(path), dynamo=dynamo, **more)
    network, chunks = load_network(path, NAMES), make_chunks(20, split="evaluation")
    assert (evaluate(network, chunks).confusion == evaluate(model, chunks).confusion).all()
    assert [layer[1:] for layer in count_model(network)] == [
        ("conv", 24, 4),
        ("linear", 1080, 9),
    ]
    assert estimate(network).dsp == 2 * (24 + 1080) and network.bit_width == 32


def test_our_files_count_as_our_integers_do(calibrated, tmp_path):
    model = shrink(calibrated("vgglike_3f_2c_2re_2mp", 4, 0.2))
    found = {}
    for format, file in (("onnx", "q.onnx"), ("qonnx", "n.onnx"), ("integer", "i.safetensors")):
        export(model, tmp_path / file, format)
        network = load_network(tmp_path / file)
        assert network.bit_width == 4
        found[format] = [layer[1:] for layer in count_model(network)]
    integers = to_integers(model).layers
    assert [x[1] for x in found["integer"]] == [
        0 if x.weights is None else np.count_nonzero(x.weights) for x in integers
    ]
    assert found["onnx"] == found["qonnx"] == found["integer"]


def test_biases_that_are_added_are_counted_once(path):
    biases = np.array([1, 0, 2, 3, 0, 4, 5, 6, 7], np.float32)
    model, weights = linear(9, ("Add", ["z", "b"], ["y"]))
    model.graph.initializer.append(numpy_helper.from_array(biases, "b"))
    assert load_onnx(save(model, path)).layers[0][1:] == ("linear", weights.size, 7)


# What is refused


def refuse(path, reason, classes=NAMES):
    with pytest.raises(ValueError) as error:
        load_network(path, classes)
    assert str(path) in str(error.value) and re.search(reason, str(error.value)), error.value
    assert "allowed" in str(error.value) or "not an undamaged" in str(error.value)
    assert str(error.value).isprintable() and len(str(error.value)) < len(str(path)) + 1200


@pytest.mark.parametrize("share", [0, 0.001, 0.3, 0.7, 0.99, 0.9999])
def test_a_cut_file_is_refused(share, calibrated, path):
    whole = qcdq_graph(to_integers(calibrated("pointwise_24_16_8", 8))).SerializeToString()
    path.write_bytes(whole[: int(share * len(whole))])
    refuse(path, "")


@pytest.mark.parametrize("content", [b"weights" * 99, b"\x80\x04K\x01.", b"\xff" * 4096])
def test_what_is_no_onnx_file_is_refused(content, path):
    path.write_bytes(content)
    refuse(path, "")


def test_too_large_a_file_is_refused_unread(path, monkeypatch):
    monkeypatch.setattr(onnx_import, "LARGEST_FILE", 100)
    monkeypatch.setattr(onnx_import.onnx, "load", None)
    refuse(save(linear()[0], path), "holds .* bytes; allowed: at most 100")


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ([("x", (None, 32, 2))], r"inputs are x \[, 32, 2\]; allowed: one, float \[n, 2, chunk"),
        (
            [("x", (None, 4, 32))],
            r"x \[, 4, 32\]; allowed: .* 3 in place of 2 where",
        ),
        ([("x", (None, 2, 1, 32))], r"x \[, 2, 1, 32\]"),
        ([("x", (None, 64))], r"x \[, 64\]"),
        ([("x", (None, 2, None))], r"x \[, 2, \]"),
        ([("x", (None, 2, 32)), ("second", (1,))], r"second \[1\]"),
    ],
)
def test_other_inputs_are_refused(inputs, reason, path):
    refuse(save(linear(inputs=inputs)[0], path), reason)


def test_a_complex_input_and_no_input_are_refused(path):
    model, _ = linear()
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE
    refuse(save(model, path), r"inputs are x \[, 2, 32\]; allowed: one, float")
    del model.graph.input[:]
    refuse(save(model, path), "")


def test_other_outputs_are_refused(path):
    refuse(save(linear(1)[0], path), r"its output is \[1, 1\]", NAMES[:1])
    model, _ = linear(9, ("Identity", ["z"], ["y"]), ("Relu", ["z"], ["second"]))
    model.graph.output.append(helper.make_tensor_value_info("second", TensorProto.FLOAT, (None, 9)))
    refuse(save(model, path), "it has 2 outputs; allowed: one")
    cube = graph_of(("Relu", ["x"], ["y"]), outputs=[("y", (None, 2, 32))])
    refuse(save(cube, path), r"its output is \[1, 2, 32\]")


@pytest.mark.parametrize(
    ("classes", "reason"),
    [
        (NAMES[:8], "allowed: 9 of 4ASK"),
        ([*NAMES[:8], "BPSK"], "each once"),
        ([*NAMES[:8], "GMSK"], "GMSK; allowed"),
        (None, r"does not name its classes; allowed: give them \(--classes\)"),
    ],
)
def test_other_classes_are_refused(classes, reason, path):
    refuse(save(linear()[0], path), reason, classes)


def test_classes_are_for_onnx_files(root):
    file = root / "results/weights/vgglike_2f_2c_2re_2mp_6bit_pr_20.safetensors"
    refuse(file, "classes is given for .*; allowed: with an .onnx file")


@pytest.mark.parametrize(
    ("operator", "domain"),
    [("If", ""), ("Loop", ""), ("LSTM", ""), ("Quant", "os"), ("Attention", "com.microsoft")],
)
def test_other_operators_are_refused(operator, domain, path):
    model, _ = linear(9, (operator, ["z"], ["y"], {"domain": domain}))
    model.opset_import.append(helper.make_opsetid(domain or "ai.onnx.ml", 1))
    name = f"{domain}::{operator}" if domain else operator
    refuse(save(model, path), f"it has an operator {name}; allowed: Abs, Add, AveragePool")


def test_a_module_that_a_file_names_is_not_imported(path, tmp_path, monkeypatch):
    (tmp_path / "trap.py").write_text("raise SystemExit('code of the file ran')")
    monkeypatch.syspath_prepend(tmp_path)
    model, _ = linear(9, ("Quant", ["z"], ["y"], {"domain": "trap"}))
    model.opset_import.append(helper.make_opsetid("trap", 1))
    refuse(save(model, path), "it has an operator trap::Quant")


NASTY = {"escape": "\x1b[2J\n" * 99_999, "right to left": "\u202e", "long": "x" * (1 << 21)}


@pytest.mark.parametrize("nasty", NASTY.values(), ids=NASTY)
def test_names_of_a_file_are_shown_quoted_and_cut(nasty, path):
    """By `refuse`."""
    other, _ = linear(9, (nasty, ["z"], ["y"]))
    refuse(save(other, path), "it has an operator ")
    more = [("x", (None, 2, 32)), (nasty, (1,))]
    refuse(save(linear(inputs=more)[0], path), "its inputs are ")
    model, weights = linear()
    weights[0] = np.nan
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights, nasty))
    refuse(save(model, path), "its tensor ")
    model, _ = linear()
    helper.set_model_props(model, {"classes": nasty})
    refuse(save(model, path), "classes in the header of ", None)
    helper.set_model_props(model, {"constellations_sha256": nasty, "constellations": nasty})
    refuse(save(model, path), "is for other constellations")
    refuse(save(linear()[0], path), "classes of ", [nasty])


def test_functions_and_graphs_inside_are_refused(path):
    model, _ = linear()
    identity = helper.make_node("Identity", ["a"], ["b"])
    opset = [helper.make_opsetid("", 21)]
    model.functions.append(helper.make_function("d", "F", ["a"], ["b"], [identity], opset))
    refuse(save(model, path), "functions of its own; allowed: plain operators")
    model, _ = linear(9, ("Identity", ["z"], ["y"], {"body": linear()[0].graph}))
    refuse(save(model, path), "holds a graph of its own; allowed: none")


def test_tensors_in_other_files_are_refused(path, tmp_path):
    (tmp_path / "secret").write_bytes(bytes(64 * 9 * 4))
    model, _ = linear()
    tensor = model.graph.initializer[0]
    onnx.external_data_helper.set_external_data(tensor, "secret", 0, 64 * 9 * 4)
    tensor.ClearField("raw_data")
    refuse(save(model, path), "its tensor 'w' lies in another file; allowed: one file")


def test_values_that_would_fill_the_memory_are_refused(path):
    wide = [("a", np.ones((64, 1), np.float32)), ("b", np.ones((1, 5_000), np.float32))]
    nodes = [
        ("Flatten", ["x"], ["f"]),
        ("MatMul", ["f", "a"], ["one"]),
        ("MatMul", ["one", "b"], ["row"]),
        ("Transpose", ["row"], ["column"]),
        ("MatMul", ["column", "row"], ["square"]),
        ("ReduceMean", ["square"], ["y"]),
    ]
    wide[1] = ("b", np.ones((1, 6_000), np.float32))
    reason = "values up to 'square' take 144048260 bytes for one chunk; allowed: at most 134217728"
    refuse(save(graph_of(*nodes, tensors=wide), path), reason)
    model, _ = linear()
    model.graph.initializer[0].dims[:] = [1 << 40, 9]
    refuse(save(model, path), "1099511627776 x 9 elements; allowed")


def test_many_lawful_values_are_run_a_few_chunks_at_a_time_or_refused(path, monkeypatch):
    chain = [(("Relu"), [f"v{k}"], [f"v{k + 1}"]) for k in range(300)]
    chain = [("Flatten", ["x"], ["f"]), ("MatMul", ["f", "w"], ["v0"]), *chain]
    model = graph_of(
        *chain, ("Identity", ["v300"], ["y"]), tensors=[("w", np.eye(64, 9, dtype="f"))]
    )
    network = load_onnx(save(model, path))
    assert network.block == onnx_import.LARGEST_SUM // (4 * (64 + 302 * 9))
    monkeypatch.setattr(onnx_import, "LARGEST_SUM", 50_000)
    expected = load_network(path, NAMES)
    iq = torch.from_numpy(make_chunks(2).iq)
    assert load_onnx(path).block == 4
    np.testing.assert_array_equal(expected(iq)[:, :9], iq.flatten(1)[:, :9].relu())
    monkeypatch.setattr(onnx_import, "LARGEST_SUM", 10_000)
    refuse(path, "values up to 'v2.*' take 100.. bytes for one chunk; allowed: at most 10000")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(value, path):
    model, weights = linear()
    weights[3, 3] = value
    refuse(save(linear(tensors=[("w", weights)])[0], path), "'w' holds NaN or infinity; allowed")
    model, _ = linear(9, ("LeakyRelu", ["z"], ["y"], {"alpha": value}))
    refuse(save(model, path), r"its node '' holds \[(nan|-?inf)\]; allowed: finite numbers")


def test_scores_that_are_not_finite_are_refused(path):
    model, _ = linear(9, ("Mul", ["z", "huge"], ["y"]))
    model.graph.initializer.append(numpy_helper.from_array(np.float32([3e38]), "huge"))
    network = load_network(save(model, path), NAMES)
    with pytest.raises(ValueError, match=r"model gives a score of -?inf; allowed: a netw"):
        evaluate(network, make_chunks(1))


@pytest.mark.parametrize("bits", ["-5", "0", "33", "four", "", "1" * 9999, "nan", "\x1b"])
def test_a_bit_width_that_is_none_is_refused(bits, path):
    model, _ = linear()
    helper.set_model_props(model, {"bit_width": bits})
    refuse(save(model, path), "its bit width is '.*; allowed: 1 to 32")


def quantised(scale=0.125, bits=4, zero=0, operator="Quant", more=(), **attributes):
    """`linear` with a quantiser behind it."""
    given = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND"} | attributes
    names = ["z", "scale", "zero", "bits", *more]
    domain = {"domain": onnx_import.QUANT_DOMAIN}
    model, weights = linear(9, (operator, names, ["y"], given | domain))
    model.opset_import.append(helper.make_opsetid(onnx_import.QUANT_DOMAIN, 1))
    for name, value in {"scale": scale, "zero": zero, "bits": bits}.items():
        model.graph.initializer.append(numpy_helper.from_array(np.float32(value), name))
    return model, weights


@pytest.mark.parametrize("domain", [onnx_import.QUANT_DOMAIN, "onnx.brevitas"])
@pytest.mark.parametrize(
    "wrong",
    [
        *({"scale": value} for value in (np.nan, np.inf, 0, -1, [0.5] * 8 + [0])),
        *({"bits": value} for value in (np.nan, 0, -4, 33, 1e30, [4, 4])),
        {"zero": np.nan},
    ],
)
def test_quantisers_without_a_step_or_a_bit_are_refused(wrong, domain, path):
    model, _ = quantised(**wrong)
    model.graph.node[-1].domain = model.opset_import[-1].domain = domain
    refuse(save(model, path), "out of range; allowed: constants above 0|holds NaN or infinity")


def test_quantisers_whose_step_is_computed_are_refused(path):
    model, _ = quantised()
    model.graph.node[-1].input[3] = "f"
    refuse(save(model, path), "its Quant '' has a scale or bit width out of range")


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"signed": 0, "bits": 3},
        {"narrow": 1, "scale": 0.3},
        {"zero": 3, "rounding_mode": "half_even"},
        {"scale": np.linspace(0.1, 0.9, 9), "bits": 2},
        {"rounding_mode": "FLOOR"},
        {"bits": 1},
        {"operator": "BipolarQuant"},
    ],
    ids=str,
)
def test_quantisers_are_computed_as_qonnx_does(how, path):
    """Folded into standard operators where they can be."""
    model, weights = quantised(**how)
    if how.get("operator") == "BipolarQuant":
        del model.graph.node[-1].input[2:], model.graph.node[-1].attribute[:]
    weights[:] = np.round(4 * weights) / 8  # halves occur
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights, "w"))
    iq = np.round(8 * make_chunks(9).iq) / 8
    network = load_network(save(model, path), NAMES)
    np.testing.assert_array_equal(network(torch.from_numpy(iq)), run_qonnx(model)(iq))


def test_a_value_whose_size_the_samples_decide_is_refused(path):
    nodes = [
        ("ReduceMax", ["x"], ["most"], {"keepdims": 0}),
        ("Cast", ["most"], ["count"], {"to": TensorProto.INT64}),
        ("Reshape", ["count", "one"], ["first"]),
        ("Concat", ["first", "rest"], ["shape"], {"axis": 0}),
        ("Expand", ["x", "shape"], ["wide"]),
        ("ReduceMean", ["wide"], ["y"]),
    ]
    sizes = [("one", np.array([1], np.int64)), ("rest", np.array([2, 32], np.int64))]
    model = graph_of(*nodes, tensors=sizes)
    refuse(save(model, path), "depends on what is run; allowed")


@pytest.mark.parametrize(
    ("node", "found"),
    [
        (
            ("ReduceMean", ["z", "axes"], ["y"]),
            r"it gives \[1, 9\] for 3 chunks; allowed: \[3, 9\]",
        ),
        (("Reshape", ["z", "one"], ["y"]), "it cannot be run"),
    ],
)
def test_a_graph_for_one_chunk_alone_is_refused(node, found, path):
    model, _ = linear(9, node)
    for name, values in {"axes": [0], "one": [1, 9]}.items():
        model.graph.initializer.append(numpy_helper.from_array(np.array(values), name))
    refuse(save(model, path), found)


@pytest.mark.parametrize("text", ["BPSK, QPSK", "9", "[1, 2]", ""])
def test_classes_that_a_file_names_badly_are_refused(text, path):
    model, _ = linear()
    helper.set_model_props(model, {"classes": text})
    refuse(save(model, path), r"classes in the header of .*allowed: a JSON list of names", None)


@pytest.mark.parametrize("inputs", [["z"], ["z", "w", "w", "w"], ["z", "s", "f", "f"]])
def test_a_graph_that_a_runtime_cannot_run_is_refused(inputs, path):
    model, _ = linear(9, ("Quant", inputs, ["y"], {"domain": onnx_import.QUANT_DOMAIN}))
    model.opset_import.append(helper.make_opsetid(onnx_import.QUANT_DOMAIN, 1))
    refuse(save(model, path), "its Quant '' has a scale or bit width out of range; allowed")


def test_other_constellations_are_refused(calibrated, path):
    model = float_graph(calibrated("pointwise_24_16_8", 32))
    entry = next(x for x in model.metadata_props if x.key == "constellations_sha256")
    entry.value = "0" * 16
    refuse(save(model, path), "is for other constellations .*; allowed: those of this version")


def test_an_unknown_ending_is_refused(tmp_path):
    (tmp_path / "x.pt").write_bytes(b"\x80\x04K\x01.")
    refuse(tmp_path / "x.pt", "unknown kind; allowed: .onnx, .safetensors", None)

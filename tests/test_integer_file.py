"""Integers packed into a file and read back; damaged and foreign files are refused."""

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from amrpkg.export import integer_file, load_integers, pack, save_integers, unpack
from amrpkg.hardware import to_integers
from amrpkg.models import ARCHITECTURES, build, save_model
from amrpkg.models.architectures import symbol_wise
from amrpkg.models.quantization import hold_fitted_scales
from amrpkg.signals import CONSTELLATIONS, NOISE_POWER, make_chunks, with_noise_word
from amrpkg.training import shrink


@pytest.fixture
def file(calibrated, tmp_path):
    save_integers(to_integers(calibrated("vgglike_2f_2c_2re_2mp", 4), "a point"), tmp_path / "x")
    return tmp_path / "x"


def header(path):
    with safe_open(path, framework="np") as file:
        return file.metadata()


def change(path, edits=(), layer=None, **entries):
    """Write the file again with another header, other values of a layer, other tensors."""
    about, tensors = header(path) | entries, load_file(path)
    if layer:
        layers = json.loads(about["layers"])
        next(item for item in layers if item["name"] == layer).update(edits)
        about["layers"] = json.dumps(layers)
    else:
        tensors |= dict(edits)
    save_file(tensors, path, about)


@pytest.mark.parametrize("bits", [8, 6, 4])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_what_is_read_is_what_was_written_and_is_packed(name, bits, calibrated, tmp_path):
    network = to_integers(shrink(calibrated(name, bits, 0.3)))
    save_integers(network, path := tmp_path / "network.safetensors")
    read, iq = load_integers(path), make_chunks(4).iq
    np.testing.assert_array_equal(read.compute(iq), network.compute(iq))
    np.testing.assert_array_equal(read.scores(iq), network.scores(iq))
    weights = sum(x.weights.size for x in network.layers if x.weights is not None)
    packed = sum(x.size for key, x in load_file(path).items() if key.endswith("weights"))
    assert packed == pytest.approx(weights * bits / 8, abs=10)
    assert path.stat().st_size < packed + 6 * 3_000 + 3_000  # biases, shifts, header


def test_the_header_says_what_the_file_is(file):
    about = header(file)
    assert about["name"] == "a point" and about["bit_width"] == "4"
    assert json.loads(about["classes"]) == list(CONSTELLATIONS)
    assert "one complex sample a symbol" in about["constellations"]
    assert about["amrpkg_version"]


def test_packed_bits_by_hand():
    assert pack(np.array([1, -1], np.int8), 4).tolist() == [0xF1]
    assert pack(np.array([-8, 7, 3], np.int8), 4).tolist() == [0x78, 0x03]
    # 000001 111111 100000 011111, from the lowest bit up
    assert pack(np.array([1, -1, -32, 31], np.int8), 6).tolist() == [0xC1, 0x0F, 0x7E]
    assert unpack(np.array([0xC1, 0x0F, 0x7E], np.uint8), 6, (2, 2)).tolist() == [
        [1, -1],
        [-32, 31],
    ]


@pytest.mark.parametrize("bits", range(2, 9))
def test_all_integers_survive_packing(bits):
    values = np.arange(-(2 ** (bits - 1)), 2 ** (bits - 1), dtype=np.int8)
    for count in (1, 3, len(values)):
        packed = pack(values[:count], bits)
        assert len(packed) == -(-count * bits // 8)
        np.testing.assert_array_equal(unpack(packed, bits, (count,)), values[:count])


def test_bytes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="3 bytes are not 8 weights of 4 bits"):
        unpack(np.zeros(3, np.uint8), 4, (8,))


def refuse(path, reason):
    with pytest.raises(ValueError, match="allowed: an undamaged file of save_integers") as error:
        load_integers(path)
    assert str(path) in str(error.value) and reason in str(error.value)
    assert str(error.value).isprintable() and len(str(error.value)) < len(str(path)) + 400


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_a_cut_file_is_refused(share, file):
    whole = file.read_bytes()
    file.write_bytes(whole[: int(share * len(whole))])
    refuse(file, "")


def test_weights_of_a_model_are_refused(calibrated, tmp_path):
    save_model(calibrated("vgglike_2f_1c_1re_1mp", 8), path := tmp_path / "x.safetensors")
    refuse(path, "format is None")


def test_too_large_a_file_is_refused_unread(file, monkeypatch):
    monkeypatch.setattr(integer_file, "LARGEST_FILE", 1000)
    monkeypatch.setattr(integer_file, "safe_open", None)
    with pytest.raises(ValueError, match=f"{file}' holds .* bytes; allowed: at most 1000"):
        load_integers(file)


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ({"format": "something else"}, "something else"),
        ({"layers": "[]"}, "ends in 2 x 32"),
        ({"layers": "{"}, "Expecting"),
        ({"layers": "[1]"}, "not subscriptable"),
        ({"chunk_size": "64"}, "linear1 does not fit"),
        ({"input_exponent": "-5000"}, "exponent -5000"),
        ({"input_bits": "0"}, "input of 0 bits"),
        ({"bit_width": "-3"}, "of -3 bit"),
        ({"chunk_size": "-32"}, "chunk_size is -32"),
        ({"chunk_size": str(1 << 40)}, "at most 4096"),
        ({"layers": "[" * 99_999}, "recursion"),
        ({"format": "x\x1b[2J\n" * 99_999}, "its format is 'x\\x1b[2J\\n"),
        ({"bit_width": "four"}, "four"),
    ],
)
def test_another_header_is_refused(entries, reason, file):
    change(file, **entries)
    refuse(file, reason)


@pytest.mark.parametrize(
    ("layer", "edits", "reason"),
    [
        ("conv2", {"shape": [64, 16, 6]}, "conv2 does not fit"),
        ("conv2", {"shape": [64, 32, 1 << 40]}, "bytes are not"),
        ("conv2", {"shape": [64, 96]}, "conv2 has weights of shape"),
        ("conv2", {"weight_bits": 5}, "weights of 5 bits"),
        ("conv2", {"kind": "loop"}, "kind 'loop'"),
        ("conv2", {"exponent": 1000}, "exponent of 1000"),
        ("conv2", {"bits": -1}, "-1 bits"),
        ("conv2", {"name": "conv9"}, "conv9"),
        ("linear2", {"kind": "pool"}, "linear2 does not fit"),
    ],
)
def test_layers_that_do_not_fit_are_refused(layer, edits, reason, file):
    change(file, edits, layer)
    refuse(file, reason)


@pytest.fixture
def told(tmp_path):
    """The file of a symbol-wise network that is told the noise."""
    model = build(symbol_wise("fold_sign_noise", 6, 8), 6)
    iq = with_noise_word(make_chunks(8).iq, NOISE_POWER)
    hold_fitted_scales(model, torch.from_numpy(iq))
    save_integers(to_integers(model.eval()), tmp_path / "told")
    return tmp_path / "told"


@pytest.mark.parametrize(
    ("layer", "edits", "reason"),
    [
        ("fold", {"kind": "fold"}, "conv1 does not fit"),
        ("fold", {"kind": "fold_sign"}, "conv1 does not fit"),
        ("fold", {"kind": ""}, "fold is of kind ''"),
        ("fold", {"bits": 8}, "fold does not fit"),
        ("fold", {"bits": 0}, "fold does not fit"),
        ("fold", {"exponent": -5}, "fold does not fit"),
        ("fold", {"kind": "pool"}, "conv1 does not fit"),
        ("conv2", {"kind": "fold_sign"}, "conv2 does not fit"),
        ("sum", {"kind": "fold"}, "sum does not fit"),
        ("sum", {"bits": 6}, "sum does not fit"),
        ("sum", {"exponent": -40}, "sum does not fit"),
        ("linear1", {"kind": "sum"}, "linear1 does not fit"),
    ],
)
def test_folds_and_sums_that_do_not_fit_are_refused(layer, edits, reason, told):
    change(told, edits, layer)
    refuse(told, reason)


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ({"input_bits": "6"}, "fold does not fit"),
        ({"input_exponent": "-5"}, "fold does not fit"),
        ({"chunk_size": "512"}, "sum does not fit"),
    ],
)
def test_other_samples_than_a_fold_and_a_sum_take_are_refused(entries, reason, told):
    assert load_integers(told).inputs == 3
    change(told, **entries)
    refuse(told, reason)


def test_a_one_that_is_no_whole_number_of_steps_is_refused(told):
    change(told, {"exponent": 1}, "fold", input_exponent="1")
    refuse(told, "fold does not fit")


def test_the_longest_sum_is_read_and_one_symbol_more_is_not(told):
    sizes = {256: {"bits": 14}, 257: {"bits": 15}}
    for size, edits in sizes.items():
        change(told, edits, "sum", chunk_size=str(size))
        if size == 256:
            assert load_integers(told).compute(np.zeros((1, 3, 256), np.float32)).shape == (1, 9)
    refuse(told, "sum does not fit")


def test_tensors_of_other_kinds_are_refused(file):
    change(file, {"conv1.biases": np.zeros(32, np.float32)})
    refuse(file, "other types")


def test_shifts_beyond_a_word_are_refused(file):
    change(file, {"conv1.shifts": np.full(32, 100, np.int8)})
    refuse(file, "conv1 shifts by more than 62 bits")

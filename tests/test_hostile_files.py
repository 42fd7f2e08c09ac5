"""Files that mean harm: refused in one line, within ten seconds and a gigabyte of memory.

Each is read in a process of its own that has no more than these.
"""

import gzip
import io
import multiprocessing
import os
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from limits import SECONDS, limit
from onnx import TensorProto, helper, numpy_helper
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from amrpkg.export import judge, load_integers, load_network, load_onnx, save_integers
from amrpkg.hardware import to_integers
from amrpkg.models import load_model, save_model
from amrpkg.signals import CONSTELLATIONS, load_samples, make_chunks


@pytest.fixture(scope="module")
def within_limits():
    """Call a function in a process under `limit`, forked from one that has the imports done."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["amrpkg.export.onnx_import", "amrpkg.export.judging", "sigmf"])

    def call(function, *arguments):
        with context.Pool(1, limit) as pool:
            return pool.apply_async(function, arguments).get(timeout=6 * SECONDS)

    return call


def pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


def device(path: Path) -> Path:
    path.symlink_to("/dev/zero")
    return path


@pytest.mark.parametrize("make", [pipe, device])
@pytest.mark.parametrize("name", ["x.npy", "x.npz", "x.cf32", "x.sigmf", "x.sigmf-meta"])
def test_a_recording_that_never_ends_is_refused(make, name, tmp_path, within_limits):
    path = make(tmp_path / name)
    with pytest.raises(ValueError, match=f"{path}' is a pipe or a device; allowed: a file"):
        within_limits(load_samples, path)


@pytest.mark.parametrize("make", [pipe, device])
@pytest.mark.parametrize("name", ["x.sigmf-meta", "x.sigmf-data"])
def test_one_beside_a_recording_is_refused(make, name, tmp_path, within_limits):
    import sigmf

    sigmf.fromarray(np.ones(64, np.complex64)).tofile(tmp_path / "x")
    (tmp_path / name).unlink()
    make(tmp_path / name)
    other = next(path for path in tmp_path.iterdir() if path.name != name)
    with pytest.raises(ValueError, match=f"{other}' cannot be read; allowed: a SigMF recording"):
        within_limits(load_samples, other)


def bomb(folder: Path, claim: int = 1 << 31) -> Path:
    """An ``.npz`` of 2 MB that unpacks to 2 GB, whatever its directory says."""
    header = io.BytesIO()
    np.save(header, np.zeros(1, np.complex64))
    shaped = header.getvalue()[:-8].replace(b"(1,), }        ", b"(268435456,), }")
    packer = zlib.compressobj(wbits=-15)
    head = packer.compress(shaped) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(1 << 24)) + packer.flush(zlib.Z_FULL_FLUSH)
    with zipfile.ZipFile(folder / "x.npz", "w") as file:
        file.writestr("iq.npy", head + 128 * block + packer.flush())
        info = file.infolist()[0]
        info.compress_type, info.file_size = zipfile.ZIP_DEFLATED, claim
    return folder / "x.npz"


def compressed_archive(folder: Path) -> Path:
    """A tar that the SigMF reader hashes by its size unpacked, which the file does not have."""
    import sigmf

    sigmf.fromarray(np.zeros(1 << 16, np.complex64)).tofile(folder / "y.sigmf")
    packed = gzip.compress((folder / "y.sigmf").read_bytes())
    (folder / "x.sigmf").write_bytes(packed)
    return folder / "x.sigmf"


def hollow_archive(folder: Path) -> Path:
    """A tar whose last member is said to be longer than the file, as sparse ones may be."""
    import sigmf

    sigmf.fromarray(np.zeros(64, np.complex64)).tofile(folder / "y.sigmf")
    with (
        tarfile.open(folder / "y.sigmf") as whole,
        tarfile.open(folder / "x.sigmf", "w", format=tarfile.PAX_FORMAT) as hollow,
    ):
        for member in whole:
            content = whole.extractfile(member) if member.isfile() else None
            if member.name.endswith("data"):
                member.pax_headers = {"GNU.sparse.size": str(1 << 40), "GNU.sparse.map": "0,512"}
            hollow.addfile(member, content)
    return folder / "x.sigmf"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (bomb, "unpacks to 2147483648 bytes; allowed: at most 268435456"),
        (lambda folder: bomb(folder, 1000), "cannot be read; allowed: a file of numpy.save"),
        (compressed_archive, "cannot be read; allowed: a SigMF recording"),
        (hollow_archive, "its members are longer than itself"),
    ],
)
def test_a_recording_that_would_take_all_is_refused(make, reason, tmp_path, within_limits):
    with pytest.raises(ValueError, match=reason):
        within_limits(load_samples, make(tmp_path))


@pytest.mark.parametrize("make", [pipe, device])
@pytest.mark.parametrize(
    ("load", "name"),
    [
        (load_network, "x.onnx"),
        (load_network, "x.safetensors"),
        (load_onnx, "x.onnx"),
        (load_integers, "x.safetensors"),
        (load_model, "x.safetensors"),
    ],
)
def test_a_network_that_never_ends_is_refused(make, load, name, tmp_path, within_limits):
    path = make(tmp_path / name)
    with pytest.raises(ValueError, match=f"{path}' is a pipe or a device; allowed: a file"):
        within_limits(load, path)


def for_chunks_of(size: int, make, model, path: Path) -> Path:
    """A file of a network whose features are averaged over the chunk, for longer ones."""
    make(model, path)
    with safe_open(path, framework="np") as file:
        metadata = file.metadata() | {"chunk_size": str(size)}
    save_file(load_file(path), path, metadata)
    return path


def save_as_integers(model, path: Path) -> None:
    save_integers(to_integers(model), path)


@pytest.mark.parametrize("size", [1 << 13, 1 << 16, 1 << 30, 1 << 62])
@pytest.mark.parametrize("make", [save_model, save_as_integers])
def test_chunks_without_end_are_refused(make, size, calibrated, tmp_path, within_limits):
    path = for_chunks_of(size, make, calibrated("pointwise_24_16_8", 8), tmp_path / "x.safetensors")
    with pytest.raises(ValueError, match=f"chunk_size is {size}; allowed: .* at most 4096"):
        within_limits(load_network, path)


def judged(path: Path, count: int, classes=None) -> str:
    return str(judge(load_network(path, classes), count))


def scores_of(path: Path, count: int) -> np.ndarray:
    return load_network(path)(torch.from_numpy(make_chunks(count, 4096).iq)).numpy()


def test_the_longest_chunks_are_taken_a_few_at_a_time(calibrated, tmp_path, within_limits):
    small = tmp_path / "x.safetensors"
    path = for_chunks_of(4096, save_model, calibrated("pointwise_48_32_16", 32), small)
    assert "of 540 fresh chunks right" in within_limits(judged, path, 60)
    with pytest.raises(ValueError, match="chunks_per_class is 2560, which takes 754 MB of memory"):
        within_limits(judged, path, 2560)
    path = for_chunks_of(4096, save_as_integers, calibrated("pointwise_48_32_16", 8), small)
    assert within_limits(scores_of, path, 20).shape == (180, 9)


def of_many_tensors(path: Path, size: int) -> Path:
    """An ONNX file of 300 values of `size` for each chunk, lawful each, all needed at the end."""
    nodes = [helper.make_node("Flatten", ["x"], ["f"]), helper.make_node("MatMul", "fw", ["v0"])]
    nodes += [helper.make_node("Relu", [f"v{k}"], [f"v{k + 1}"]) for k in range(300)]
    nodes += [helper.make_node("Max", [f"v{k}" for k in range(301)], ["m"])]
    nodes += [helper.make_node("MatMul", "mu", ["y"])]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 2, 32])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 9])],
        [
            numpy_helper.from_array(np.ones((64, size), np.float32), "w"),
            numpy_helper.from_array(np.ones((size, 9), np.float32), "u"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.save(model, path)
    return path


def test_values_that_together_outgrow_memory_are_refused(tmp_path, within_limits):
    path = of_many_tensors(tmp_path / "x.onnx", 150_000)
    with pytest.raises(
        ValueError, match=r"values up to 'v\d+' take \d+ bytes for one chunk; allow"
    ):
        within_limits(load_network, path, None)


def test_values_of_a_batch_that_outgrow_memory_are_computed_in_parts(tmp_path, within_limits):
    path = of_many_tensors(tmp_path / "x.onnx", 10_000)  # 12 MB a chunk
    assert "of 270 fresh chunks right" in within_limits(judged, path, 30, list(CONSTELLATIONS))

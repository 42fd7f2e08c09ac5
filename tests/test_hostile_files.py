"""Files that mean harm: refused in one line, within ten seconds and a gigabyte of memory.

Each is read in a process of its own that has no more than these.
"""

import gzip
import io
import multiprocessing
import os
import resource
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from amrpkg.signals import load_samples

SECONDS, MEMORY = 10, 1 << 30


def limit() -> None:
    """Leave this process ten seconds and a gigabyte beside what its imports took."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    for kind, most in (
        (resource.RLIMIT_AS, pages * resource.getpagesize() + MEMORY),
        (resource.RLIMIT_CPU, int(resource.getrusage(resource.RUSAGE_SELF).ru_utime) + SECONDS),
    ):
        resource.setrlimit(kind, (most, most))


@pytest.fixture(scope="module")
def within_limits():
    """Call a function in a process under `limit`, forked from one that has the imports done."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["amrpkg.signals.recordings", "sigmf"])

    def call(function, *arguments):
        with context.Pool(1, limit) as pool:
            return pool.apply_async(function, arguments).get(timeout=2 * SECONDS)

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

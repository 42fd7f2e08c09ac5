"""The same samples from every kind of file; every kind of broken file is refused by name."""

import json
import shutil
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import sigmf

from amrpkg.signals import RAW_TYPES, SUFFIXES, load_samples

SAMPLES = (np.arange(40) / 7 - 1j * np.arange(40)[::-1] / 9).astype(np.complex64)


def save_sigmf(path: Path, samples=SAMPLES) -> None:
    sigmf.fromarray(samples).tofile(path)


def save_raw(name: str, path: Path) -> None:
    """An eighth, which lies within full scale."""
    raw = RAW_TYPES[name]
    np.rint(SAMPLES.view("f4") / 8 * raw.full_scale + raw.middle).astype(raw.numbers).tofile(path)


def edit_sigmf(folder: Path, data: bytes | None, **fields) -> Path:
    """``x.sigmf-meta`` with fields of its global object changed, and its data unless None."""
    save_sigmf(folder / "x")
    path = folder / "x.sigmf-meta"
    metadata = json.loads(path.read_text())
    del metadata["global"]["core:sha512"]
    metadata["global"] |= {f"core:{name}": value for name, value in fields.items()}
    path.write_text(json.dumps(metadata))
    path.with_suffix(".sigmf-data").unlink()
    if data is not None:
        path.with_suffix(".sigmf-data").write_bytes(data)
    return path


WRITERS = {
    "x.npy": lambda path: np.save(path, SAMPLES),
    "double.npy": lambda path: np.save(path, SAMPLES.astype(complex)),
    "big-endian.npy": lambda path: np.save(path, SAMPLES.astype(">c8")),
    "x.npz": lambda path: np.savez(path, SAMPLES),
    "named.npz": lambda path: np.savez_compressed(path, rate=1e6, iq=SAMPLES),
    "samples.npz": lambda path: np.savez(path, rate=1e6, samples=SAMPLES),
    "x.cf32": SAMPLES.tofile,
    "x.fc32": SAMPLES.tofile,
    "X.CFILE": SAMPLES.tofile,
    **{f"x.{name}": partial(save_raw, name) for name in ("cs16", "cs8", "cu8")},
    "x.sigmf": save_sigmf,
    "x.sigmf-meta": lambda path: save_sigmf(path.with_suffix("")),
    "x.sigmf-data": lambda path: save_sigmf(path.with_suffix("")),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_samples(name, tmp_path):
    WRITERS[name](tmp_path / name)
    loaded = load_samples(tmp_path / name)
    assert loaded.dtype == np.complex64
    if name[2:] in RAW_TYPES and name != "x.cf32":  # of an eighth, in steps
        step = 8 / RAW_TYPES[name[2:]].full_scale
        np.testing.assert_allclose(8 * loaded.view("f4"), SAMPLES.view("f4"), atol=0.501 * step)
    else:
        np.testing.assert_array_equal(loaded, SAMPLES)


def test_every_suffix_is_tried():
    assert {Path(name.lower()).suffix for name in WRITERS} == set(SUFFIXES)


@pytest.mark.parametrize(
    ("datatype", "numbers", "middle", "full_scale"),
    [
        ("ci16_le", "<i2", 0, 2**15),
        ("ci16_be", ">i2", 0, 2**15),
        ("ci8", "i1", 0, 2**7),
        ("cu8", "u1", 2**7, 2**7),
        ("cf64_le", "<f8", 0, 1),
    ],
)
def test_sigmf_of_other_numbers(datatype, numbers, middle, full_scale, tmp_path):
    pairs = np.arange(2, 42).reshape(20, 2)
    path = edit_sigmf(tmp_path, pairs.astype(numbers).tobytes(), datatype=datatype)
    expected = (pairs - middle) / full_scale
    np.testing.assert_allclose(load_samples(path), expected[:, 0] + 1j * expected[:, 1])


def cut(path: Path, count: int) -> None:
    path.write_bytes(path.read_bytes()[:-count])


def claim(shape, descr="<c8") -> bytes:
    """A ``.npy`` of 40 samples whose header claims another shape."""
    header = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': ({shape},), }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + RAW


def zipped(folder, content: bytes, **how) -> Path:
    with zipfile.ZipFile(folder / "x.npz", "w", **how) as file:
        file.writestr("x.npy", content)
    return folder / "x.npz"


def below(folder) -> Path:
    """A folder in one with 40 samples."""
    SAMPLES.tofile(folder / "x.cf32")
    (folder / "below").mkdir()
    return folder / "below"


def link_out(folder, name) -> Path:
    """SigMF whose data are a link to the file in the folder above."""
    path = edit_sigmf(below(folder), None, **({"dataset": name} if name == "x.bin" else {}))
    path.with_name(name).symlink_to(folder / "x.cf32")
    return path


def save(folder, name, array) -> Path:
    np.save(folder / name, array)
    return folder / name


def savez(folder, **arrays) -> Path:
    np.savez(folder / "x.npz", **arrays)
    return folder / "x.npz"


def write(folder, name, content: bytes) -> Path:
    (folder / name).write_bytes(content)
    return folder / name


def truncated(folder, name, count) -> Path:
    WRITERS[name](folder / name)
    cut(folder / name, count)
    return folder / name


def with_nan(value) -> np.ndarray:
    return np.where(np.arange(40) == 7, value, SAMPLES.astype(complex))


RAW = SAMPLES.tobytes()
BROKEN = {
    "unknown suffix": (lambda folder: write(folder, "x.wav", RAW), ".cf32"),
    "no suffix": (lambda folder: write(folder, "x", RAW), ".cf32"),
    "empty npy": (lambda folder: write(folder, "x.npy", b""), "numpy.save"),
    "empty npz": (lambda folder: write(folder, "x.npz", b""), "numpy.save"),
    "empty cf32": (lambda folder: write(folder, "x.cf32", b""), "0 bytes"),
    "empty sigmf": (lambda folder: write(folder, "x.sigmf", b""), "SigMF"),
    "empty sigmf-meta": (lambda folder: write(folder, "x.sigmf-meta", b""), "SigMF"),
    "text": (lambda folder: write(folder, "x.npy", b"0.5 1.0\n" * 9), "numpy.save"),
    "truncated npy": (lambda folder: truncated(folder, "x.npy", 9), "numpy.save"),
    "npy cut in its header": (lambda folder: truncated(folder, "x.npy", 400), "numpy.save"),
    "truncated npz": (lambda folder: truncated(folder, "x.npz", 90), "numpy.save"),
    "truncated sigmf": (lambda folder: truncated(folder, "x.sigmf", 10_200), "SigMF"),
    "huge npy": (lambda folder: write(folder, "x.npy", claim(10**19)), "says that it holds 1000"),
    "longer npy": (lambda folder: write(folder, "x.npy", claim(41)), "says that it holds 41"),
    "negative npy": (lambda folder: write(folder, "x.npy", claim(-1)), "says that it holds -1"),
    "huge npz": (lambda folder: zipped(folder, claim(10**19)), "says that it holds 10000"),
    "negative npz": (lambda folder: zipped(folder, claim(-5)), "says that it holds -5"),
    "no numbers": (lambda folder: write(folder, "x.npy", claim(40, "<c0")), "numpy.save"),
    "long header": (lambda folder: write(folder, "x.npy", claim(" " * 9**5)), "numpy.save"),
    "bz2 npz": (lambda folder: zipped(folder, RAW, compression=zipfile.ZIP_BZIP2), "another way"),
    "linked data": (lambda folder: link_out(folder, "x.sigmf-data"), "another folder"),
    "linked data set": (lambda folder: link_out(folder, "x.bin"), "another folder"),
    "data above": (lambda folder: edit_sigmf(below(folder), None, dataset="../x.cf32"), "another"),
    "pickle": (lambda folder: save(folder, "x.npy", np.array([{}], object)), "numpy.save"),
    "pickle npz": (lambda folder: savez(folder, x=np.array([{}], object)), "object[1]"),
    "no array": (lambda folder: savez(folder), "0 arrays"),
    "many names": (lambda folder: savez(folder, **{f"\x1b{k}": RAW for k in range(999)}), "999"),
    "two arrays": (lambda folder: savez(folder, a=SAMPLES, b=SAMPLES), "a, b"),
    "both names": (lambda folder: savez(folder, iq=SAMPLES, samples=SAMPLES), "iq, samples"),
    "real": (lambda folder: save(folder, "x.npy", SAMPLES.real), "float32[40]"),
    "integers": (lambda folder: save(folder, "x.npy", np.arange(40)), "int64[40]"),
    "strings": (lambda folder: save(folder, "x.npy", np.array(["1+1j"])), "str"),
    "two dimensions": (lambda folder: save(folder, "x.npy", SAMPLES[None]), "complex64[1, 40]"),
    "none": (lambda folder: save(folder, "x.npy", SAMPLES[:0]), "no samples"),
    "nan": (lambda folder: save(folder, "x.npy", with_nan(np.nan)), "sample 7"),
    "infinite": (lambda folder: save(folder, "x.npy", with_nan(1j * np.inf)), "sample 7"),
    "too large": (lambda folder: save(folder, "x.npy", with_nan(1e300)), "sample 7"),
    "nan cf32": (lambda folder: write(folder, "x.cf32", b"\xff" * 80), "sample 0"),
    "odd integers": (lambda folder: write(folder, "x.cs16", RAW[:-2]), "318 bytes"),
    "odd count": (lambda folder: write(folder, "x.cf32", RAW[:-4]), "316 bytes"),
    "meta alone": (lambda folder: edit_sigmf(folder, None), "No signal data"),
    "metadata only": (lambda folder: edit_sigmf(folder, None, metadata_only=True), "metadata only"),
    "data elsewhere": (lambda folder: edit_sigmf(folder, None, dataset="y.bin"), "y.bin"),
    "empty data": (lambda folder: edit_sigmf(folder, b""), "empty"),
    "cut data": (lambda folder: edit_sigmf(folder, RAW[:-3]), "integer number"),
    "two channels": (lambda folder: edit_sigmf(folder, RAW, num_channels=2), "complex64[20, 2]"),
    "no channel": (lambda folder: edit_sigmf(folder, RAW, num_channels=0), "SigMF"),
    "real sigmf": (lambda folder: edit_sigmf(folder, RAW, datatype="rf32_le"), "float32[80]"),
    "real 16 bit": (lambda folder: edit_sigmf(folder, RAW, datatype="ri16_le"), "float32[160]"),
    "no datatype": (lambda folder: edit_sigmf(folder, RAW, datatype="xx"), "xx"),
    "other data": (lambda folder: edit_sigmf(folder, RAW, sha512="0" * 128), "hash"),
    "no json": (lambda folder: write(folder, "x.sigmf-meta", b"{"), "SigMF"),
    "no text": (lambda folder: write(folder, "x.sigmf-meta", b"\xff\xfe"), "SigMF"),
    "a list": (lambda folder: write(folder, "x.sigmf-meta", b"[1]"), "SigMF"),
    "no meta": (lambda folder: write(folder, "x.sigmf-data", RAW), "SigMF"),
    "no archive": (lambda folder: write(folder, "x.sigmf", RAW), "SigMF"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_named_with_what_is_allowed(case, tmp_path):
    make, hint = BROKEN[case]
    path = make(tmp_path)
    with pytest.raises(ValueError, match="allowed") as error:
        load_samples(path)
    assert str(path) in str(error.value)
    assert hint in str(error.value) and "allow_pickle" not in str(error.value)
    assert str(error.value).isprintable() and len(str(error.value)) < len(str(path)) + 400


@pytest.mark.parametrize("name", ["x.npy", "x.npz", "x.cf32", "x.sigmf-meta", "x.sigmf"])
def test_no_file_and_a_folder_are_named_too(name, tmp_path):
    with pytest.raises(FileNotFoundError, match=name):
        load_samples(tmp_path / name)
    (tmp_path / name).mkdir()
    with pytest.raises(IsADirectoryError, match=name):
        load_samples(tmp_path / name)


def test_the_ending_of_a_numpy_file_may_be_the_other_one(tmp_path):
    WRITERS["x.npy"](tmp_path / "x.npy")
    shutil.copy(tmp_path / "x.npy", tmp_path / "y.npz")
    np.testing.assert_array_equal(load_samples(tmp_path / "y.npz"), SAMPLES)

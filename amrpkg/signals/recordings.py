"""Complex samples from files that others wrote: NumPy, raw floats, SigMF.

| suffix | what the file holds |
|---|---|
| ``.npy`` | one complex array of one dimension, any precision |
| ``.npz`` | the same, as its only array or as the one named ``iq`` or ``samples`` |
| ``.cf32``, ``.fc32``, ``.cfile`` | raw pairs I, Q of little-endian 32-bit floats |
| ``.cs16``, ``.cs8``, ``.cu8`` | raw pairs of 16-bit, 8-bit and unsigned 8-bit integers |
| ``.sigmf-meta``, ``.sigmf-data``, ``.sigmf`` | a SigMF recording or archive, one complex channel |

Nothing in a file is ever run: pickled arrays are refused.
"""

import io
import tarfile
import warnings
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from amrpkg.common.arguments import printable
from amrpkg.common.files import require_regular
from amrpkg.signals.raw_types import RAW_TYPES

RAW = dict.fromkeys((".cf32", ".fc32", ".cfile"), RAW_TYPES["cf32"]) | {
    f".{name}": RAW_TYPES[name] for name in ("cs16", "cs8", "cu8")
}
SIGMF = (".sigmf-meta", ".sigmf-data", ".sigmf")
SUFFIXES = (".npy", ".npz", *RAW, *SIGMF)
LARGEST_UNPACKED = 256 << 20  # bytes
_NAMES = ("iq", "samples")
_HEAD = 1 << 14  # bytes; a header of one dimension takes 128
_HEADER_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def load_samples(path: Path) -> np.ndarray:
    """Read a recording, ``complex64[n]`` in the units of the file.

    Fixed-point numbers are scaled to -1 .. 1, as SigMF's own reader does. Long ``.npy`` files of
    ``complex64`` and raw files of floats stay on disk until they are used.

    Raises ``ValueError`` that names `path`, what came and what is allowed: an unknown suffix, no
    plain file, a damaged or empty one, one that unpacks to more than 256 MiB, SigMF whose data
    lie in another folder, real samples, more than one channel, samples that are not finite.
    ``OSError`` if the file cannot be opened.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(
            f"path is {str(path)!r}; allowed: a file that ends in {', '.join(SUFFIXES)} "
            "(give raw pairs of 32-bit floats the ending .cf32)"
        )
    require_regular(path)
    read = _read_raw if suffix in RAW else _read_sigmf if suffix in SIGMF else _read_numpy
    samples = read(path)
    if not samples.size:
        raise ValueError(f"{str(path)!r} holds no samples; allowed: at least one chunk")
    with np.errstate(over="ignore"):  # what is too large for 32 bit is infinite, and said so
        samples = samples.astype(np.complex64, copy=False)
    finite = np.isfinite(samples)
    if not finite.all():
        first = int(finite.argmin())
        raise ValueError(
            f"{str(path)!r} holds {samples[first]} at sample {first}; allowed: finite numbers "
            "of 32 bit"
        )
    return samples


def load_sample_rate(path: Path) -> float | None:
    """Samples a second as SigMF tells them, ``None`` where it does not or `path` is no SigMF.

    path : of a recording that `load_samples` has read
    """
    if Path(path).suffix.lower() not in SIGMF:
        return None
    import sigmf  # here: it takes as long as NumPy

    return sigmf.fromfile(path, skip_checksum=True).get_global_field("core:sample_rate")


class Annotation(NamedTuple):
    """A burst that somebody has marked in a recording.

    start, count : samples; edges : of its band in cycles a sample, lower and upper, if told
    samples_per_symbol : if told
    """

    start: int
    count: int
    edges: tuple[float, float] | None = None
    samples_per_symbol: float | None = None


def load_annotations(path: Path) -> list[Annotation]:
    """The annotations of a SigMF recording, none of another file; those that `amrpkg` wrote are
    what it decided, and left out.

    path : of a recording that `load_samples` has read

    Edges are taken as frequencies about the ``core:frequency`` of the first capture. SigMF has no
    field for a symbol rate; ``symbol_rate`` in ``signal:detail`` is read where someone put it.

    Raises ``ValueError`` for a symbol rate that is none.
    """
    if Path(path).suffix.lower() not in SIGMF:
        return []
    import sigmf

    recording = sigmf.fromfile(path, skip_checksum=True)
    rate = recording.get_global_field("core:sample_rate") or 1.0
    captures, found = recording.get_captures(), []
    centre = captures[0].get("core:frequency", 0.0) if captures else 0.0
    for item in recording.get_annotations():
        if item.get("core:generator") == "amrpkg":
            continue
        start = item["core:sample_start"]
        count = item.get("core:sample_count", recording.sample_count - start)
        edges = [item.get(f"core:freq_{edge}_edge") for edge in ("lower", "upper")]
        edges = None if None in edges else tuple((f - centre) / rate for f in edges)
        symbols = item.get("signal:detail", {}).get("symbol_rate")
        if symbols is not None and not (isinstance(symbols, int | float) and symbols > 0):
            raise ValueError(
                f"{str(path)!r} has an annotation with a symbol_rate of "
                f"{printable(repr(symbols), 40)}; allowed: a number above 0"
            )
        found.append(Annotation(start, count, edges, symbols and rate / symbols))
    return found


def _read_numpy(path: Path) -> np.ndarray:
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
        if not head.startswith(b"PK"):
            dtype, count, offset = _describe(head, path.stat().st_size)
            return np.memmap(path, dtype, "r", offset, count)
        with zipfile.ZipFile(path) as archive, archive.open(info := _choose(archive)) as member:
            content = member.read(info.file_size)  # no more, should the file lie
        dtype, count, offset = _describe(content[:_HEAD], len(content))
        return np.frombuffer(content, dtype, count, offset)
    except Exception as error:  # of zip files there are many kinds
        raise ValueError(
            f"{str(path)!r} cannot be read; allowed: a file of numpy.save or numpy.savez "
            f"({printable(error)})"
        ) from error


def _choose(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The array to read. What it unpacks to is asked first: a small file may hold gigabytes."""
    arrays = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    named = [name for name in arrays if name in _NAMES]
    names = named if len(named) == 1 else list(arrays)
    if len(names) != 1:
        raise ValueError(
            f"it holds {len(names)} arrays: {printable(', '.join(names), 80)}; allowed: one, or "
            f"one named {' or '.join(_NAMES)}"
        )
    info = arrays[names[0]]
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("it is compressed in another way than NumPy's")
    if info.file_size > LARGEST_UNPACKED:
        raise ValueError(
            f"it unpacks to {info.file_size} bytes; allowed: at most {LARGEST_UNPACKED}, more in "
            ".npy, which is not unpacked"
        )
    return info


def _describe(head: bytes, size: int) -> tuple[np.dtype, int, int]:
    """Type, count and place of the numbers of a ``.npy`` of `size` bytes, `head` the first."""
    file = io.BytesIO(head)
    try:
        read = _HEADER_READERS[np.lib.format.read_magic(file)]
        shape, _, dtype = read(file, max_header_size=_HEAD)
    except Exception as error:  # in NumPy's words how to read it though it is not safe
        raise ValueError("its header is not one of numpy.save") from error
    _require_channel(dtype, shape)
    if not 0 <= shape[0] * dtype.itemsize <= size - file.tell():
        raise ValueError(f"it says that it holds {shape[0]} samples and has {size} bytes")
    return dtype, shape[0], file.tell()


def _require_channel(dtype: np.dtype, shape: tuple[int, ...]) -> None:
    if len(shape) != 1 or dtype.kind != "c":
        raise ValueError(
            f"it holds {dtype.name}{list(shape)}; allowed: complex samples in one dimension, a "
            "single channel of I + jQ"
        )


def _read_raw(path: Path) -> np.ndarray:
    size, raw = path.stat().st_size, RAW[path.suffix.lower()]
    if not size or size % raw.bytes_a_sample:
        raise ValueError(
            f"{str(path)!r} has {size} bytes; allowed: pairs of numbers, {raw.bytes_a_sample} "
            "bytes a sample"
        )
    if raw.numbers == "<f4":
        return np.memmap(path, dtype="<c8", mode="r")
    return raw.read(np.memmap(path, dtype="u1", mode="r"))


def _read_sigmf(path: Path) -> np.ndarray:
    import sigmf  # here: it takes as long as NumPy

    try:
        if packed := path.suffix.lower() == ".sigmf":
            _require_plain_tar(path)
        else:  # it would look for other files beside it
            require_regular(path.with_suffix(".sigmf-meta"))
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # such as data that end half-way
            recording = sigmf.fromfile(path, skip_checksum=not packed)
            data = recording.data_file
            if data and data != path and path.parent.resolve() not in data.resolve().parents:
                raise ValueError("its data lie in another folder; allowed: beside it, no link")
            if data and not packed:
                recording.calculate_hash()
            recording.validate()
            samples = recording.read_samples()
        _require_channel(samples.dtype, samples.shape)
        return samples
    except Exception as error:  # it uses metadata before it checks them: any kind of error
        raise ValueError(
            f"{str(path)!r} cannot be read; allowed: a SigMF recording with its data "
            f"({printable(repr(error))})"
        ) from error


def _require_plain_tar(path: Path) -> None:
    """Raise unless `path` is a tar, not compressed, whose members end before it does.

    The SigMF reader takes any for such a one and waits for bytes that never come.
    """
    size = path.stat().st_size
    with tarfile.open(path, "r:") as archive:
        if not all(0 <= member.size <= size - member.offset_data for member in archive):
            raise ValueError("its members are longer than itself")

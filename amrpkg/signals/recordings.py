"""Complex samples from files that others wrote: NumPy, raw floats, SigMF.

| suffix | what the file holds |
|---|---|
| ``.npy`` | one complex array of one dimension, any precision |
| ``.npz`` | the same, as its only array or as the one named ``iq`` or ``samples`` |
| ``.cf32``, ``.fc32``, ``.cfile`` | raw pairs I, Q of little-endian 32-bit floats |
| ``.sigmf-meta``, ``.sigmf-data``, ``.sigmf`` | a SigMF recording or archive, one complex channel |

Nothing in a file is ever run: pickled arrays are refused.
"""

import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np

RAW = (".cf32", ".fc32", ".cfile")
SIGMF = (".sigmf-meta", ".sigmf-data", ".sigmf")
SUFFIXES = (".npy", ".npz", *RAW, *SIGMF)
_NAMES = ("iq", "samples")


def load_samples(path: Path) -> np.ndarray:
    """Read a recording, ``complex64[n]`` in the units of the file.

    Fixed-point SigMF is scaled to -1 .. 1, as SigMF's own reader does. Long ``.npy`` files of
    ``complex64`` and raw files stay on disk until they are used.

    Raises ``ValueError`` that names `path`, what came and what is allowed: an unknown suffix, a
    damaged or empty file, real samples, more than one channel, samples that are not finite.
    ``OSError`` if the file cannot be opened.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(
            f"path is {str(path)!r}; allowed: a file that ends in {', '.join(SUFFIXES)} "
            "(give raw pairs of 32-bit floats the ending .cf32)"
        )
    path.open("rb").close()  # what cannot be opened fails here, with an error of one kind
    read = _read_raw if suffix in RAW else _read_sigmf if suffix in SIGMF else _read_numpy
    samples = read(path)
    if samples.ndim != 1 or samples.dtype.kind != "c":
        raise ValueError(
            f"{str(path)!r} holds {samples.dtype.name}{list(samples.shape)}; allowed: complex "
            "samples in one dimension, a single channel of I + jQ"
        )
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


def _read_numpy(path: Path) -> np.ndarray:
    try:
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(loaded, np.lib.npyio.NpzFile):
            return loaded
        with loaded:
            named = [name for name in loaded.files if name in _NAMES]
            names = named if len(named) == 1 else loaded.files
            if len(names) != 1:
                raise ValueError(
                    f"it holds {len(names)} arrays: {', '.join(names)}; allowed: one, or one "
                    f"named {' or '.join(_NAMES)}"
                )
            return loaded[names[0]]
    except (ValueError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"{str(path)!r} cannot be read; allowed: a file of numpy.save or numpy.savez ({error})"
        ) from error


def _read_raw(path: Path) -> np.ndarray:
    size = path.stat().st_size
    if not size or size % 8:
        raise ValueError(
            f"{str(path)!r} has {size} bytes; allowed: pairs of 32-bit floats, 8 bytes a sample"
        )
    return np.memmap(path, dtype="<c8", mode="r")


def _read_sigmf(path: Path) -> np.ndarray:
    import sigmf  # here: it takes as long as NumPy

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # such as data that end half-way
            recording = sigmf.fromfile(path)
            recording.validate()
            return recording.read_samples()
    except Exception as error:  # it uses metadata before it checks them: any kind of error
        raise ValueError(
            f"{str(path)!r} cannot be read; allowed: a SigMF recording with its data ({error!r})"
        ) from error

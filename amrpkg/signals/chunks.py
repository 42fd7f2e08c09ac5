"""Noisy symbols, chunks of them (Algorithm I), and an endless stream of fresh chunks.

The noise convention of the whole project stands here and nowhere else. A received sample is

    r = (s + sqrt(noise_power) n) exp(j phase_noise t)

with n complex normal of unit power and t standard normal, both independent from sample to
sample. `noise_power` (N_a) is the total complex noise power, a dimensionless ratio to the
unit-amplitude signal; `phase_noise` (N_p) is the standard deviation of the phase in radians.
Source: thesis, chapter 4; order and units as in the author's public follow-up code.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from amrpkg.common.arguments import (
    printable,
    require_choice,
    require_count,
    require_kind,
    require_number,
)
from amrpkg.signals.constellations import CONSTELLATIONS

if TYPE_CHECKING:
    import pandas as pd

SPLITS = {"training": 0, "evaluation": 1, "validation": 3}  # name -> spawn key of its stream
ENDLESS, IMPAIRED = 2, 4  # those of `stream`, and of what `streaming` does to its chunks
SYMBOLS = ("random", "cyclic")
CHUNK_SIZE = 32
LONGEST_CHUNK = 4_096  # of a network; more is no lawful file's
LARGEST_SET = 1 << 29  # bytes of samples
FRESH_CHUNKS_PER_CLASS = 2_560  # of the recorded test set: ten times the thesis's, to be narrower
NOISE_POWER = 0.005
PHASE_NOISE = 0.005

_LOUDEST = 1e12  # float32 samples stay finite
_STEEPEST = 8.0  # exponent of noise powers; theirs stay numbers
_BLOCK = 1 << 14  # samples per block, so that the temporaries stay in cache


@dataclass(frozen=True)
class Chunks:
    """A labelled set of chunks.

    iq : float32[n, 2, chunk_size], in-phase samples in row 0, quadrature in row 1
    labels : int64[n], positions in ``CONSTELLATIONS``
    split : which random stream the set was drawn from, ``"training"``, ``"evaluation"``,
        ``"validation"`` (to choose by) or ``"stream"``; accuracies are reported under this name
    noise_power : N_a of all, or ``float64[n]``, one a chunk, as far as it is known
    """

    iq: np.ndarray
    labels: np.ndarray
    split: str
    noise_power: float | np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def to_frame(self) -> "pd.DataFrame":
        """The data frame D_f of Algorithm I: a row a chunk, its modulation, then its samples."""
        import pandas as pd  # here: it takes longer than NumPy

        names = [f"{axis}{k}" for axis in "iq" for k in range(self.iq.shape[2])]
        frame = pd.DataFrame(self.iq.reshape(len(self), -1), columns=names)
        frame.insert(0, "modulation", np.array(list(CONSTELLATIONS))[self.labels])
        frame.attrs["split"] = self.split
        return frame

    @classmethod
    def from_frame(cls, frame: "pd.DataFrame") -> "Chunks":
        """The chunks of a data frame of `to_frame`; the split, if that was lost, is "training".

        Raises ``ValueError`` for other columns or modulations and for what is no finite number.
        """
        import pandas as pd  # here: it takes as long as NumPy

        require_kind("frame", frame, pd.DataFrame)
        size = len(frame.columns) // 2
        names = ["modulation", *(f"{axis}{k}" for axis in "iq" for k in range(size))]
        if list(frame.columns) != names or not size:
            raise ValueError(
                f"frame has the columns {printable(list(frame.columns))}; allowed: modulation, i0, "
                "i1, ..., q0, q1, ..., as many of each"
            )
        for name in frame["modulation"].unique():
            require_choice("modulation", name, CONSTELLATIONS)
        samples = frame[names[1:]].apply(pd.to_numeric, errors="coerce").to_numpy(np.float32)
        if not np.isfinite(samples).all():
            raise ValueError("frame holds samples that are not finite; allowed: numbers of 32 bit")
        labels = frame["modulation"].map(list(CONSTELLATIONS).index).to_numpy(np.int64)
        return cls(samples.reshape(-1, 2, size), labels, frame.attrs.get("split", "training"))


@dataclass(frozen=True)
class _Table:
    """All constellations in one: a class's points lie at offset[label] + 0 .. order[label] - 1."""

    points: np.ndarray
    order: np.ndarray
    offset: np.ndarray


def _tabulate(constellations: Mapping[str, np.ndarray]) -> _Table:
    points = np.concatenate(list(constellations.values())).astype(np.complex64)
    order = np.array([len(points) for points in constellations.values()], dtype=np.uint8)
    return _Table(points, order, (np.cumsum(order) - order).astype(np.uint8))


_TABLE = _tabulate(CONSTELLATIONS)


def require_constellations(constellations: Mapping[str, np.ndarray]) -> None:
    """Raise unless names, order and numbers of points are the thesis's, and all are finite."""
    require_kind("constellations", constellations, Mapping)
    orders = {name: len(points) for name, points in constellations.items()}
    allowed = {name: len(points) for name, points in CONSTELLATIONS.items()}
    if list(orders.items()) != list(allowed.items()):
        raise ValueError(f"constellations has points {orders}; allowed: {allowed}")
    for name, points in constellations.items():
        if not (np.abs(points) < _LOUDEST).all():
            raise ValueError(f"constellations[{name!r}] has points {points}; allowed: finite ones")


def _require_room(argument: str, count: int, samples: int) -> None:
    """Raise unless `count` is one, and memory holds so many times `samples`."""
    require_count(argument, count)
    most = LARGEST_SET // (8 * samples)
    if count > most:
        raise ValueError(
            f"{argument} is {count}, which takes {8 * samples * count // 10**6:,} MB of memory; "
            f"allowed: at most {most}"
        )


def _require_noise(noise_power: float, phase_noise: float) -> None:
    require_number("noise_power", noise_power, below=_LOUDEST)
    require_number("phase_noise", phase_noise, below=_LOUDEST)


def _require_range(noise_power: tuple[float, float]) -> None:
    for power in noise_power:
        require_number("noise_power", power, below=_LOUDEST)
    if len(noise_power) != 2 or not 0 < noise_power[0] < noise_power[1]:
        allowed = "a number or a pair (low, high) with 0 < low < high"
        raise ValueError(f"noise_power is {noise_power}; allowed: {allowed}")


def require_iq(iq: np.ndarray) -> None:
    """Raise unless it is an array of chunks, ``[n, 2, chunk_size]``."""
    require_kind("iq", iq, np.ndarray)
    if iq.ndim != 3 or iq.shape[1] != 2 or not iq.shape[2]:
        raise ValueError(f"iq has shape {iq.shape}; allowed: (n, 2, chunk_size)")


def _complex_normal(count: int, rng) -> tuple[np.ndarray, np.ndarray]:
    """Complex normal samples of unit power, real and imaginary part, ``float32[count]`` each.

    Box and Muller's transform, at least twice as fast here as NumPy's float32 normals. Its
    uniforms have 24 bits, so no part of a sample lies beyond 5.8 standard deviations.
    """
    uniform = rng.random((2, count), dtype=np.float32)
    radius = np.sqrt(-np.log(1 - uniform[0]))
    angle = np.float32(2 * np.pi) * uniform[1]
    return radius * np.cos(angle), radius * np.sin(angle)


def _receive(
    labels, chunk_size, noise_power, phase_noise, rng, table=_TABLE, symbols="random"
) -> np.ndarray:
    """Draw a chunk of noisy samples for each label, ``float32[n, 2, chunk_size]``.

    noise_power : one for all, or an array of one a chunk
    """
    iq = np.empty((len(labels), 2, chunk_size), dtype=np.float32)
    amplitudes = np.broadcast_to(np.sqrt(noise_power).astype(np.float32), len(labels))[:, None]
    deviation = np.float32(phase_noise)
    chunks_per_block = max(1, _BLOCK // chunk_size)
    for start in range(0, len(labels), chunks_per_block):
        label = labels[start : start + chunks_per_block, None]
        shape = (len(label), chunk_size)
        amplitude = amplitudes[start : start + chunks_per_block]
        # Orders are powers of two up to 32, so the low bits of a random byte are uniform.
        if symbols == "random":
            byte = rng.integers(0, 256, shape, dtype=np.uint8)
        else:
            byte = np.arange(chunk_size).astype(np.uint8)
        symbol = table.points.take(table.offset[label] + (byte & (table.order - 1)[label]))
        noise = _complex_normal(symbol.size, rng)
        i = symbol.real + amplitude * noise[0].reshape(shape)
        q = symbol.imag + amplitude * noise[1].reshape(shape)
        pairs = _complex_normal((symbol.size + 1) // 2, rng)  # each part has power 1/2
        phase = deviation * np.float32(np.sqrt(2)) * np.concatenate(pairs)[: symbol.size]
        cosine, sine = np.cos(phase).reshape(shape), np.sin(phase).reshape(shape)
        block = iq[start : start + chunks_per_block]
        block[:, 0] = i * cosine - q * sine
        block[:, 1] = i * sine + q * cosine
    return iq


def receive(
    modulation: str,
    count: int,
    noise_power: float = NOISE_POWER,
    phase_noise: float = PHASE_NOISE,
    seed: int = 0,
) -> np.ndarray:
    """Draw `count` noisy symbols of one modulation, ``complex64[count]``.

    Symbols are independent and uniform over the constellation.

    Raises ``ValueError`` or ``TypeError`` for an unknown modulation, a count below one, and a
    negative or non-finite noise.
    """
    require_choice("modulation", modulation, CONSTELLATIONS)
    _require_room("count", count, 1)
    require_count("seed", seed, minimum=0)
    _require_noise(noise_power, phase_noise)
    labels = np.full(count, list(CONSTELLATIONS).index(modulation))
    iq = _receive(labels, 1, noise_power, phase_noise, np.random.default_rng(seed))
    return iq[:, 0, 0] + 1j * iq[:, 1, 0]


def make_chunks(
    chunks_per_class: int = 256,
    chunk_size: int = CHUNK_SIZE,
    noise_power: float = NOISE_POWER,
    phase_noise: float = PHASE_NOISE,
    seed: int = 0,
    split: str = "training",
    block: int | None = None,
    symbols: str = "random",
    constellations: Mapping[str, np.ndarray] = CONSTELLATIONS,
) -> Chunks:
    """Generate a labelled, shuffled set of chunks: Algorithm I of the thesis.

    chunks_per_class : V_d / c_s; the default of 256 makes the 2,304 chunks of the thesis
    chunk_size : c_s, samples per chunk
    noise_power, phase_noise : N_a and N_p, see the module's convention
    seed, split : the same pair gives the same bits; the splits of one seed are independent
        streams (``numpy.random.SeedSequence`` spawn keys), so that an evaluation set never
        repeats the training set
    block : k for the k-th of a split's endless row of further sets, each as independent of the
        others and of the split's own set (``None``) as the splits are
    symbols : ``"random"``, or ``"cyclic"``: symbol k of every chunk is point k mod M of its
        constellation, as when pairs made in turn are cut into chunks unshuffled. A class is
        then known by the order of its symbols, which no receiver can count on: leakage.
    constellations : the points of each class, under the names and in the order of
        ``CONSTELLATIONS`` and as many: ``CONSTELLATIONS | OTHER_SHAPES``

    Returns `Chunks` with ``n = 9 * chunks_per_class``.
    Raises ``ValueError`` or ``TypeError`` that names the argument.
    """
    require_count("chunk_size", chunk_size)
    _require_room("chunks_per_class", chunks_per_class, len(CONSTELLATIONS) * chunk_size)
    _require_noise(noise_power, phase_noise)
    require_count("seed", seed, minimum=0)
    require_choice("split", split, SPLITS)
    key = (SPLITS[split],)
    if block is not None:
        require_count("block", block, minimum=0)
        key += (block,)
    require_choice("symbols", symbols, SYMBOLS)
    require_constellations(constellations)
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
    labels = rng.permutation(np.repeat(np.arange(len(CONSTELLATIONS)), chunks_per_class))
    noise = (noise_power, phase_noise)
    iq = _receive(labels, chunk_size, *noise, rng, _tabulate(constellations), symbols)
    return Chunks(iq, labels, split, noise_power)


def stream(
    batch_size: int = 512,
    chunk_size: int = CHUNK_SIZE,
    noise_power: float | tuple[float, float] = NOISE_POWER,
    phase_noise: float = PHASE_NOISE,
    seed: int = 0,
    noise_exponent: float = 0.0,
) -> Iterator[Chunks]:
    """Yield batches of fresh chunks without end, classes drawn uniformly.

    noise_power : N_a, or a pair (low, high): each chunk then draws its own between them
    noise_exponent : N_a to this power is uniform: 1, N_a itself; 0, its logarithm

    The stream is independent of the training and evaluation sets of the same seed.
    Raises as `make_chunks`, at the call and not at the first batch.
    """
    require_count("chunk_size", chunk_size)
    _require_room("batch_size", batch_size, chunk_size)
    spread = isinstance(noise_power, tuple)
    if spread:
        _require_range(noise_power)
    _require_noise(noise_power[0] if spread else noise_power, phase_noise)
    require_count("seed", seed, minimum=0)
    require_number("noise_exponent", noise_exponent, below=_STEEPEST)
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(ENDLESS,)))

    def batches():
        while True:
            labels = rng.integers(len(CONSTELLATIONS), size=batch_size)
            power = noise_power
            if spread:
                power = _draw_powers(noise_power, noise_exponent, batch_size, rng)
            iq = _receive(labels, chunk_size, power, phase_noise, rng)
            yield Chunks(iq, labels, "stream", power)

    return batches()


def _draw_powers(noise_range, exponent, count, rng) -> np.ndarray:
    if exponent == 0:
        return np.exp(rng.uniform(*np.log(noise_range), count))
    low, high = np.array(noise_range) ** exponent
    return rng.uniform(low, high, count) ** (1 / exponent)

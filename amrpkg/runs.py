"""One point of the grid, from signals to resource estimate, kept in a folder of its own.

A run folder holds ``params.json``, ``history.csv``, ``model.safetensors`` and ``metrics.json``.
Only the last, written last and in one step, says that the run is done; it is reused when it
was made under the same parameters by the same code.
"""

import hashlib
import json
import os
import platform
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import torch
from filelock import FileLock

from amrpkg.arguments import require_choice, require_count
from amrpkg.evaluation import evaluate, time_inference
from amrpkg.grid import Point
from amrpkg.hardware import count_model, estimate, zero_shares
from amrpkg.models import Network, build, load_model, save_model
from amrpkg.protocols import PRUNING_VARIANTS, Settings, settings
from amrpkg.pruning import make_permanent, prune_channels
from amrpkg.signals import make_chunks
from amrpkg.training import time_training, train

FRESH_CHUNKS_PER_CLASS = 2_560  # ten times the thesis's evaluation set: a narrower interval
_PACKAGE = Path(__file__).parent
# What a recorded number depends on; figures, tables and collation are left out.
_CODE = (
    *("constellations", "signals", "architectures", "quantization", "models", "pruning"),
    *("protocols", "timing", "training", "evaluation", "hardware", "grid", "runs"),
)
_IDENTITY = (
    *("architecture", "bit_width", "pruning_percent"),
    *("protocol", "seed", "pruning_variant"),
)
_FILES = {"history_sha256": "history.csv", "weights_sha256": "model.safetensors"}


@dataclass(frozen=True)
class Run:
    """A finished run.

    point : the grid point
    metrics : the flat record, one value a key, as in ``metrics.json``
    history : a row an epoch, with a column ``phase``: "training", then "retraining"
    folder : where the run lies
    """

    point: Point
    metrics: dict
    history: pd.DataFrame
    folder: Path

    def load_model(self) -> Network:
        """The trained model, in evaluation mode, pruned channels as zeros."""
        return load_model(self.folder / "model.safetensors")


def runs_folder() -> Path:
    """``$AMR_RUNS``, else ``runs/`` in the checkout, else ``runs/`` where the caller stands."""
    checkout = _PACKAGE.parent
    default = checkout if (checkout / "pyproject.toml").exists() else Path.cwd()
    return Path(os.environ.get("AMR_RUNS", default / "runs"))


@cache
def code_digest() -> str:
    """A digest of the modules that recorded numbers depend on, as this process found them."""
    sources = b"".join((_PACKAGE / f"{module}.py").read_bytes() for module in _CODE)
    return hashlib.sha256(sources).hexdigest()[:16]


def provenance() -> dict[str, str | int]:
    """Where and by what a number was made: commit, code, versions, machine, threads, date."""
    return {
        "commit": _commit(),
        "code_digest": code_digest(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "brevitas", "numpy")},
        "cpu": _cpu(),
        "threads": torch.get_num_threads(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _commit() -> str:
    """The commit of the checkout that the package runs from, "-dirty" after an edit."""

    def git(*arguments):
        command = ["git", "-C", str(_PACKAGE), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    if git("rev-parse", "--show-toplevel") != str(_PACKAGE.parent.resolve()):
        return "unknown"  # installed, perhaps inside another project's repository
    edited = "-dirty" if git("status", "--porcelain", "--untracked-files=no") else ""
    return git("rev-parse", "--short=12", "HEAD") + edited


def _cpu() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def find_run(
    point: Point, protocol: str = "thesis", seed: int = 0, pruning_variant: str = "held"
) -> Run | None:
    """The finished run of a point under today's code, versions and knobs, or ``None``.

    Raises ``ValueError`` for an unknown protocol or pruning variant, and for a folder that was
    damaged after it was finished: a truncated or foreign ``metrics.json``, other files missing
    or changed.
    """
    folder, params = identify(point, protocol, seed, pruning_variant)
    try:
        metrics = json.loads((folder / "metrics.json").read_text())
        _require_own(metrics, params)
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ValueError(f"run {folder} is damaged ({error}); remove it") from error
    if any(metrics.get(key) != value for key, value in params.items()):
        return None
    try:
        sealed = _seal(folder)
    except FileNotFoundError as error:
        name = Path(error.filename).name
        raise ValueError(f"run {folder} is damaged ({name} is missing); remove it") from error
    for key, digest in sealed.items():
        if metrics.get(key) != digest:
            raise ValueError(f"run {folder} is damaged ({_FILES[key]} was changed); remove it")
    return Run(point, metrics, pd.read_csv(folder / "history.csv"), folder)


def _require_own(metrics, params) -> None:
    """Raise ``ValueError`` unless `metrics` is the record of the run that the folder is for."""
    if not isinstance(metrics, dict):
        raise ValueError("metrics.json holds no record")
    for key in _IDENTITY:
        if metrics.get(key) != params[key]:
            raise ValueError(f"metrics.json has {key} {metrics.get(key)!r}, not {params[key]!r}")


def _seal(folder: Path) -> dict[str, str]:
    """Digests of a run's files, by which later damage is seen; the files are then on the disk."""
    digests = {}
    for key, name in _FILES.items():
        with (folder / name).open("rb") as file:
            os.fsync(file.fileno())  # a power cut must not leave a record of half a file
            digests[key] = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    return digests


def identify(
    point: Point, protocol: str = "thesis", seed: int = 0, pruning_variant: str = "held"
) -> tuple[Path, dict]:
    """The folder of a run and all that the run depends on. Raises ``ValueError`` as `find_run`."""
    knobs = settings(point.architecture, point.bit_width, protocol)
    require_count("seed", seed, minimum=0)
    require_choice("pruning_variant", pruning_variant, PRUNING_VARIANTS)
    variant = pruning_variant if point.pruning_percent else "none"
    regrown = "_regrowing" if variant == "regrowing" else ""
    seeded = f"_seed_{seed}" if seed else ""
    params = {
        **asdict(point),
        "protocol": protocol,
        "seed": seed,
        "pruning_variant": variant,
        **asdict(knobs),
        **{name: version(name) for name in ("torch", "brevitas", "numpy")},
        "code_digest": code_digest(),
    }
    return runs_folder() / protocol / f"{point.name}{regrown}{seeded}", params


def run_point(
    point: Point,
    protocol: str = "thesis",
    seed: int = 0,
    pruning_variant: str = "held",
    progress: bool = True,
) -> Run:
    """Train, prune, retrain, evaluate and estimate one point, or return its finished run.

    A pruned point starts from the run of its unpruned one, which is made first if need be.
    seed : of the chunks, the initial weights and the order of batches

    Raises as `find_run`.
    """
    if run := find_run(point, protocol, seed, pruning_variant):
        return run
    base = None
    if point.pruning_percent:
        base = run_point(point.base, protocol, seed, progress=progress)
    folder, params = identify(point, protocol, seed, pruning_variant)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):  # a second process waits, and then finds the run done
        if not (run := find_run(point, protocol, seed, pruning_variant)):
            _make_run(point, params, base, folder, progress)
            run = find_run(point, protocol, seed, pruning_variant)
    return run


def _make_run(point, params, base, folder, progress) -> None:
    (folder / "metrics.json").unlink(missing_ok=True)
    (folder / "params.json").write_text(json.dumps(params, indent=1))
    seed = params["seed"]
    training_chunks = make_chunks(seed=seed)
    fresh_chunks = make_chunks(FRESH_CHUNKS_PER_CLASS, seed=seed, split="evaluation")
    if base is None:
        model = build(point.architecture, point.bit_width, seed=seed)
    else:
        model = base.load_model()
        prune_channels(model, point.pruning_percent / 100, params["pruning_variant"])
    knobs = settings(point.architecture, point.bit_width, params["protocol"])
    training = train(model, training_chunks, knobs, seed, progress)
    make_permanent(model)
    history = training.history.assign(phase="retraining" if base else "training")
    if base is not None:
        history = pd.concat([base.history, history], ignore_index=True)
    history.to_csv(folder / "history.csv", index=False)
    save_model(model, folder / "model.safetensors")
    metrics = _measure(model, training, training_chunks, fresh_chunks)
    metrics |= compare_with_float(model, point, params["pruning_variant"], knobs)
    record = {**params, "name": point.name, **metrics, **_seal(folder), **provenance()}
    partial = folder / "metrics.json.part"
    with partial.open("w") as file:
        json.dump(record, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, folder / "metrics.json")


def compare_with_float(
    model: Network, point: Point, pruning_variant: str, knobs: Settings
) -> dict[str, float]:
    """Measure a trained model's speed, and side by side that of the unpruned float model.

    Times of a batch of 32 in inference and in training (forward, backward and step) on the
    current torch threads, in milliseconds and, ``..._to_float``, over those of the float model
    of the architecture. `model` is trained further by it.
    """
    twin = build(point.architecture)
    inference, reference = time_inference(model, twin)
    if point.pruning_percent:
        prune_channels(model, point.pruning_percent / 100, pruning_variant)  # as it was trained
    training = time_training(model, twin, settings=knobs)
    return {
        "training_latency_ms": training[0],
        "inference_time_ms": inference.inference_ms,
        "throughput_chunks_per_s": inference.throughput,
        "inference_time_to_float": inference.inference_ms / reference.inference_ms,
        "training_latency_to_float": training[0] / training[1],
    }


def _measure(model, training, training_chunks, fresh_chunks) -> dict:
    on_training, on_fresh = (evaluate(model, training_chunks), evaluate(model, fresh_chunks))
    layers = count_model(model)
    zeros = zero_shares(layers, model.architecture)
    return {
        "converged": training.converged,
        "epochs": len(training.history),
        "training_loss": float(training.history["loss"].iloc[-1]),
        "training_seconds": training.seconds,
        "training_throughput_chunks_per_s": training.throughput,
        "training_correct": on_training.correct,
        "training_count": on_training.count,
        "fresh_correct": on_fresh.correct,
        "fresh_count": on_fresh.count,
        "nonzero_weights": sum(layer.weights for layer in layers),
        "nonzero_biases": sum(layer.biases for layer in layers),
        "conv_zero_share": zeros["conv"],
        "linear_zero_share": zeros["linear"],
        **estimate(model)._asdict(),
    }

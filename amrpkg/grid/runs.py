"""One point of the grid, from signals to resource estimate, kept in a folder of its own.

Only ``metrics.json``, written last and in one step, says that the run is done; it is reused when
it was made under the same parameters by the same code.
"""

import json
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import pandas as pd
from filelock import FileLock

from amrpkg.common.arguments import require_choice, require_count
from amrpkg.common.code import current_digest, provenance, root
from amrpkg.common.files import whole_file
from amrpkg.evaluation.accuracy import evaluate
from amrpkg.grid.folders import read_metrics, run_name, runs_folder, seal
from amrpkg.grid.points import Point
from amrpkg.hardware.resources import count_model, estimate, zero_shares
from amrpkg.models.network import Network, build
from amrpkg.models.weights import load_float_weights, load_model, save_model
from amrpkg.signals.chunks import FRESH_CHUNKS_PER_CLASS, make_chunks
from amrpkg.speed.networks import compare_with_float
from amrpkg.training.fixed_set import train
from amrpkg.training.protocols import PRUNING_VARIANTS, StreamSettings, settings
from amrpkg.training.pruning import make_permanent, prune_channels
from amrpkg.training.stream import train_on_stream


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


def code_digest() -> str:
    """The digest of what a run's numbers are made by, as this process found it."""
    return current_digest(ROOT)


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
        metrics = read_metrics(folder)
    except FileNotFoundError:
        return None
    if any(metrics.get(key) != value for key, value in params.items()):
        return None
    return Run(point, metrics, pd.read_csv(folder / "history.csv"), folder)


def origin(point: Point, protocol: str) -> Point | None:
    """The point whose weights a run starts from, ``None`` for random weights.

    A pruned point starts from its base. On a stream a quantised one starts from the float point
    of the same pruning instead, which learns from a chunk in a third of the time.
    """
    knobs = settings(point.architecture, point.bit_width, protocol)
    if isinstance(knobs, StreamSettings) and point.bit_width != 32:
        return Point(point.architecture, 32, point.pruning_percent)
    return point.base if point.pruning_percent else None


def identify(
    point: Point, protocol: str = "thesis", seed: int = 0, pruning_variant: str = "held"
) -> tuple[Path, dict]:
    """The folder of a run and all that the run depends on. Raises ``ValueError`` as `find_run`."""
    knobs = settings(point.architecture, point.bit_width, protocol)
    require_count("seed", seed, minimum=0)
    require_choice("pruning_variant", pruning_variant, PRUNING_VARIANTS)
    variant = pruning_variant if point.pruning_percent else "none"
    params = {
        **asdict(point),
        "protocol": protocol,
        "seed": seed,
        "pruning_variant": variant,
        **asdict(knobs),
        **{name: version(name) for name in ("torch", "brevitas", "numpy")},
        "code_digest": code_digest(),
    }
    return runs_folder() / protocol / run_name(params), params


def run_point(
    point: Point,
    protocol: str = "thesis",
    seed: int = 0,
    pruning_variant: str = "held",
    progress: bool = True,
) -> Run:
    """Train, prune, retrain, evaluate and estimate one point, or return its finished run.

    The run that it starts from (see `origin`) is made first if need be.
    seed : of the chunks, the initial weights and the order of batches

    Raises as `find_run`.
    """
    if run := find_run(point, protocol, seed, pruning_variant):
        return run
    start = origin(point, protocol)
    base = run_point(start, protocol, seed, progress=progress) if start else None
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
    model = _start(point, params, base)
    knobs = settings(point.architecture, point.bit_width, params["protocol"])
    if isinstance(knobs, StreamSettings):
        training = train_on_stream(model, knobs, seed, bool(point.pruning_percent), progress)
    else:
        training = train(model, make_chunks(seed=seed), knobs, seed, progress)
    make_permanent(model)
    history = training.history.assign(phase=_phase(point, base))
    if base is not None:
        history = pd.concat([base.history, history], ignore_index=True)
    history.to_csv(folder / "history.csv", index=False)
    save_model(model, folder / "model.safetensors")
    metrics = _measure(model, training, knobs, seed)
    metrics |= compare_with_float(model, point.pruning_percent, params["pruning_variant"])
    record = {**params, "name": point.name, **metrics, **seal(folder)}
    record |= provenance(params["code_digest"])
    with whole_file(folder / "metrics.json") as file:
        json.dump(record, file, indent=1)


def _start(point, params, base) -> Network:
    """The model before its training: new, or with the weights of `base`, then pruned."""
    if base is not None and base.point.bit_width == point.bit_width:
        model = base.load_model()
    else:
        model = build(point.architecture, point.bit_width, seed=params["seed"])
        if base is not None:
            load_float_weights(model, base.load_model())
    if point.pruning_percent:  # the silent channels of a base that is pruned already come first
        prune_channels(model, point.pruning_percent / 100, params["pruning_variant"])
    return model


def _phase(point, base) -> str:
    if base is None:
        return "training"
    return "retraining" if base.point.bit_width == point.bit_width else "fine-tuning"


def _measure(model, training, knobs, seed) -> dict:
    fresh = evaluate(model, make_chunks(FRESH_CHUNKS_PER_CLASS, seed=seed, split="evaluation"))
    last = training.history.iloc[-1]
    if isinstance(knobs, StreamSettings):  # no set to go back to: the last hundred batches
        count = int(last["chunks"])
        correct = round(last["accuracy"] * count)
    else:
        on_training = evaluate(model, make_chunks(seed=seed))
        correct, count = on_training.correct, on_training.count
    layers = count_model(model)
    zeros = zero_shares(layers, model.architecture)
    metrics = {
        "epochs": len(training.history),
        "training_chunks": int(training.history["chunks"].sum()),
        "training_loss": float(last["loss"]),
        "training_seconds": training.seconds,
        "training_throughput_chunks_per_s": training.throughput,
        "training_correct": correct,
        "training_count": count,
        "fresh_correct": fresh.correct,
        "fresh_count": fresh.count,
        "nonzero_weights": sum(layer.weights for layer in layers),
        "nonzero_biases": sum(layer.biases for layer in layers),
        "conv_zero_share": zeros["conv"],
        "linear_zero_share": zeros["linear"],
        **estimate(model)._asdict(),
    }
    return {"converged": knobs.reached(metrics), **metrics}


ROOT = root(_make_run, origin, without=["PROTOCOLS"])  # knobs of a run are compared one by one

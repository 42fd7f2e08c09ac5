"""One point of the grid, from signals to resource estimate, kept in a folder of its own.

Only ``metrics.json``, written last and in one step, says that the run is done; it is reused when
it was made under the same parameters by the same code.
"""

from __future__ import annotations  # a finished run is found without torch

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import pandas as pd
from filelock import FileLock

from amrpkg.common.code import current_digest, provenance, root, versions
from amrpkg.common.files import whole_file
from amrpkg.grid.folders import Run, read_metrics, seal
from amrpkg.signals.chunks import FRESH_CHUNKS_PER_CLASS, make_chunks

if TYPE_CHECKING:
    from amrpkg.models.network import Network


@dataclass(frozen=True)
class FinishedRun:
    """A finished run.

    run : which
    metrics : the flat record, one value a key, as in ``metrics.json``
    history : a row an epoch, with a column ``phase``: "training", then "retraining"
    """

    run: Run
    metrics: dict
    history: pd.DataFrame

    def load_model(self) -> Network:
        """The trained model, in evaluation mode, pruned channels as zeros."""
        from amrpkg.models.weights import load_model

        return load_model(self.run.folder / "model.safetensors")


def code_digest() -> str:
    """The digest of what a run's numbers are made by, as this process found it."""
    return current_digest(ROOT)


def parameters(run: Run) -> dict:
    """All that a run depends on: its point and series, knobs, versions, code."""
    return {
        **run.columns,
        **asdict(run.settings),
        **versions(),
        "code_digest": code_digest(),
    }


def find_run(run: Run) -> FinishedRun | None:
    """What a run left under today's code, versions and knobs, or ``None``.

    Raises ``ValueError`` for a folder that was damaged after it was finished: a truncated or
    foreign ``metrics.json``, other files missing or changed.
    """
    try:
        metrics = read_metrics(run.folder)
    except FileNotFoundError:
        return None
    if any(metrics.get(key) != value for key, value in parameters(run).items()):
        return None
    return FinishedRun(run, metrics, pd.read_csv(run.folder / "history.csv"))


def make_run(run: Run, progress: bool = True, timed: bool = True) -> FinishedRun:
    """Train, prune, retrain, evaluate and estimate one point, or return its finished run.

    timed : whether its speed is measured, too, which tells nothing on a busy machine

    The run that it starts from is made first if need be. Raises as `find_run`.
    """
    if finished := find_run(run):
        return finished
    base = make_run(run.start, progress, timed) if run.start else None
    run.folder.mkdir(parents=True, exist_ok=True)
    with FileLock(run.folder / ".lock"):  # a second process waits, and then finds the run done
        if not (finished := find_run(run)):
            _make(run, base, progress, timed)
            finished = find_run(run)
    return finished


def _make(run, base, progress, timed) -> None:
    from amrpkg.models.weights import save_model
    from amrpkg.speed.networks import compare_with_float
    from amrpkg.training.pruning import make_permanent

    folder, params = run.folder, parameters(run)
    (folder / "metrics.json").unlink(missing_ok=True)
    (folder / "params.json").write_text(json.dumps(params, indent=1))
    model = _start(run, base)
    training = run.settings.train(model, run.seed, run.point.pruning_percent > 0, progress)
    make_permanent(model)
    history = training.history.assign(phase=_phase(run, base))
    if base is not None:
        history = pd.concat([base.history, history], ignore_index=True)
    history.to_csv(folder / "history.csv", index=False)
    save_model(model, folder / "model.safetensors")
    metrics = _measure(model, training, run)
    if timed:
        metrics |= compare_with_float(model, run.point.pruning_percent, run.pruning_variant)
    made_by = provenance(code_digest())
    record = {**params, "name": run.point.name, **metrics, **seal(folder), **made_by}
    with whole_file(folder / "metrics.json") as file:
        json.dump(record, file, indent=1)


def _start(run, base) -> Network:
    """The model before its training: new, or with the weights of `base`, then pruned."""
    from amrpkg.models.network import build
    from amrpkg.models.weights import load_float_weights
    from amrpkg.training.pruning import prune_channels

    point = run.point
    if base is not None and base.run.point.bit_width == point.bit_width:
        model = base.load_model()
    else:
        model = build(point.architecture, point.bit_width, seed=run.seed)
        if base is not None:
            load_float_weights(model, base.load_model())
    if point.pruning_percent:  # the silent channels of a base that is pruned already come first
        prune_channels(model, point.pruning_percent / 100, run.pruning_variant)
    return model


def _phase(run, base) -> str:
    if base is None:
        return "training"
    same = base.run.point.bit_width == run.point.bit_width
    return "retraining" if same else "fine-tuning"


def _measure(model, training, run) -> dict:
    from amrpkg.evaluation.accuracy import evaluate
    from amrpkg.hardware.resources import count_model, estimate, zero_shares

    fresh = make_chunks(FRESH_CHUNKS_PER_CLASS, seed=run.seed, split="evaluation")
    fresh = evaluate(model, fresh)
    correct, count = run.settings.count_training(model, training, run.seed)
    layers = count_model(model)
    zeros = zero_shares(layers, model.architecture)
    metrics = {
        "epochs": len(training.history),
        "training_chunks": int(training.history["chunks"].sum()),
        "training_loss": float(training.history["loss"].iloc[-1]),
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
    return {"converged": run.settings.reached(metrics), **metrics}


ROOT = root(_make, without=["PROTOCOLS"])  # knobs of a run are compared one by one

"""Trained networks as classifiers of the robustness record: finished runs and weight files."""

import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from torch import nn

from amrpkg.conditions import CONDITIONS
from amrpkg.evaluation import decide
from amrpkg.models import build, load_model, load_state
from amrpkg.results import read_record
from amrpkg.robustness import IDENTITY, Classifier

_CHUNK_SIZES = sorted({condition.chunk_size for condition in CONDITIONS})


def find_classifiers(
    runs: Path | None = None, weights: Sequence[Path] = ()
) -> dict[str, Classifier]:
    """Load the networks of all finished runs below `runs`, and those of ``.safetensors`` files.

    A run is named ``protocol/folder``, a file by its name without the ending. A network whose
    weights fit chunks of other sizes too is measured at those as well.

    Raises ``ValueError`` for a folder without finished runs, a damaged run, a file that is not
    one of `models.save_model`, and two files of one name.
    """
    found = {}
    if runs is not None:
        folders = sorted(file.parent for file in Path(runs).glob("*/*/metrics.json"))
        if not folders:
            raise ValueError(f"runs is {str(runs)!r}; allowed: a folder with finished runs")
        for folder in folders:
            record = read_record(folder)
            model = load_model(folder / "model.safetensors")
            identity = {column: record[column] for column in IDENTITY}
            found[f"{folder.parent.name}/{folder.name}"] = _classifier(model, identity)
    for path in map(Path, weights):
        model = load_model(path)
        if path.stem in found:
            raise ValueError(f"weights has two files named {path.stem!r}; allowed: one")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        identity = {"architecture": model.architecture, "bit_width": model.bit_width}
        found[path.stem] = _classifier(model, identity | {"weights_sha256": digest})
    return found


def _classifier(model: nn.Module, identity: dict) -> Classifier:
    models = {model.chunk_size: model} | {
        size: other for size in _CHUNK_SIZES if (other := _at_chunk_size(model, size))
    }
    return Classifier(partial(_decide, models), tuple(models), identity)


def _at_chunk_size(model: nn.Module, chunk_size: int) -> nn.Module | None:
    """The network with the same weights for other chunks, ``None`` if they do not fit."""
    try:
        other = build(model.architecture, model.bit_width, chunk_size)
        load_state(other, model.state_dict())
    except ValueError:
        return None
    return other.eval()


def _decide(models: dict[int, nn.Module], iq: np.ndarray) -> np.ndarray:
    return decide(models[iq.shape[2]], iq)

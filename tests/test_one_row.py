"""One row adds one thing: each kind is added as its own file alone would add it, and goes all the
way through build, training, estimate, export or drawing."""

import os
import subprocess
import sys
from dataclasses import dataclass
from shutil import copytree
from typing import ClassVar

import numpy as np
import pytest

import amrpkg
from amrpkg.book.figures import style
from amrpkg.export import export, load_network
from amrpkg.grid import Point, Run, make_run
from amrpkg.hardware import count_architecture, count_model, estimate_architecture, to_integers
from amrpkg.models import (
    ARCHITECTURES,
    BIT_WIDTHS,
    POINTWISE,
    VGG_LIKE,
    Architecture,
    build,
    prunable_layers,
)
from amrpkg.models.architectures import SYMBOL_WISE
from amrpkg.signals import make_chunks
from amrpkg.training import PROTOCOLS, Protocol, Settings, Training, settings, train

SMALL = "vgglike_2f_1c_1re_1mp"


@pytest.fixture
def few(monkeypatch, tmp_path):
    """Runs in a folder of their own, measured on few chunks."""
    monkeypatch.setenv("AMR_RUNS", str(tmp_path))
    monkeypatch.setattr("amrpkg.grid.runs.FRESH_CHUNKS_PER_CLASS", 20)


SHAPES = {
    # family: pools, hidden features, kernel size, over the chunk, fold
    VGG_LIKE: (1, (16,), 3),
    POINTWISE: (0, (16,), 1, "average"),
    SYMBOL_WISE: (0, (), 1, "sum", "fold_sign"),
}


@pytest.mark.parametrize("family", SHAPES)
def test_an_architecture(family, few, monkeypatch, tmp_path):
    row = Architecture(family, "tiny", (8,), *SHAPES[family])
    monkeypatch.setitem(ARCHITECTURES, "tiny_net", row)
    protocol = "trial" if family == VGG_LIKE else "few"
    monkeypatch.setitem(PROTOCOLS, "few", Protocol(lambda *model: Settings(1e-3, max_epochs=1)))
    run = Run(Point("tiny_net", 8, 25), protocol)
    finished = make_run(run, progress=False)
    assert run.short == "tiny_8bit_pr_25"
    model = finished.load_model()
    assert count_model(model) == count_architecture("tiny_net", 25)
    assert finished.metrics["dsp"] == estimate_architecture("tiny_net", 8, 25).dsp
    export(model, path := tmp_path / "x.safetensors", "integer")
    assert load_network(path).chunk_size == 32
    assert settings("tiny_net", 6, "streaming").chunks > 0


@pytest.fixture
def five_bits():
    BIT_WIDTHS.append(5)
    yield
    BIT_WIDTHS.remove(5)


def test_a_bit_width(five_bits, few_chunks, tmp_path):
    small = "pointwise_24_16_8"
    assert settings(small, 5, "ranging") == settings(small, 4, "ranging")
    knobs = Settings(settings(SMALL, 5).learning_rate, max_epochs=3, batch_size=2)
    train(model := build(SMALL, 5), few_chunks, knobs, progress=False)
    layers = to_integers(model).layers
    assert all(abs(layer.weights).max() <= 15 for layer in layers if layer.kind != "pool")
    export(model, path := tmp_path / "x.safetensors", "integer")
    assert load_network(path).bit_width == 5
    assert style.bit_width_color(5) not in map(style.bit_width_color, (32, 8, 6, 4, 3))


@dataclass(frozen=True)
class Untrained(Settings):
    """A protocol that sets all biases to one, and moves nothing else."""

    quantised_last: ClassVar[bool] = True

    def train(self, model, seed, retraining, progress) -> Training:
        for _, layer in prunable_layers(model):
            layer.bias.data.fill_(1)
        return train(model, make_chunks(8, seed=seed), Settings(0.0, max_epochs=1), 0, progress)


def test_a_protocol(few, monkeypatch):
    monkeypatch.setitem(PROTOCOLS, "untrained", Protocol(lambda *model: Untrained(0.0)))
    model = make_run(Run(Point(SMALL), "untrained"), progress=False).load_model()
    assert np.allclose(model.layers.conv1.bias.detach(), 1)
    assert Run(Point(SMALL, 8, 20), "untrained").start == Run(Point(SMALL, 32, 20), "untrained")


CONSTELLATION = """
import numpy as np
from amrpkg.signals.constellations import CONSTELLATIONS
CONSTELLATIONS["cross"] = 0.3 * np.array([1, 1j, -1, -1j])  # as the file would say it

import sys
from pathlib import Path
from amrpkg.evaluation import ceiling, evaluate
from amrpkg.export import export, load_network
from amrpkg.hardware import estimate
from amrpkg.models import build
from amrpkg.signals import make_chunks
from amrpkg.training import StreamSettings, train_on_stream

knobs = StreamSettings(3e-3, 60_000, 0, 0, 256)
train_on_stream(model := build("pointwise_24_16_8", 8), knobs, progress=False)
fresh = make_chunks(20, split="evaluation")
found, best = evaluate(model, fresh), ceiling(fresh)
assert found.confusion.shape == (10, 10) and best.accuracy == 1
assert found.confusion[9, 9] == 20, found.confusion  # quieter than all others
assert estimate(model).lut > 0
for name, format in (("x.safetensors", "integer"), ("x.onnx", "onnx")):
    export(model, path := Path(sys.argv[1]) / name, format)
    assert (evaluate(load_network(path), fresh).confusion == found.confusion).all()
"""


def test_a_constellation(tmp_path):
    one_thread = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", CONSTELLATION, str(tmp_path)]
    subprocess.run(command, env=one_thread, check=True)


FIGURE = """
from amrpkg.book.figures.style import in_style, subplots

@in_style
def plot_nothing():
    figure, ax = subplots()
    return figure
"""


def test_a_figure(tmp_path):
    copytree(amrpkg.__path__[0], package := tmp_path / "amrpkg")
    (package / "book/figures/nothing.py").write_text(FIGURE)
    draw = "from amrpkg.book import figures; print(figures.plot_nothing())"
    command = [sys.executable, "-c", draw]
    shown = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert shown.stdout.startswith("Figure(")

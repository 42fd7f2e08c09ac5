"""Shared fixtures: one torch thread, and the tiny data most tests train on."""

import gc
import os
from contextlib import closing
from dataclasses import replace
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
import torch
from browser import CHROMIUM, Browser

from amrpkg.grid import THESIS_GRID, Point, Run, make_run
from amrpkg.models import THESIS_ARCHITECTURES, build
from amrpkg.signals import make_chunks
from amrpkg.speed import time_side_by_side
from amrpkg.training import PRUNING_VARIANTS, make_permanent, prune_channels, settings

ROOT = Path(__file__).parents[1]


# Files by what they take, minutes first, as far as more than the rest.
LONGEST = (
    "book",
    "sweep_processes",
    "notebooks",
    "streaming",
    "onnx_export",
    "one_row",
    "classify",
)
LONGEST += (
    "packaging",
    "firmware",
    "c_code",
    "streaming_rtl",
    "folded_rtl",
    "runs",
    "hostile_files",
)


def pytest_collection_modifyitems(items):
    """The longest files first, so that no process is left alone with one at the end."""
    places = {f"test_{name}": place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))


def pytest_sessionstart():
    """What is imported and collected stays: Python need not look through it for what may go."""
    gc.disable()


def pytest_collection_finish():
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def few_timed_calls():
    """Speeds of runs made in this process are measured in a few calls: tests look at ratios of
    tens. Those of `time_side_by_side` itself call it where it stands."""
    with pytest.MonkeyPatch.context() as patch:
        place = "amrpkg.speed.networks.time_side_by_side"
        patch.setattr(place, lambda tasks, *_, **__: time_side_by_side(tasks, turns=2, calls=3))
        yield


@pytest.fixture(scope="session")
def trial_runs(tmp_path_factory, few_timed_calls):
    """A folder with trial runs of a point and of the unpruned one it starts from, one for all
    processes of pytest-xdist. A test that changes it takes a copy."""
    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "trial_runs"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AMR_RUNS", str(folder))
        make_run(Run(Point(THESIS_ARCHITECTURES[-1], 8, 20), "trial"), progress=False)
    return folder


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def browse(tmp_path_factory):
    """Opens a page in a browser, one for all tests of a process: see `Browser.browse`."""
    if not CHROMIUM:
        pytest.skip("no Chromium is installed; a page test needs one")
    with closing(Browser(tmp_path_factory.mktemp("profile"))) as browser:
        yield browser.browse


@pytest.fixture(scope="session")
def chapters():
    return sorted((ROOT / "thesis_nb").glob("*.ipynb"))


@pytest.fixture(scope="session")
def few_chunks():
    return make_chunks(chunks_per_class=8)


@pytest.fixture(scope="session")
def one_epoch():
    """The thesis's knobs of a model, for one epoch; no weight moves by decay alone.

    Ours take those of the thesis's smallest.
    """

    def knobs(architecture, bit_width):
        known = architecture in THESIS_ARCHITECTURES
        knobs = settings(architecture if known else THESIS_ARCHITECTURES[-1], bit_width)
        return replace(knobs, max_epochs=1, target_loss=0.0, weight_decay=0.0)

    return knobs


@pytest.fixture(scope="session")
def calibrated(few_chunks):
    """A network of random weights whose activation scales are set, pruned, without masks.

    No test that takes it may change it.
    """

    @cache
    def make(architecture, bit_width, fraction=0.0):
        model, iq = build(architecture, bit_width), torch.from_numpy(few_chunks.iq)
        model.train()
        with torch.no_grad():
            for _ in range(3 * (bit_width != 32)):
                model(iq)
        prune_channels(model, fraction)
        make_permanent(model)
        return model.eval()

    return make


@pytest.fixture
def record(tmp_path):
    """A record of the whole grid in both variants whose every value tells its point."""
    rows = []
    for point in THESIS_GRID:
        bits, percent = point.bit_width, point.pruning_percent
        place = THESIS_ARCHITECTURES.index(point.architecture)
        for variant in PRUNING_VARIANTS if percent else ("none",):
            ratio = bits + percent / 100 + 0.5 * (variant == "regrowing") + 0.01 * place
            keys = (point.architecture, bits, percent, "thesis", 0, variant)
            counts = [scale + 10_000 * place + 100 * percent + bits for scale in (0, 1, 2)]
            rows.append([*keys, ratio, ratio / 10, 2 * ratio, *counts, place])
    columns = ["architecture", "bit_width", "pruning_percent", "protocol", "seed"]
    columns += ["pruning_variant", "inference_time_to_float", "training_latency_to_float"]
    columns += ["inference_time_ms"]
    pd.DataFrame(rows, columns=[*columns, "dsp", "ff", "lut", "bram"]).to_csv(
        path := tmp_path / "grid.csv", index=False
    )
    return path

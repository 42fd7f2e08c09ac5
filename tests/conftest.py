"""Shared fixtures: one torch thread, and the tiny data most tests train on."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from amrpkg.protocols import settings
from amrpkg.signals import make_chunks

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def chapters():
    return sorted((ROOT / "thesis_nb").glob("*.ipynb"))


@pytest.fixture(scope="session")
def few_chunks():
    return make_chunks(chunks_per_class=8)


@pytest.fixture(scope="session")
def one_epoch():
    """The thesis's knobs of a model, for one epoch; no weight moves by decay alone."""

    def knobs(architecture, bit_width):
        knobs = settings(architecture, bit_width)
        return replace(knobs, max_epochs=1, target_loss=0.0, weight_decay=0.0)

    return knobs

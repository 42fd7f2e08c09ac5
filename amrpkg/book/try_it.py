"""What the page "Try it" runs on: three networks as integers, and the points of the classes."""

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from amrpkg.common.files import RESULTS
from amrpkg.export.integer_file import load_integers
from amrpkg.grid.points import KEYS, parse_point
from amrpkg.hardware.integers import IntegerLayer, IntegerNetwork
from amrpkg.records.grid import load_grid
from amrpkg.records.search import load_search
from amrpkg.signals.chunks import CHUNK_SIZE, PHASE_NOISE
from amrpkg.signals.constellations import CONSTELLATIONS

if TYPE_CHECKING:
    import pandas as pd

HEART, EARNED, SMALLEST = "heart", "earned", "smallest"
THESIS_NETWORK = "vgglike_2f_2c_2re_2mp_6bit_pr_20"  # that of chapter 3, under two trainings
OUR_NETWORK = "symbolwise_2_6_6_4bit_seed_2"  # that of chapter 11
WORD = 32  # bits of JavaScript's integers


def load_tried() -> dict[str, IntegerNetwork]:
    """The thesis's network learnt by heart, the same trained on fresh chunks, our smallest."""
    from amrpkg.hardware.conversion import to_integers  # here: it loads torch
    from amrpkg.models.weights import load_model
    from amrpkg.training.shrinking import shrink

    earned = shrink(load_model(RESULTS / "weights" / f"{THESIS_NETWORK}.safetensors"))
    return {
        HEART: load_integers(RESULTS / "integers/thesis" / f"{THESIS_NETWORK}.safetensors"),
        EARNED: to_integers(earned, THESIS_NETWORK),
        SMALLEST: load_integers(RESULTS / "search" / f"{OUR_NETWORK}.safetensors"),
    }


def load_counts() -> "dict[str, pd.Series]":
    """The row of the record that each of the three has, with its right decisions."""
    point = tuple(vars(parse_point(THESIS_NETWORK)).values())
    heart, earned = (load_grid(name).set_index(KEYS).loc[point] for name in ("thesis", "streaming"))
    search = load_search()
    smallest = search.query("channels == '6-6' and bit_width == 4 and seed == 2").iloc[0]
    return {HEART: heart, EARNED: earned, SMALLEST: smallest}


def embed(networks: Mapping[str, IntegerNetwork]) -> str:
    """What the page's scripts read, an element of HTML.

    networks : by the names under which the page shows them. A weight is a signed byte; all of
        a layer are a text in base64, biases and shifts lists.

    Raises ``ValueError`` for a network whose sums need more than 32 bits.
    """
    held = {
        "size": CHUNK_SIZE,
        "phase_noise": PHASE_NOISE,
        "constellations": {
            name: [[point.real, point.imag] for point in points.tolist()]
            for name, points in CONSTELLATIONS.items()
        },
        "networks": {key: _describe(network) for key, network in networks.items()},
    }
    text = json.dumps(held, separators=(",", ":"))
    return f'<script type="application/json" id="try-it-data">{text}</script>'


def _describe(network: IntegerNetwork) -> dict:
    layers, bits, signed = [], network.input_bits, True
    for layer in network.layers:
        about = {"kind": layer.kind, "bits": layer.bits}
        if layer.weights is not None:
            _require_word(layer, bits, signed)
            about |= dict(zip(("outputs", "inputs", "taps"), layer.weights.shape, strict=True))
            about |= {
                "weights": base64.b64encode(layer.weights.tobytes()).decode(),
                "biases": layer.biases.tolist(),
                "shifts": layer.shifts.tolist(),
            }
        layers.append(about)
        bits, signed = layer.bits, False
    inputs = {key: getattr(network, key) for key in ("input_bits", "input_exponent")}
    return inputs | {"layers": layers}


def _require_word(layer: IntegerLayer, bits: int, signed: bool) -> None:
    """Raise ``ValueError`` unless all sums of a layer and what is shifted of them fit in a word."""
    most = layer.accumulator_bits(bits, signed) + max(0, -int(layer.shifts.min()))
    if most >= WORD:
        raise ValueError(f"networks has sums of {most} bits in {layer.name}; allowed: under {WORD}")

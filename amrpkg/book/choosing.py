"""The networks worth choosing side by side: what each takes, and how near it is to its ceiling."""

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from amrpkg.evaluation.decisions import binomial_interval
from amrpkg.models.architectures import ARCHITECTURES, Architecture, symbol_wise
from amrpkg.records.across_noise import NETWORKS, load_across_noise
from amrpkg.records.grid import load_grid
from amrpkg.records.robustness import ACROSS, BLIND, CEILING, load_robustness
from amrpkg.records.search import load_search
from amrpkg.records.synthesis import load_synthesis
from amrpkg.signals.chunks import CHUNK_SIZE

LOUD = 12  # Es/N0 in dB, at which accuracies are divided by those of the ceilings
ENOUGH = 0.999  # of the further chunks, for the smallest network
_THESIS = "vgglike_2f_2c_2re_2mp"
_TARGET = "xc7"  # whose cells are shown


class Choice(NamedTuple):
    """A recorded network.

    name : in the record of robustness
    knows : the ceiling that knows as much as it does
    right, count : chunks at the thesis's noise
    lut, dsp : as Algorithm II estimates them
    """

    label: str
    name: str
    row: Architecture
    bit_width: int
    weights: int
    biases: int
    right: int
    count: int
    lut: int
    dsp: int
    knows: str = CEILING


def count_multiplications(row: Architecture, chunk_size: int = CHUNK_SIZE) -> int:
    """Products of a weight for one chunk, those of padding and of zeros too."""
    products, positions = 0, chunk_size
    for layer in row.layers(chunk_size):
        if layer.kind == "pool":
            positions //= 2
        products += layer.weights * (positions if layer.kind == "conv" else 1)
    return products


def choices() -> Iterator[Choice]:
    """A network of the thesis twice, and the symbol-wise ones."""
    for label, protocol in (("learnt by heart", "thesis"), ("fresh chunks", "streaming")):
        grid = load_grid(protocol, seed=0)
        at = (grid["architecture"] == _THESIS) & (grid["bit_width"] == 8)
        found = grid[at & (grid["pruning_percent"] == 0)].iloc[0]
        columns = ["nonzero_weights", "nonzero_biases", "fresh_correct", "fresh_count"]
        name, row = f"{protocol}/{_THESIS}_8bit", ARCHITECTURES[_THESIS]
        yield Choice(label, name, row, 8, *found[[*columns, "lut", "dsp"]])
    search = load_search().query("bit_width == 4")
    chosen = search.loc[search.groupby("weights")["validation_correct"].idxmax()]
    enough = chosen["more_correct"] >= ENOUGH * chosen["more_count"]
    found = chosen[enough].sort_values("weights").iloc[0]
    row = symbol_wise("fold", *map(int, found["channels"].split("-")))
    name = f"{row.short}_4bit_seed_{found['seed']}"
    columns = ["weights", "biases", "more_correct", "more_count", "exported_lut", "exported_dsp"]
    yield Choice("smallest", name, row, 4, *found[columns])
    across = load_across_noise().query("bit_width == 8 and case == 'as made' and seed == 0")
    quiet = across[across["noise_power"] == across["noise_power"].min()].set_index("network")
    columns = ["weights", "biases", "correct", "count", "exported_lut", "exported_dsp"]
    for label in ("told", "taught", "centred", "blind", "offsets"):
        knows, name = BLIND if label in ACROSS else CEILING, f"{label}_8bit_seed_0"
        row = NETWORKS[label].row
        yield Choice(label, name, row, 8, *quiet.loc[label, columns], knows)


def tabulate_choices(classical: tuple[int, int, float]) -> pd.DataFrame:
    """A row a network of `choices`, and one of a classifier on cumulants.

    classical : how many chunks it has right at the thesis's noise, of how many, and its ratio to
        the blind ceiling at `LOUD`
    """
    robust = load_robustness().query("condition == 'noise' and value == @LOUD")
    loud = (robust["correct"] / robust["count"]).set_axis(robust["classifier"])
    made = load_synthesis().query("target == @_TARGET and symbols_per_clock == 1")
    cells = made.set_index("network")["synthesised_lut"]
    rows = []
    for one in choices():
        rows.append(
            {
                "network": one.label,
                "layers": one.row.short,
                "weights": one.weights,
                "bits": one.bit_width,
                "bytes": -(-one.weights * one.bit_width // 8) + 4 * one.biases,
                "products a chunk": count_multiplications(one.row),
                "LUT (estimate)": one.lut,
                "DSP (estimate)": one.dsp,
                "LUT (synthesis)": cells.get(one.name),
                **_accuracy(one.right, one.count, loud[one.name] / loud[one.knows]),
            }
        )
    right, count, ratio = classical
    other = {"network": "gradient boosting", "layers": "cumulants"}
    return pd.DataFrame([*rows[:2], other | _accuracy(right, count, ratio), *rows[2:]])


def _accuracy(right: int, count: int, ratio: float) -> dict:
    low, high = binomial_interval(int(right), int(count))
    return {
        "right (%)": round(100 * right / count, 2),
        "exact 95 % interval (%)": f"{100 * low:.2f} to {100 * high:.2f}",
        f"of its ceiling at {LOUD} dB": round(ratio, 4),
    }

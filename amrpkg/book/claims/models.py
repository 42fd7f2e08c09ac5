"""What the thesis says of its networks, put to the recovered family."""

import numpy as np
import pandas as pd

from amrpkg.book.claims.accuracy import HUNDRED
from amrpkg.book.claims.evidence import SMALLEST, Evidence, percent
from amrpkg.book.ledger import Ledger
from amrpkg.book.rules import above, below, each, equal, true
from amrpkg.grid.points import DROPPED
from amrpkg.hardware.resources import count_architecture
from amrpkg.models.architectures import THESIS_ARCHITECTURES

RECOVERED = "recovered architectures"


def enter(ledger: Ledger, evidence: Evidence) -> None:
    counted = pd.Index(THESIS_ARCHITECTURES).str.extract(r"(\d)f_(\d)c_(\d)re_(\d)mp").astype(int)
    names = counted.set_axis(["linear", "conv", "relu", "pool"], axis=1)
    networks = [count_architecture(name) for name in THESIS_ARCHITECTURES]
    kinds = [[layer.kind for layer in layers] for layers in networks]
    layers = pd.DataFrame(
        {kind: [row.count(kind) for row in kinds] for kind in ("linear", "conv", "pool")}
    )
    unpruned = evidence.by_size["pruning_percent"] == 0
    cells = (evidence.by_size[["dsp", "ff"]] == evidence.printed[["dsp", "ff"]])[unpruned]
    ledger.add(
        "App. A",
        "DSP blocks and flip-flops of the 27 unpruned models: rows equal",
        *(each(equal(27)), cells.sum()),
        by=RECOVERED,
    )
    ledger.define(
        "ch. 4, evaluation",
        "names count fully connected, convolutional and pool layers",
        *(each(true()), (layers == names[layers.columns]).all(axis=1)),
    )
    ledger.define(
        "ch. 4, models",
        'convolutions "each followed by" a pool, except for the last of the largest: those without',
        *(each(equal(0)), (layers["conv"] - layers["pool"])[1:]),
    )
    relu = layers["linear"] + layers["conv"] - 1  # one behind every layer but the last
    ledger.add(
        *("ch. 4; ch. 5", "names count ReLU layers", each(true()), relu == names["relu"]),
        by=RECOVERED,
        correction=(
            "those of the classifier are counted, and 2f_2c_2re_2mp counts one too many",
            *(((layers["linear"] - 1) == names["relu"]).sum(), equal(6)),
        ),
    )
    weights = [sum(layer.weights for layer in network) for network in networks]
    ledger.add(
        "ch. 4, evaluation",
        '"model size was defined by layer count": weights added by the next larger name',
        *(each(above(0)), -np.diff(weights)),
        by=RECOVERED,
    )
    rows = evidence.printed[evidence.printed["architecture"] == SMALLEST].query("bit_width < 32")
    ledger.add(
        "ch. 4, evaluation",
        '"the smallest model was dropped out once quantization began": its quantised rows in '
        "the tables",
        *(equal(0), len(rows)),
        by="load_thesis",
        correction=("only at 4 bits", len(rows.query("bit_width == 4")), equal(0)),
    )
    dropped = evidence.retuned_of(DROPPED)
    ledger.add(
        "ch. 4, evaluation",
        'the smallest model "failed to reach this level of performance", at 4 bits: percent of '
        "the chunks it was trained on, retuned",
        *(each(below(HUNDRED)), percent(dropped, "training")),
        by="repeats",
        because="The learning rate adjusted as for the others, it is right on all of them, "
        f"unpruned and pruned, after {dropped['epochs'].max()} more epochs at most.",
    )

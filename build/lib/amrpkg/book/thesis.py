"""What the thesis prints, and what its tables reveal, beside Algorithm II's own counts."""

from dataclasses import asdict
from pathlib import Path

import pandas as pd

from amrpkg.grid.points import KEYS, THESIS_GRID
from amrpkg.hardware.resources import count_architecture, estimate_architecture

PRINTED = ["throughput_chunks_per_s", "inference_time_ms", "dsp", "ff", "lut", "bram"]


def load_thesis() -> pd.DataFrame:
    """The 81 rows of the thesis's Appendices A, B and C, in their order.

    Columns: ``architecture``, ``bit_width``, ``pruning_percent``, ``appendix``,
    ``throughput_chunks_per_s``, ``inference_time_ms``, ``dsp``, ``ff``, ``lut``, ``bram``.
    """
    printed = pd.read_csv(Path(__file__).parent / "appendices.csv")
    return printed.rename(columns={"model": "architecture"})[[*KEYS, "appendix", *PRINTED]]


def printed_zero_shares() -> pd.DataFrame:
    """Share of zero weights in the thesis's pruned rows, recovered from DSP and LUT.

    A weight costs 2 DSP anywhere, 4 LUT in a convolution and 1 in a fully connected layer, so
    pruning that saves dDSP and dLUT zeroes (dLUT - dDSP / 2) / 3 scaled weights in the
    convolutions and the rest of dDSP / 2 elsewhere. Columns: the keys, ``conv``, ``linear``.
    """
    model = ["architecture", "bit_width"]
    printed = load_thesis()
    unpruned = printed[printed["pruning_percent"] == 0].set_index(model)
    pruned = printed[printed["pruning_percent"] > 0].set_index(model)
    saved = unpruned[["dsp", "lut"]].reindex(pruned.index) - pruned[["dsp", "lut"]]
    conv = (saved["lut"] - saved["dsp"] / 2) / 3
    layers = {name: count_architecture(name) for name in printed["architecture"].unique()}

    def scaled(kind):  # C_nw of the unpruned network
        return [
            sum(x.weights for x in layers[name] if x.kind == kind) * bits / 32
            for name, bits in pruned.index
        ]

    return pruned.assign(
        conv=conv / scaled("conv"), linear=(saved["dsp"] / 2 - conv) / scaled("linear")
    ).reset_index()[[*KEYS, "conv", "linear"]]


def estimate_grid() -> pd.DataFrame:
    """Algorithm II for the 81 points from layer sizes alone, masks held; columns as printed."""
    return pd.DataFrame(
        {
            **asdict(point),
            **estimate_architecture(
                point.architecture, point.bit_width, point.pruning_percent
            )._asdict(),
        }
        for point in THESIS_GRID
    )

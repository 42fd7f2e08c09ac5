"""One step of a technique at a time, the rest unchanged: what it saves and what it costs."""

from itertools import pairwise

import pandas as pd

from amrpkg.grid.points import KEYS

_SIGNS = {"bit_width": "bits", "pruning_percent": "% pruned", "architecture": ""}


def summarise_steps(grid: pd.DataFrame, retrained: pd.DataFrame) -> pd.DataFrame:
    """A row a step, means over the pairs of points that differ by it alone.

    grid : points in the thesis's order with ``dsp`` and ``fresh_accuracy``; retrained : the same
        points trained otherwise

    Columns: ``step``, ``DSP saved (%)``, ``DSP saved (blocks)``, ``lost``, ``lost retrained``:
    points of fresh accuracy, a gain negative; ``pairs``.
    """
    names = {"fresh_accuracy": "lost", "dsp": "dsp"}
    other = retrained.set_index(KEYS)["fresh_accuracy"].rename("lost retrained")
    values = grid.set_index(KEYS)[list(names)].rename(columns=names).join(other)
    sizes = values.groupby(level="architecture")["dsp"].transform("size")
    rows = []
    for key, sign in _SIGNS.items():
        settings = list(grid[key].drop_duplicates())
        chosen = values
        if key == "bit_width":  # one network is not there at 4 bits
            chosen = values[sizes == sizes.max()]
        for one, next_one in pairwise(settings):
            before, after = (chosen.xs(value, level=key) for value in (one, next_one))
            before = before.loc[before.index.intersection(after.index)]
            lost = before - after.loc[before.index]
            label = f"{one} to {next_one} {sign}".replace("vgglike_", "").strip()
            rows.append(
                {
                    "step": label,
                    "DSP saved (%)": 100 * (lost["dsp"] / before["dsp"]).mean(),
                    "DSP saved (blocks)": round(lost["dsp"].mean()),
                    "lost": 100 * lost["lost"].mean(),
                    "lost retrained": 100 * lost["lost retrained"].mean(),
                    "pairs": len(before),
                }
            )
    return pd.DataFrame(rows)

"""What a chapter's cell gives the reader: facts asserted in one line, numbered tables.

Facts print the same on every machine.
"""

import math
from collections.abc import Mapping
from numbers import Integral, Real

import numpy as np
import pandas as pd


def check(name: str, value: float, reference: float, rtol: float = 0.0) -> None:
    """Assert that `value` agrees with `reference` within `rtol` and print that it does.

    The printed text holds the reference and the tolerance but not the value, so that a
    regression check compares it to the letter.

    Raises ``AssertionError`` with both values if they differ, NaN included.
    """
    if not math.isclose(value, reference, rel_tol=rtol, abs_tol=0.0):
        raise AssertionError(f"{name}: {value!r} is not {reference!r} within {rtol:g}")
    if reference is True:
        print(f"ok: {name}")
        return
    tolerance = f" within {rtol:.2g} relative" if rtol else ""
    print(f"ok: {name} = {np.format_float_positional(reference, trim='-')}{tolerance}")


def check_between(name: str, value: float, low: float, high: float) -> None:
    """Assert ``low <= value <= high``; print the range and not the value. Raises as `check`."""
    if not low <= value <= high:
        raise AssertionError(f"{name}: {value!r} is not between {low!r} and {high!r}")
    print(f"ok: {name} lies between {low:g} and {high:g}")


WIDE = 7  # columns; a wider table is set smaller
LONG = 10  # rows; a longer table can be sorted, filtered and saved as CSV in the browser


class Table:
    """A data frame that the book renders as a numbered table with a caption.

    A notebook shows it as HTML. The book takes the MyST form, a ``{table}`` directive, which
    gets a number and can be referred to as ``{numref}`name` ``.

    badges : column -> the colour of sphinx-design's badge for each of its texts; in the book a
        table with badges can be filtered by them, and stands in a box of its own height
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        name: str,
        caption: str,
        badges: Mapping[str, Mapping[str, str]] | None = None,
    ):
        self.frame = frame
        self.name = name
        self.caption = caption
        self.badges = badges or {}

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        text = self.frame.map(_text)
        align = [
            "---:" if pd.api.types.is_numeric_dtype(kind) else "---" for kind in self.frame.dtypes
        ]
        marked = text.assign(
            **{
                column: [f"{{bdg-{colors[value]}}}`{value}`" for value in text[column]]
                for column, colors in self.badges.items()
            }
        )
        lines = [list(map(str, text.columns)), align, *marked.itertuples(index=False)]
        body = [f"| {' | '.join(line)} |" for line in lines]
        rows, columns = self.frame.shape
        classes = ["tab-wide"] * (columns > WIDE) + ["sortable"] * (rows > LONG)
        classes += ["badged"] * bool(self.badges)
        look = [f":class: {' '.join(classes)}"] if classes else []
        head = [f":::{{table}} {self.caption}", f":name: {self.name}", *look, ""]
        return {
            "text/html": f"<p>{self.caption}</p>\n{text.to_html(index=False, border=0)}",
            "text/markdown": "\n".join([*head, *body, ":::"]),
            "text/plain": f"{self.caption}\n{text.to_string(index=False)}",
        }


def _text(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, Integral):
        return f"{value:,}"
    if isinstance(value, Real) and float(value).is_integer():
        return f"{int(value):,}"
    if isinstance(value, Real):
        return "" if np.isnan(value) else f"{value + 0.0:,.6g}"
    return str(value).replace("|", "\\|")

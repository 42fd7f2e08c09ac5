"""Data frames as numbered tables of the book."""

from numbers import Integral, Real

import numpy as np
import pandas as pd

WIDE = 7  # columns; a wider table is set smaller
LONG = 10  # rows; a longer table can be sorted, filtered and saved as CSV in the browser


class Table:
    """A data frame that the book renders as a numbered table with a caption.

    A notebook shows it as HTML. The book takes the MyST form, a ``{table}`` directive, which
    gets a number and can be referred to as ``{numref}`name` ``.
    """

    def __init__(self, frame: pd.DataFrame, name: str, caption: str):
        self.frame = frame
        self.name = name
        self.caption = caption

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        text = self.frame.map(_text)
        align = [
            "---:" if pd.api.types.is_numeric_dtype(kind) else "---" for kind in self.frame.dtypes
        ]
        lines = [list(map(str, text.columns)), align, *text.itertuples(index=False)]
        body = [f"| {' | '.join(line)} |" for line in lines]
        rows, columns = self.frame.shape
        classes = ["tab-wide"] * (columns > WIDE) + ["sortable"] * (rows > LONG)
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
    if isinstance(value, Real):
        return "" if np.isnan(value) else f"{value + 0.0:,.6g}"
    return str(value).replace("|", "\\|")

"""With what the book was built and the record was made, as tables of the status page."""

import re
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, requires, version

import pandas as pd

from amrpkg.grid.points import KEYS
from amrpkg.records.grid import PROVENANCE

_MADE_BY = [*PROVENANCE[:-1], "onnx", "onnxruntime", "openvino", "qonnx"]


def versions() -> pd.DataFrame:
    """Each declared dependency that is installed: package, declared bounds, version, extra."""
    rows = []
    for requirement in requires("amrpkg"):
        declared, _, extra = requirement.partition("; extra == ")
        name, bounds = re.fullmatch(r"([\w-]+)(?:\[.*\])?(.*)", declared).groups()
        try:
            rows.append((name, bounds or "any", version(name), extra.strip('"') or "always"))
        except PackageNotFoundError:  # of an extra that is not installed here
            continue
    table = pd.DataFrame(rows, columns=["package", "bounds", "installed", "needed for"])
    return table[table["package"] != "amrpkg"].reset_index(drop=True)


def describe_making(parts: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """What made rows of records: a column a part, named by its key; several values are listed."""
    columns = {}
    for name, rows in parts.items():
        dates = pd.to_datetime(rows["date"]).dt.strftime("%Y-%m-%d %H:%M")
        columns[name] = {
            "networks": len(rows.drop_duplicates(KEYS)),
            **{key: ", ".join(map(str, rows[key].unique())) for key in _MADE_BY if key in rows},
            "first finished (UTC)": dates.min(),
            "last finished (UTC)": dates.max(),
        }
        if "training_seconds" in rows:
            columns[name]["converged"] = int(rows["converged"].sum())
            columns[name]["hours of training"] = f"{rows['training_seconds'].sum() / 3600:.2f}"
    return pd.DataFrame(columns).fillna("").rename_axis("what").reset_index()

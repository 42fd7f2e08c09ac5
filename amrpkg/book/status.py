"""With what the book was built and the record was made, as tables of the status page."""

import re
from importlib.metadata import PackageNotFoundError, requires, version

import pandas as pd

from amrpkg.grid.points import KEYS
from amrpkg.records.grid import PROVENANCE


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


def describe_record(record: pd.DataFrame) -> pd.DataFrame:
    """What made the record: a column a series (protocol, pruning variant, seed).

    record : of `results.load_record`. Several values of one series are listed.
    """
    columns = {}
    for (protocol, variant, seed), runs in record.groupby(
        ["protocol", "pruning_variant", "seed"], sort=False
    ):
        name = {"none": "unpruned"}.get(variant, variant) + (f", seed {seed}" if seed else "")
        dates = pd.to_datetime(runs["date"]).dt.strftime("%Y-%m-%d %H:%M")
        columns[f"{protocol}: {name}"] = {
            "runs": len(runs),
            "converged": int(runs["converged"].sum()),
            "hours of training": f"{runs['training_seconds'].sum() / 3600:.2f}",
            **{key: ", ".join(map(str, runs[key].unique())) for key in PROVENANCE[:-1]},
            "first finished (UTC)": dates.min(),
            "last finished (UTC)": dates.max(),
        }
    return pd.DataFrame(columns).rename_axis("what").reset_index()


def describe_deployment(records: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """What made the records of deployable forms: a column a file, named by its key."""
    columns = {}
    for name, rows in records.items():
        made_by = [*PROVENANCE[:-1], "onnx", "onnxruntime", "openvino", "qonnx"]
        dates = pd.to_datetime(rows["date"]).dt.strftime("%Y-%m-%d %H:%M")
        columns[name] = {
            "networks": len(rows.drop_duplicates(KEYS)),
            **{
                key: ", ".join(map(str, rows[key].unique())) if key in rows else ""
                for key in made_by
            },
            "first finished (UTC)": dates.min(),
            "last finished (UTC)": dates.max(),
        }
    return pd.DataFrame(columns).rename_axis("what").reset_index()

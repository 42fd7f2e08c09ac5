"""What networks become on FPGAs, for the chapter on firmware: tables of the recorded designs."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from amrpkg.evaluation.decisions import binomial_interval
from amrpkg.hardware.devices import DEVICES, fits
from amrpkg.hardware.resources import Resources
from amrpkg.hardware.synthesis import Counts
from amrpkg.records.search import load_search
from amrpkg.records.synthesis import SYNTHESIS, load_synthesis

PUBLISHED = Path(__file__).parent / "published.csv"
ESTIMATES = {  # name of the estimate -> its column, the generator that it is meant for
    "Algorithm II": ("algorithm_ii_lut", None),
    "adder graph": ("adder_graph_lut", "streaming"),
    "FINN-R": ("finn_r_lut", "folded"),
}


def summarise_placed(path: Path = SYNTHESIS) -> pd.DataFrame:
    """A row a design and device: cells, clock rate, classifications a second, time to the class.

    What a device does not hold stays as a row without numbers, with what is short; that column
    is there if there is such a row.
    """
    rows = _in_order(load_synthesis(path))
    rows = rows[rows["kind"].isin(["placed and routed", "does not fit"])]
    if "shortage" not in rows:
        rows = rows.assign(shortage="")
    table = pd.DataFrame(
        {
            "network": _short(rows["network"]),
            "symbols a clock": rows["symbols_per_clock"],
            "device": rows["target"],
            "LUT": rows["placed_lut"],
            "DSP": rows["placed_dsp"],
            "BRAM": rows["placed_bram"],
            "clock (MHz)": rows["fmax_mhz"].round(1),
            "million chunks/s": (rows["classifications_per_second"] / 1e6).round(2),
            "to the class (ns)": rows["latency_ns"].round(0),
            "does not fit": rows["shortage"].fillna(""),
        }
    ).reset_index(drop=True)
    return table if table["does not fit"].any() else table.drop(columns="does not fit")


def compare_estimates(path: Path = SYNTHESIS) -> pd.DataFrame:
    """LUT of every design as `ESTIMATES` say and as synthesised for Xilinx 7, and the ratios."""
    rows = _in_order(load_synthesis(path))
    rows = rows[rows["target"] == "xc7"]
    about = ["network", "generator", "architecture", "bit_width", "pruning_percent"]
    table = rows[[*about, "symbols_per_clock"]].assign(architecture=_short(rows["architecture"]))
    table = table.assign(network=_short(rows["network"]), synthesised=rows["synthesised_lut"])
    for name, (column, generator) in ESTIMATES.items():
        if column in rows:
            meant = rows["generator"] == (generator or rows["generator"])
            table[name] = rows[column].where(meant)
            table[f"{name} / synthesised"] = (table[name] / table["synthesised"]).round(3)
    return table.reset_index(drop=True)


def spread_of_estimates(estimates: pd.DataFrame) -> pd.DataFrame:
    """What each estimate of `compare_estimates` gives to one synthesised LUT: least, median and
    most, a row an architecture; one number where there is one design."""

    def join(values: Iterable[str], between: str) -> str:
        first, *others = values
        return first if all(x == first for x in others) else between.join((first, *others))

    kinds = estimates.groupby(["generator", "architecture"], sort=False)
    ends = kinds["synthesised"].agg(["min", "max"])
    table = kinds.size().rename("designs").to_frame()
    table["LUT, synthesised"] = [
        join((f"{lut:,.0f}" for lut in row), " to ") for row in ends.to_numpy()
    ]
    for name in (name for name in ESTIMATES if name in estimates):
        parts = kinds[f"{name} / synthesised"].agg(["min", "median", "max"])
        table[name] = [
            "" if pd.isna(row).any() else join((f"{ratio:.2g}" for ratio in row), " / ")
            for row in parts.to_numpy()
        ]
    return table.reset_index()


def list_gates(path: Path = SYNTHESIS) -> pd.DataFrame:
    """What bits and pruning leave of a design as synthesised for Xilinx 7, a row a design.

    At one symbol a clock, so that only the network differs; of a folded one the clocks a chunk
    say what the same multipliers achieve. Of several seeds the first in the record stays;
    an architecture that was built only once is compared with nothing and left out.
    """
    rows = load_synthesis(path)
    rows = rows[(rows["target"] == "xc7") & (rows["symbols_per_clock"] == 1)]
    keys = ["generator", "architecture", "bit_width", "pruning_percent"]
    counts = [f"synthesised_{kind}" for kind in ("lut", "ff", "dsp", "bram")]
    table = rows.drop_duplicates(keys)[[*keys, *counts, "clocks_per_chunk"]]
    table = table[table.duplicated("architecture", keep=False)]
    return table.sort_values(keys, ascending=[False, True, False, True]).reset_index(drop=True)


def list_devices() -> pd.DataFrame:
    """What each part of `DEVICES` holds, whether an open tool places on it, and the source."""
    rows = [
        {
            "part": f"`{device.name}`",
            "LUT": device.lut,
            "FF": device.ff,
            "DSP": device.dsp,
            "BRAM": device.bram,
            "place and route": "nextpnr" if device.options else "",
            "source": device.source,
        }
        for device in DEVICES.values()
    ]
    return pd.DataFrame(rows)


def count_fitting(path: Path = SYNTHESIS) -> pd.DataFrame:
    """How many designs of a kind fit each Xilinx 7 part, by Algorithm II and as synthesised."""
    rows, found = load_synthesis(path), []
    for row in rows[rows["target"] == "xc7"].to_dict("records"):
        estimate = Resources(**{k: row[f"algorithm_ii_{k}"] for k in Resources._fields})
        made = Counts(**{k: row[f"synthesised_{k}"] for k in Counts._fields})
        fitting = {
            (device.name, by): fits(counts, device)
            for device in DEVICES.values()
            if device.family == "xc7"
            for by, counts in (("estimate", estimate), ("synthesis", made))
        }
        found.append({"network": row["architecture"], "generator": row["generator"], **fitting})
    groups = pd.DataFrame(found).groupby(["network", "generator"])
    sums, table = groups.sum(), groups.size().rename("designs").reset_index()
    for device in dict.fromkeys(name for name, _ in sums):
        pairs = zip(sums[device, "estimate"], sums[device, "synthesis"], strict=True)
        table[device] = [f"{estimate} / {made}" for estimate, made in pairs]
    return table.assign(network=_short(table["network"]))


def compare_published(path: Path = SYNTHESIS) -> pd.DataFrame:
    """Published classifiers of modulations, and below them our designs as placed on an ECP5."""
    others = pd.read_csv(PUBLISHED)
    rows = load_synthesis(path)
    rows = rows[(rows["kind"] == "placed and routed") & (rows["generator"] == "streaming")]
    rows = rows[rows["target"].str.startswith("ecp5")]
    found = _searched()
    rows = rows[rows["network"].isin(found.index)]
    accuracy = found.loc[rows["network"], "more_correct"] / found.loc[rows["network"], "more_count"]
    symbols = rows["symbols_per_clock"]
    ours = pd.DataFrame(
        {
            "design": _short(rows["network"]) + symbols.map(", {} a clock".format),
            "classes": 9,
            "data": "fresh chunks, N_a = 0.005",
            "accuracy (%)": (100 * accuracy.to_numpy()).round(2),
            "device": rows["target"],
            "classifications/s": rows["classifications_per_second"].astype(int),
            "latency (us)": (rows["latency_ns"] / 1e3).round(3),
            "LUT": rows["placed_lut"],
            "what is counted": "placed and routed, pins' registers in",
        }
    )
    table = pd.concat([others, ours], ignore_index=True)
    share = (table["LUT"] / (table["classifications/s"] / 1e6)).round(0)
    table.insert(table.columns.get_loc("LUT") + 1, "LUT per million/s", share)
    return table.fillna({"device": "", "data": ""})


def accuracy_interval(network: str) -> tuple[float, float, float]:
    """Accuracy of a network of the search on the 108,000 further chunks, and its exact interval."""
    row = _searched().loc[network]
    counts = int(row["more_correct"]), int(row["more_count"])
    return counts[0] / counts[1], *binomial_interval(*counts)


def _searched() -> pd.DataFrame:
    """The rows of the search by the names of their files."""
    found = load_search()
    parts = ("symbolwise_2", found["channels"].str.replace("-", "_"), found["bit_width"].map(str))
    names = parts[0] + "_" + parts[1] + "_" + parts[2] + "bit_seed_" + found["seed"].map(str)
    return found.set_index(names)


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """Unrolled designs first, each network's points together, and not as they were built."""
    keys = ["generator", "architecture", "bit_width", "pruning_percent", "symbols_per_clock"]
    order = [False, True, False, True, True]
    return rows.sort_values(keys, ascending=order, kind="stable", ignore_index=True)


def _short(names: pd.Series) -> pd.Series:
    """Without what every name of a family says."""
    return names.str.replace("vgglike_", "").str.replace(r"_seed_\d", "", regex=True)

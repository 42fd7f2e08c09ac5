"""The whole story in one frame: what each network gets wrong, and what it would take of an FPGA.

    python -m amrpkg.book.story

draws it into ``book/_static/story.svg`` and says in the README what is to be seen.
"""

import re
from pathlib import Path

import pandas as pd

from amrpkg.common.files import CHECKOUT, whole_file
from amrpkg.evaluation.decisions import binomial_interval
from amrpkg.grid.points import KEYS, Point
from amrpkg.hardware.devices import find_device
from amrpkg.models.architectures import THESIS_ARCHITECTURES, symbol_wise
from amrpkg.records.grid import load_grid
from amrpkg.records.search import SEARCH, load_search
from amrpkg.records.synthesis import FRESH, SYNTHESIS, load_synthesis

PICTURE = CHECKOUT / "book/_static/story.svg"
README = CHECKOUT / "README.md"
GOAL = 0.001  # of the fresh chunks wrong
HEART, STREAMED, POINTWISE, SYMBOL_WISE = SERIES = (
    "the thesis's, learnt by heart",
    "the same, trained on fresh chunks",
    "ours, pointwise",
    "ours, symbol-wise",
)
_COLUMNS = ["network", *KEYS, "weights", "lut", "fresh_correct", "fresh_count"]
DEVICES = {  # what the picture calls a small part of three families
    "iCE40 HX1K": find_device("ice40-hx1k"),
    "Spartan-7 XC7S6": find_device("xc7s6"),
    "ECP5-25F": find_device("ecp5-25k"),
}


def tell_story(
    grid: Path | None = None, search: Path = SEARCH, synthesis: Path = SYNTHESIS
) -> pd.DataFrame:
    """A row a network of the record: the thesis's grid under two trainings, and ours.

    grid, search : the records, as of `load_grid` and `load_search`. Of the search's networks of
        one size and bit width that stands which did best on the chunks kept for choosing.
    synthesis : the record of designs; where there is none, no network is synthesised

    Columns: ``series`` (of `SERIES`), ``network``, the keys, ``weights`` (of a pruned network those
    that are not zero), ``lut`` (Algorithm II's estimate), ``fresh_correct``, ``fresh_count``,
    ``wrong`` (share of the fresh chunks), ``low`` and ``high`` (its exact 95 % interval),
    ``synthesised_lut`` (for the 7 series, at a symbol a clock; NaN where nothing is on record).

    Raises as the two.
    """
    streamed = load_grid("streaming", path=grid)
    ours = ~streamed["architecture"].isin(THESIS_ARCHITECTURES)
    parts = {
        HEART: _name_points(load_grid("thesis", path=grid)),
        STREAMED: _name_points(streamed[~ours]),
        POINTWISE: _name_points(streamed[ours]),
        SYMBOL_WISE: _choose(load_search(search)),
    }
    story = pd.concat(parts, names=["series", None]).reset_index("series")
    counts = story[["fresh_correct", "fresh_count"]].itertuples(index=False)
    bounds = [binomial_interval(*pair) for pair in counts]
    story["wrong"] = 1 - story["fresh_correct"] / story["fresh_count"]
    story["high"], story["low"] = (1 - pd.DataFrame(bounds).T.to_numpy()).tolist()
    made = _find_synthesised(synthesis)
    places = pd.MultiIndex.from_frame(story[KEYS])
    story["synthesised_lut"] = made.reindex(places).to_numpy()
    story.loc[story["series"] == HEART, "synthesised_lut"] = float("nan")
    return story.reset_index(drop=True)


def _find_synthesised(path: Path) -> pd.Series:
    """Look-up tables by the keys, of networks trained on fresh chunks that are on record."""
    if not path.exists():
        return pd.Series(index=pd.MultiIndex.from_arrays([[]] * len(KEYS)), dtype=float)
    rows = load_synthesis(path)
    rows = rows[(rows["family"] == "xc7") & (rows["symbols_per_clock"] == 1)]
    rows = rows[rows["values"] == FRESH]
    return rows.drop_duplicates(KEYS).set_index(KEYS)["synthesised_lut"]


def _name_points(rows: pd.DataFrame) -> pd.DataFrame:
    points = [Point(*point).name for point in rows[KEYS].itertuples(index=False)]
    rows = rows.assign(network=points).rename(columns={"nonzero_weights": "weights"})
    return rows[_COLUMNS]


def _choose(search: pd.DataFrame) -> pd.DataFrame:
    best = search.groupby(["channels", "bit_width"])["validation_correct"].idxmax()
    rows = search.loc[best.sort_values()].rename(columns={"exported_lut": "lut"})
    channels = rows["channels"].str.split("-").map(lambda texts: tuple(map(int, texts)))
    short = [symbol_wise("fold", *numbers).short for numbers in channels]
    rows = rows.assign(architecture=short, pruning_percent=0)
    suffixes = rows["bit_width"].map(lambda bits: f"_{bits}bit" * (bits != 32))
    return rows.assign(network=rows["architecture"] + suffixes)[_COLUMNS]


def smallest(story: pd.DataFrame, series: str) -> pd.Series:
    """The row of a series with the fewest look-up tables that reaches the `GOAL`."""
    able = story[(story["series"] == series) & (story["wrong"] <= GOAL)]
    return able.loc[able["lut"].idxmin()]


def describe_story(story: pd.DataFrame) -> str:
    """What is to be seen in the picture, for those who do not see it."""
    wrong = 100 * story.set_index("series")["wrong"]
    streamed = story[story["series"] == STREAMED]
    reach = int((streamed["wrong"] <= GOAL).sum())
    theirs, ours = smallest(story, STREAMED)["lut"], smallest(story, SYMBOL_WISE)["lut"]
    made = story[story["wrong"] <= GOAL]["synthesised_lut"].min()
    synthesised = f" The least that was synthesised takes {made:,.0f}." if made > 0 else ""
    return (
        "Wrong decisions on fresh chunks against estimated look-up tables, both axes logarithmic. "
        f"The thesis's {len(wrong[HEART])} networks, learnt by heart, lie high: "
        f"{wrong[HEART].min():.0f} to {wrong[HEART].max():.0f} % wrong at any size. "
        f"Trained on fresh chunks, {reach} of the same {len(streamed)} fall to {100 * GOAL:g} % "
        f"or less, the smallest of them at {theirs:,} look-up tables. "
        f"By the same estimate ours get there with {ours:,}.{synthesised}"
    )


def write_picture(story: pd.DataFrame, picture: Path = PICTURE, readme: Path = README) -> None:
    """Draw the story into `picture`, and put its description into the README's line of it."""
    from amrpkg.book.figures.story import plot_story
    from amrpkg.book.figures.style import save_svg

    with whole_file(picture, binary=True) as file:
        save_svg(plot_story(story), file)
    text = re.sub(
        r"!\[[^\]]*\]\(book/_static/story\.svg\)",
        lambda _: f"![{describe_story(story)}](book/_static/story.svg)",
        readme.read_text(),
    )
    with whole_file(readme) as file:
        file.write(text)


if __name__ == "__main__":
    write_picture(tell_story())

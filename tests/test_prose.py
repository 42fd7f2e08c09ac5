"""Numbers typed into prose are those that the thesis prints and those that were set.

What a cell can give is glued or computed. What is typed all the same stands in the lists below.
"""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("thesis_nb/*.ipynb"), *ROOT.glob("book/*.md")])

# Of signals, networks and sets: not found, but chosen, by the thesis or by us.
SET = {"3", "4", "6", "8", "32", "20", "30", "0.005", "256", "2,304", "23,040", "10,008"}
SET |= {"27", "54", "81"}  # points of its grid: unpruned, pruned, all
SET |= {"95", "99.9", "0.1", "100"}  # percent: of intervals, the goal and what misses it, the claim
PRINTED = {"99.84", "99.78", "99.89", "0.030", "1.000", "0.03", "1.7", "2.5", "10"}
# What a page has besides, and what it is.
ALSO = {
    "intro": {"7"},  # in the name of a series of FPGAs
    "try_it": {"1,000", "22.5"},  # chunks of its test; half a step of 8PSK
    "problem": {"90", "40", "527,000", "97.1"},  # of others' designs, as published
    "01_signal_generation": {"0", "1", "500"},  # a point of the plane; samples drawn
    "04_evaluation_statistics": {  # the factor that the thesis left out; one tried; what is high
        *("2", "99.8", "97.1"),
    },
    "05_hardware_estimation": {  # channels; lines of Algorithm II; DSP blocks of a part
        *("128", "512", "1", "2", "5", "740"),
    },
    "06_results": {  # read off the thesis's tables; and what a share, a ratio, a count can be
        *("5", "17", "90", "14", "1.5", "12", "19", "7", "91", "87"),
        *("0", "1", "80", "70"),
    },
    "07_what_holds": {  # the ledger's rules; printed times and what was counted of them
        *("0", "1", "2", "1.25", "97.1", "99", "9.26", "14.09"),
    },
    "08_earning_100": {  # levels of 4 bits; a kernel's size; the first points; a goal
        *("16", "1", "2", "99.5"),
    },
    "09_smallest_network": {"1", "64"},  # the step of the input
    "10_real_integers": {"19", "64", "49", "36", "1.5"},  # its tables; (1 - p)^2; a goal
    "11_firmware": {  # 6 x is 8 x - 2 x; names of a family and of parts; counts as published
        *("2", "7", "9", "25", "85", "0.35", "5,929", "4,855", "5,804"),
        *("1.00", "1.03", "1.48", "1.72"),  # as benchmarks/adder_graphs.py prints
    },
    "12_from_the_air": {  # how bursts and recordings were made; squares; a confidence asked for
        *("1", "0.2", "0.5", "2", "40", "3.7", "0.3", "25", "90", "700", "15", "36"),
    },
    "appendix_figures": {"0", "1"},  # where a scale ends, where a ratio begins
    "what_follows": {"0.05", "7"},  # a noise power; in the name of a series of FPGAs
    "classify": {  # limits and thresholds of the command
        *("1", "2", "16", "64", "0.02", "320", "0.66", "1.06", "23", "0.07", "0.09", "45"),
        *("290", "65,536"),
    },
    "export": {"1", "2", "64", "90", "1,008"},  # clocks a symbol; limits; chunks that are tried
    "running": {"1", "2", "130", "0.9", "2026.3", "16", "0.02", "40"},  # exit codes, versions
}
NOT_PROSE = [
    re.compile(r"\A---.*?^---$", re.S | re.M),
    re.compile(r"\{[\w:+-]+\}`[^`]*`"),  # roles: glued numbers, references
    re.compile(r"\$\$.*?\$\$|\$[^$]*\$", re.S),
    re.compile(r"`[^`]*`"),
    re.compile(r"\]\([^)]*\)|<[^>]*>"),
    re.compile(r"^\s*\d+\. |^\*\*\d\.\*\* ", re.M),  # of lists, of exercises
    # Figures 7 to 9, Figures 7 and 10, chapter 3, step 1.1
    re.compile(r"\b([Ff]igure|[Tt]able|[Cc]hapter|[Aa]ppendi|[Ss]tep)\w*\s+[\d.]+( (to|and) \d+)?"),
]
FENCE = re.compile(r"^```.*?^```", re.S | re.M)
NUMBER = re.compile(r"(?<![\w.⁻])\d[\d,.]*\d(?![\w]|[\d.]*\w)|(?<![\w.⁻])\d(?!\w)")


def prose(path):
    """Texts and captions of a page."""
    if path.suffix == ".md":
        yield FENCE.sub(
            lambda block: "\n".join(re.findall(r"^: {6}(.*)", block[0], re.M)), path.read_text()
        )
        return
    for cell in json.loads(path.read_text())["cells"]:
        if cell["cell_type"] == "markdown":
            yield FENCE.sub("", "".join(cell["source"]))
        elif figure := cell["metadata"].get("mystnb", {}).get("figure"):
            yield figure["caption"]


def typed(texts):
    found = set()
    for text in texts:
        for pattern in NOT_PROSE:
            text = pattern.sub(" ", text)
        found |= set(NUMBER.findall(text))
    return found


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_no_number_in_prose_could_come_from_a_cell(path):
    also = ALSO.get(path.stem, set())
    found = typed(prose(path))
    assert found - SET - PRINTED <= also, "glue it, or say above what it is"


def test_what_is_typed_is_found_and_what_is_glued_is_not():
    text = "Right on {glue:text}`x_1` of 23.4 % and 12,345 of $x_2 = 3$ in `f(7)`, 2f_1c, 16QAM."
    assert typed([text]) == {"23.4", "12,345"}
    assert typed(["1. One.\n2. Two, after Figures 7 to 9, and 5."]) == {"5"}

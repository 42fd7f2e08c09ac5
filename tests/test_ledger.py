"""Each verdict by a case, rules that are what they say, and claims that cannot be entered."""

import math

import numpy as np
import pandas as pd
import pytest

from amrpkg.book import (
    CONDITION,
    CORRECTED,
    NOT_REPRODUCED,
    NOT_TESTABLE,
    REPRODUCED,
    VERDICTS,
    Ledger,
    about,
    above,
    at_least,
    at_most,
    below,
    clear,
    describe,
    each,
    equal,
    estimate_grid,
    factor,
    load_thesis,
    mean,
    relative,
    rounds_to,
    some,
    steady,
    true,
    within,
)


@pytest.fixture
def ledger():
    ledger = Ledger()
    ledger.section("a section")
    return ledger


@pytest.mark.parametrize(
    ("rule", "text", "holding", "failing"),
    [
        (within(4, 6), "is between 4 and 6", (4, 5, 6), (3.9, 6.1)),
        (about(10), "is within 20 % of 10", (8, 12), (7.9, 12.1)),
        (about(-10), "is within 20 % of -10", (-8, -12), (-7.9, 8)),
        (factor(10), "is within a factor of 1.25 of 10", (8, 12.5), (7.9, 12.6)),
        (rounds_to(99.84, 2), "rounds to 99.84", (99.8352, 99.844), (99.83, 99.846)),
        (rounds_to(100, 0), "rounds to 100", (99.6,), (99.4,)),
        (equal(2304), "is 2,304", (2304, 2304.0), (2303.999,)),
        (true(), "is true", (True, np.True_), (False,)),
        (at_least(2), "is at least 2", (2, 3), (1.9,)),
        (at_most(2), "is at most 2", (2, 1), (2.1,)),
        (above(2), "is above 2", (2.1,), (2,)),
        (below(2), "is below 2", (1.9,), (2,)),
        (each(above(0)), "each is above 0", ([1, 2],), ([1, 0], [0, 0])),
        (some(above(0)), "at least one is above 0", ([1, 0],), ([0, -1],)),
        (mean(equal(2)), "the mean is 2", ([1, 3], pd.Series([2])), ([1, 2],)),
        (
            clear(at_least(10), off=0),
            "the mean is at least 10 and more than two standard errors off 0",
            ([10, 11, 12],),
            ([-30, 10, 50], [1, 1.1, 1.2]),
        ),
        (
            steady(),
            "all are above 0 and within 20 % of their mean",
            ([1, 1.1], [3]),
            ([1, 2], [-1, -1], [0, 0]),
        ),
    ],
)
def test_a_rule_is_what_it_says(rule, text, holding, failing):
    assert str(rule) == text
    assert all(rule(value) is True for value in holding)
    assert all(rule(value) is False for value in failing)


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        (above(0), [1, 2]),
        (each(above(0)), 1),
        (above(0), math.nan),
        (mean(above(0)), [1, math.nan]),
        (each(above(0)), []),
        (each(above(0)), [[1], [2]]),
        (above(0), None),
        (above(0), "many"),
    ],
)
def test_a_rule_takes_no_other_kind_of_value(rule, value):
    with pytest.raises(ValueError):
        rule(value)


def test_a_range_the_wrong_way_round_is_refused():
    with pytest.raises(ValueError, match="low is 6, high is 4"):
        within(6, 4)


WRONG = ("it is five", 5, equal(5))


@pytest.mark.parametrize(
    ("numbers", "verdict", "note"),
    [
        ({"ours": 4}, REPRODUCED, ""),
        ({"ours": 4, "condition": ("on Monday", 5), "correction": WRONG}, REPRODUCED, ""),
        ({"ours": 5, "condition": ("on Monday", 4)}, CONDITION, "on Monday (4)"),
        ({"condition": ("on Monday", 4)}, CONDITION, "on Monday"),
        (
            {"ours": 5, "condition": ("on Monday", 4), "correction": WRONG},
            CONDITION,
            "on Monday (4)",
        ),
        ({"printed": 4}, CONDITION, "in its own numbers, which alone can tell"),
        ({"ours": 5, "correction": WRONG}, CORRECTED, "it is five (5: is 5)"),
        (
            {"ours": 5, "condition": ("on Monday", 6), "correction": WRONG},
            CORRECTED,
            "it is five (5: is 5)",
        ),
        ({"printed": 5, "correction": WRONG}, CORRECTED, "it is five (5: is 5)"),
        ({"ours": 5}, NOT_REPRODUCED, ""),
        ({"ours": 5, "printed": 4}, NOT_REPRODUCED, ""),
        ({"ours": 5, "condition": ("on Monday", 6)}, NOT_REPRODUCED, "nor on Monday (6)"),
        ({"condition": ("on Monday", 6)}, NOT_REPRODUCED, "on Monday"),
        ({"ours": 5, "correction": ("it is six", 5, equal(6))}, NOT_REPRODUCED, ""),
        ({"printed": 5}, NOT_REPRODUCED, "in its own numbers, which alone can tell"),
    ],
)
def test_verdicts(ledger, numbers, verdict, note):
    ledger.add("ch. 1", "it is 4", equal(4), by="a script", **numbers)
    (claim,) = ledger.claims
    assert (claim.verdict, claim.note) == (verdict, note)
    assert claim.rule == "is 4"
    if "printed" in numbers:
        held = "holds" if numbers["printed"] == 4 else "fails"
        assert claim.printed == f"{numbers['printed']}, {held}"


def test_what_cannot_be_tested_carries_its_reason(ledger):
    ledger.cannot("ch. 5", "19.49 seconds", "needs the thesis's GPU")
    assert ledger.claims[0].verdict == NOT_TESTABLE
    assert ledger.claims[0].note == "needs the thesis's GPU"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda led: led.add("p", "c", equal(4), by="b"), "ours is None"),
        (lambda led: led.add("p", "c", "is 4", 4, by="b"), "rule is 'is 4'"),
        (lambda led: led.add("", "c", equal(4), 4, by="b"), "place is ''"),
        (lambda led: led.add("p", "", equal(4), 4, by="b"), "claim is ''"),
        (lambda led: led.add("p", "c", equal(4), 4, by=""), "by is ''"),
        (lambda led: led.add("p", "c", equal(4), math.nan, by="b"), "value is nan"),
        (lambda led: led.add("p", "c", equal(4), [4, 4], by="b"), "one number"),
        (lambda led: led.add("p", "c", equal(4), 4, by="b", printed=[4]), "one number"),
        (lambda led: led.add("p", "c", equal(4), 5, by="b", condition=("", 4)), "no text"),
        (lambda led: led.add("p", "c", equal(4), 5, by="b", correction=("x", 4)), "no text"),
        (lambda led: led.add("p", "c", equal(4), 4, by="b", condition=("x", [4])), "one number"),
        (lambda led: led.cannot("p", "c", ""), "reason is ''"),
        (lambda led: led.table("another", "tab-x"), "section is 'another'; allowed"),
        (lambda led: Ledger().cannot("p", "c", "why"), "section is ''"),
        (lambda led: relative(load_thesis(), "dsp"), "reference is"),
        (lambda led: relative(load_thesis(), "dsp", bits=32), r"reference is \['bits'\]"),
    ],
)
def test_what_cannot_be_entered(ledger, call, message):
    with pytest.raises(ValueError, match=message):
        call(ledger)


def test_a_claim_is_entered_once(ledger):
    ledger.cannot("p", "c", "why")
    with pytest.raises(ValueError, match="stands already for p"):
        ledger.add("p", "c", equal(4), 4, by="b")
    ledger.cannot("another place", "c", "why")


def test_counts_and_tables_say_the_same(ledger):
    ledger.add("p", "one", equal(4), 4, by="here")
    ledger.add("p", "two", equal(4), 5, by="here", because="it | is five")
    ledger.section("another")
    ledger.cannot("p", "three", "needs a synthesiser")
    assert list(ledger.counts()) == list(VERDICTS)
    assert sum(ledger.counts().values()) == len(ledger) == 3
    summary = ledger.summary("tab-s", "Counts.").frame.set_index("section")
    assert summary.loc["all"].to_dict() == ledger.counts()
    assert summary.loc["another", NOT_TESTABLE] == 1
    shown = ledger.table("a section", "tab-a")
    assert shown.frame["verdict"].tolist() == ["reproduced", "not reproduced"]
    assert shown.frame["rule"].tolist() == ["is 4", "is 4"]
    untested = ledger.table("another", "tab-b").frame["verdict"].item()
    assert untested == "not testable here: needs a synthesiser"
    failed = ledger.unreproduced("tab-u", "Not reproduced.")
    assert failed.frame["no."].tolist() == ["2"]
    assert "it \\| is five" in failed._repr_mimebundle_()["text/markdown"]


def test_described_values():
    assert describe(81) == "81" and describe(2304.0) == "2,304"
    assert describe(0.99840020) == "0.9984"
    assert describe(True) == "yes" and describe([True, False]) == "1 of 2"
    assert describe(pd.Series([1.0, 2.0])) == "1 to 2, mean 1.5 (n = 2)"
    assert describe([3, 3]) == "3 (n = 2)"
    assert describe(-0.0) == "0"


def test_relative_divides_each_point_by_its_twin():
    grid = estimate_grid()
    pruned = relative(grid, "dsp", pruning_percent=0)
    assert len(pruned) == 54
    assert pruned["vgglike_2f_1c_1re_1mp", 8, 20] == pytest.approx(0.8, abs=0.01)
    quantised = relative(grid, "dsp", bit_width=32)
    assert len(quantised) == 60 and quantised.xs(8, level="bit_width").eq(0.25).sum() >= 7
    assert len(relative(grid, "dsp", bit_width=32, pruning_percent=0)) == 74
    shuffled = relative(grid.sample(frac=1, random_state=0), "dsp", bit_width=32)
    assert shuffled.sort_index().equals(quantised.sort_index())

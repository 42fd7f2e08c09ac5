"""Each verdict by a case, rules that are what they say, and the claims of the thesis themselves."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from amrpkg.book import (
    CONDITION,
    CORRECTED,
    DEFINITION,
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
    compare_savings,
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
    summarise_steps,
    true,
    within,
)
from amrpkg.book.claims import Evidence, PrintedSums, accuracy, judge, models, training
from amrpkg.book.claims.evidence import LARGEST, SMALLEST
from amrpkg.grid import KEYS, THESIS_GRID
from amrpkg.records import load_training_speed


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
TWO = [("on Monday", 6), ("on Sunday", 4)]
NOR = "nor on Monday (6); nor on Monday (6)"


@pytest.mark.parametrize(
    ("numbers", "verdict", "note"),
    [
        ({"ours": 4}, REPRODUCED, ""),
        ({"ours": 4, "conditions": [("on Monday", 5)], "correction": WRONG}, REPRODUCED, ""),
        ({"ours": 5, "conditions": [("on Monday", 4)]}, CONDITION, "on Monday (4)"),
        ({"conditions": [("on Monday", 4)]}, CONDITION, "on Monday"),
        (
            {"ours": 5, "conditions": [("on Monday", 4)], "correction": WRONG},
            CONDITION,
            "on Monday (4)",
        ),
        ({"printed": 4}, CONDITION, "in its own numbers, which alone can tell"),
        ({"ours": 5, "correction": WRONG}, CORRECTED, "it is five (5: is 5)"),
        (
            {"ours": 5, "conditions": [("on Monday", 6)], "correction": WRONG},
            CORRECTED,
            "it is five (5: is 5)",
        ),
        ({"printed": 5, "correction": WRONG}, CORRECTED, "it is five (5: is 5)"),
        ({"ours": 5}, NOT_REPRODUCED, ""),
        ({"ours": 5, "printed": 4}, NOT_REPRODUCED, ""),
        ({"ours": 5, "conditions": [("on Monday", 6)]}, NOT_REPRODUCED, "nor on Monday (6)"),
        ({"conditions": [("on Monday", 6)]}, NOT_REPRODUCED, "on Monday"),
        ({"ours": 5, "correction": ("it is six", 5, equal(6))}, NOT_REPRODUCED, ""),
        ({"printed": 5}, NOT_REPRODUCED, "in its own numbers, which alone can tell"),
        ({"ours": 5, "conditions": TWO}, CONDITION, "on Sunday (4)"),
        ({"conditions": TWO}, CONDITION, "on Sunday (4)"),
        ({"ours": 5, "conditions": TWO[:1] * 2}, NOT_REPRODUCED, NOR),
        ({"conditions": TWO[:1] * 2}, NOT_REPRODUCED, "on Monday; nor on Monday (6)"),
        ({"ours": 5, "weak": "another machine"}, NOT_TESTABLE, "another machine"),
        ({"ours": 5, "weak": "no", "printed": 4}, NOT_TESTABLE, "no"),
        ({"ours": 5, "weak": "no", "printed": 5}, NOT_REPRODUCED, ""),
        ({"ours": 5, "weak": "no", "correction": WRONG}, CORRECTED, "it is five (5: is 5)"),
        ({"ours": 4, "weak": "no"}, REPRODUCED, ""),
        ({"ours": 4, "untestable": "too coarse"}, NOT_TESTABLE, "too coarse"),
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
        (lambda led: led.add("p", "c", equal(4), 5, by="b", conditions=[("", 4)]), "no text"),
        (lambda led: led.add("p", "c", equal(4), 5, by="b", correction=("x", 4)), "no text"),
        (lambda led: led.add("p", "c", equal(4), 4, by="b", conditions=[("x", [4])]), "one number"),
        (lambda led: led.cannot("p", "c", ""), "reason is ''"),
        (lambda led: led.define("p", "c", equal(4), 5), "ours is 5 for 'c'; allowed: is 4"),
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
    ledger.add("p", "two", equal(4), 5, by="here", printed=4, because="it | is five.")
    ledger.section("another")
    ledger.cannot("p", "three", "needs a synthesiser")
    ledger.define("p", "four", equal(4), 4)
    assert list(ledger.counts()) == list(VERDICTS)
    assert sum(ledger.counts().values()) == len(ledger) == 3
    summary = ledger.summary("tab-s", "Counts.").frame.set_index("section")
    assert summary.loc["all"].to_dict() == ledger.counts() | {DEFINITION: 1}
    assert summary.loc["another", NOT_TESTABLE] == 1
    table = ledger.table("tab-a", "All.")
    assert table.frame.to_numpy().tolist() == [
        ["1", "one (p)", REPRODUCED, "", "is 4", "4 [here]"],
        ["2", "two (p)", NOT_REPRODUCED, "It | is five.", "is 4",
         "5 [here]; thesis's tables: 4, holds"],
        ["3", "three (p)", NOT_TESTABLE, "Needs a synthesiser.", "none", ""],
        ["4", "four (p)", DEFINITION, "Holds here by construction.", "is 4", "4 [package]"],
    ]  # fmt: skip
    shown = table._repr_mimebundle_()
    assert "| {bdg-danger}`not reproduced` | It \\| is five. |" in shown["text/markdown"]
    assert ":class: badged" in shown["text/markdown"] and "bdg" not in shown["text/html"]


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


@pytest.fixture(scope="module")
def evidence():
    return Evidence.load()


@pytest.fixture(scope="module")
def claims(evidence):
    return judge(evidence).frame()


def enter(topic, evidence):
    ledger = Ledger()
    ledger.section("a topic")
    topic.enter(ledger, evidence)
    return ledger.frame()


def verdict_of(claims, text):
    (row,) = claims[claims["claim"].str.contains(text, regex=False)].itertuples()
    return row.verdict


def test_every_claim_of_the_thesis_has_a_verdict_and_a_failed_one_a_reason(claims):
    assert len(claims) == 105 and claims["verdict"].value_counts()[DEFINITION] == 10
    assert set(claims["verdict"]) == {*VERDICTS, DEFINITION}
    failed = claims[claims["verdict"] == NOT_REPRODUCED]
    assert failed["because"].str.len().min() > 20


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("maintaining high classification accuracy", CONDITION),
        ("simply memorizing", NOT_REPRODUCED),
        ("almost undiscernible", CORRECTED),
        ("nine modulation types", DEFINITION),
        ("8-bit quantization leads to no loss", CONDITION),
        ("scaled down without sacrificing performance", CONDITION),
        ("approximately 99.78%", CORRECTED),
        ("C_nw = N_w * B_w / 32", REPRODUCED),
        ("E_D = (2C_nw * C_C)", CONDITION),
        ("E_F = (2C_nw + C_nb) C_C", CONDITION),
        ("an upper bound on DSP block usage", REPRODUCED),
        ("fit on hardware with limited resources", CONDITION),
        ("hardware that takes advantage of zero weights", REPRODUCED),
        ("a roughly 10% drop", CORRECTED),
        ("no official tool", CORRECTED),
        ("quantized to 6 bits", CONDITION),
        ("converge much faster", NOT_REPRODUCED),
        ("1.7 over 2.5 ms", NOT_REPRODUCED),
        ("regardless of bit size", NOT_REPRODUCED),
        ("smaller numbers can easily lead", CONDITION),
        ("very noticeable benefit", CONDITION),
        ("lower original inference time", CONDITION),
    ],
)
def test_verdicts_of_the_thesis(claims, text, verdict):
    assert verdict_of(claims, text) == verdict


def test_a_condition_names_the_chapter_that_its_number_is_from(claims):
    rows = claims[claims["verdict"] == CONDITION].set_index("claim")["note"]
    assert rows['"maintaining high classification accuracy"'].startswith(
        "trained on fresh chunks (chapter 8), 6 bits and more (99.79 to 100"
    )
    noticeable = rows[rows.index.str.contains("very noticeable")].item()
    assert noticeable.startswith("as real integers, pruned channels taken out (chapter 10)")


def test_the_series_on_fresh_chunks_is_judged_as_well_with_a_reason_for_each_failure():
    evidence = Evidence.load("streaming")
    assert len(evidence.held) == len(evidence.regrown) == 81
    claims = judge(evidence).frame()
    assert (claims.loc[claims["verdict"] == NOT_REPRODUCED, "because"] != "").all()
    assert verdict_of(claims, 'accuracy "reaches 100%"') == REPRODUCED
    assert verdict_of(claims, "stops at a loss") == NOT_TESTABLE


@pytest.mark.parametrize(
    ("series", "message"),
    [
        (
            ("refining", 0),
            r"'refining', of which \d+ points are recorded; allowed: one with all 81",
        ),
        (("thesis", 99), "is 'thesis 99 held'; recorded: "),
    ],
)
def test_a_series_that_cannot_be_judged_is_refused(series, message):
    with pytest.raises(ValueError, match=message):
        Evidence.load(*series)


def test_networks_that_learn_nothing_fail_under_the_condition_too(evidence):
    poor = replace(evidence, earned=evidence.earned.assign(fresh_accuracy=0.7))
    claims = enter(accuracy, poor)
    for text in ("maintaining high", 'accuracy "reaches 100%"', "real-world accuracy"):
        assert verdict_of(claims, text) == NOT_REPRODUCED, text


def test_an_effect_below_the_resolution_of_the_clock_is_not_judged(evidence):
    column = "training_latency_to_float"

    def with_self_ratios(low, high):
        held = evidence.held.assign(**{column: 1.0})
        for architecture, ratio in ((LARGEST, low), (SMALLEST, high)):
            mine = held["architecture"] == architecture
            held.loc[mine & (held["bit_width"] == 32) & (held["pruning_percent"] == 0), column] = (
                ratio
            )
        return replace(evidence, held=held)

    fine, coarse = with_self_ratios(0.97, 1.02), with_self_ratios(0.97, 1.15)
    assert fine.resolution(column) == (0.97, 1.02) and fine.blurred(column, 0.1) == ""
    assert "a float network against itself gives 0.97 to 1.15" in coarse.blurred(column, 0.1)
    text = 'pruning has "very little effect"'
    assert verdict_of(enter(training, fine), text) == CONDITION
    assert verdict_of(enter(training, coarse), text) == NOT_TESTABLE


def test_savings_agree_on_average_and_not_point_by_point():
    savings = compare_savings()
    assert len(savings) == 54
    rows = savings.xs(20, level="pruning_percent")
    assert rows["thesis"].mean() == pytest.approx(14.52, abs=0.01)
    assert rows["regrowing"].mean() == pytest.approx(14.21, abs=0.01)
    assert rows["thesis"].corr(rows["regrowing"]) == pytest.approx(0.160, abs=0.001)
    assert rows["held"].between(19.5, 20).all()


def test_steps_are_means_over_the_pairs_that_differ_by_one_setting():
    keys = [("a", 32, 0), ("a", 8, 0), ("a", 32, 20), ("a", 8, 20), ("b", 32, 0), ("b", 32, 20)]
    grid = pd.DataFrame(keys, columns=["architecture", "bit_width", "pruning_percent"])
    grid = grid.assign(dsp=[100, 25, 80, 10, 50, 40], fresh_accuracy=[0.9, 0.8, 0.9, 0.6, 0.7, 0.6])
    steps = summarise_steps(grid, grid.assign(fresh_accuracy=0.5)).set_index("step")
    assert list(steps.index) == ["32 to 8 bits", "0 to 20 % pruned", "a to b"]
    assert steps["pairs"].tolist() == [2, 3, 2]
    assert steps.loc["32 to 8 bits", "DSP saved (blocks)"] == 72  # of 75 and 70
    assert steps.loc["32 to 8 bits", "lost"] == pytest.approx(20)
    assert steps.loc["a to b", "DSP saved (%)"] == pytest.approx(50)
    assert (steps["lost retrained"] == 0).all()


def test_the_printed_lines_of_algorithm_ii_in_their_kindest_reading():
    assert PrintedSums(load_thesis()).rows_equal() == [27, 0, 27, 0, 0, 15]


def test_retuned_points_decide_where_all_of_them_are_recorded(evidence):
    claim = 'the smallest model "failed to reach'
    assert verdict_of(enter(models, evidence), claim) == NOT_REPRODUCED
    never = replace(evidence, retuned=evidence.retuned.assign(training_accuracy=0.99))
    assert verdict_of(enter(models, never), claim) == REPRODUCED
    every = pd.DataFrame([vars(point) for point in THESIS_GRID]).assign(training_accuracy=1.0)
    hundred = '"the desired accuracy (100%)"'
    for rows, note in ((every, "retuned until all"), (every[1:], "trained on fresh chunks")):
        rows = enter(accuracy, replace(evidence, retuned=rows))
        row = rows[rows["claim"].str.contains(hundred, regex=False)].iloc[0]
        assert row["verdict"] == CONDITION and note in row["note"]


def test_training_latencies_are_those_timed_beside_each_other(evidence):
    steps = load_training_speed().set_index(KEYS)
    held = evidence.held.set_index(KEYS)
    assert len(held) == 81
    ours = held["training_latency_to_float"]
    assert ours.tolist() == steps["to_float"].reindex(held.index).tolist()
    itself = steps.query("bit_width == 32 and pruning_percent == 0")["to_float"]
    assert evidence.resolution("training_latency_to_float") == (itself.min(), itself.max())

"""Claims, written rules, and verdicts computed from both.

A rule is an object that is applied to a number and prints itself, so the rule that a table
shows is the rule that decided. One rule serves a claim throughout: for our number, for our
number under a stated condition, and for what the thesis's own tables say.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from numbers import Real

import numpy as np
import pandas as pd

from amrpkg.grid import KEYS
from amrpkg.tables import Table

REPRODUCED = "reproduced"
CONDITION = "reproduced with a condition"
CORRECTED = "corrected"
NOT_REPRODUCED = "not reproduced"
NOT_TESTABLE = "not testable here"
VERDICTS = (REPRODUCED, CONDITION, CORRECTED, NOT_REPRODUCED, NOT_TESTABLE)

Value = Real | bool | Sequence | np.ndarray | pd.Series


@dataclass(frozen=True)
class Rule:
    """A predicate and its wording. `many`: it takes a sequence, otherwise one number."""

    text: str
    test: Callable[[Value], bool]
    many: bool = False

    def __call__(self, value: Value) -> bool:
        """Apply the rule. Raises ``ValueError`` for no value, NaN, or the wrong kind."""
        numbers = _numbers(value)
        if (numbers.ndim > 0) != self.many:
            kind = "a sequence" if self.many else "one number"
            raise ValueError(f"value is {value!r}; allowed by the rule '{self.text}': {kind}")
        return bool(self.test(numbers if self.many else numbers.item()))

    def __str__(self) -> str:
        return self.text


def _numbers(value: Value) -> np.ndarray:
    numbers = np.asarray(value, dtype=float)
    if numbers.ndim > 1 or not numbers.size or np.isnan(numbers).any():
        raise ValueError(f"value is {value!r}; allowed: a number or a sequence, none missing")
    return numbers


def _require(given: tuple, length: int) -> tuple:
    if len(given) != length or not isinstance(given[0], str) or not given[0]:
        raise ValueError(f"{given!r} is no text with its number{' and rule' * (length > 2)}")
    return given


def within(low: float, high: float) -> Rule:
    """Between both, ends included."""
    if not low <= high:
        raise ValueError(f"low is {low}, high is {high}; allowed: low at most high")
    return Rule(f"is between {low:.4g} and {high:.4g}", lambda x: low <= x <= high)


def about(number: float) -> Rule:
    """What "about", "roughly", "around" and "similar" mean here: within 20 %."""
    low, high = sorted((0.8 * number, 1.2 * number))
    return replace(within(low, high), text=f"is within 20 % of {number:.4g}")


def factor(number: float) -> Rule:
    """What "by a factor of" means here: within a factor of 1.25."""
    rule = within(number / 1.25, number * 1.25)
    return replace(rule, text=f"is within a factor of 1.25 of {number:.4g}")


def rounds_to(number: float, digits: int) -> Rule:
    """A printed number holds if ours is the same at the digits printed."""
    return Rule(f"rounds to {number:.{digits}f}", lambda x: round(x, digits) == number)


def equal(number: float) -> Rule:
    return Rule(f"is {number:,}", lambda x: x == number)


def true() -> Rule:
    return Rule("is true", lambda x: x == 1)


def at_least(number: float) -> Rule:
    return Rule(f"is at least {number:.4g}", lambda x: x >= number)


def at_most(number: float) -> Rule:
    return Rule(f"is at most {number:.4g}", lambda x: x <= number)


def above(number: float) -> Rule:
    return Rule(f"is above {number:.4g}", lambda x: x > number)


def below(number: float) -> Rule:
    return Rule(f"is below {number:.4g}", lambda x: x < number)


def each(rule: Rule) -> Rule:
    """For "all", "any", "regardless", "in all cases" and stated ranges."""
    return Rule(f"each {rule}", lambda values: all(map(rule, values)), many=True)


def some(rule: Rule) -> Rule:
    """For "can", "may" and "sometimes"."""
    return Rule(f"at least one {rule}", lambda values: any(map(rule, values)), many=True)


def mean(rule: Rule) -> Rule:
    """For a general statement."""
    return Rule(f"the mean {rule}", lambda values: rule(values.mean()), many=True)


def clear(rule: Rule, off: float) -> Rule:
    """For a small benefit in time, which the clock's chance may feign or hide."""

    def test(values):
        error = values.std(ddof=1) / np.sqrt(values.size)
        return rule(values.mean()) and abs(values.mean() - off) > 2 * error

    text = f"the mean {rule} and more than two standard errors off {off:g}"
    return Rule(text, test, many=True)


def steady() -> Rule:
    """For "linear": the same effect per unit, here within 20 % of their mean."""

    def test(values):
        return (values > 0).all() and all(map(about(values.mean()), values))

    return Rule("all are above 0 and within 20 % of their mean", test, many=True)


def relative(frame: pd.DataFrame, column: str, **reference: float) -> pd.Series:
    """Divide a column by its value at the same point with the keys of `reference` changed.

    ``relative(grid, "dsp", pruning_percent=0)`` holds, for each pruned point, its DSP over
    those of its unpruned twin. Points that are their own reference are left out.

    Raises ``ValueError`` for a name that is no key.
    """
    if not reference or not set(reference) <= set(KEYS):
        raise ValueError(f"reference is {sorted(reference)}; allowed: {', '.join(KEYS)}")
    values = frame.set_index(KEYS)[column]
    itself = (frame[list(reference)] == pd.Series(reference)).all(axis=1)
    points = frame.loc[~itself, KEYS]
    twins = points.assign(**reference)
    numbers = values.loc[pd.MultiIndex.from_frame(points)]
    return numbers / values.loc[pd.MultiIndex.from_frame(twins)].to_numpy()


@dataclass(frozen=True)
class Claim:
    """A claim of the thesis with what was computed for it; see `Ledger.add`."""

    section: str
    place: str
    claim: str
    verdict: str
    ours: str
    printed: str
    rule: str
    note: str
    by: str
    because: str


class Ledger:
    """Collects claims; says of each what holds."""

    def __init__(self) -> None:
        self.claims: list[Claim] = []
        self._section = ""

    def __len__(self) -> int:
        return len(self.claims)

    def section(self, name: str) -> None:
        """Claims that follow belong to this section."""
        self._section = name

    def add(
        self,
        place: str,
        claim: str,
        rule: Rule,
        ours: Value | None = None,
        *,
        by: str,
        printed: Value | None = None,
        condition: tuple[str, Value] | None = None,
        correction: tuple[str, Value, Rule] | None = None,
        because: str = "",
    ) -> None:
        """Enter a claim; its verdict is the first of these that applies.

        reproduced : the rule holds for `ours`
        reproduced with a condition : it holds for the second number of `condition`, whose text
            is the condition; or, where `ours` and `condition` are left out, for `printed`
        corrected : the rule of `correction` holds for its number; its text says what is right
        not reproduced : none of them

        ours : our number, or a sequence of them
        by : what computed it, in which chapter or function
        printed : the same from the thesis's tables; shown, with whether the rule holds there
        because : in plain words why ours may differ, shown if the claim is not reproduced

        Raises ``ValueError`` for a claim without text, number, rule or origin, for one that
        stands already, and for a number that the rule cannot take.
        """
        if ours is None and printed is None and condition is None:
            raise ValueError(f"ours is None for {claim!r}; allowed: a number, or use `cannot`")
        if not isinstance(rule, Rule):
            raise ValueError(f"rule is {rule!r} for {claim!r}; allowed: a Rule")
        tables = "" if printed is None else describe(printed)
        if tables:
            tables += ", holds" if rule(printed) else ", fails"
        shown = ours
        if ours is None and condition is None:
            condition = ("in its own numbers, which alone can tell", printed)
        elif ours is None:
            shown = condition[1]
        verdict, note = NOT_REPRODUCED, ""
        # From the last to the first, so that each is checked and the first that holds stays.
        if correction:
            text, number, right = _require(correction, 3)
            if right(number):
                verdict, note = CORRECTED, f"{text} ({describe(number)}: {right})"
        if condition:
            text, number = _require(condition, 2)
            value = "" if ours is None else f" ({describe(number)})"
            if rule(number):
                verdict, note = CONDITION, text + value
            elif verdict == NOT_REPRODUCED:
                note = text if ours is None else f"nor {text}{value}"
        if ours is not None and rule(ours):
            verdict, note = REPRODUCED, ""
        ours_text = "" if shown is None else describe(shown)
        self._enter(place, claim, verdict, ours_text, tables, str(rule), note, by, because)

    def cannot(self, place: str, claim: str, reason: str) -> None:
        """Enter a claim that needs something we do not have; `reason` says what."""
        if not reason:
            raise ValueError(f"reason is {reason!r} for {claim!r}; allowed: what is missing")
        self._enter(place, claim, NOT_TESTABLE, "", "", "none", reason, "none", "")

    def _enter(self, place, claim, *rest) -> None:
        by = rest[-2]
        for name, text in (("place", place), ("claim", claim), ("by", by)):
            if not text:
                raise ValueError(f"{name} is {text!r}; allowed: a text")
        if not self._section:
            raise ValueError("section is ''; allowed: a name, set before the first claim")
        if any((place, claim) == (old.place, old.claim) for old in self.claims):
            raise ValueError(f"claim is {claim!r}; it stands already for {place}")
        self.claims.append(Claim(self._section, place, claim, *rest))

    def frame(self) -> pd.DataFrame:
        """All claims, a row each, numbered from 1."""
        frame = pd.DataFrame(self.claims, columns=list(Claim.__dataclass_fields__))
        return frame.set_axis(range(1, len(frame) + 1)).rename_axis("no.")

    def counts(self) -> dict[str, int]:
        """Claims by verdict, in the order of `VERDICTS`, zeros included."""
        verdicts = [claim.verdict for claim in self.claims]
        return {verdict: verdicts.count(verdict) for verdict in VERDICTS}

    def table(self, section: str, name: str) -> Table:
        """The claims of a section as a table of the book."""
        rows = self.frame().query("section == @section")
        if not len(rows):
            known = ", ".join(dict.fromkeys(claim.section for claim in self.claims))
            raise ValueError(f"section is {section!r}; allowed: {known}")
        note = rows["note"].map(lambda text: f": {text}" if text else "")
        shown = rows.assign(verdict=rows["verdict"] + note).reset_index()
        shown["no."] = shown["no."].astype(str)
        columns = {
            **{"no.": "no.", "place": "place", "claim": "claim", "ours": "ours"},
            **{"printed": "thesis's tables", "rule": "rule", "verdict": "verdict"},
            "by": "computed by",
        }
        return Table(shown[list(columns)].rename(columns=columns), name, f"The ledger: {section}.")

    def summary(self, name: str, caption: str) -> Table:
        """Verdict counts by section and in all."""
        frame = self.frame()
        counts = pd.crosstab(frame["section"], frame["verdict"])
        counts = counts.reindex(index=frame["section"].unique(), columns=VERDICTS, fill_value=0)
        counts.loc["all"] = counts.sum()
        return Table(counts.rename_axis(None, axis=1).reset_index(), name, caption)

    def unreproduced(self, name: str, caption: str) -> Table:
        """The claims that were not reproduced, each with the reason as far as it is known."""
        rows = self.frame().query("verdict == @NOT_REPRODUCED").reset_index()
        rows["no."] = rows["no."].astype(str)
        columns = {"no.": "no.", "claim": "claim", "ours": "ours", "printed": "thesis's tables"}
        columns["because"] = "what we think"
        return Table(rows[list(columns)].rename(columns=columns), name, caption)


def describe(value: Value) -> str:
    """A number or the range and mean of several, for a table."""
    numbers = _numbers(value)
    if np.asarray(value).dtype.kind == "b":
        if not numbers.ndim:
            return "yes" if value else "no"
        return f"{int(numbers.sum())} of {numbers.size}"
    if not numbers.ndim:
        return _short(numbers.item())
    low, high = _short(numbers.min()), _short(numbers.max())
    if low == high:
        return f"{low} (n = {numbers.size})"
    return f"{low} to {high}, mean {_short(numbers.mean())} (n = {numbers.size})"


def _short(number: float) -> str:
    number += 0.0  # no minus zero
    if number == int(number):
        return f"{int(number):,}"
    return f"{number:.1f}" if abs(number) >= 1000 else f"{number:.4g}"

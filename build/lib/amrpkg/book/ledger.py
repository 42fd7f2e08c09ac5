"""Claims of the thesis, and verdicts computed from written `rules`."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from amrpkg.book.cells import Table
from amrpkg.book.rules import Rule, Value, describe
from amrpkg.grid.points import KEYS

REPRODUCED = "reproduced"
CONDITION = "reproduced with a condition"
CORRECTED = "corrected"
NOT_REPRODUCED = "not reproduced"
NOT_TESTABLE = "not testable here"
VERDICTS = (REPRODUCED, CONDITION, CORRECTED, NOT_REPRODUCED, NOT_TESTABLE)
DEFINITION = "definition"

BADGES = {
    REPRODUCED: "success",
    CONDITION: "primary",
    CORRECTED: "warning",
    NOT_REPRODUCED: "danger",
    NOT_TESTABLE: "muted",
    DEFINITION: "light",
}


def _require(given: tuple, length: int) -> tuple:
    if len(given) != length or not isinstance(given[0], str) or not given[0]:
        raise ValueError(f"{given!r} is no text with its number{' and rule' * (length > 2)}")
    return given


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
        """How many claims have a verdict; definitions have none."""
        return sum(claim.verdict != DEFINITION for claim in self.claims)

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
        conditions: Sequence[tuple[str, Value]] = (),
        correction: tuple[str, Value, Rule] | None = None,
        because: str = "",
        weak: str = "",
        untestable: str = "",
    ) -> None:
        """Enter a claim; its verdict is the first of these that applies.

        not testable here : where `untestable` says why nothing decides
        reproduced : the rule holds for `ours`
        reproduced with a condition : it holds for the number of one of the `conditions`, whose
            text is the condition; or, where `ours` and `conditions` are left out, for `printed`
        corrected : the rule of `correction` holds for its number; its text says what is right
        not testable here : where `weak` says why our number, if the rule fails for it, refutes
            nothing, and the thesis's own tables do not refute it either
        not reproduced : none of them

        ours : our number, or a sequence of them
        by : what computed it, in which chapter or function
        printed : the same from the thesis's tables; shown, with whether the rule holds there
        because : in plain words why ours may differ, shown if the claim is not reproduced

        Raises ``ValueError`` for a claim without text, number, rule or origin, for one that
        stands already, and for a number that the rule cannot take.
        """
        if ours is None and printed is None and not conditions:
            raise ValueError(f"ours is None for {claim!r}; allowed: a number, or use `cannot`")
        if not isinstance(rule, Rule):
            raise ValueError(f"rule is {rule!r} for {claim!r}; allowed: a Rule")
        tried = [_require(condition, 2) for condition in conditions]
        holds = [rule(number) for _, number in tried]  # all, so that each is checked
        tables, refuted = "", False
        if printed is not None:
            refuted = not rule(printed)
            tables = describe(printed) + (", fails" if refuted else ", holds")
        if ours is None and not tried:
            tried, holds = [("in its own numbers, which alone can tell", None)], [not refuted]
        verdict, note = NOT_REPRODUCED, self._failed(tried, ours)
        if weak and not refuted:
            verdict, note = NOT_TESTABLE, weak
        if correction:
            text, number, right = _require(correction, 3)
            if right(number):
                verdict, note = CORRECTED, f"{text} ({describe(number)}: {right})"
        if any(holds):
            text, number = tried[holds.index(True)]
            verdict, note = CONDITION, text
            if ours is not None or tried[0][1] is not number:
                note += f" ({describe(number)})"
        if ours is not None and rule(ours):
            verdict, note = REPRODUCED, ""
        if untestable:
            verdict, note = NOT_TESTABLE, untestable
        shown = tried[0][1] if ours is None else ours
        ours_text = "" if shown is None else describe(shown)
        self._enter(place, claim, verdict, ours_text, tables, str(rule), note, by, because)

    @staticmethod
    def _failed(tried, ours) -> str:  # what conditions were tried in vain
        if ours is None:  # the first is what is shown as ours
            return "; nor ".join(
                text if k == 0 else f"{text} ({describe(number)})"
                for k, (text, number) in enumerate(tried)
            )
        return "; ".join(f"nor {text} ({describe(number)})" for text, number in tried)

    def define(self, place: str, claim: str, rule: Rule, ours: Value) -> None:
        """Enter a statement that holds here by construction, which is no test of it.

        Raises ``ValueError`` if it does not hold.
        """
        if not rule(ours):
            raise ValueError(f"ours is {describe(ours)} for {claim!r}; allowed: {rule}")
        text = "holds here by construction"
        self._enter(place, claim, DEFINITION, describe(ours), "", str(rule), text, "package", "")

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
        """All claims and definitions, a row each, numbered from 1."""
        frame = pd.DataFrame(self.claims, columns=list(Claim.__dataclass_fields__))
        return frame.set_axis(range(1, len(frame) + 1)).rename_axis("no.")

    def counts(self) -> dict[str, int]:
        """Claims by verdict, in the order of `VERDICTS`, zeros included; no definitions."""
        verdicts = [claim.verdict for claim in self.claims]
        return {verdict: verdicts.count(verdict) for verdict in VERDICTS}

    def table(self, name: str, caption: str) -> Table:
        """Every claim and definition, a row each, with its verdict as a badge."""
        rows = self.frame().reset_index()
        reason = rows["because"].where(rows["verdict"] == NOT_REPRODUCED, "")
        by = rows["by"].map(lambda by: "" if by == "none" else f" [{by}]")
        tables = rows["printed"].map(lambda text: text and f"thesis's tables: {text}")
        columns = {
            "no.": rows["no."].astype(str),
            "claim": rows["claim"] + " (" + rows["place"] + ")",
            "verdict": rows["verdict"],
            "why": (rows["note"] + ". " + reason).str.strip(". ").map(_sentence),
            "rule": rows["rule"],
            "numbers": (rows["ours"] + by + "; " + tables).str.strip("; "),
        }
        return Table(pd.DataFrame(columns), name, caption, badges={"verdict": BADGES})

    def summary(self, name: str, caption: str) -> Table:
        """Verdict counts by section and in all, and the definitions beside them."""
        frame = self.frame()
        counts = pd.crosstab(frame["section"], frame["verdict"])
        columns = [*VERDICTS, DEFINITION]
        counts = counts.reindex(index=frame["section"].unique(), columns=columns, fill_value=0)
        counts.loc["all"] = counts.sum()
        return Table(counts.rename_axis(None, axis=1).reset_index(), name, caption)


def _sentence(text: str) -> str:
    return text and f"{text[0].upper()}{text[1:]}."

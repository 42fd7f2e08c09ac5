"""Claims of the thesis, and verdicts computed from written `rules`."""

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

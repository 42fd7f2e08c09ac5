"""The written rules that decide of a claim.

A rule is an object that is applied to a number and prints itself, so the rule that a table
shows is the rule that decided. One rule serves a claim throughout: for our number, for our
number under a stated condition, and for what the thesis's own tables say.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from numbers import Real

import numpy as np
import pandas as pd

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

"""Checks of arguments: each error names the argument, what came and what is allowed."""

import math
from collections.abc import Collection
from numbers import Integral, Real


def printable(text: object, most: int = 200) -> str:
    """Foreign text for a message: one line of at most `most` characters, none of them control."""
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text)[: most + 1])
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def require_kind(argument: str, value: object, *kinds: type) -> None:
    """Raise ``TypeError`` unless `value` is of one of `kinds`."""
    if not isinstance(value, kinds):
        allowed = " or ".join(kind.__name__ for kind in kinds)
        raise TypeError(f"{argument} is of type {type(value).__name__}; allowed: {allowed}")


def parse_counts(argument: str, text: str, separator: str | None = None) -> tuple[int, ...]:
    """The counts in a text, by default by spaces. Raises ``ValueError`` for what is none."""
    words = text.split(separator)
    if not words or not all(word.isdecimal() and int(word) for word in words):
        between = f"{separator!r} between them" if separator else "spaces between them"
        raise ValueError(f"{argument} is {printable(text)!r}; allowed: counts with {between}")
    return tuple(map(int, words))


def require_choice(argument: str, value: object, allowed: Collection) -> None:
    """Raise ``ValueError`` unless `value` is one of `allowed`."""
    plain = isinstance(value, str | Integral) and not isinstance(value, bool)
    if not plain or value not in list(allowed):
        came = printable(repr(value))
        raise ValueError(f"{argument} is {came}; allowed: {', '.join(map(str, allowed))}")


def require_count(
    argument: str, value: object, minimum: int = 1, maximum: float = math.inf
) -> None:
    """Raise ``TypeError`` unless `value` is an integer, ``ValueError`` if it is outside."""
    allowed = f"an integer of at least {minimum}"
    allowed += f" and at most {maximum}" if maximum < math.inf else ""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{argument} is {printable(repr(value))}; allowed: {allowed}")
    if not minimum <= value <= maximum:
        raise ValueError(f"{argument} is {value}; allowed: {allowed}")


def require_number(
    argument: str, value: object, minimum: float = 0.0, below: float = math.inf
) -> None:
    """Raise unless `value` is a finite number with ``minimum <= value < below``.

    ``TypeError`` for what is no number, ``ValueError`` for a number outside (NaN included).
    """
    allowed = f"a finite number of at least {minimum:g}"
    allowed += f" and below {below:g}" if below < math.inf else ""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{argument} is {printable(repr(value))}; allowed: {allowed}")
    if not minimum <= value < below:
        raise ValueError(f"{argument} is {value}; allowed: {allowed}")

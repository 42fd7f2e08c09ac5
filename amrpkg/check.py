"""Facts that a chapter states and asserts in one line, printed the same on every machine."""

import math

import numpy as np


def check(name: str, value: float, reference: float, rtol: float = 0.0) -> None:
    """Assert that `value` agrees with `reference` within `rtol` and print that it does.

    The printed text holds the reference and the tolerance but not the value, so that a
    regression check compares it to the letter.

    Raises ``AssertionError`` with both values if they differ, NaN included.
    """
    if not math.isclose(value, reference, rel_tol=rtol, abs_tol=0.0):
        raise AssertionError(f"{name}: {value!r} is not {reference!r} within {rtol:g}")
    if reference is True:
        print(f"ok: {name}")
        return
    tolerance = f" within {rtol:.2g} relative" if rtol else ""
    print(f"ok: {name} = {np.format_float_positional(reference, trim='-')}{tolerance}")


def check_between(name: str, value: float, low: float, high: float) -> None:
    """Assert ``low <= value <= high``; print the range and not the value. Raises as `check`."""
    if not low <= value <= high:
        raise AssertionError(f"{name}: {value!r} is not between {low!r} and {high!r}")
    print(f"ok: {name} lies between {low:g} and {high:g}")

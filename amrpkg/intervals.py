"""Confidence intervals of a success probability."""

import numpy as np
from scipy.stats import binomtest, norm

from amrpkg.arguments import require_choice, require_count, require_number

METHODS = ("clopper-pearson", "normal")


def binomial_interval(
    correct: int, count: int, confidence: float = 0.95, method: str = "clopper-pearson"
) -> tuple[float, float]:
    """Two-sided confidence interval of a success probability.

    method : ``"clopper-pearson"`` is exact: it covers with at least the stated confidence at
        every true value. ``"normal"`` is the approximation p +- z sqrt(p (1 - p) / n) of the
        thesis's chapter 4; it has zero width at p = 1 and is not cut at 0 and 1.

    Returns (low, high). Raises ``ValueError`` or ``TypeError`` that names the argument.
    """
    require_count("count", count)
    require_count("correct", correct, minimum=0)
    if correct > count:
        raise ValueError(f"correct is {correct}; allowed: at most count = {count}")
    require_number("confidence", confidence, below=1)
    require_choice("method", method, METHODS)
    if method == "normal":
        p = correct / count
        half = norm.ppf((1 + confidence) / 2) * np.sqrt(p * (1 - p) / count)
        return float(p - half), float(p + half)
    interval = binomtest(int(correct), int(count)).proportion_ci(confidence, method="exact")
    return float(interval.low), float(interval.high)

"""What the thesis says of stopping and of the interval of 2,304 right chunks."""

from amrpkg.book.claims.evidence import Evidence
from amrpkg.book.ledger import Ledger
from amrpkg.book.rules import at_most, each, equal, rounds_to
from amrpkg.evaluation.decisions import binomial_interval


def enter(ledger: Ledger, evidence: Evidence) -> None:
    low, high = (100 * end for end in binomial_interval(2304, 2304))
    normal = [100 * end for end in binomial_interval(2304, 2304, method="normal")]
    place, by = "ch. 4, evaluation", "binomial_interval"
    stops = "ch. 4, training", 'stops at a loss "between 0.030 and 1.000": at the lowest'
    if evidence.held["target_loss"].notna().all():
        ledger.define(*stops, each(at_most(0.030)), evidence.held["training_loss"])
    else:
        ledger.cannot(*stops, "this series stops after a number of chunks")
    ledger.add(
        *(place, '100 % of 2,304 read as "between 99.84% and 100%"', rounds_to(99.84, 2), low),
        by=by,
    )
    ledger.define(
        *(place, '"upper bound ... is verified to be 100%" by the normal approximation'),
        *(equal(100), normal[1]),
    )
    ledger.define(
        *(place, 'it "would give the same result for the lower bound"', equal(100), normal[0]),
    )
    ledger.add(
        *(place, 'Clopper-Pearson lower bound "approximately 99.78%"', rounds_to(99.78, 2), low),
        by=by,
        correction=(
            "99.84 %; the printed figure is the formula without the factor 2 in its degrees of "
            "freedom (chapter 4)",
            *(low, rounds_to(99.84, 2)),
        ),
    )
    ledger.add(
        *(place, '"a median value of 99.89%"', rounds_to(99.89, 2), (low + high) / 2),
        by=by,
        correction=("99.92 %; the same factor 2", (low + high) / 2, rounds_to(99.92, 2)),
    )

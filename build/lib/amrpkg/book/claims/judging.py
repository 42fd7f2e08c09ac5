"""All claims of the thesis, judged."""

from amrpkg.book.claims import (
    accuracy,
    data,
    estimation,
    inference,
    models,
    resources,
    statistics,
    throughput,
    training,
)
from amrpkg.book.claims.evidence import Evidence
from amrpkg.book.ledger import Ledger

TOPICS = {
    "accuracy": accuracy,
    "data": data,
    "models": models,
    "statistics of the evaluation": statistics,
    "hardware estimation": estimation,
    "resources": resources,
    "training time": training,
    "throughput": throughput,
    "inference time": inference,
}


def judge(evidence: Evidence) -> Ledger:
    """The ledger of all claims, topic by topic."""
    ledger = Ledger()
    for name, topic in TOPICS.items():
        ledger.section(name)
        topic.enter(ledger, evidence)
    return ledger

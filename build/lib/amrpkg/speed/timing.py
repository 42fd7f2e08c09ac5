"""Time things side by side, so that what slows the machine slows all of them alike."""

from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter

from amrpkg.common.arguments import require_count

SKIPPED = 2  # calls of a turn that are not counted: the task before left its data in the caches


def time_side_by_side(
    tasks: Sequence[Callable[[], object]], turns: int = 10, calls: int = 10
) -> list[float]:
    """Measure the median time of a call of each task in milliseconds, the tasks taking turns.

    Each turn of a task is two calls that are not counted and then `calls` that are.

    Raises ``ValueError`` that names the argument.
    """
    require_count("turns", turns)
    require_count("calls", calls)
    times = [[] for _ in tasks]
    for _ in range(turns):
        for task, taken in zip(tasks, times, strict=True):
            for call in range(SKIPPED + calls):
                begin = perf_counter()
                task()
                if call >= SKIPPED:
                    taken.append(1e3 * (perf_counter() - begin))
    return [median(taken) for taken in times]

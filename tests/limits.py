"""Ten seconds and a gigabyte for a process, in a file of its own: each such process imports it."""

import resource
from pathlib import Path

SECONDS, MEMORY = 10, 1 << 30


def limit() -> None:
    """Leave this process ten seconds and a gigabyte beside what its imports took."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    for kind, most in (
        (resource.RLIMIT_AS, pages * resource.getpagesize() + MEMORY),
        (resource.RLIMIT_CPU, int(resource.getrusage(resource.RUSAGE_SELF).ru_utime) + SECONDS),
    ):
        resource.setrlimit(kind, (most, most))

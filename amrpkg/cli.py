"""The console script ``amr``."""

import argparse
import sys
from pathlib import Path

from amrpkg.results import collate


def main(arguments: list[str] | None = None) -> int:
    """Run ``amr``; returns the exit status."""
    parser = argparse.ArgumentParser(prog="amr", description="The live thesis from the shell.")
    commands = parser.add_subparsers(dest="command", required=True)
    results = commands.add_parser(
        "results", help="collate the finished runs of a folder into one CSV record"
    )
    results.add_argument("--runs", type=Path, default=Path("runs"), help="default: %(default)s")
    results.add_argument(
        "--output", type=Path, default=Path("results/grid.csv"), help="default: %(default)s"
    )
    options = parser.parse_args(arguments)
    try:
        grid = collate(options.runs, options.output)
    except (ValueError, OSError) as error:
        print(f"amr {options.command}: {error}", file=sys.stderr)
        return 2
    print(f"{len(grid)} runs -> {options.output}")
    return 0

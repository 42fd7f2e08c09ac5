"""Commands on a page of the book: `!amr` runs without a process of its own, seconds each."""

import os
import shlex
import sys
from collections.abc import Callable
from contextlib import redirect_stderr
from pathlib import Path
from tempfile import mkdtemp

from amrpkg.common.files import RESULTS


def run_commands_here(main: Callable[[list[str]], int]) -> None:
    """Have `!amr ...` in this notebook call `main`, in a new folder with the checkout's `results`.

    What a command says is shown in the order of a terminal. One that fails fails its cell, with
    ``ChildProcessError``.
    """
    from IPython import get_ipython

    def run(line: str) -> None:
        with redirect_stderr(sys.stdout):
            status = main(shlex.split(line)[1:])
        if status:
            raise ChildProcessError(f"`{line}` ended with {status}")

    os.chdir(mkdtemp())
    Path("results").symlink_to(RESULTS)
    get_ipython().system = run

"""``python -m amrpkg``, and the console script: ``amr``, which Ctrl-C ends at any time."""

import os
import signal
import sys


def _stop(*_) -> None:
    """End at once with one line, as no exception could: imports lose it or print it at length."""
    command = next((f" {word}" for word in sys.argv[1:2] if word.isalpha()), "")
    os.write(2, f"\namr{command}: stopped; the same command goes on\n".encode())
    os._exit(130)  # the kernels of a sweep end with it


def main() -> int:
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not ignored by the shell
        signal.signal(signal.SIGINT, _stop)
    from amrpkg.cli import main

    return main()


if __name__ == "__main__":
    sys.exit(main())

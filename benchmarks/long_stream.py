"""A stream of many gigabytes through `amr classify -`: its CPU time, and the memory at its peak.

A generator pipes the same 8 MB of nine classes again and again; a line of JSON a decision goes to
nowhere. Compared is the peak with that of a stream a hundredth as long.

    python benchmarks/long_stream.py        # 10 GB
    python benchmarks/long_stream.py 1

Two shared cores of an AMD EPYC beside much other work, at f217d9a:

     GB  million samples  CPU s  million a CPU s  wall s  peak MB
   0.10             13.0    1.9              6.8    30.2     78.6
  10.00           1249.9  123.5             10.1  1973.8     78.8
"""

import os
import subprocess
import sys
import time

import numpy as np

from amrpkg.common.files import RESULTS
from amrpkg.signals import make_chunks

MODEL = RESULTS / "search/symbolwise_2_6_6_4bit_seed_2.safetensors"


def stream(gigabytes: float) -> tuple[int, float, float, float]:
    """Samples, seconds of CPU, seconds, and the peak in MB."""
    iq = make_chunks(3_472, split="evaluation").iq
    piece = (iq[:, 0] + 1j * iq[:, 1]).astype(np.complex64).tobytes()
    command = [sys.executable, "-m", "amrpkg", "classify", "-", "--json", "--model", MODEL]
    began, count = time.monotonic(), max(1, round(gigabytes * 1e9 / len(piece)))
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    for _ in range(count):
        process.stdin.write(piece)
    process.stdin.close()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"amr classify ended with {os.waitstatus_to_exitcode(status)}")
    seconds = time.monotonic() - began
    return count * len(piece) // 8, used.ru_utime + used.ru_stime, seconds, used.ru_maxrss / 1024


def main() -> None:
    gigabytes = float(sys.argv[1]) if sys.argv[1:] else 10.0
    print("     GB  million samples  CPU s  million a CPU s  wall s  peak MB")
    for size in (gigabytes / 100, gigabytes):
        samples, cpu, wall, peak = stream(size)
        million = samples / 1e6
        rate = million / cpu
        print(f"{size:7.2f} {million:16.1f} {cpu:6.1f} {rate:16.1f} {wall:7.1f} {peak:8.1f}")


if __name__ == "__main__":
    main()

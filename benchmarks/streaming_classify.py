"""Samples a second that `amr classify -` takes from a pipe, beside reading the whole file.

Each side is a process of its own that writes JSON to nowhere; counted are its CPU seconds, less
those for a single chunk, which are the start: imports, and the compiler of the network. The ratio
is the claim. The last column is that start of the stream, in seconds.

    python benchmarks/streaming_classify.py
    python benchmarks/streaming_classify.py results/search/symbolwise_2_8_8_4bit_seed_0.safetensors
"""

import os
import subprocess
import sys
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from tempfile import TemporaryDirectory

import numpy as np

from amrpkg.common.files import RESULTS
from amrpkg.evaluation import SHIPPED
from amrpkg.signals import make_chunks

SAMPLES = {"stream": 20_000_000, "file": 1_000_000}  # as many would take the file half a minute
NAMES = (RESULTS / "search/symbolwise_2_6_6_4bit_seed_2.safetensors", SHIPPED)


def cpu_seconds(model: Path, data: Path, piped: bool) -> float:
    """Of a process that classifies a file, or what `cat` reads of it."""
    command = [sys.executable, "-m", "amrpkg", "classify", "-" if piped else data]
    before = getrusage(RUSAGE_CHILDREN)
    cat = subprocess.Popen(["cat", data], stdout=subprocess.PIPE) if piped else None
    subprocess.run(
        [*command, "--json", "--model", model],
        stdin=cat.stdout if cat else None,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        check=True,
    )
    after = getrusage(RUSAGE_CHILDREN)  # without cat, not waited for yet
    if cat:
        cat.stdout.close()
        cat.wait()
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    iq = make_chunks(2_000, split="evaluation").iq
    samples = (iq[:, 0] + 1j * iq[:, 1]).astype(np.complex64).ravel()
    with TemporaryDirectory() as folder:
        single = Path(folder) / "single.cf32"
        samples[:32].tofile(single)
        files = {name: Path(folder) / f"{name}.cf32" for name in SAMPLES}
        for name, count in SAMPLES.items():
            np.resize(samples, count).tofile(files[name])
        print("million samples a second".ljust(30), "stream    file   ratio   start")
        for model in [*map(Path, sys.argv[1:])] or NAMES:
            rates, starts = [], []
            for name, count in SAMPLES.items():
                starts.append(cpu_seconds(model, single, name == "stream"))
                seconds = cpu_seconds(model, files[name], name == "stream") - starts[-1]
                rates.append(count / 1e6 / seconds)
            ours, whole = rates
            print(f"{model.stem:30} {ours:6.1f} {whole:7.2f} {ours / whole:7.1f} {starts[0]:7.1f}")


if __name__ == "__main__":
    main()

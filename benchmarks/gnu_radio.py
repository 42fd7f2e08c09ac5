"""Samples a second that the blocks of examples/gnuradio take, within GNU Radio.

A stream of symbols through `tag_modulation`, with the network in C and, where no compiler is on
PATH, in NumPy, beside a block of Python that only copies; and bursts through `classify_pdus`,
receiver and all. Counted are CPU seconds of GNU Radio's process, less those before the flow begins.

    python benchmarks/gnu_radio.py
"""

import subprocess
import sys
import sysconfig

from amrpkg.common.files import RESULTS
from amrpkg.evaluation import SHIPPED
from amrpkg.signals import find_gnu_radio

NETWORKS = (RESULTS / "search/symbolwise_2_6_6_4bit_seed_2.safetensors", SHIPPED)
ROOT = RESULTS.parent

INSIDE = f"""
import os, sys, time
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "examples/gnuradio")!r}]
sys.path.append({sysconfig.get_path("purelib")!r})
import numpy as np
import pmt
from gnuradio import blocks, digital, gr
from classify_pdus import classify_pdus
from tag_modulation import tag_modulation

class copy(gr.sync_block):
    def __init__(self):
        gr.sync_block.__init__(self, "copy", [np.complex64], [np.complex64])

    def work(self, i, o):
        o[0][:] = i[0]
        return len(o[0])

rng = np.random.default_rng(0)

def rate(block, count):
    x = np.exp(0.5j * np.pi * rng.integers(4, size=1 << 16)) + 0.05 * rng.normal(size=1 << 16)
    flowgraph, head = gr.top_block(), blocks.head(gr.sizeof_gr_complex, count)
    source = blocks.vector_source_c(x.tolist(), True)
    flowgraph.connect(source, head, block, blocks.null_sink(gr.sizeof_gr_complex))
    before = time.process_time()
    flowgraph.run()
    return count / 1e6 / (time.process_time() - before)

print(f"{{'copy, in Python':46}} {{rate(copy(), 100_000_000):7.1f}}")
path = os.environ["PATH"]
for weights in sys.argv[1:]:
    for how, where in (("C", path), ("NumPy", "")):
        os.environ["PATH"] = where
        block = tag_modulation(weights)
        block.start()
        block.start = lambda: True
        found = rate(block, 20_000_000 if how == "C" else 2_000_000)
        print(f"{{os.path.basename(weights)[:36]:38}} {{how:7}} {{found:7.2f}}")
modulator = digital.generic_mod(digital.constellation_16qam(), False, 4.0, True, 0.35)
flowgraph, sink = gr.top_block(), blocks.vector_sink_c()
flowgraph.connect(blocks.vector_source_b(rng.integers(256, size=1200).tolist()), modulator, sink)
flowgraph.run()
x = np.array(sink.data(), np.complex64)
x += (0.1 * rng.normal(size=(len(x), 2)) @ [1, 1j]).astype(np.complex64)
block = classify_pdus()
block.receive(x[:2000], 0)
before = time.process_time()
for _ in range(5):
    block.receive(x, 0)
rates = 5 * len(x) / 1e6 / (time.process_time() - before)
print(f"{{'classify_pdus, 4 samples a symbol':46}} {{rates:7.3f}}")
"""


def main() -> None:
    python = find_gnu_radio()
    if python is None:
        raise SystemExit("GNU Radio is not installed; `apt-get install gnuradio` brings it")
    print("million samples a CPU second")
    networks = [*sys.argv[1:]] or NETWORKS
    subprocess.run([python, "-c", INSIDE, *map(str, networks)], check=True)


if __name__ == "__main__":
    main()

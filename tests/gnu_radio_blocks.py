"""The two blocks for GNU Radio on samples from a file: run by GNU Radio's Python, prints JSON.

Arguments: this checkout, site packages for what it needs, a folder of bursts ``*.npy``, weights.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

ROOT, PACKAGES, FOLDER, WEIGHTS = sys.argv[1:]
sys.path[:0] = [ROOT, f"{ROOT}/examples/gnuradio"]
sys.path.append(PACKAGES)  # last: GNU Radio wants its own NumPy

import pmt  # noqa: E402
from classify_pdus import classify_pdus  # noqa: E402
from gnuradio import blocks, gr  # noqa: E402
from tag_modulation import tag_modulation  # noqa: E402


def read(message):
    return {
        key: float(v) if key != "modulation" else v for key, v in pmt.to_python(message).items()
    }


def messages_of(flowgraph, block):
    sink = blocks.message_debug(False)
    flowgraph.msg_connect((block, "modulations"), (sink, "store"))
    return sink


def stored(sink):
    return [read(sink.get_message(k)) for k in range(sink.num_messages())]


def tag(symbols):
    flowgraph, block, sink = gr.top_block(), tag_modulation(WEIGHTS), blocks.vector_sink_c()
    found = messages_of(flowgraph, block)
    flowgraph.connect(blocks.vector_source_c(symbols.tolist()), block, sink)
    flowgraph.run()
    tags = [(t.offset, pmt.symbol_to_string(t.key), read(t.value)) for t in sink.tags()]
    same = np.array_equal(np.array(sink.data(), np.complex64), symbols[: len(sink.data())])
    return {"tags": tags, "messages": stored(found), "count": len(sink.data()), "same": same}


def classify(bursts):
    """The last burst is silent: its message says that all before it are through."""
    flowgraph, block = gr.top_block(), classify_pdus()
    sink = messages_of(flowgraph, block)
    flowgraph.start()
    for burst, meta in bursts:
        pdu = pmt.cons(pmt.to_pmt(meta), pmt.init_c32vector(len(burst), burst.tolist()))
        block.to_basic_block()._post(pmt.intern("pdus"), pdu)
    found, deadline = [], time.monotonic() + 120
    while time.monotonic() < deadline and not (found and found[-1]["es_n0_db"] == -np.inf):
        time.sleep(0.05)
        found = stored(sink)
    flowgraph.stop()
    flowgraph.wait()
    return found


files = sorted(Path(FOLDER).glob("*.npy"))
symbols, *bursts = map(np.load, files)
pdus = list(zip(bursts, ({}, {"offset": 5000}, {}), strict=True))
print(json.dumps({"stream": tag(symbols), "bursts": classify(pdus)}))

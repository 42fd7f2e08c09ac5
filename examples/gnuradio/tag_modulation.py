"""Embedded Python block: tag the modulation of a stream of symbols, as a network decides it.

One sample a symbol, without carrier or phase offset, at the level of amrpkg's constellations.
"""

import numpy as np
import pmt
from gnuradio import gr

CHUNK = 32  # symbols of a decision


class tag_modulation(gr.sync_block):
    """Complex in, the same out, with a tag `modulation` at each symbol from which another class
    is decided: a dictionary of modulation and confidence. The port `modulations` sends one of
    every decision, with first_sample, if anything listens.

    weights : a network of amrpkg as .safetensors; empty for the one that it comes with
    """

    def __init__(self, weights=""):
        gr.sync_block.__init__(
            self, name="Tag modulation", in_sig=[np.complex64], out_sig=[np.complex64]
        )
        self.weights = weights
        self.message_port_register_out(pmt.intern("modulations"))
        self.set_output_multiple(CHUNK)
        self.last = None

    def start(self):
        """GRC makes a block to see its ports, so that what takes time is left until here."""
        from pathlib import Path

        from amrpkg.evaluation.classification import SHIPPED, decide_chunks
        from amrpkg.export.c_network import load_compiled
        from amrpkg.signals.constellations import CONSTELLATIONS

        self.network = load_compiled(Path(self.weights) if self.weights else SHIPPED)
        self.decide, self.names = decide_chunks, list(CONSTELLATIONS)
        return True

    def work(self, input_items, output_items):
        samples = input_items[0][: len(output_items[0]) // CHUNK * CHUNK]
        output_items[0][: len(samples)] = samples
        labels, confidence = self.decide(self.network, samples.reshape(-1, CHUNK))
        first = self.nitems_written(0)
        for k in np.flatnonzero(np.diff(labels, prepend=-1 if self.last is None else self.last)):
            value = self.describe(labels[k], confidence[k])
            self.add_item_tag(0, first + int(k) * CHUNK, pmt.intern("modulation"), value)
        if pmt.length(self.message_subscribers(pmt.intern("modulations"))):
            for k, label in enumerate(labels):
                value = self.describe(label, confidence[k])
                place = pmt.from_uint64(first + k * CHUNK)
                value = pmt.dict_add(value, pmt.intern("first_sample"), place)
                self.message_port_pub(pmt.intern("modulations"), value)
        self.last = labels[-1]
        return len(samples)

    def describe(self, label, confidence):
        value = pmt.dict_add(
            pmt.make_dict(), pmt.intern("modulation"), pmt.intern(self.names[label])
        )
        return pmt.dict_add(value, pmt.intern("confidence"), pmt.from_double(float(confidence)))

"""Embedded Python block: the modulation of every burst that comes as a PDU, receiver in front."""

import numpy as np
import pmt
from gnuradio import gr

CHUNK = 32  # symbols of a decision


class classify_pdus(gr.basic_block):
    """PDUs of complex samples in, a message a decision out: a dictionary of modulation, which may
    be unknown, confidence, first_sample and es_n0_db.

    A PDU is a burst of shaped pulses, at least 290 symbols. first_sample counts the samples of
    the PDUs before it, or begins with the PDU's own `offset`, where its metadata have one.

    samples_per_symbol : at least 2, or 0 to find it
    """

    def __init__(self, samples_per_symbol=0.0):
        gr.basic_block.__init__(self, name="Classify PDUs", in_sig=None, out_sig=None)
        self.samples_per_symbol = samples_per_symbol
        self.position = 0
        self.message_port_register_in(pmt.intern("pdus"))
        self.message_port_register_out(pmt.intern("modulations"))
        self.set_msg_handler(pmt.intern("pdus"), self.classify)

    def classify(self, pdu):
        meta, samples = pmt.car(pdu), np.array(pmt.c32vector_elements(pmt.cdr(pdu)), np.complex64)
        offset = pmt.dict_ref(meta, pmt.intern("offset"), pmt.from_uint64(self.position))
        self.position += len(samples)
        try:
            self.receive(samples, pmt.to_uint64(offset))
        except ValueError as error:  # no signal, or too short a burst
            gr.log.warn(f"Classify PDUs: {error}")
            self.send("unknown", 1.0, pmt.to_uint64(offset), float("-inf"))

    def receive(self, samples, offset):
        from amrpkg.receiver import (
            NAMES,
            find_band,
            find_samples_per_symbol,
            recognise,
            synchronise,
        )

        rate = self.samples_per_symbol or find_samples_per_symbol(samples)
        band = find_band(samples, rate)
        blocks = synchronise(samples, rate, band.roll_off, band.carrier)
        found = recognise(blocks)
        for block, start in enumerate(blocks.start):
            for k, label in enumerate(found.classes[block]):
                name = NAMES[label] if found.is_known[block, k] else "unknown"
                first = offset + round(start + k * CHUNK * rate)
                self.send(name, found.posterior[block, k, label], first, found.es_n0_db[block])

    def send(self, name, confidence, first_sample, es_n0_db):
        values = {
            "modulation": pmt.intern(name),
            "confidence": pmt.from_double(float(confidence)),
            "first_sample": pmt.from_uint64(first_sample),
            "es_n0_db": pmt.from_double(float(es_n0_db)),
        }
        message = pmt.make_dict()
        for key, value in values.items():
            message = pmt.dict_add(message, pmt.intern(key), value)
        self.message_port_pub(pmt.intern("modulations"), message)

"""A flowgraph of GNU Radio's transmitter and channel, run by GNU Radio's own interpreter.

Not for import: GNU Radio of a distribution has its own Python and NumPy, so `gnu_radio` starts
this file there. It reads what is to be sent as JSON from standard input, and writes pairs of
32-bit floats to standard output. It needs GNU Radio and nothing of this package.
"""

import json
import sys

import numpy as np


def constellation(name, points):
    """GNU Radio's own object of that name, or one that it makes of the given points."""
    from gnuradio import digital

    own = {
        "BPSK": digital.constellation_bpsk,
        "QPSK": digital.constellation_qpsk,
        "8PSK": digital.constellation_8psk,
        "16PSK": lambda: digital.psk_constellation(16),
        "16QAM": digital.constellation_16qam,
        "32QAM, hole inside": digital.qam32_holeinside_constellation,
    }
    if name in own:
        return own[name]()
    points = [complex(*point) for point in points]
    return digital.constellation_calcdist(
        points, [], 1, 1, digital.constellation.AMPLITUDE_NORMALIZATION
    )


def run(*blocks_in_a_row):
    """What comes out of the last of blocks in a row, ``complex64[n]``."""
    from gnuradio import blocks, gr

    flowgraph, sink = gr.top_block(), blocks.vector_sink_c()
    flowgraph.connect(*blocks_in_a_row, sink)
    flowgraph.run()
    return np.array(sink.data(), dtype=np.complex64)


def transmit(asked):
    """As `gnu_radio.transmit_with_gnu_radio`, of a dictionary."""
    from gnuradio import blocks, channels, digital

    rng, rate = np.random.default_rng(asked["seed"]), asked["samples_per_symbol"]
    chosen = constellation(asked["name"], asked["points"])
    count = asked["count"] + 64  # what the filters swallow
    packed = rng.integers(256, size=-(-count * chosen.bits_per_symbol() // 8))
    modulator = digital.generic_mod(
        chosen, differential=False, samples_per_symbol=rate, excess_bw=asked["roll_off"]
    )
    x = run(blocks.vector_source_b(packed.tolist()), modulator)
    late = int(rng.integers(16))  # samples, that the symbols come at any time
    x = x[int(24 * rate) + late :][: int(asked["count"] * rate)]
    x /= np.sqrt(np.mean(np.abs(x) ** 2))
    noise = np.sqrt(rate * 10 ** (-asked["es_n0_db"] / 10))
    channel = channels.channel_model(
        noise_voltage=noise,
        frequency_offset=asked["carrier"],
        epsilon=1.0,
        taps=[complex(np.exp(1j * asked["phase"]))],
        noise_seed=asked["seed"] + 1,
    )
    gain = blocks.multiply_const_cc(asked["gain"])
    return run(blocks.vector_source_c(x.tolist()), channel, gain)


if __name__ == "__main__":
    sys.stdout.buffer.write(transmit(json.load(sys.stdin)).tobytes())

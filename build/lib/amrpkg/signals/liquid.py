"""Signals that liquid-dsp makes: its modems, its pulses, its resampler, its channel.

liquid-dsp is a library of software radio in C (https://liquidsdr.org), of which nothing here was
written by us. Debian and Ubuntu have it as ``libliquid1``; it is called through ctypes. The two
shapes of the thesis that liquid has no modem of are ours, its pulses and its channel still its own.
"""

import ctypes
import ctypes.util
from functools import cache

import numpy as np

from amrpkg.common.arguments import require_choice
from amrpkg.signals.bursts import Burst
from amrpkg.signals.constellations import CONSTELLATIONS

SCHEMES = {
    "4ASK": 18,
    "8ASK": 19,
    "BPSK": 1,
    "QPSK": 2,
    "8PSK": 3,
    "16PSK": 4,
    "8QAM": None,
    "16QAM": 27,
    "32QAM": None,
    "8QAM, rectangular": 26,
    "32QAM, cross": 42,
    "32QAM, rectangular": 28,
}
"""Name -> liquid's number of the modem, None where it has none of that shape."""

_RRC = 9  # LIQUID_FIRFILT_RRC
_OVERSAMPLED = 8  # samples a symbol before the resampler
_SPAN = 16  # symbols to each side of the pulse
_FLOAT, _UINT, _POINTER = ctypes.c_float, ctypes.c_uint, ctypes.c_void_p


@cache
def _library() -> ctypes.CDLL:
    name = ctypes.util.find_library("liquid")
    if not name:
        raise OSError("liquid-dsp is not installed; `apt-get install libliquid1` brings it")
    library = ctypes.CDLL(name)
    for function, *arguments in (
        ("modem_create", ctypes.c_int),
        ("firinterp_crcf_create_prototype", ctypes.c_int, _UINT, _UINT, _FLOAT, _FLOAT),
        ("resamp_crcf_create", _FLOAT, _UINT, _FLOAT, _FLOAT, _UINT),
        ("channel_cccf_create",),
    ):
        getattr(library, function).argtypes = arguments
        getattr(library, function).restype = _POINTER
    library.modem_modulate.argtypes = (_POINTER, _UINT, _POINTER)
    library.modem_get_bps.argtypes = (_POINTER,)
    library.channel_cccf_add_awgn.argtypes = (_POINTER, _FLOAT, _FLOAT)
    library.channel_cccf_add_carrier_offset.argtypes = (_POINTER, _FLOAT, _FLOAT)
    for function in ("firinterp_crcf", "channel_cccf", "resamp_crcf"):
        length = (_POINTER,) if function == "resamp_crcf" else ()
        block = getattr(library, f"{function}_execute_block")
        block.argtypes = (_POINTER, _POINTER, _UINT, _POINTER, *length)
    for function in ("modem", "firinterp_crcf", "channel_cccf", "resamp_crcf"):
        getattr(library, f"{function}_destroy").argtypes = (_POINTER,)
    return library


def has_liquid() -> bool:
    """Whether liquid-dsp is installed."""
    return ctypes.util.find_library("liquid") is not None


def transmit_with_liquid(burst: Burst, name: str, count: int, seed: int) -> np.ndarray:
    """`count` random symbols as liquid-dsp sends and receives them: ``complex64[about n]``.

    burst : as of `Burst`; its timing is that of liquid's filter, to which its delay is added
    name : of `SCHEMES`

    Raises ``OSError`` without the library, ``ValueError`` for another name.
    """
    require_choice("name", name, SCHEMES)
    library, rng = _library(), np.random.default_rng(seed)
    symbols = _modulate(library, name, count + 2 * _SPAN, rng)
    x = np.empty(_OVERSAMPLED * len(symbols), np.complex64)
    timing = burst.timing % 1 - 0.5
    q = library.firinterp_crcf_create_prototype(_RRC, _OVERSAMPLED, _SPAN, burst.roll_off, timing)
    library.firinterp_crcf_execute_block(q, symbols.ctypes.data, len(symbols), x.ctypes.data)
    library.firinterp_crcf_destroy(q)
    x = x[_OVERSAMPLED * 2 * _SPAN :]  # the filter is full
    ratio, length = burst.samples_per_symbol / _OVERSAMPLED, _UINT()
    q = library.resamp_crcf_create(ratio, 16, 0.25, 70.0, 256)
    y = np.empty(int(len(x) * ratio) + 64, np.complex64)
    address = ctypes.addressof(length)
    library.resamp_crcf_execute_block(q, x.ctypes.data, len(x), y.ctypes.data, address)
    library.resamp_crcf_destroy(q)
    y = y[: length.value]
    y /= np.sqrt(np.mean(np.abs(y) ** 2))
    q = library.channel_cccf_create()
    snr = burst.es_n0_db - 10 * np.log10(burst.samples_per_symbol)
    library.channel_cccf_add_awgn(q, 20 * np.log10(burst.gain) - snr, snr)
    library.channel_cccf_add_carrier_offset(q, 2 * np.pi * burst.carrier, burst.phase)
    ctypes.CDLL(None).srand(seed)  # of liquid's noise
    library.channel_cccf_execute_block(q, y.ctypes.data, len(y), y.ctypes.data)
    library.channel_cccf_destroy(q)
    return y


def _modulate(library, name: str, count: int, rng) -> np.ndarray:
    if SCHEMES[name] is None:
        return rng.choice(CONSTELLATIONS[name], count).astype(np.complex64)
    modem = library.modem_create(SCHEMES[name])
    order = 2 ** library.modem_get_bps(modem)
    symbols = np.empty(count, np.complex64)
    for k, number in enumerate(rng.integers(order, size=count)):
        library.modem_modulate(modem, int(number), symbols[k:].ctypes.data)
    library.modem_destroy(modem)
    return symbols

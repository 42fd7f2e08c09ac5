"""From constellations to noisy chunks: tables, noise, streams, impairments, recordings."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "bursts": ["Burst"],
        "chunks": [
            "Chunks", "FRESH_CHUNKS_PER_CLASS", "NOISE_POWER", "PHASE_NOISE", "SPLITS",
            "make_chunks", "receive", "stream",
        ],
        "constellations": ["CONSTELLATIONS", "OTHER_SHAPES", "symmetry"],
        "gnu_radio": ["GNU_RADIO_SHAPES", "find_gnu_radio", "transmit_with_gnu_radio"],
        "impairments": ["change_gain", "conjugate", "offset_frequency", "rotate"],
        "komm_pulses": ["KOMM_SHAPES", "transmit_with_komm"],
        "liquid": ["SCHEMES", "has_liquid", "transmit_with_liquid"],
        "moments": ["CUMULANTS", "cumulants"],
        "noise_word": ["estimate_noise_power", "with_noise_word"],
        "pulses": ["raised_cosine_spectrum", "root_raised_cosine"],
        "raw_stream": ["RawStream"],
        "raw_types": ["RAW_TYPES", "RawType"],
        "recordings": [
            "Annotation", "SUFFIXES", "load_annotations", "load_sample_rate", "load_samples",
        ],
        "senders": ["SOURCES"],
    },
)

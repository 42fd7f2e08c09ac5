"""From a recording to symbols of the convention: rate, filter, timing, carrier, phase and level."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "carrier": ["line_frequencies", "lowest_power"],
        "fitting": ["Fit", "fit", "log_likelihoods"],
        "front_end": ["BLOCK", "Blocks", "synchronise"],
        "matched_filter": ["MatchedFilter"],
        "plausibility": ["probability"],
        "rate": ["find_samples_per_symbol"],
        "recognition": [
            "NAMES", "REASONS", "Recognition", "SURE", "UNKNOWN", "chunk_scores", "fit_likeliest",
            "recognise",
        ],
        "spectrum": ["Band", "find_band", "periodogram"],
        "timing": ["squared_envelope_timing"],
    },
)

"""How good a decision is and how good it can be: counts, intervals, ceilings, conditions."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "accuracy": ["evaluate", "samples_for", "score"],
        "annotated_bursts": ["cut_band", "receive_annotated"],
        "annotations": ["annotate", "write_annotated"],
        "blind": ["blind_ceiling", "blind_log_likelihoods"],
        "bounds": ["ceiling", "classify_maximum_likelihood", "log_likelihoods"],
        "classification": ["FAR", "SHIPPED", "classify", "decide_chunks", "doubts"],
        "conditions": ["CONDITIONS", "Condition", "IMPAIRMENTS", "UNITS", "noise_power_at"],
        "decisions": ["binomial_interval"],
        "normalisation": ["HIGHEST", "LOWEST", "is_possible", "level", "matching_factor"],
        "received_stream": ["Window", "receive_stream", "window_size"],
        "reception": ["Reception", "receive_recording"],
        "synchronisation": ["STEPS", "decide_by_steps"],
        "watching": ["LOOKED_AT", "PERIOD", "Watch"],
    },
)

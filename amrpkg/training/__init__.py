"""How a network learns, loses channels and is made smaller."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "classical": ["CLASSICAL", "ClassicalClassifier", "fit_classical"],
        "distinct_chunks": ["passes", "train_in_passes"],
        "fixed_set": ["Training", "train"],
        "protocols": [
            "PROTOCOLS", "PRUNING_VARIANTS", "Protocol", "RetuningSettings", "Settings",
            "StreamSettings", "settings",
        ],
        "pruning": ["channel_norms", "make_permanent", "prune_channels"],
        "retuning": ["train_until_right"],
        "shrinking": ["shrink", "silent_channels"],
        "stream": ["train_from_best_start", "train_on_stream"],
    },
)

"""Automatic modulation recognition with quantised and pruned CNNs for FPGAs.

A package and its book. The folders are the road of the data, each room built on those before
it: signals, models, evaluation, training, hardware, export, speed, grid, records, book. What a
room gives is named in its ``__init__`` and loaded when it is asked for.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=[
        *("signals", "models", "evaluation", "training", "hardware", "export"),
        *("speed", "grid", "records", "book"),
    ],
)

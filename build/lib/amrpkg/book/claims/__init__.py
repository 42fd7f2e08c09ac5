"""The claims of the thesis, a file a topic, each with its rule and the number it is put to."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "estimation": ["PrintedSums"],
        "evidence": ["Evidence"],
        "judging": ["judge"],
    },
)

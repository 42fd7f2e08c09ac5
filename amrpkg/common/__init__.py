"""What every room needs and knows nothing of them: arguments, files, code."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["arguments", "code", "files"],
    submod_attrs={"arguments": ["parse_counts"]},
)

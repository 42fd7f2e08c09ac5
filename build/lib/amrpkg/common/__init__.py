"""What every room needs and knows nothing of them: arguments, files, code."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["arguments", "files"],
    submod_attrs={
        "arguments": ["parse_counts"],
        "code": ["digest", "provenance", "reach", "read_commit", "read_package", "root"],
    },
)

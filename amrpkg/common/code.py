"""Which code made a number: a digest of the modules that it depends on."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


def digest_modules(modules: Iterable[str]) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the package's modules of these names."""
    sources = b"".join((_PACKAGE / f"{module}.py").read_bytes() for module in modules)
    return hashlib.sha256(sources).hexdigest()[:16]

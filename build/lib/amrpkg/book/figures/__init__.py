"""One function a figure, ``plot_...``, one file a chapter; each is given here by its name."""

import re
from pathlib import Path

import lazy_loader

_PLOT = re.compile(r"^def (plot_\w+)", re.M)
_FILES = Path(__file__).parent.glob("[a-z]*.py")

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["style"],
    submod_attrs={file.stem: _PLOT.findall(file.read_text()) for file in _FILES},
)

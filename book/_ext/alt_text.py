"""Words of a figure for those who do not see it."""

from functools import cache
from pathlib import Path

import yaml
from docutils import nodes

ALT = Path(__file__).parents[1] / "alt.yml"  # name of a figure -> what is to be seen in it


@cache
def _words() -> dict[str, str]:
    return yaml.safe_load(ALT.read_text())


def _say_what_is_seen(app, doctree):
    """The words of the file; of a figure that is not in it, the first sentence of its caption."""
    words = _words()
    for figure in doctree.findall(nodes.figure):
        caption = next(figure.findall(nodes.caption), None)
        first = caption.astext().split(". ")[0] if caption else ""
        seen = next((words[name] for name in figure["names"] if name in words), first)
        for image in figure.findall(nodes.image):
            image.setdefault("alt", " ".join(seen.split()))


def setup(app):
    app.connect("doctree-read", _say_what_is_seen)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

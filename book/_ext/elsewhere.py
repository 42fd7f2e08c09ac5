"""Words in place of what one page alone does not have: other pages, their figures, downloads."""

import json
import re
from functools import cache
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import download_reference

ROOT = Path(__file__).parents[2]
KINDS = {"fig": "a figure", "tab": "a table", "alg": "an algorithm", "eq": "an equation"}


def _in_words(app, env, node, contnode):
    """What a reference to another page says: its title, or what it is that the page has."""
    target = node["reftarget"]
    if node["reftype"] == "doc" and (title := _titles().get(Path(target).name)):
        return nodes.inline("", contnode.astext() if node["refexplicit"] else title)
    if node["reftype"] in ("numref", "eq") and (page := _page_with(target)):
        kind = KINDS[target.split("-")[0]]
        return nodes.inline("", f"{kind} of “{_titles()[page]}”")
    return None  # Sphinx warns


def _titles() -> dict[str, str]:
    return {page: re.search(r"^# (.+)$", text, re.MULTILINE)[1] for page, text in _texts().items()}


def _page_with(label: str) -> str | None:
    """The page of the book that has a figure, table or equation of this name."""
    named = re.compile(rf"""["'(]{re.escape(label)}["')]""")
    return next((page for page, text in _texts().items() if named.search(text)), None)


@cache
def _texts() -> dict[str, str]:
    """Page -> its text, of a chapter the sources and metadata of its cells."""
    chapters = {
        path.stem: "\n".join(
            f"{''.join(cell['source'])}\n{cell['metadata']}"
            for cell in json.loads(path.read_text())["cells"]
        )
        for path in sorted(ROOT.glob("thesis_nb/*.ipynb"))
    }
    return chapters | {path.stem: path.read_text() for path in sorted(ROOT.glob("book/*.md"))}


def _without_downloads(app, doctree):
    for link in list(doctree.findall(download_reference)):
        link.replace_self(link.children)


def setup(app):
    app.connect("missing-reference", _in_words)
    app.connect("doctree-read", _without_downloads)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

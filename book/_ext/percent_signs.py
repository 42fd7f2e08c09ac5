"""Percent signs in one form in running text: behind a narrow space that no line breaks at.

Tables keep theirs, since their cells are sorted, filtered and saved.
"""

import re

from docutils import nodes

PERCENT = re.compile(r"(?<=\d) ?%")
LEFT_ALONE = (nodes.literal, nodes.literal_block, nodes.raw, nodes.math, nodes.tbody, nodes.thead)


def _set_signs(app, doctree, page):
    for text in list(doctree.findall(nodes.Text)):
        if (said := PERCENT.sub("\u202f%", text)) != text and not _is_inside(text, LEFT_ALONE):
            text.parent.replace(text, nodes.Text(said))


def _is_inside(node, kinds):
    while node := node.parent:
        if isinstance(node, kinds):
            return True
    return False


def setup(app):
    app.connect("doctree-resolved", _set_signs)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

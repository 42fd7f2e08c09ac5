"""Numbers in one form in texts and tables: 99.96 %, 111 ns, 6 × 10⁻⁵, and no line breaks in one.

Chapters write and glue what Python prints; what is printed as code stays as it is.
"""

import re

from docutils import nodes

LEFT_ALONE = (nodes.literal, nodes.literal_block, nodes.raw, nodes.math, nodes.math_block)
UNITS = "dB|[kMG]?Hz|[nmµ]?s|[kKMG]i?B|MS/s|bits?|min|h"
FORMS = (
    (re.compile(r"(?<=\d) ?%"), "\u202f%"),  # behind a narrow space
    (re.compile(r"(?<=\d)[ \u00a0]us\b"), "\u00a0µs"),
    (re.compile(rf"(?<=\d) (?=(?:{UNITS})(?!\w))"), "\u00a0"),
    (re.compile(r"(?<![\w.])1e([-+]\d+)\b"), lambda found: f"10{_raised(found[1])}"),
    (
        re.compile(r"(?<=\d)e([-+]\d+)\b"),
        lambda found: f"\u00a0×\u00a010{_raised(found[1])}",
    ),
)
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def set_numbers(text: str, before: str = "") -> str:
    """`text` with its numbers in that form; `before` is what stands on its left."""
    for form, written in FORMS:
        text = form.sub(written, before[-1:] + text)[len(before[-1:]) :]
    return text


def _raised(exponent: str) -> str:
    return str(int(exponent)).translate(RAISED)


def _set_all(app, doctree, page):
    block, before = None, ""
    for text in list(doctree.findall(nodes.Text)):
        around = list(_around(text))
        if around[-1] is not block:
            block, before = around[-1], ""
        said = text.astext()
        if not any(isinstance(node, LEFT_ALONE) for node in around):
            said = set_numbers(said, before)
            if said != text.astext():
                text.parent.replace(text, nodes.Text(said))
        before = said


def _around(node):
    """The elements that hold a text, up to the one that is no part of a line."""
    while isinstance(node := node.parent, nodes.Inline | nodes.raw):
        yield node
    yield node


def setup(app):
    app.connect("doctree-resolved", _set_all)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

"""Figures and tables after an appendix of the thesis carry its letter: A.1, D.1.

Sphinx numbers those of pages without a number in one row; the rest of that row closes up.
"""

import re
from collections import Counter

from docutils import nodes

APPENDIX = re.compile(r"After Appendix (\w) of the thesis")  # what their captions say
KINDS = {"figure": (nodes.figure, nodes.caption), "table": (nodes.table, nodes.title)}


def _letter(app, env):
    counts, lettered = Counter(), Counter()
    for page, numbers in env.toc_fignumbers.items():
        for kind, (whole, head) in KINDS.items():
            of = numbers.get(kind, {})
            if all(len(number) > 1 for number in of.values()):
                continue
            for node in env.get_doctree(page).findall(whole):
                [name] = [name for name in node["ids"] if name in of] or [None]
                caption = next(node.findall(head), None)
                if name is None or caption is None:
                    continue
                if found := APPENDIX.search(caption.astext()):
                    lettered[kind] += 1
                    counts[kind, found[1]] += 1
                    of[name] = found[1], counts[kind, found[1]]
                else:
                    of[name] = (of[name][0] - lettered[kind],)
    return []


def setup(app):
    app.connect("env-get-updated", _letter, priority=900)  # after Sphinx has numbered all
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

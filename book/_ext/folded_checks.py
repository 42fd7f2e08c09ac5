"""The facts that a cell asserted, as one line that opens."""

from html import escape

from docutils import nodes


def _fold(app, doctree):
    for block in list(doctree.findall(nodes.literal_block)):
        lines = block.astext().splitlines()
        if len(lines) > 1 and all(line.startswith("ok: ") for line in lines):
            folded = f"<summary>{len(lines)} facts checked</summary><pre>{escape(block.astext())}"
            raw = f'<details class="checks">{folded}</pre></details>'
            block.replace_self(nodes.raw("", raw, format="html"))


def setup(app):
    app.connect("doctree-read", _fold)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

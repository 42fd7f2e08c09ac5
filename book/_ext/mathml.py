"""Equations as MathML, which browsers draw without a script or a font of ours."""

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util.math import get_node_equation_number

UNKNOWN = {r"\dots": r"\ldots", r"\Big(": r"\Bigl(", r"\Big)": r"\Bigr)"}  # to docutils


def to_mathml(tex: str, is_block: bool = False) -> str:
    """Raises ``docutils.utils.math.MathError``, a ``ValueError``, for a command not known."""
    for unknown, known in UNKNOWN.items():
        tex = tex.replace(unknown, known)
    return tex2mathml(tex.strip(), as_block=is_block)


def _visit_math(writer, node):
    writer.body.append(to_mathml(node.astext()))
    raise nodes.SkipNode


def _visit_equation(writer, node):
    writer.body.append(writer.starttag(node, "div", CLASS="math"))
    if node["number"]:
        writer.body.append(f'<span class="eqno">({get_node_equation_number(writer, node)})</span>')
    writer.body.append(to_mathml(node.astext(), is_block=True) + "</div>")
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (_visit_math, None), (_visit_equation, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

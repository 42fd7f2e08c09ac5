"""What a figure's file tells besides its lines: the table that it draws, and what its marks are.

The table stands in the description of the SVG (`style.carry`) and becomes a CSV file with a link
in the caption. A mark that has a name (`style.name_mark`) is told to the page by its place, and
the page's script names the mark nearest to the pointer: an image alone shows no names.
"""

import json
from pathlib import Path
from xml.etree import ElementTree

from docutils import nodes

SVG, DUBLIN_CORE = "{http://www.w3.org/2000/svg}", "{http://purl.org/dc/elements/1.1/}"
FOLDER = "_static/data"


class data_link(nodes.raw):
    """Where the CSV of a figure is, once it is known from which page."""


def _read_figures(app, doctree):
    for figure in doctree.findall(nodes.figure):
        image, caption = (next(figure.findall(kind), None) for kind in (nodes.image, nodes.caption))
        if image is None or caption is None or not image["uri"].endswith(".svg"):
            continue
        drawing = ElementTree.parse(Path(app.srcdir) / image["uri"]).getroot()
        described = drawing.find(f".//{DUBLIN_CORE}description")
        if described is not None:
            name = f"{figure['names'][0]}.csv"
            (folder := Path(app.outdir) / FOLDER).mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(described.text)
            caption += data_link("", name, format="html")
        if marks := list(_named_marks(drawing)):
            told = json.dumps(marks, ensure_ascii=False, separators=(",", ":"))
            script = f'<script type="application/json" class="marks">{told}</script>'
            figure.insert(figure.index(caption), nodes.raw("", script, format="html"))


def _named_marks(drawing):
    """[x, y, name] of each, as shares of the drawing's width and height."""
    _, _, width, height = map(float, drawing.get("viewBox").split())
    for group in drawing.iter(f"{SVG}g"):
        use = group.find(f".//{SVG}use")
        if ": " in group.get("id", "") and use is not None:
            x, y = float(use.get("x")) / width, float(use.get("y")) / height
            yield [round(x, 4), round(y, 4), group.get("id")]


def _point_at_files(app, doctree, page):
    """From the page that is written, which is another one when the book is a single page."""
    above = "../" * page.count("/")
    for link in doctree.findall(data_link):
        target = f"{above}{FOLDER}/{link.astext()}"
        html = f' <a class="figure-data" href="{target}" download>Data (CSV)</a>'
        link.replace_self(nodes.raw("", html, format="html"))


def setup(app):
    app.add_node(data_link)
    app.connect("doctree-read", _read_figures)
    app.connect("doctree-resolved", _point_at_files)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

"""An executed chapter, as papermill leaves it, as one HTML page that needs nothing beside it.

The book's own machinery reads it: Sphinx, MyST-NB and the extensions of ``book/_ext``. No cell
is run.
"""

import base64
import io
import json
import mimetypes
import re
import sys
import tempfile
import warnings
from html import escape
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from amrpkg.common.files import CHECKOUT, IN_CHECKOUT, require_regular

MOST_BYTES = 64 * 2**20  # a chapter has one or two million
GLUED = re.compile(r"\{glue:text\}`(?:[./]|chapters/)*(\w+\.ipynb)::(\w+)(?::s)?`")
IMAGE = re.compile(r'(?<=src=")(?:\.\./)*(_images/[^"]+)')
EXTENSIONS = ["folded_checks", "number_form", "alt_text", "mathml", "elsewhere"]
STYLES = {  # package -> its style sheet
    "myst_nb": "static/mystnb.css",
    "sphinx_proof": "_static/minimal/proof.css",
    "amrpkg.book": "page.css",
}


class Page(NamedTuple):
    """`html`, and `warnings` of what the page cannot show."""

    html: str
    warnings: list[str]


def make_page(notebook: Path) -> Page:
    """The page of an executed chapter.

    Raises ``OSError`` for what cannot be read, ``ValueError`` for what is no notebook, did not
    run to its end or has an equation that cannot be set, and without the book's tools or pages.
    """
    content = _read_executed(notebook)
    if not IN_CHECKOUT:
        raise ValueError("the book is not here; run this from a checkout")
    if find_spec("sphinx_proof") is None:
        raise ValueError('sphinx_proof is missing; `pip install "amrpkg[book]"` brings it')
    cells = content["cells"]
    for cell in cells:
        if cell["cell_type"] == "markdown":
            cell["source"] = GLUED.sub(_glued_elsewhere, "".join(cell["source"]))
    if any("{cite}`" in cell["source"] for cell in cells):
        references = "## References\n\n```{bibliography}\n:filter: docname in docnames\n```"
        last = {"cell_type": "markdown", "id": "references", "metadata": {}, "source": references}
        cells.append(last)
    with tempfile.TemporaryDirectory() as folder:
        return _build(content, Path(folder))


def _read_executed(notebook: Path) -> dict:
    import nbformat

    path = str(notebook)
    text = require_regular(notebook, MOST_BYTES).read_bytes()
    try:
        content = json.loads(text)
        with warnings.catch_warnings(action="ignore"):  # cells without an id
            nbformat.validate(content)
        cells = content["cells"]
    except Exception:  # of many kinds, for the validator expects a dictionary and more
        raise ValueError(f"{path!r} is no notebook; allowed: an executed .ipynb") from None
    codes = [cell for cell in cells if cell["cell_type"] == "code" and any(cell["source"])]
    for number, cell in enumerate(codes, 1):
        for output in cell["outputs"]:
            if output["output_type"] == "error":
                told = f"{output['ename']}: {output['evalue']}".splitlines()[0]
                raise ValueError(f"{path!r} failed in its code cell {number}: {told}")
        if cell["execution_count"] is None:
            raise ValueError(f"{path!r} was not run from its code cell {number} on")
    return content


def _glued_elsewhere(role: re.Match) -> str:
    """The text that another chapter glued, with its own parameters, as stored."""
    chapter = json.loads((CHECKOUT / "thesis_nb" / role[1]).read_text())
    outputs = (output for cell in chapter["cells"] for output in cell.get("outputs", []))
    for output in outputs:
        if output.get("metadata", {}).get("scrapbook", {}).get("name") == role[2]:
            return "".join(output["data"]["application/papermill.record/text/plain"]).strip("'")
    raise ValueError(f"{role[1]} glues no {role[2]}")


def _build(content: dict, root: Path) -> Page:
    """Have Sphinx make a book of one page in the empty folder `root`, and take the page out."""
    from sphinx.application import Sphinx
    from sphinx.util.console import strip_colors
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    pages = root / "book" / "chapters"  # where the book has it: its paths hold
    pages.mkdir(parents=True)
    for name in ("amrpkg", "results"):
        (root / name).symlink_to(CHECKOUT / name)
    (pages / "page.ipynb").write_text(json.dumps(content))
    out, told, bodies = root / "html", io.StringIO(), {}

    def keep(app, page, template, context, doctree):
        bodies[page] = context.get("body")

    sys.path.insert(0, str(CHECKOUT / "book" / "_ext"))
    folders = pages.parent, None, out, root / "doctrees"
    with patch_docutils(), docutils_namespace():
        app = Sphinx(*folders, "html", _settings(), status=None, warning=told)
        app.connect("html-page-context", keep)
        app.build()
    sys.path.remove(str(CHECKOUT / "book" / "_ext"))
    title = app.env.titles["chapters/page"].astext()
    body = IMAGE.sub(lambda image: _as_data(out / image[1]), bodies["chapters/page"])
    style = "\n".join(files(package).joinpath(name).read_text() for package, name in STYLES.items())
    return Page(
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n"
        f"<style>\n{app.builder.highlighter.get_stylesheet()}\n{style}</style>\n"
        f"</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n",
        re.findall(r"WARNING: (.*)", strip_colors(told.getvalue())),
    )


def _settings() -> dict:
    """Those of the book, and what a single page has in place of Jupyter Book's."""
    import yaml

    book = yaml.safe_load((CHECKOUT / "_config.yml").read_text())["sphinx"]["config"]
    return book | {
        "extensions": [
            *("myst_nb", "sphinx_proof", "sphinx_design", "sphinxcontrib.bibtex"),
            *EXTENSIONS,
        ],
        "root_doc": "chapters/page",
        "nb_execution_mode": "off",
        "myst_enable_extensions": ["colon_fence", "dollarmath"],
        "bibtex_bibfiles": [str(CHECKOUT / "book" / "references.bib")],
        "numfig": True,
        "html_theme": "basic",
        "html_permalinks": False,
        "html_math_renderer": "mathml",
    }


def _as_data(image: Path) -> str:
    kind, _ = mimetypes.guess_type(image)
    return f"data:{kind};base64,{base64.b64encode(image.read_bytes()).decode()}"

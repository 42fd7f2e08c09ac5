"""The page "Try it": its scripts and style are loaded by the page that has it, and by no other.

They are classic scripts, which browsers load from files too.
"""

import shutil
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "try_it"
MARK = 'id="try-it-page"'
SCRIPTS = ("integer_network.js", "received.js", "likelihood.js", "page.js")
STYLE = "page.css"


def _copy_files(app):
    shutil.copytree(FOLDER, Path(app.outdir) / "_static" / "try_it", dirs_exist_ok=True)


def _add_files(app, page, template, context, doctree):
    if MARK in context.get("body", ""):
        for script in SCRIPTS:
            app.add_js_file(f"try_it/{script}", loading_method="defer")
        app.add_css_file(f"try_it/{STYLE}")


def setup(app):
    app.connect("builder-inited", _copy_files)
    app.connect("html-page-context", _add_files)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

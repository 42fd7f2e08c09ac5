"""Let long tables be sorted, filtered and saved as CSV in the browser, without a network.

The tables are whole without JavaScript. DataTables comes from the bundle that itables ships; it
is an ES module, which browsers refuse to load from files, so its exports become a global of a
classic script. Only pages that have such a table load it.
"""

import re
from importlib.resources import files
from pathlib import Path

EXPORT = re.compile(r"^export\{([^}]*)\};?$|(?<=;)export\{([^}]*)\};?", re.MULTILINE)
MARK = re.compile(r'<table class="[^"]*\bsortable\b')
SCRIPT, STYLE = "sortable_tables.js", "sortable_tables.css"


def classic_script() -> str:
    """The bundle with its exports in ``window.itables``, and the script that uses it."""
    bundle = (files("itables") / "html" / "dt_bundle.js").read_text()
    exports = EXPORT.findall(bundle)
    if len(exports) != 1:
        raise ValueError(f"itables: {len(exports)} export statements in dt_bundle.js; expected 1")
    names = re.findall(r"([\w$]+) as ([\w$]+)", "".join(exports[0]))
    members = ", ".join(f'"{public}": {local}' for local, public in names)
    bundle = EXPORT.sub(lambda _: f"window.itables = {{{members}}};", bundle)
    return f'(() => {{"use strict";{bundle}}})();\n' + Path(__file__).with_suffix(".js").read_text()


def _write_files(app):
    static = Path(app.outdir) / "_static"
    static.mkdir(parents=True, exist_ok=True)
    (static / SCRIPT).write_text(classic_script())
    (static / STYLE).write_text((files("itables") / "html" / "dt_bundle.css").read_text())


def _add_files(app, page, template, context, doctree):
    if MARK.search(context.get("body", "")):
        app.add_js_file(SCRIPT, loading_method="defer")
        app.add_css_file(STYLE, priority=100)  # the book's own style comes after it


def setup(app):
    app.connect("builder-inited", _write_files)
    app.connect("html-page-context", _add_files)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

"""Make the pages whole without a server: from ``file://`` and behind an air gap.

Jupyter Book adds to every page a launcher that would load a kernel from the internet, twice,
which is an error in the browser, and preloads fonts in a way that browsers refuse for files.
Neither is used here: the launcher is left out, and fonts load when a page asks for them.
"""

import re
from pathlib import Path

FONT_PRELOAD = re.compile(r'\s*<link rel="preload" as="font"[^>]*>')


def _without_launcher(app, page, template, context, doctree):
    def is_launcher(script):
        return "thebe" in str(script.filename) or "THEBE" in script.attributes.get("body", "")

    scripts = context["script_files"]
    context["script_files"] = [script for script in scripts if not is_launcher(script)]


def _without_font_preloads(app, error):
    if error is None:
        for page in Path(app.outdir).rglob("*.html"):
            html = page.read_text()
            if (plain := FONT_PRELOAD.sub("", html)) != html:
                page.write_text(plain)


def setup(app):
    app.connect("html-page-context", _without_launcher, priority=900)
    app.connect("build-finished", _without_font_preloads)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

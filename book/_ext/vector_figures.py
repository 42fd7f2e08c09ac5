"""Figures of the pages as vector graphics.

Chapters keep bitmaps, which readers of notebooks show anywhere and whose bytes no test compares;
the book runs them with a configuration of IPython that draws vectors instead.
"""

import os
from pathlib import Path

CONFIGURATION = '''
def draw(figure):
    from io import BytesIO
    from amrpkg.book.figures.style import save_svg

    save_svg(figure, file := BytesIO(), bbox_inches="tight", facecolor="none", dpi=220)
    return {"image/svg+xml": file.getvalue().decode()}

c = get_config()
c.InlineBackend.figure_formats = set()
c.MimeBundleFormatter.deferred_printers = {("matplotlib.figure", "Figure"): draw}
'''


def _draw_vectors(app, config):
    profile = Path(app.outdir).parent / ".ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text(CONFIGURATION)
    os.environ["IPYTHONDIR"] = str(profile.parent)


def setup(app):
    app.connect("config-inited", _draw_vectors)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

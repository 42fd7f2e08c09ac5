"""Figures of the pages: vector graphics, and words for those who do not see them.

Chapters keep bitmaps, which readers of notebooks show anywhere and whose bytes no test compares;
the book runs them with a configuration of IPython that draws vectors instead.
"""

import os
from pathlib import Path

import yaml
from docutils import nodes

ALT = Path(__file__).parents[1] / "alt.yml"  # name of a figure -> what is to be seen in it
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


def _say_what_is_seen(app, doctree):
    """The words of the file; of a figure that is not in it, the first sentence of its caption."""
    words = yaml.safe_load(ALT.read_text())
    for figure in doctree.findall(nodes.figure):
        caption = next(figure.findall(nodes.caption), None)
        first = caption.astext().split(". ")[0] if caption else ""
        seen = next((words[name] for name in figure["names"] if name in words), first)
        for image in figure.findall(nodes.image):
            image.setdefault("alt", " ".join(seen.split()))


def setup(app):
    app.connect("config-inited", _draw_vectors)
    app.connect("doctree-read", _say_what_is_seen)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

"""A page's tree is read once for all references by number into it: Sphinx reads it for each."""

from functools import cache


def _remember(app, env):
    env.get_doctree = cache(env.get_doctree)


def setup(app):
    app.connect("env-check-consistency", _remember)  # when all pages are read and stored
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

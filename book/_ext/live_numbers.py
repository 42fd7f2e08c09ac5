"""Keep the book's numbers live.

The notebook cache knows a chapter by the text of its cells only: after an edit of the package
or of the record a rebuild would show the old numbers. This extension puts a digest of both
into the cache's path. It also has every page read again when the digest or any page changes,
since pages quote numbers of one another; chapters that did not change come from the cache.
"""

import hashlib
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[2]


def digest() -> str:
    """A digest of all that a chapter imports or reads, besides its own cells."""
    files = [
        *ROOT.glob("amrpkg/**/*.py"),
        *ROOT.glob("amrpkg/**/*.csv"),
        *ROOT.glob("results/**/*"),
        ROOT / "book/_ext/vector_figures.py",  # how figures are drawn
    ]
    versions = [f"{name} {version(name)}" for name in ("torch", "brevitas", "numpy")]
    live = hashlib.sha256(" ".join(versions).encode())
    for file in sorted(file for file in files if file.is_file()):
        live.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return live.hexdigest()[:16]


def _separate_cache(app, config):
    config.nb_execution_cache_path = str(Path(app.outdir).parent / ".jupyter_cache" / digest())


def _outdated(app, env, added, changed, removed):
    now = digest()
    stale = added | changed | removed or getattr(env, "live_numbers_digest", now) != now
    env.live_numbers_digest = now
    return sorted(env.found_docs) if stale else []


def setup(app):
    app.connect("config-inited", _separate_cache, priority=100)
    app.connect("env-get-outdated", _outdated)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

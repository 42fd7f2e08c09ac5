"""Which code made a number, found from the code itself, and where and when it was made.

A *root* names the definitions that make a record's numbers. Its digest covers them and all that
they reach by name in the package: functions, classes with every method, constants, annotations.
What a definition says counts, not where it lies or how it is set: a module's name, imports,
comments, docstrings, line breaks and the version of Python leave the digest as it is.
"""

import ast
import hashlib
import io
import platform
import subprocess
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

_PACKAGE = Path(__file__).parents[1]


def root(*definitions: Callable, without: Iterable[str] = ()) -> str:
    """The root of these definitions, as text: ``"module:name module:name -name"``.

    without : names of definitions that are compared otherwise, and left out with what they reach
    """
    names = (f"{made.__module__}:{made.__qualname__}" for made in definitions)
    return " ".join([*names, *(f"-{name}" for name in without)])


@cache
def current_digest(root: str) -> str:
    """The digest of a root in the package as this process found it at the first call."""
    return digest(root, _current_sources())


@cache
def _current_sources() -> dict[str, str]:
    return read_package(_PACKAGE)


def digest(root: str, sources: Mapping[str, str]) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of all that `root` reaches in `sources`.

    sources : of `read_package` or `read_commit`. Raises as `reach`.
    """
    texts = sorted({text for texts in reach(root, sources).values() for text in texts})
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def read_package(folder: Path) -> dict[str, str]:
    """Module name -> source of every module of the package that lies in `folder`."""
    files = {file: file.read_text(encoding="utf-8") for file in folder.rglob("*.py")}
    return {_module_name(file.relative_to(folder.parent)): text for file, text in files.items()}


def read_commit(commit: str) -> dict[str, str]:
    """Module name -> source of the package at a commit of the checkout.

    Raises ``ValueError`` for a commit that the checkout does not have.
    """
    command = ["git", "-C", str(_PACKAGE.parent), "archive", commit, _PACKAGE.name]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise ValueError(f"commit is {commit!r}; allowed: one that git has: {done.stderr.decode()}")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        files = [file for file in archive.getmembers() if file.name.endswith(".py")]
        return {_module_name(Path(f.name)): archive.extractfile(f).read().decode() for f in files}


def _module_name(file: Path) -> str:
    return ".".join(file.with_suffix("").parts).removesuffix(".__init__")


def reach(root: str, sources: Mapping[str, str]) -> dict[tuple[str, str], list[str]]:
    """All definitions that `root` reaches: module and name -> the text of what binds the name.

    This module makes no number and is left out. A local variable that has the name of a
    definition in its module reaches it too: rather too much than too little. Not seen are
    attributes by computed names, and statements that change a constant after its assignment.

    Raises ``ValueError`` for a name of `root` that is not defined, and for starred and relative
    imports, which are not followed.
    """
    words = root.split()
    queue = [tuple(word.split(":")) for word in words if not word.startswith("-")]
    left_out = {word[1:] for word in words if word.startswith("-")}
    scopes, found = _Scopes(sources), {}
    for module, name in queue:  # grows while it is read
        if name not in scopes[module].bound:
            raise ValueError(f"root has {module}:{name}; allowed: definitions of the package")
        if (module, name) in found:
            continue
        statements = scopes[module].bound[name]
        found[module, name] = [_told(statement) for statement in statements]
        reached = (place for node in statements for place in scopes.names_in(module, node))
        queue += [place for place in reached if place[1] not in left_out and place[0] != __name__]
    return found


class _Scope(NamedTuple):
    """The names of a module: statements that bind them, or module and name they come from."""

    bound: dict[str, list[ast.stmt]]
    imported: dict[str, tuple[str, str]]


class _Scopes(dict):
    """Module name -> its names, read when they are asked for."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._sources = sources

    def __missing__(self, module: str) -> _Scope:
        self[module] = _read(module, self._sources.get(module, ""))
        return self[module]

    def names_in(self, module: str, node: ast.AST) -> Iterator[tuple[str, str]]:
        """Module and name of each definition of the package that `node` names."""
        local, chains = _named(module, node)
        for first, *attributes in chains:
            place = self._find(*local[first]) if first in local else self._look_up(module, first)
            while place and not place[1] and attributes:
                place = self._find(place[0], attributes.pop(0))
            if place and not place[1]:  # a module as a value: whatever it holds may be used
                yield from ((place[0], name) for name in self[place[0]].bound)
            elif place:
                yield place

    def _look_up(self, module: str, name: str) -> tuple[str, str] | None:
        """Where a name of a module is defined, "" for the name if it is a module itself."""
        if name in self[module].bound:
            return module, name
        return self._find(*self[module].imported.get(name, ("", "")))

    def _find(self, module: str, name: str) -> tuple[str, str] | None:
        if not name:  # other packages and built-ins are of no module here
            return (module, "") if module in self._sources else None
        inner = f"{module}.{name}"
        return self._look_up(module, name) or ((inner, "") if inner in self._sources else None)


@cache
def _read(module: str, source: str) -> _Scope:
    """Once for all digests: from commit to commit most of the package stays."""
    tree = ast.parse(source)
    bound, imported = {}, _imported(module, tree.body)
    for statement in tree.body:
        for name in _bound(statement):
            bound.setdefault(name, []).append(statement)
    for call in ast.walk(tree):  # names of a room, which lazy_loader gives when asked for
        if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "attach":
            for rooms in (key.value for key in call.keywords if key.arg == "submod_attrs"):
                for key, names in zip(rooms.keys, rooms.values, strict=True):
                    given = (n.value for n in ast.walk(names) if isinstance(n, ast.Constant))
                    imported |= {name: (f"{module}.{key.value}", name) for name in given}
    return _Scope(bound, imported)


@cache
def _named(module: str, node: ast.AST) -> tuple[dict[str, tuple[str, str]], list[list[str]]]:
    """What `node` imports itself, and the names in it."""
    return _imported(module, ast.walk(node)), list(_chains(node))


def _imported(module: str, nodes: Iterable[ast.AST]) -> dict[str, tuple[str, str]]:
    """Name -> module and name it is imported from, "" for a module as a whole."""
    names = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                whole = alias.name if alias.asname else alias.name.partition(".")[0]
                names[alias.asname or whole] = whole, ""
        elif isinstance(node, ast.ImportFrom):
            if node.level or node.names[0].name == "*":
                raise ValueError(f"{module} has a relative or starred import; allowed: names")
            names |= {alias.asname or alias.name: (node.module, alias.name) for alias in node.names}
    return names


def _bound(statement: ast.stmt) -> set[str]:
    """The names that a statement of a module binds, wherever in it."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    targets = [*getattr(statement, "targets", ()), getattr(statement, "target", None)]
    names = {n.id for target in targets if target for n in ast.walk(target) if _is_stored(n)}
    inner = (node for node in ast.iter_child_nodes(statement) if isinstance(node, ast.stmt))
    return names.union(*map(_bound, inner))


def _is_stored(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def _chains(node: ast.AST) -> Iterator[list[str]]:
    """Every name in `node` with the attributes asked of it: ``a.b.c`` is a, b, c."""
    attributes, inner = [], node
    while isinstance(inner, ast.Attribute):
        attributes, inner = [inner.attr, *attributes], inner.value
    if isinstance(inner, ast.Name):
        yield [inner.id, *attributes]
    else:
        for child in ast.iter_child_nodes(inner):
            yield from _chains(child)


@cache
def _told(statement: ast.stmt) -> str:
    return _text(statement)


def _text(node: object) -> str:
    """A syntax tree as text, the same in every version of Python: what is empty is left out."""
    if isinstance(node, list):
        return f"[{','.join(_text(item) for item in node if not _is_silent(item))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = sorted((name, value) for name, value in ast.iter_fields(node) if name not in _UNSAID)
    told = (f"{name}={_text(value)}" for name, value in fields if value not in (None, []))
    return f"{type(node).__name__}({','.join(told)})"


_UNSAID = ("ctx", "kind", "type_comment")


def _is_silent(node: object) -> bool:
    """Whether it is an import or, as docstrings are, a text that stands for itself."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return isinstance(node.value.value, str)
    return isinstance(node, ast.Import | ast.ImportFrom)


def versions() -> dict[str, str]:
    """Of what computes a recorded number."""
    return {name: version(name) for name in ("torch", "brevitas", "numpy")}


def provenance(code_digest: str) -> dict[str, str | int]:
    """Where and by what a number was made: commit, code, versions, machine, threads, date."""
    import torch  # here: it takes seconds

    return {
        "commit": _commit(),
        "code_digest": code_digest,
        "python": platform.python_version(),
        **versions(),
        "cpu": _cpu(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "threads": torch.get_num_threads(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _commit() -> str:
    """The commit of the checkout that the package runs from, "-dirty" after an edit."""

    def git(*arguments):
        command = ["git", "-C", str(_PACKAGE), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    if git("rev-parse", "--show-toplevel") != str(_PACKAGE.parent.resolve()):
        return "unknown"  # installed, perhaps inside another project's repository
    edited = "-dirty" if git("status", "--porcelain", "--untracked-files=no") else ""
    return git("rev-parse", "--short=12", "HEAD") + edited


def _cpu() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()

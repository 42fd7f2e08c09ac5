"""The digest of a record's code, and the table that ties every record to today's."""

import shutil
import subprocess

import pandas as pd
import pytest

from amrpkg.common import digest, reach, read_package
from amrpkg.records import RECORDS, code, load_code, trace

# A package of two layouts with the same definitions: flat, and in rooms with lazy names.
DEFINITIONS = {
    "GAIN": "GAIN = {'a': 2}",
    "count": "def count(n: Kind) -> int:\n    return n + GAIN['a']",
    "Kind": "class Kind:\n    def size(self):\n        return helper(1)",
    "helper": "def helper(x):\n    return x",
    "unused": "def unused():\n    return 0",
    "record": "def record():\n{here}    return tools.count(1) + last(*[2])",
    "last": "def last(n):\n    return n",
}
FLAT = {
    "tools": "from pack.base import GAIN, Kind\n{count}\n{unused}",
    "base": "from pack.low import helper\n{GAIN}\n{Kind}",
    "low": "{helper}\n{last}",
    "rows": "from pack import low, tools\nfrom pack.low import last\n{record}",
}
ROOMS = {
    "__init__": "import lazy_loader\nx, y, z = lazy_loader.attach(__name__, submodules=[*('a',)])",
    "a/__init__": "import lazy_loader\n"
    "x, y, z = lazy_loader.attach(__name__, submod_attrs={'inner': [*('GAIN', 'Kind')]})",
    "a/inner": "import pack.b.deep as deep\nfrom pack.b.deep import helper\n{Kind}\n{GAIN}",
    "a/tools": "from pack.a import GAIN\nfrom pack import a\nfrom pack.a import Kind\n{count}",
    "b/__init__": "from pack.b.deep import last",
    "b/deep": "{last}\n{helper}",
    "c": "from pack.a import tools\n{record}\n{unused}",
}


def write(folder, layout, here="", **edits):
    """The package in a folder, definitions edited by (old, new); returns its digest."""
    texts = {name: text.replace("{here}", here) for name, text in DEFINITIONS.items()}
    for name, (old, new) in edits.items():
        assert old in texts[name]
        texts[name] = texts[name].replace(old, new)
    shutil.rmtree(folder / "pack", ignore_errors=True)
    for module, text in layout.items():
        file = folder / "pack" / f"{module}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        for name, definition in texts.items():
            text = text.replace(f"{{{name}}}", definition)
        file.write_text(text)
    return digest(f"pack.{list(layout)[-1]}:record", read_package(folder / "pack"))


def test_definitions_that_move_keep_the_digest(tmp_path):
    assert write(tmp_path, FLAT) == write(
        tmp_path, ROOMS, here="    from pack.b import last as last\n"
    )


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("GAIN", "2", "3"),
        ("Kind", "helper(1)", "helper(2)"),
        ("helper", "return x", "return -x"),
        ("count", "n: Kind", "n: 'Kind'"),
        ("count", "+ GAIN", "- GAIN"),
        ("last", "return n", "return f'{n:2}'"),
        ("record", "last(*[2])", "last(2)"),
    ],
)
def test_an_edit_of_what_is_reached_changes_the_digest(tmp_path, name, old, new):
    assert write(tmp_path, FLAT) != write(tmp_path, FLAT, **{name: (old, new)})


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("unused", "return 0", "return 1"),
        ("helper", "return x", "'''Says.'''\n    # why\n\n    return x"),
        ("Kind", "def size", "'''Says\n    more.'''\n\n    def size"),
        ("record", "tools.count(1) + last(*[2])", "(\n        tools.count(1)\n + last(*[2],))"),
        ("GAIN", "{'a': 2}", '{\n    "a": 2,  # a comment\n}'),
        ("record", "    return", "    import os\n    return"),
    ],
)
def test_what_says_the_same_keeps_the_digest(tmp_path, name, old, new):
    assert write(tmp_path, FLAT) == write(tmp_path, FLAT, **{name: (old, new)})


def test_a_module_as_a_value_and_a_constant_set_in_pieces_are_reached_whole(tmp_path):
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack/a.py").write_text("from pack import b\ndef f(name): return vars(b)[name]\n")
    (tmp_path / "pack/b.py").write_text("if 1:\n    X = 1\nX += 2\nfor Y in (X, 3):\n    pass\n")
    found = reach("pack.a:f", read_package(tmp_path / "pack"))
    assert {name: len(texts) for (_, name), texts in found.items()} == {"f": 1, "X": 2, "Y": 1}
    assert ("pack.b", "X") not in reach("pack.a:f -X", read_package(tmp_path / "pack"))


def test_what_cannot_be_followed_is_refused(tmp_path):
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack/a.py").write_text("from pack.b import *\ndef f(): pass\n")
    sources = read_package(tmp_path / "pack")
    with pytest.raises(ValueError, match=r"pack.a has a relative or starred import"):
        digest("pack.a:f", sources)
    with pytest.raises(ValueError, match=r"root has pack.b:g; allowed: definitions"):
        digest("pack.b:g", sources)


def test_the_numbers_of_a_record_reach_through_the_package(tmp_path, root):
    """Mutations of a copy of the package, each of a definition some modules away."""
    edits = {
        "signals/chunks.py": ("NOISE_POWER = ", "NOISE_POWER = 1 + "),
        "evaluation/decisions.py": ("def binomial_interval(", "def binomial_interval(*, "),
        "speed/timing.py": ("SKIPPED = 2", "SKIPPED = 3"),
        "models/quantization.py": ("COLLECT_STATS_STEPS = ", "COLLECT_STATS_STEPS = 1 + "),
        "training/protocols.py": ("2e-2, 1_000_000", "3e-2, 1_000_000"),
        "book/status.py": ("def versions(", "def versions_of("),
    }
    sources, changed = read_package(root / "amrpkg"), {}
    before = {name: digest(record.root, sources) for name, record in RECORDS.items()}
    for file, (old, new) in edits.items():
        folder = tmp_path / file.replace("/", "_") / "amrpkg"
        shutil.copytree(root / "amrpkg", folder, ignore=shutil.ignore_patterns("__pycache__"))
        text = (folder / file).read_text()
        assert text.count(old) == 1, file
        (folder / file).write_text(text.replace(old, new))
        sources = read_package(folder)
        after = {name: digest(record.root, sources) for name, record in RECORDS.items()}
        changed[file.split("/")[1]] = {name for name in after if after[name] != before[name]}
    every = set(RECORDS)
    assert changed == {
        "chunks.py": every - {"receiver"},  # noise of its own
        "decisions.py": every - {"c_speed", "exports", "netlists", "speed", "synthesis"},
        "timing.py": {"c_speed", "grid", "repeats", "speed", "training_speed"},
        "quantization.py": every - {"netlists", "receiver", "synthesis"},  # made of integers
        "protocols.py": {"search"},  # the knobs of a run of the grid are compared one by one
        "status.py": set(),
    }


@pytest.fixture
def history(root):
    """Skips where the commits that the records name are not at hand."""
    command = ["git", "-C", str(root), "rev-parse", "--is-shallow-repository"]
    if not (root / ".git").exists():
        pytest.skip("no .git here: a record's code cannot be looked up")
    if subprocess.run(command, capture_output=True, text=True, check=True).stdout != "false\n":
        pytest.skip("a shallow clone: `git fetch --unshallow` brings the records' code")


@pytest.mark.parametrize("name", RECORDS)
def test_every_record_is_traced_to_today_s_code(name, history):
    written = load_code()
    own = written[written["record"] == name].reset_index(drop=True)
    traced = pd.DataFrame(trace(name, written))
    remedy = (
        f"results/{name}.csv is older than its code: make it again with `{RECORDS[name].command}`, "
        "or have results/code.csv say why its numbers stay: "
        f'python -m amrpkg.records.code "the reason" {name}'
    )
    assert own.equals(traced), f"{remedy}\nrows to be:\n{traced.to_csv(index=False)}"
    assert traced.iloc[-1]["commit"] or traced.iloc[-1]["why"], remedy
    ours = traced[(traced["commit"] != "") & (traced["root"] == RECORDS[name].root)]
    assert (ours["recorded"] == ours["code"]).all(), "rows were made by other code than they say"


def test_a_reason_is_added_where_the_code_changed_and_nowhere_else(tmp_path, monkeypatch, history):
    written = load_code()
    older = written.copy()
    last = written.index[written["commit"] == ""][0]
    older.loc[last, "code"] = "older"
    older.to_csv(tmp_path / "code.csv", index=False)
    assert not older.equals(written)
    monkeypatch.setattr(code, "CODE", tmp_path / "code.csv")
    code.main("All else stays.", written.loc[last, "record"])
    found = load_code(tmp_path / "code.csv")
    assert found.loc[last, "why"] == f"{written.loc[last, 'why']} All else stays."
    assert found.drop(columns="why").equals(written.drop(columns="why"))
    assert found.drop(index=last).equals(written.drop(index=last))

"""An executed chapter as one page: whole, offline, and refused in one line where it cannot be."""

import json
import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from amrpkg.book import make_page
from amrpkg.cli import main

ROOT = Path(__file__).parents[1]
CHAPTERS = ROOT / "thesis_nb"
ROLE = re.compile(r"\{glue:text\}`(\w+)(?::s)?`")


def cells(chapter):
    return json.loads((CHAPTERS / f"{chapter}.ipynb").read_text())["cells"]


def prose(chapter):
    return "\n".join("".join(c["source"]) for c in cells(chapter) if c["cell_type"] == "markdown")


def glued(chapter):
    """Name -> text that a stored chapter glued."""
    outputs = [output for cell in cells(chapter) for output in cell.get("outputs", [])]
    named = [output for output in outputs if "scrapbook" in output.get("metadata", {})]
    kind = "application/papermill.record/text/plain"
    return {
        item["metadata"]["scrapbook"]["name"]: "".join(item["data"][kind]).strip("'")
        for item in named
    }


@pytest.mark.parametrize(
    ("chapter", "elsewhere"),
    [
        ("01_signal_generation", "Earning 100%"),
        ("03_training", "a figure of “What holds” in What holds compares"),
        ("07_what_holds", f"{glued('09_smallest_network')['least_weights']} weights"),
    ],
)
def test_a_chapter_is_one_page_that_needs_nothing_beside_it(chapter, elsewhere):
    page = make_page(CHAPTERS / f"{chapter}.ipynb")
    assert page.warnings == []
    soup = BeautifulSoup(page.html, "html.parser")
    text = re.sub(r" ?%", "%", " ".join(soup.get_text().split()))
    assert elsewhere in text
    values = glued(chapter)
    roles = ROLE.findall(prose(chapter))
    pasted = [item.text for item in soup.select(".pasted-text")]
    pasted = [re.sub("\u202f%", "%", item).replace("\u00a0", " ") for item in pasted]
    assert pasted == [values[name].replace(" %", "%") for name in roles]
    for cell in cells(chapter):
        if caption := cell["metadata"].get("mystnb", {}).get("figure", {}).get("caption"):
            assert caption.replace(" %", "%") in text.replace("’", "'")
    assert not re.search(r"\{(glue|numref|doc|eq|cite)", text.replace("glue(", ""))
    drawn = soup.select('math[display="block"]')
    equations = prose(chapter).count("$$") / 2
    assert len(drawn) == len(soup.select(".eqno")) == equations
    assert not any("\\" in item.text for item in drawn)
    loaded = [tag["src"] for tag in soup.select("[src]")]
    assert loaded and all(source.startswith("data:image/") for source in loaded)
    assert not soup.select("script, link") and "url(" not in page.html
    for link in soup.select("a[href]"):
        target = link["href"]
        assert target.startswith("http") or soup.select(f'[id="{target[1:]}"]'), target
    folded = [details.get_text() for details in soup.select("details.hide")]
    assert any("import" in code for code in folded)


def test_every_equation_of_the_book_can_be_set(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "book" / "_ext")
    from mathml import to_mathml

    pages = [prose(path.stem) for path in CHAPTERS.glob("*.ipynb")]
    found = [m for text in pages for m in re.findall(r"\$\$(.+?)\$\$|\$([^$]+)\$", text, re.S)]
    assert len(found) > 100
    assert all("<math" in to_mathml(block or inline, bool(block)) for block, inline in found)


def change(chapter, path, **changes):
    """A copy of a chapter with other values in its first code cell."""
    notebook = json.loads((CHAPTERS / f"{chapter}.ipynb").read_text())
    next(c for c in notebook["cells"] if c["cell_type"] == "code").update(changes)
    path.write_text(json.dumps(notebook))
    return path


ERROR = {"output_type": "error", "ename": "Oh", "evalue": "no\nmore", "traceback": []}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"execution_count": None}, "was not run from its code cell 1 on"),
        ({"outputs": [ERROR]}, "failed in its code cell 1: Oh: no"),
        ({"cell_type": "figure"}, "is no notebook; allowed: an executed .ipynb"),
    ],
)
def test_what_did_not_run_to_its_end_is_refused(changes, told, tmp_path, capsys):
    path = change("02_models", tmp_path / "x.ipynb", **changes)
    assert main(["render", str(path)]) == 2
    assert capsys.readouterr().err == f"amr render: {str(path)!r} {told}\n"
    assert not (tmp_path / "x.html").exists()


@pytest.mark.parametrize("text", ["", "[1]", '{"nbformat": "x"}', "\x00", '{"cells": 3}'])
def test_what_is_no_notebook_is_refused(text, tmp_path, capsys):
    (path := tmp_path / "x.ipynb").write_text(text)
    assert main(["render", str(path)]) == 2
    assert capsys.readouterr().err.endswith("is no notebook; allowed: an executed .ipynb\n")


def test_files_that_cannot_be_written_are_told_in_one_line(tmp_path, capsys):
    path = change("02_models", tmp_path / "x.ipynb")
    (tmp_path / "file").touch()
    for arguments, told in [
        ([path, "-o", path], "allowed: another file than the notebook"),
        ([path, "-o", tmp_path], "allowed: a file, there or new"),
        ([path, "-o", "/dev/null"], "allowed: a file, there or new"),
        ([path, "-o", tmp_path / "file" / "x.html"], "File exists"),
    ]:
        assert main(["render", *map(str, arguments)]) == 2
        shown = capsys.readouterr().err
        assert told in shown and len(shown.splitlines()) == 1


def test_a_page_stands_beside_its_notebook_and_says_what_it_cannot_show(tmp_path, capsys):
    path = change("02_models", tmp_path / "x.ipynb", cell_type="markdown", source="{glue:text}`no`")
    notebook = json.loads(path.read_text())
    for key in ("outputs", "execution_count"):
        del notebook["cells"][1][key]
    path.write_text(json.dumps(notebook))
    assert main(["render", str(path)]) == 0
    shown = capsys.readouterr()
    assert (
        shown.err.startswith("amr render: warning: No key 'no' found") and "x.html (" in shown.out
    )
    assert "<title>Models</title>" in (tmp_path / "x.html").read_text()

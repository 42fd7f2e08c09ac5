"""A real build of the book in a copy of the tree, its pages in a browser, and a rebuild."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest
import yaml
from browser import CHROMIUM, print_page
from bs4 import BeautifulSoup
from pypdf import PdfReader

from amrpkg.book import load_thesis
from amrpkg.records import load_grid

ROOT = Path(__file__).parents[1]
PAGES = [
    "intro",
    "try_it",
    "problem",
    *(f"chapters/{path.stem}" for path in sorted((ROOT / "thesis_nb").glob("*.ipynb"))),
    "classify",
    "export",
    "what_follows",
    "appendix_tables",
    "appendix_figures",
    "running",
    "status",
    "references",
]
SLOW = pytest.mark.slow  # axe takes as long as a page has elements


def build(tree, *options):
    command = [str(Path(sys.executable).parent / "jupyter-book"), "build", "book/", *options]
    environment = os.environ | {
        "PYTHONPATH": str(tree),
        "AMR_RUNS": os.environ.get("AMR_RUNS", str(ROOT / "runs")),  # a finished run is read
    }
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of the files git knows or would know, built with warnings as errors."""
    tree = tmp_path_factory.mktemp("book") / "tree"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).exists():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tree / name, follow_symlinks=False)
    build(tree, "-W", "--keep-going", "--all")
    return tree


@pytest.fixture(scope="module")
def html(tree):
    return tree / "_build" / "html"


@pytest.fixture(scope="module")
def soups(html):
    return {
        page: BeautifulSoup((html / f"{page}.html").read_text(), "html.parser") for page in PAGES
    }


def code_cells(path):
    return [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]


def told(cell):
    """Texts of a cell's output by stream or MIME type, as nbval compares them: no pictures."""
    texts = defaultdict(list)
    for output in cell.outputs:
        for kind, text in output.get("data", {output.get("name"): output.get("text")}).items():
            texts[kind].append(re.sub("0x[0-9a-f]+", "ADDRESS", str(text)))
    joined = {
        kind: "".join(text) if kind.startswith("std") else text for kind, text in texts.items()
    }
    return {kind: text for kind, text in joined.items() if not kind.startswith("image/")}


@pytest.fixture(scope="module")
def made(tree):
    """The code cells that the build ran, by the sources of a chapter's cells."""
    runs = map(code_cells, (tree / "_build/.jupyter_cache").glob("*/executed/*/base.ipynb"))
    return {tuple(cell.source for cell in cells): cells for cells in runs}


@pytest.mark.parametrize("chapter", sorted(ROOT.glob("thesis_nb/*.ipynb")), ids=lambda x: x.stem)
def test_a_chapter_tells_today_what_it_stores(chapter, made):
    """To the letter, but for cells that are marked as of this machine: one run serves the book
    and this comparison, which `pytest --nbval` makes of a chapter alone."""
    stored = code_cells(chapter)
    for cell, today in zip(stored, made[tuple(cell.source for cell in stored)], strict=True):
        if "nbval-ignore-output" not in cell.metadata.get("tags", []):
            assert told(today) == told(cell), cell.source


def test_figures_tables_equations_and_algorithms_are_numbered(soups):
    numbers = {"figure": [], "table": [], "equation": []}
    for soup in soups.values():
        captions = soup.select("figcaption .caption-number")
        numbers["figure"] += [item.text for item in captions]
        numbers["table"] += [item.text for item in soup.select("table caption .caption-number")]
        numbers["equation"] += [item.text for item in soup.select(".eqno")]
    for kind, least in (("figure", 12), ("table", 20), ("equation", 7)):
        assert len(numbers[kind]) == len(set(numbers[kind])) >= least, kind
    for page, title in (("01_signal_generation", "dataset"), ("05_hardware_estimation", "FPGA")):
        algorithm = soups[f"chapters/{page}"].select_one(".proof.algorithm .admonition-title")
        assert "Algorithm" in algorithm.text and title in algorithm.text


def test_every_figure_image_is_there_and_no_output_is_an_error(html, soups):
    for page, soup in soups.items():
        images = [image["src"] for image in soup.select("figure img")]
        assert images or not page.startswith("chapters/")
        for source in images:
            assert (html / page).parent.joinpath(source).stat().st_size > 1_000
            assert source.endswith(".svg")
        text = soup.get_text()
        assert "Traceback" not in text and "stderr" not in str(soup.select(".output"))


def test_every_figure_says_what_is_seen(soups):
    words = yaml.safe_load((ROOT / "book/alt.yml").read_text())
    named = {}
    for soup in soups.values():
        for figure in soup.select("figure"):
            said = figure.select_one("img")["alt"]
            assert len(said) > 30 and not re.search(r"\.(svg|png)$", said)
            named[figure["id"]] = said
    both = words.keys() & named.keys()
    assert len(both) > 50 and all(named[name] == " ".join(words[name].split()) for name in both)


DRAWINGS = {"fig-workflow", "fig-chunking"}  # of no numbers


def test_every_figure_gives_its_numbers_as_csv(html, soups):
    given = {}
    for page, soup in soups.items():
        for figure in soup.select("figure"):
            for link in figure.select("figcaption a.figure-data"):
                saved = (html / page).parent / link["href"]
                given[figure["id"]] = list(csv.DictReader(saved.read_text().splitlines()))
        assert {figure["id"] for figure in soup.select("figure")} <= given.keys() | DRAWINGS, page
    assert all(len(rows) > 1 for name, rows in given.items() if name != "fig-accuracy")
    streamed = load_grid("streaming").set_index(["architecture", "bit_width", "pruning_percent"])
    for row in given["fig-sizes"]:
        key = row["architecture"], int(row["bit_width"]), int(row["pruning_percent"])
        wrong = 100 * (1 - streamed.loc[key, "fresh_accuracy"])
        assert float(row["wrong (%)"]) == pytest.approx(wrong)


def test_what_a_cell_checked_is_one_line_that_opens(soups):
    folded = soups["chapters/06_results"].select("details.checks")
    counts = [int(item.summary.text.split()[0]) for item in folded]
    assert counts == [item.pre.text.count("ok: ") for item in folded] and min(counts) > 1


def test_numbers_glued_into_the_introduction_are_those_of_the_record_and_the_chapters(soups):
    glued = [item.text for item in soups["intro"].select(".pasted-text")]
    made = glued.pop(14)
    assert re.fullmatch(r"takes [\d,]+ when synthesised|has not been synthesised yet", made)
    assert len(glued) == 26 and all(re.search(r"\d", text) for text in glued)
    assert not any("np." in text for text in glued)
    heart = load_grid("thesis")
    learnt = (heart["training_correct"] == heart["training_count"]).sum()
    assert glued[1:3] == [str(learnt), str(len(heart))]
    for page, quoted in (("10_real_integers", glued[14:17]), ("07_what_holds", glued[17:23])):
        told = [item.text for item in soups[f"chapters/{page}"].select(".pasted-text")]
        assert set(quoted) <= set(told), page


def test_internal_links_resolve(html, soups):
    anchors = {
        (html / f"{page}.html").resolve(): {tag["id"] for tag in soup.select("[id]")}
        for page, soup in soups.items()
    }
    for page, soup in soups.items():
        for link in soup.select("a[href]"):
            target, _, anchor = unquote(link["href"]).partition("#")
            if re.match(r"\w+:", target):
                continue
            path = (html / page).parent / target if target else html / f"{page}.html"
            path = path.resolve()
            assert path.exists(), (page, link["href"])
            if anchor and path.suffix == ".html":
                assert anchor in anchors[path], (page, link["href"])


def test_nothing_is_loaded_from_elsewhere(soups):
    for page, soup in soups.items():
        loaded = [tag.get("src") for tag in soup.select("script[src], img[src], iframe[src]")]
        loaded += [
            tag.get("href") for tag in soup.select("link[rel=stylesheet], link[rel=preload]")
        ]
        assert not [url for url in loaded if re.match(r"(https?:)?//", url)], page


@pytest.mark.parametrize("page", PAGES)
def test_the_page_in_a_browser_offline(html, soups, page, browse):
    dom, console = browse((html / f"{page}.html").as_uri())
    errors = "Uncaught|blocked|Failed|ERR_|rror"
    assert not [line for line in console if re.search(errors, line)]
    equations = soups[page].select(".math")
    assert len(dom.select("mjx-container")) >= len(equations)
    assert not dom.select("mjx-merror")
    if page == "try_it":
        assert re.match("[✓✗] ", dom.select_one("#try-it-heart td").text)
    assert dom.select_one("h1") and len(dom.select("figure img")) == len(
        soups[page].select("figure img")
    )


PRESS_FIGURE = """
<script>
addEventListener("load", () => setTimeout(() => {
  const link = document.querySelector("figure a:has(img)"), told = document.body.dataset;
  const dialog = document.querySelector("dialog.enlarged");
  link.click();
  told.opened = dialog.open;
  told.times = dialog.querySelector("img").width / link.querySelector("img").width;
  dialog.querySelector("div").dispatchEvent(
    new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
  told.closed = !dialog.open;
  link.click();
  dialog.querySelector("button").click();
  told.again = !dialog.open;
  const page = document.documentElement.dataset, says = (event) => dispatchEvent(new Event(event));
  page.theme = "dark";
  says("beforeprint");
  told.paper = page.theme;
  says("afterprint");
  told.paper += ` ${page.theme}`;
}, 500));
</script>
"""


def test_on_a_phone_a_wide_table_says_that_it_goes_on_and_a_figure_opens(html, browse):
    dom, _ = browse((html / "appendix_tables.html").as_uri(), width=500)
    assert dom.select(".goes-on table#tab-a-dsp-ff")
    (tried := html / "tried.html").write_text(
        (html / "problem.html").read_text().replace("</body>", PRESS_FIGURE + "</body>")
    )
    dom, _ = browse(tried.as_uri(), width=500)
    tried.unlink()
    told = [dom.body[f"data-{what}"] for what in ("opened", "closed", "again")]
    assert told == ["true"] * 3 and float(dom.body["data-times"]) > 2
    assert dom.body["data-paper"] == "light dark"  # printed out of the dark
    assert dom.select_one("figure a:has(img)")["href"].endswith(".svg")


def test_long_tables_are_marked_and_only_their_pages_load_the_script(soups):
    tables = {page: soup.select("table.sortable") for page, soup in soups.items()}
    assert len(tables["appendix_tables"]) == 12 and len(tables["chapters/06_results"]) >= 2
    for page, soup in soups.items():
        assert bool(soup.select("script[src*=sortable_tables]")) == bool(tables[page]), page
    rows = [len(table.select("tbody tr")) for table in tables["appendix_tables"]]
    assert rows == [27] * 12  # whole without a script


def test_the_commands_of_a_reader_ran_while_the_book_was_built(soups):
    told = {page: [item.text for item in soups[page].select(".output pre")] for page in PAGES}
    radio, other, symbols = told["classify"]
    assert "24 chunks of 32 symbols: 16QAM 24" in radio and "3.69998 samples a symbol" in radio
    assert "24 chunks of 32 symbols: unknown 24" in other
    assert "10 chunks of 32 samples: 8PSK 10" in symbols and "scaled by 50.4" in symbols
    judged, same, verilog = told["export"]
    assert re.search(r"mine\.onnx \(\d+ bytes\)\n.*mine\.c \(\d+ bytes\)\nnetwork: 23,?027", judged)
    assert same == "900 of 900 chunks have the same nine scores\n"
    assert "a class every 32 clocks" in verilog and "testbench.sv" in verilog


WRONG = re.compile(r"\d ?%|\d us\b|\d (dB|ns|ms|MHz|kB|bits?)\b|\de[-+]\d|(?<![\w.])\d{5,7}(?!\w)")


def test_numbers_have_one_form_in_texts_and_tables(soups):
    """A narrow space before %, a unit on its number's line, no 1e-05, commas from 10,000 on."""
    assert len(WRONG.findall("1 % 1% 3 us 4 dB 8 bits 1e-05 12345")) == 7
    for page, soup in soups.items():
        texts = soup.article.find_all(string=True)
        text = "".join(text for text in texts if not text.find_parent(is_no_prose))
        wrong = WRONG.search(text)
        assert not wrong, (page, text[wrong.start() - 60 : wrong.end() + 20])


def is_no_prose(tag):
    return tag.name in ("code", "pre", "script", "style") or "math" in tag.get("class", ())


def test_the_search_knows_computed_numbers(html, soups):
    index = (html / "searchindex.js").read_text()
    index = json.loads(index[index.index("{") : index.rindex("}") + 1])
    glued = [item.text for item in soups["intro"].select(".pasted-text")]
    asked = [text for text in glued if re.fullmatch(r"\d{1,3}(,\d{3})+", text)]
    intro = index["docnames"].index("intro")
    assert len(asked) > 1
    for number in asked:
        pages = index["terms"][number]
        assert intro in (pages if isinstance(pages, list) else [pages])
    assert {"99.9", "102 "} <= index["terms"].keys()


def test_a_search_for_a_computed_number_finds_its_pages(html, browse):
    dom, _ = browse(f"{(html / 'search.html').as_uri()}?q=102")
    links = dom.select("#search-results li a")
    found = {re.split("[?#]", link["href"])[0] for link in links}
    assert {"intro.html", "chapters/09_smallest_network.html"} <= found


def test_the_record_can_be_downloaded(html, soups):
    for page in ("chapters/06_results", "appendix_tables"):
        link = soups[page].select_one("a.download[href$='grid.csv']")
        saved = (html / page).parent / link["href"]
        assert saved.read_bytes() == (ROOT / "results/grid.csv").read_bytes()


SORT_AND_SAVE = """
<script defer>
addEventListener("load", () => setTimeout(() => {
  const table = document.getElementById("tab-a-dsp-ff");
  const { default: DataTable } = window.itables, api = new DataTable.Api(table);
  const column = (k) => [...table.querySelectorAll(`tbody tr td:nth-child(${k})`)];
  const number = (cell) => Number(cell.textContent.replaceAll(",", ""));
  api.order([2, "asc"]).draw();
  document.body.dataset.sorted = column(3).map(number).join(" ");
  api.search("2f_2c").draw();
  document.body.dataset.filtered = column(1).map((cell) => cell.textContent).join(" ");
  URL.createObjectURL = (blob) => {
    blob.text().then((text) => { document.body.dataset.csv = text; });
    return "#";
  };
  document.querySelector("#tab-a-dsp-ff_wrapper button.buttons-csv").click();
}, 500));
</script>
"""


def test_tables_sort_filter_and_give_their_csv_in_the_browser(html, browse):
    page = html / "appendix_tables.html"
    (tried := html / "tried.html").write_text(
        page.read_text().replace("</body>", SORT_AND_SAVE + "</body>")
    )
    dom, console = browse(tried.as_uri())
    tried.unlink()
    assert not [line for line in console if "Uncaught" in line]
    for table in dom.select("table.sortable"):
        container = table.find_parent(class_="dt-container")
        assert container.select_one(".dt-search input") and "dataTable" in table["class"]
        assert container.select_one("button.buttons-csv").text.strip() == "CSV"
    values = [int(value) for value in dom.body["data-sorted"].split()]
    assert values == sorted(load_thesis().query("appendix == 'A'")["dsp"])  # not as text
    assert dom.body["data-filtered"].split() == ["2f_2c_2re_2mp"] * 4
    head, *rows = filter(None, csv.reader(dom.body["data-csv"].splitlines()))
    assert head[:3] == ["model", "bits", "DSP, thesis"]
    assert [row[2] for row in rows] == ["68272", "102408", "136544", "546176"]


AXE = """
<style>* { transition: none !important; }</style> <!-- or a colour on its way is looked at -->
<script>
addEventListener("load", () => setTimeout(async () => {
  const told = [];
  for (const [theme, rules] of [["light", {}], ["dark", { runOnly: ["color-contrast"] }]]) {
    document.documentElement.dataset.theme = theme;
    const found = await axe.run(document, { resultTypes: ["violations"], ...rules });
    told.push(...found.violations.map((x) => [x.impact, theme, x.id, x.nodes[0].html]));
  }
  document.body.dataset.axe = JSON.stringify(told);
}, 500));
</script>
"""


@pytest.mark.parametrize(
    "page",
    [
        page
        if page in ("intro", "chapters/05_hardware_estimation", "references")
        else pytest.param(page, marks=SLOW)
        for page in PAGES
    ],
)
def test_axe_finds_nothing_serious(html, page, browse):
    axe = (files("axe_core_python") / "axe.min.js").read_text()
    tried = html / f"{page}.tried.html"
    text = (html / f"{page}.html").read_text()
    tried.write_text(text.replace("</body>", f"<script>{axe}</script>{AXE}</body>"))
    dom, _ = browse(tried.as_uri())
    tried.unlink()
    found = json.loads(dom.body["data-axe"])
    assert not [finding for finding in found if finding[0] in ("serious", "critical")]


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium is installed; the page test needs one")
def test_a_printed_page_has_its_text_its_number_and_no_controls(html, tmp_path):
    print_page((html / "intro.html").as_uri(), tmp_path / "profile", file := tmp_path / "x.pdf")
    pages = [page.extract_text() for page in PdfReader(file).pages]
    assert "What was found" in " ".join(pages) and "Data (CSV)" not in " ".join(pages)
    assert all(re.search(rf"^{number}$", text, re.M) for number, text in enumerate(pages, 1))


def test_what_stands_in_an_appendix_carries_its_letter(soups):
    numbers = {
        page: [item.text.strip() for item in soups[page].select(".caption-number")]
        for page in ("appendix_tables", "appendix_figures")
    }
    assert numbers["appendix_tables"] == [f"Table {x}.{k}" for x in "ABC" for k in range(1, 5)]
    assert numbers["appendix_figures"][-7:] == [f"Fig. {letter}.1" for letter in "DEFGHIJ"]


POINT_AT_MARK = """
<script>
addEventListener("load", () => setTimeout(() => {
  const figure = document.getElementById("fig-sizes"), image = figure.querySelector("img");
  const [x, y, name] = JSON.parse(figure.querySelector("script.marks").textContent)[5];
  const box = image.getBoundingClientRect();
  const move = (dx) => image.dispatchEvent(new PointerEvent("pointermove", {
    clientX: box.left + x * box.width + dx, clientY: box.top + y * box.height }));
  move(0);
  document.body.dataset.named = figure.querySelector(".mark-name").textContent;
  document.body.dataset.wanted = name;
  move(-box.width);
  document.body.dataset.far = figure.querySelector(".mark-name").textContent;
}, 500));
</script>
"""


def test_a_pointer_at_a_mark_is_told_its_name(html, browse):
    page = html / "chapters/10_real_integers.html"
    (tried := page.with_name("tried.html")).write_text(
        page.read_text().replace("</body>", POINT_AT_MARK + "</body>")
    )
    dom, _ = browse(tried.as_uri())
    tried.unlink()
    named, wanted, far = (dom.body[f"data-{what}"] for what in ("named", "wanted", "far"))
    assert named == wanted and "bytes" in named and "% wrong" in named and far == ""


def test_the_browser_test_sees_an_error_and_what_is_missing(tmp_path, browse):
    bad = "<script>undefinedFunction()</script><script src=missing.js></script>"
    (tmp_path / "bad.html").write_text(bad)
    for _ in range(2):  # also on a page after another
        _, console = browse((tmp_path / "bad.html").as_uri())
        assert "undefinedFunction is not defined" in console[0]
        assert "ERR_FILE_NOT_FOUND" in console[1] and len(console) == 2


def test_a_rebuild_shows_the_numbers_of_changed_code_and_record(tree, html):
    """Last in this file: it edits the copy, whose book is then two pages long."""
    (check := tree / "amrpkg/book/cells.py").write_text(
        check.read_text().replace('print(f"ok: ', 'print(f"edited: ')
    )
    (printed := tree / "amrpkg/book/appendices.csv").write_text(
        printed.read_text().replace("4.6229756", "4.7654321")
    )
    record, chapter = "appendix_tables", "chapters/01_signal_generation"
    (tree / "_toc.yml").write_text(
        f"format: jb-book\nroot: {record}\nchapters:\n- file: {chapter}\n"
    )
    build(tree)
    text = (html / f"{chapter}.html").read_text()
    assert "edited: " in text and "ok: " not in text
    assert "4.76543" in (html / f"{record}.html").read_text()

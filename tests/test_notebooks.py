"""The chapters as files, and papermill over them with good and bad parameters."""

import json
import os
import re
import subprocess
import sys
from contextlib import closing
from itertools import product
from pathlib import Path

import nbformat
import numpy as np
import papermill
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_notebook

from amrpkg.book import make_page
from amrpkg.common import parse_counts
from amrpkg.grid import Point, kernels, run_notebook
from amrpkg.records import collate, try_network

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted((ROOT / "thesis_nb").glob("*.ipynb"))
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
SMALL = {"architecture": "vgglike_2f_1c_1re_1mp", "bit_width": 32}


def code_cells(path):
    return [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]


def stdout(cells):
    outputs = [output for cell in cells for output in cell.outputs]
    return "".join(output.text for output in outputs if output.get("name") == "stdout")


def test_chapters_are_numbered_in_their_order():
    assert [path.stem for path in CHAPTERS] == [
        "01_signal_generation",
        "02_models",
        "03_training",
        "04_evaluation_statistics",
        "05_hardware_estimation",
        "06_results",
        "07_what_holds",
        "08_earning_100",
        "09_smallest_network",
        "10_real_integers",
        "11_firmware",
        "12_from_the_air",
    ]


def test_numbers_of_numpy_are_parameters(tmp_path):
    parameters = [new_code_cell("k: int = 1\nx: float = 1.0", metadata={"tags": ["parameters"]})]
    cells = [*parameters, new_code_cell("print(k + 1, x)")]
    notebook = new_notebook(cells=cells, metadata=KERNEL)
    nbformat.write(notebook, path := tmp_path / "x.ipynb")
    given = {"k": np.int64(3), "x": np.float32(0.5)}
    run_notebook(path, tmp_path / "y.ipynb", given, progress=False)
    assert stdout(code_cells(tmp_path / "y.ipynb")) == "4 0.5\n"
    with pytest.raises(TypeError, match=r"parameter k is np.float64\(1.0\); allowed: int"):
        run_notebook(path, tmp_path / "y.ipynb", {"k": np.float64(1)})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("candidates", "24-x-8"),
        ("candidates", ""),
        ("bit_widths", "8,6"),
        ("bit_widths", "-8"),
    ],
)
def test_a_bad_text_of_counts_names_its_parameter(name, value):
    with pytest.raises(ValueError, match=f"{name} is '{value}'; allowed: counts with"):
        parse_counts(name, value, "-" if name == "candidates" else None)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (((8, 0), 4), "channels is 0; allowed"),
        (((8, 8), 5), "bit_width is 5; allowed: 32, 8, 6, 4, 3"),
        (((8, 8), 4, 0, 0.0), "share is 0.0; allowed"),
        (((8, 8), 4, -1), "seed is -1; allowed"),
    ],
)
def test_what_cannot_be_searched_is_refused_before_any_training(arguments, named, monkeypatch):
    monkeypatch.setattr("amrpkg.training.stream.train_on_stream", None)
    with pytest.raises(ValueError, match=named):
        try_network(*arguments)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
class TestStoredChapter:
    def test_was_run_from_top_to_bottom_without_error(self, path):
        cells = code_cells(path)
        assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
        kinds = {output.output_type for cell in cells for output in cell.outputs}
        assert "error" not in kinds

    def test_its_tables_are_tables_in_the_book(self, path):
        for cell in code_cells(path):
            texts = (output.get("data", {}).get("text/markdown", "") for output in cell.outputs)
            if any(":::{table}" in text for text in texts):
                assert cell.metadata["mystnb"]["markdown_format"] == "myst", cell.source

    def test_checks_facts(self, path):
        assert stdout(code_cells(path)).count("ok: ") >= 2

    def test_has_one_parameters_cell_of_annotated_literals_with_a_comment_each(self, path):
        cells = [c for c in code_cells(path) if "parameters" in c.metadata.get("tags", [])]
        assert len(cells) == 1
        for line in cells[0].source.splitlines():
            assert "  # " in line
        for parameter in papermill.inspect_notebook(str(path)).values():
            assert parameter["inferred_type_name"] in ("str", "int", "float")

    def test_cells_can_be_read_in_a_breath(self, path):
        for cell in code_cells(path):
            if "hide-input" not in cell.metadata.get("tags", []):  # the imports
                assert len(cell.source.splitlines()) <= 15, cell.source
            assert max(map(len, cell.source.splitlines())) <= 88, cell.source

    def test_says_what_the_reader_will_learn_first(self, path):
        first = nbformat.read(path, 4).cells[0].source
        assert first.startswith("# ") and "**You will learn**" in first

    def test_ends_with_exercises_whose_solutions_are_folded_and_assert_their_point(self, path):
        cells = nbformat.read(path, 4).cells
        starts = [cell.source.startswith("## Exercises") for cell in cells]
        asked = "\n".join(
            c.source for c in cells[starts.index(True) :] if c.cell_type == "markdown"
        )
        solutions = [c for c in cells[starts.index(True) :] if c.cell_type == "code"]
        assert 2 <= len(re.findall(r"^\*\*\d\.\*\* ", asked, re.M)) == len(solutions) <= 3
        for cell in solutions:
            assert "hide-cell" in cell.metadata.tags and "ok: " in stdout([cell])

    def test_figures_have_a_name_and_a_caption(self, path):
        for cell in code_cells(path):
            if re.match(r"figures\.", cell.source.splitlines()[-1]):
                figure = cell.metadata["mystnb"]["figure"]
                assert figure["name"].startswith("fig-") and figure["caption"].endswith(".")


def test_names_of_figures_and_tables_are_unique():
    cells = [cell for path in CHAPTERS for cell in code_cells(path)]
    names = [cell.metadata.get("mystnb", {}).get("figure", {}).get("name") for cell in cells]
    texts = [str(output.get("data", {})) for cell in cells for output in cell.outputs]
    names += re.findall(r":::\{table\}.*?:name: (tab-[a-z0-9-]+)", "\n".join(texts))
    names = [name for name in names if name]
    assert len(names) == len(set(names)) >= 100


@pytest.fixture(scope="module")
def forked():
    """The kernels of a sweep, forked from one process that has the imports done."""
    with closing(kernels.KernelServer()) as server:
        yield kernels.kernel_manager(server)


@pytest.fixture(scope="module")
def swept(tmp_path_factory, forked):
    """A folder with executed chapters 3 to 6 of an unpruned and a pruned point, and its runs."""
    folder = tmp_path_factory.mktemp("swept")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AMR_RUNS", str(folder / "runs"))
        for percent, chapter in product((0, 30), CHAPTERS[2:6]):
            output = folder / f"{chapter.stem}_{percent}.ipynb"
            point = {**SMALL, "pruning_percent": percent}
            run_notebook(chapter, output, point, progress=False, kernels=forked)
    return folder


def test_papermill_sweep_of_two_points(swept, tmp_path):
    """The seed of the grid's sweep."""
    outputs = list(swept.glob("*.ipynb"))
    assert len(outputs) == 8 and all("ok: " in stdout(code_cells(path)) for path in outputs)
    grid = collate(swept / "runs", tmp_path / "grid.csv")
    points = [Point(*key) for key in grid.iloc[:, :3].itertuples(index=False)]
    assert points == [Point(**SMALL), Point(**SMALL, pruning_percent=30)]
    assert grid["converged"].all()
    assert (grid["training_correct"] / grid["training_count"] > 0.95).all()
    assert (grid["fresh_correct"] / grid["fresh_count"] < 0.8).all()
    assert not list(swept.glob("runs/**/*.part"))


def test_the_first_two_chapters_run_with_other_parameters(tmp_path, forked):
    other = {"chunks_per_class": 16, "chunk_size": 8, "noise_power": 0.02, "phase_noise": 0.0}
    run_notebook(CHAPTERS[0], tmp_path / "01.ipynb", other, False, forked)
    assert "ok: chunks in the set = 144" in stdout(code_cells(tmp_path / "01.ipynb"))
    silent = {"noise_power": 0.0, "phase_noise": 0.0}
    run_notebook(CHAPTERS[0], tmp_path / "01.ipynb", silent, False, forked)
    run_notebook(CHAPTERS[1], tmp_path / "02.ipynb", SMALL | {"bit_width": 4}, False, forked)


HALF_WITHIN = SMALL | {"bit_width": 8, "pruning_percent": 30}  # half of its mistakes in families
UNPRUNED = {"bit_width": 4, "pruning_percent": 0}
PRUNED_FLOAT = SMALL | {"pruning_percent": 20}
LOUD = {"noise_power": 0.1}
RECORDINGS = "../results/recordings/"
TRIAL = "TRIAL/vgglike_2f_1c_1re_1mp_8bit"  # a folder of the fixture `trial_runs`
# Of each chapter: parameters, and what its page then says.
OTHERS = {
    1: [
        (LOUD | {"chunks_per_class": 64, "seed": 3}, "chunks in the set = 576"),
        ({"chunk_size": 8, "noise_power": 0.02, "phase_noise": 0.0}, "numbers in a chunk = 16"),
        ({"noise_power": 0.0, "phase_noise": 0.0}, "yes inf"),
    ],
    2: [
        ({"architecture": "vgglike_5f_5c_4re_4mp", "bit_width": 8}, "scores per chunk = 9"),
        (SMALL, "scores per chunk = 9"),
        (SMALL | {"bit_width": 4, "seed": 2}, "scores per chunk = 9"),
    ],
    3: [
        (HALF_WITHIN, "Share of zero weights at 30% nominal pruning"),
        (UNPRUNED, "Share of zero weights at 0% nominal pruning"),
        (PRUNED_FLOAT, "ours, 32 bit, 20% pruned, to float"),
    ],
    4: [
        (HALF_WITHIN, "At 8 bits (32 is float) the network takes"),
        (UNPRUNED, "At 4 bits (32 is float) the network takes"),
        (PRUNED_FLOAT, "At 32 bits (32 is float) the network takes"),
    ],
    5: [
        (HALF_WITHIN, "before and after rounding to 8 bits"),
        (UNPRUNED, "before and after rounding to 4 bits"),
        (PRUNED_FLOAT, "before and after rounding to 32 bits"),
    ],
    6: [
        (HALF_WITHIN, "The point vgglike_2f_1c_1re_1mp_8bit_pr_30"),
        (UNPRUNED, "The point vgglike_2f_2c_2re_2mp_4bit,"),
        (PRUNED_FLOAT, "The point vgglike_2f_1c_1re_1mp_pr_20"),
    ],
    7: [
        ({"protocol": "streaming"}, "This series stops after a number of chunks"),
        ({"least_accuracy": 0.999}, "are right on 99.90% of fresh chunks or more"),
        ({"least_accuracy": 0.9}, "are right on 90.00% of fresh chunks or more"),
    ],
    8: [
        (
            {"noise_power": 0.05, "chunks_per_class": 200},
            "told from 4 bits an axis lies between 0 and 1",
        ),
        (
            {"noise_power": 0.02, "chunks_per_class": 300},
            "told from 4 bits an axis lies between 0 and 1",
        ),
        (LOUD | {"chunks_per_class": 300}, "told from 4 bits an axis lies between 0 and 1"),
    ],
    9: [
        ({"candidates": "4-4", "bit_widths": "8", "share": 0.01} | LOUD, "the same at N_a = 0.1"),
        ({"candidates": "12-8", "bit_widths": "6", "share": 0.01}, "networks of this run = 1"),
        ({"candidates": "2-8 3-8", "bit_widths": "3", "share": 0.01}, "networks of this run = 2"),
    ],
    10: [
        (LOUD | {"chunks_per_class": 50, "seed": 4}, "chunks = 450"),
        ({"weights": f"{TRIAL}/model.safetensors"}, "Of this network 100% of the weights are left"),
        ({"weights": f"{TRIAL}_pr_20/model.safetensors"}, "The layers of model: as trained"),
    ],
    11: [
        ({"symbols_per_clock": 8}, "The network of 102 weights"),
        ({"network": "symbolwise_2_6_8_4bit_seed_2", "symbols_per_clock": 2}, "2_6_8_4bit_seed_2"),
        ({"network": "symbolwise_2_8_8bit_seed_0"}, "The integers of symbolwise_2_8_8bit_seed_0"),
    ],
    12: [
        ({"recording": f"{RECORDINGS}gnu_radio_16psk.cs8"}, "with 2.6 a symbol"),
        ({"recording": f"{RECORDINGS}komm_8qam.cs8"}, "prints of the file komm_8qam.cs8"),
        ({"seed": 5}, "with 3.7 a symbol and a roll-off of 0.3"),
    ],
}


def run_and_read(chapter, parameters, output, monkeypatch, kernels):
    """The text of a chapter's page, that ran with its facts checked; no number of it is missing.

    Spaces are single, and none stands before a percent sign.
    """
    monkeypatch.chdir(ROOT / "thesis_nb")  # paths among the parameters
    run_notebook(CHAPTERS[chapter - 1], output, parameters, False, kernels)
    page = make_page(output)
    pasted = re.findall(r'class="pasted-text">([^<]*)<', page.html)
    assert page.warnings == [] and "nan" not in pasted
    return " ".join(BeautifulSoup(page.html, "html.parser").text.split()).replace(" %", "%")


def test_every_chapter_has_three_other_sets_of_its_parameters():
    assert list(OTHERS) == list(range(1, len(CHAPTERS) + 1))
    for chapter, path in enumerate(CHAPTERS, 1):
        given = {json.dumps(parameters, sort_keys=True) for parameters, _ in OTHERS[chapter]}
        known = set(papermill.inspect_notebook(str(path)))
        assert len(given) >= 3
        assert all(set(parameters) <= known for parameters, _ in OTHERS[chapter])


def test_the_chapter_of_firmware_tells_of_its_record_when_it_shows_another_network(
    tmp_path, monkeypatch, forked
):
    parameters, says = OTHERS[11][-1]
    text = run_and_read(11, parameters, tmp_path / "11.ipynb", monkeypatch, forked)
    assert says in text and "The network of 102 weights" in text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("chapter", "parameters", "says"),
    [(chapter, *other) for chapter, others in OTHERS.items() for other in others],
)
def test_prose_holds_under_other_parameters(
    chapter, parameters, says, tmp_path, monkeypatch, request, forked
):
    monkeypatch.setenv("AMR_RUNS", os.environ.get("AMR_RUNS", str(tmp_path / "runs")))
    given = dict(parameters)
    if (file := parameters.get("weights", "")).startswith("TRIAL"):
        trials = request.getfixturevalue("trial_runs") / "trial"
        given["weights"] = file.replace("TRIAL", str(trials))
    assert says in run_and_read(chapter, given, tmp_path / "x.ipynb", monkeypatch, forked)


def test_the_papermill_command_of_the_readme(tmp_path):
    """In a kernel as papermill starts it, for one epoch of the point and of the unpruned one."""
    command = [sys.executable, "-m", "papermill", str(CHAPTERS[2]), str(tmp_path / "out.ipynb")]
    command += ["-p", "architecture", SMALL["architecture"], "-p", "bit_width", "32"]
    command += ["-p", "pruning_percent", "20", "-p", "protocol", "trial"]
    environment = os.environ | {"AMR_RUNS": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "trial/vgglike_2f_1c_1re_1mp_pr_20/metrics.json").exists()
    page = make_page(tmp_path / "out.ipynb")
    assert page.warnings == [] and "1re_1mp" in page.html and "glue:" not in page.html


POINTWISE = str(ROOT / "results/weights/pointwise_48_32_16_8bit.safetensors")


@pytest.mark.parametrize(
    ("chapter", "parameters", "told"),
    [
        (3, {"bit_width": "four"}, "bit_width is 'four'; allowed: 32"),
        (10, {"weights": POINTWISE}, "weights is '.*'; allowed: a quantised network with pools"),
    ],
)
def test_a_value_that_a_chapter_cannot_take_fails_with_a_message_that_names_it(
    chapter, parameters, told, tmp_path, forked
):
    """Also where papermill is not asked to look at the types."""
    with pytest.raises(papermill.PapermillExecutionError, match=told):
        papermill.execute_notebook(
            str(CHAPTERS[chapter - 1]),
            str(tmp_path / "out.ipynb"),
            parameters,
            progress_bar=False,
            kernel_manager_class=forked,
            shutdown_kernel="immediate",
        )


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"bitz": 4}, ValueError, "'bitz' is unknown; allowed: architecture, bit_width"),
        ({"bit_width": "4"}, TypeError, "bit_width is '4'; allowed: int"),
        ({"bit_width": 4.0}, TypeError, "bit_width is 4.0; allowed: int"),
        ({"seed": True}, TypeError, "seed is True; allowed: int"),
        ({"architecture": 3}, TypeError, "architecture is 3; allowed: str"),
    ],
)
def test_unknown_and_ill_typed_parameters_are_refused_before_anything_runs(
    tmp_path, parameters, error, message
):
    with pytest.raises(error, match=message):
        run_notebook(CHAPTERS[2], tmp_path / "out.ipynb", parameters)
    assert not (tmp_path / "out.ipynb").exists()

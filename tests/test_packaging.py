"""The files around the package say the same thing."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import yaml

import amrpkg
from amrpkg.evaluation import SHIPPED
from amrpkg.signals import receive

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]


def test_the_conda_environment_installs_the_same_package():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    *conda, pip = environment["dependencies"]
    assert environment["name"] == PROJECT["name"]
    python = next(item for item in conda if item.startswith("python="))
    assert python.split("=")[1] == PROJECT["requires-python"].removeprefix(">=")
    torch = next(item for item in PROJECT["dependencies"] if item.startswith("torch"))
    assert f"{torch}+cpu" in pip["pip"]
    extra = next(item for item in pip["pip"] if item.startswith("--editable"))
    assert extra == "--editable .[dev]"
    assert len(pip["pip"]) == 3  # nothing that pyproject.toml does not know


def test_every_dependency_has_an_upper_bound():
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    for requirement in (item for group in groups for item in group):
        assert re.search(r"==|<", requirement) or requirement.startswith("amrpkg["), requirement


def test_extras_and_versions():
    assert {"book", "test", "dev"} <= set(PROJECT["optional-dependencies"])
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == amrpkg.__version__
    assert citation["license"] == PROJECT["license"] == "MIT"


def test_the_readme_has_the_commands_that_make_knows():
    readme = (ROOT / "README.md").read_text()
    section = readme.split("## Three commands")[1].split("## ")[0]
    commands = re.findall(r"^make (\w+)", section, re.MULTILINE)
    assert commands == ["book", "pdf", "test"]
    for command in commands:
        subprocess.run(["make", "--dry-run", command], cwd=ROOT, check=True, capture_output=True)
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    run = [step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"]]
    assert ".ci/run" in run and "make book" in run
    assert "make test" in (ROOT / ".ci/run").read_text()


def test_a_room_imports_only_from_those_below_it():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_no_module_has_the_name_of_what_it_defines():
    """A room could not give both: importing the module would put it in the other's place."""
    for file in (ROOT / "amrpkg").rglob("*.py"):
        kinds = ast.FunctionDef | ast.ClassDef
        defined = [
            node.name for node in ast.parse(file.read_text()).body if isinstance(node, kinds)
        ]
        assert file.stem not in defined, file


def test_the_readme_shows_the_rooms_in_their_order():
    [contract] = PYPROJECT["tool"]["importlinter"]["contracts"]
    _, _, *rooms = contract["layers"]  # above them are cli and __main__
    shown = re.findall(r"^  (\w+)/ +(.+)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert shown == [(name, import_module(f"amrpkg.{name}").__doc__) for name in rooms[::-1]]
    assert set(amrpkg.__all__) == {*rooms} - {"common"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder of a wheel's files, without the checkout."""
    source, site = (tmp_path_factory.mktemp(name) for name in ("source", "site"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "amrpkg", source / "amrpkg")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    offline = ["--no-deps", "--no-index"]
    build = ["wheel", "--no-build-isolation", *offline, "--wheel-dir", str(source), str(source)]
    subprocess.run([*pip, *build], check=True, capture_output=True)
    [wheel] = source.glob("*.whl")
    target = ["install", *offline, "--no-compile", "--target", str(site), str(wheel)]
    subprocess.run([*pip, *target], check=True, capture_output=True)
    return site


CALLS = """
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

from amrpkg.cli import main

said = []
for arguments in json.loads(sys.argv[1]):
    with redirect_stdout(StringIO()) as out, redirect_stderr(out):
        said.append((main([str(argument) for argument in arguments]), out.getvalue()))
print(json.dumps(said))
"""


def test_a_wheel_works_without_a_checkout_and_writes_nothing_beside_itself(installed, tmp_path):
    (folder := tmp_path / "here").mkdir()
    environment = {key: value for key, value in os.environ.items() if key != "AMR_RUNS"}
    environment |= {"PYTHONPATH": str(installed), "HOME": str(tmp_path / "home")}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", "MPLCONFIGDIR": str(tmp_path / "home")}

    def listing():
        files = [path for path in installed.parent.rglob("*") if installed in path.parents]
        return {path: path.stat().st_mtime_ns for path in files}

    def run(*command):
        options = {"env": environment, "cwd": folder, "capture_output": True, "text": True}
        return subprocess.run([sys.executable, *map(str, command)], **options)

    def amr(*calls):
        """What the commands said, or what was wrong with them, one after another in a process."""
        done = run("-c", CALLS, json.dumps(calls, default=str))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    before = listing()
    np.save(folder / "x.npy", receive("QPSK", 64))
    weights = ROOT / "results/weights" / SHIPPED.name
    assert run(installed / "bin/amr", "--version").stdout.strip() == amrpkg.__version__
    evaluate = ("--chunks-per-class", 9)
    commands = ("results", "robustness", "verify")
    elsewhere = [*((name, "--output", "x.csv") for name in commands), ["time"]]
    said = amr(
        ("classify", "x.npy"),
        ("export", weights, "--format", "onnx", "-o", "x.onnx"),
        ("export", weights, "--format", "integer", "-o", "x.safetensors"),
        ("evaluate", "x.onnx", *evaluate),
        ("evaluate", "x.safetensors", *evaluate),
        ("classify", "x.npy", "--model", "x.onnx"),
        *([name] for name in commands),
        *elsewhere,
        ("sweep", "--protocol", "trial"),
    )
    said, refused, (status, message) = said[:6], said[6:-1], said[-1]
    assert [status for status, _ in said] == [0] * 6, said
    texts = [text for _, text in said]
    assert "2 chunks of 32 samples: QPSK 2" in texts[0] and "QPSK 2" in texts[5]
    assert all("of 81 fresh chunks right" in text for text in texts[3:5])
    assert status == 2
    assert "run the sweep from a checkout" in message and len(message.splitlines()) == 1
    bare, elsewhere = refused[: len(commands)], refused[len(commands) :]
    for command, (status, message) in zip(commands, bare, strict=True):
        assert (status, message) == (
            2,
            f"amr {command}: output is not given; allowed without a checkout: --output FILE\n",
        )
    for status, message in elsewhere:
        assert status == 2 and "allowed: a folder with finished runs" in message
    assert sorted(path.name for path in folder.iterdir()) == ["x.npy", "x.onnx", "x.safetensors"]
    assert listing() == before

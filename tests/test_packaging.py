"""The files around the package say the same thing."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

import amrpkg

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


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


def test_the_readme_has_two_commands_that_make_knows():
    readme = (ROOT / "README.md").read_text()
    section = readme.split("## Two commands")[1].split("## ")[0]
    commands = re.findall(r"^make (\w+)", section, re.MULTILINE)
    assert commands == ["book", "test"]
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


def test_the_console_script_helps():
    done = subprocess.run(
        [sys.executable, "-c", "from amrpkg.cli import main; main(['results', '--help'])"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--runs" in done.stdout and "--output" in done.stdout

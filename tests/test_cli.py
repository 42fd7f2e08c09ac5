"""The command line: how it starts, what it refuses, what it prints for machines, how it stops."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from amrpkg import __version__
from amrpkg.cli import main
from amrpkg.evaluation import SHIPPED, binomial_interval, classify
from amrpkg.export import judge, load_network
from amrpkg.signals import CONSTELLATIONS, receive

COMMANDS = (
    *("sweep", "time", "results", "classify", "robustness", "export", "hardware", "verify"),
    *("synthesis", "evaluate", "render"),
)
HEAVY = ("torch", "brevitas", "scipy", "pandas", "onnx", "papermill", "matplotlib", "sklearn")


@pytest.fixture
def recording(tmp_path):
    np.save(path := tmp_path / "x.npy", receive("QPSK", 70))
    return path


def loaded_after(code):
    """The heavy modules that a fresh process has loaded after `code`, and what it printed."""
    code += f"; import sys; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *shown, modules = done.stdout.splitlines()
    return modules, shown


def test_help_loads_nothing_heavy():
    modules, shown = loaded_after("from amrpkg.cli import main; main(['--help'])")
    assert modules == "[]" and any("sweep" in line for line in shown)


def test_classify_loads_no_torch(recording):
    modules, shown = loaded_after(
        f"from amrpkg.cli import main; assert main(['classify', {str(recording)!r}]) == 0"
    )
    assert modules == "['pandas']" and shown[-1] == "2 chunks of 32 samples: QPSK 2"


def test_a_bare_call_helps_and_every_command_has_help(capsys):
    assert main([]) == 0
    shown = capsys.readouterr().out
    for command in COMMANDS:
        assert f" {command} " in shown
        assert main([command, "--help"]) == 0
        assert f"Usage: amr {command}" in capsys.readouterr().out


def test_the_module_runs_and_tells_its_version():
    command = [sys.executable, "-m", "amrpkg", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == __version__


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_installed(shell, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert main(["--install-completion", "--shell", shell]) == 0
    written = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert "robustness" in written and "pruning" in written


def refuse(arguments, capsys) -> str:
    assert main([*map(str, arguments)]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and len(shown.err.splitlines()) == 1, shown
    assert shown.err.startswith(f"amr {arguments[0]}: " if arguments[0] in COMMANDS else "amr: ")
    return shown.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("train", "train classify hardware"),
        ("sweep --architecture resnet", "--architecture resnet pointwise_24_16_8"),
        ("sweep --bit-width 32 9", "--bit-width 9 32 8 6 4"),
        ("sweep --bit-width", "--bit-width"),
        ("sweep --pruning 20 50", "--pruning 50 0 20 30"),
        ("sweep --protocol overnight", "--protocol overnight thesis trial"),
        ("sweep --pruning-variant soft", "--pruning-variant soft held regrowing"),
        ("sweep --jobs 2 --scheduler tcp://x", "--jobs --scheduler exclusive"),
        ("sweep --jobs two", "--jobs two int"),
        ("sweep --jobs 0", "jobs 0 allowed"),
        ("sweep --seed -1", "seed -1 allowed"),
        ("sweep --no-such 1", "--no-such"),
        ("classify", "FILE"),
        ("classify x.npy y.npy", "y.npy"),
        ("classify x.npy --json --csv", "--json --csv exclusive"),
        ("export x --format elf -o x", "--format elf qonnx onnx integer"),
        ("export x --format onnx", "--output"),
        ("export x.safetensors --format onnx -o /dev/null", "output /dev/null allowed"),
        ("robustness --weights", "--weights"),
        ("robustness --width wide", "--width wide float"),
        ("robustness --output /dev/full", "output /dev/full allowed"),
        ("results --output /dev/null", "output /dev/null allowed"),
        (f"evaluate {SHIPPED} --chunks-per-class 1000000000000", "chunks_per_class MB 233016"),
        (f"evaluate {SHIPPED} --noise-power -1", "noise_power -1 allowed"),
    ],
)
def test_bad_input_is_told_in_one_line(arguments, told, capsys):
    message = refuse(arguments.split(), capsys)
    assert all(word in message.lower() for word in told.lower().split()), message


@pytest.mark.parametrize(
    ("command", "argument", "name"),
    [
        ("classify {}", "file", "x.npy"),
        ("classify x.cs8 --model {}", "model", "x.onnx"),
        ("classify - --model {}", "model", "x.safetensors"),
        ("evaluate {}", "model", "x.onnx"),
        ("evaluate {}", "model", "x.safetensors"),
        ("export {} --format onnx -o y.onnx", "point", "x.safetensors"),
        ("hardware {} -o y", "network", "x.safetensors"),
        ("render {}", "notebook", "x.ipynb"),
        (f"robustness --weights {SHIPPED} {{}} --output y.csv", "weights", "x.safetensors"),
    ],
)
def test_a_missing_file_and_a_folder_are_told_by_the_argument(
    command, argument, name, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    arguments = command.format(name).split()
    told = f"amr {arguments[0]}: {argument} is '{name}'; allowed: a file that is there\n"
    assert refuse(arguments, capsys) == told
    (tmp_path / name).mkdir()
    assert refuse(arguments, capsys) == told
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_an_empty_scheduler_is_none(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("AMR_RUNS", str(tmp_path))
    message = refuse(["sweep", "--scheduler", ""], capsys)
    assert "scheduler is ''; allowed: tcp://host:port" in message and not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["sweep", "time", "results", "verify"])
def test_an_empty_folder_of_runs_is_not_the_current_one(command, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AMR_RUNS", "")
    assert "AMR_RUNS is ''; allowed: a folder" in refuse([command], capsys)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["classify", "evaluate"])
def test_names_do_not_reach_the_terminal_raw_or_whole(command, tmp_path, capsys):
    name = "\x1b[2J\x9b\r\u202e\udcff.npy"
    assert "\\x1b[2J" in (message := refuse([command, tmp_path / name], capsys))
    assert message[:-1].isprintable()
    message = refuse([command, "x" * 2_000_000], capsys)
    assert len(message) < 2000


def test_notes_on_a_file_of_an_evil_name_are_plain(tmp_path, capsys):
    np.save(path := tmp_path / "\x1b[2J.npy", receive("QPSK", 70))
    assert main(["classify", str(path)]) == 0
    assert "\x1b" not in (shown := capsys.readouterr().err) and "\\x1b[2J" in shown


# For machines


def test_classify_gives_its_table_to_machines(recording, capsys):
    table = classify(load_network(SHIPPED), np.load(recording))
    assert main(["classify", str(recording), "--json"]) == 0
    shown = capsys.readouterr()
    rows = json.loads(shown.out)
    assert "the last 6 of 70 samples" in shown.err
    assert main(["classify", str(recording), "--csv"]) == 0
    texts = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == len(texts) == len(table) == 2
    for number, (row, text, expected) in enumerate(
        zip(rows, texts, table.to_dict("records"), strict=True)
    ):
        assert list(row) == list(text) == ["chunk", *expected]
        assert row == {"chunk": number, **expected}
        assert float(text["confidence"]) == expected["confidence"]


def test_evaluate_gives_numbers_to_machines(capsys):
    arguments = ["evaluate", str(SHIPPED), "--chunks-per-class", "20", "--noise-power", "0.1"]
    judgement = judge(load_network(SHIPPED), 20, 0.1)
    assert main([*arguments, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    correct = judgement.network.correct
    low, high = binomial_interval(correct, 180)
    assert record["network"] == {
        **{"correct": correct, "count": 180, "accuracy": correct / 180},
        **{"low": low, "high": high},
    }
    assert record["ceiling"]["correct"] == judgement.ceiling.correct
    confusions = [list(row.values()) for row in record["confusions"].values()]
    assert confusions == judgement.network.confusion.tolist()
    assert list(record["confusions"]["BPSK"]) == list(CONSTELLATIONS)
    assert record["resources"] == judgement.resources._asdict() and record["bit_width"] == 8
    assert main([*arguments, "--csv"]) == 0
    [row] = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert row["network_correct"] == str(correct)
    assert row["confusions_BPSK_BPSK"] == str(record["confusions"]["BPSK"]["BPSK"])


@pytest.mark.parametrize("form", ["--json", "--csv"])
def test_export_tells_machines_what_it_wrote(form, root, tmp_path, capsys):
    weights = root / "results/weights" / SHIPPED.name
    output = tmp_path / "x.safetensors"
    arguments = ["export", str(weights), "--format", "integer", "-o", str(output), form]
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    row = json.loads(shown) if form == "--json" else next(csv.DictReader(io.StringIO(shown)))
    expected = [SHIPPED.stem, "integer", str(output), str(output.stat().st_size)]
    assert list(row) == ["name", "format", "file", "bytes"]
    assert list(map(str, row.values())) == expected


# Ctrl-C


@pytest.mark.parametrize("delay", [0, 0.2, 0.5, 1, 2, 3])
def test_ctrl_c_ends_with_one_line_at_any_time(delay, root, tmp_path):
    """From when the package is imported on: the log of imports tells when."""
    weights = root / "results/weights" / SHIPPED.name
    arguments = ["robustness", "--weights", str(weights), "--output", str(tmp_path / "x.csv")]
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "amrpkg", *arguments],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    while "cyclopts.utils" not in process.stderr.readline():
        pass
    time.sleep(delay)
    os.kill(process.pid, signal.SIGINT)
    left = process.communicate(timeout=60)[1].splitlines()
    assert process.returncode == 130
    told = [line for line in left if not line.startswith("import time:") and "row" not in line]
    assert [line for line in told if line] == [
        "amr robustness: stopped; the same command goes on"
    ], told

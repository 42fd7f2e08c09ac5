"""`amr export`, `amr evaluate`, and `amr classify` with an exported or a foreign network."""

import re

import numpy as np
import pytest
import torch
from komm_signals import komm_receive
from torch import nn

from amrpkg.cli import main
from amrpkg.evaluation import ceiling, evaluate
from amrpkg.export import FORMATS, judge, load_network
from amrpkg.grid import SMALL_GRID, SYMBOL_WISE_GRID, THESIS_GRID, Point, Run, make_run, parse_point
from amrpkg.hardware import estimate
from amrpkg.models import load_model
from amrpkg.signals import CONSTELLATIONS, make_chunks

FILES = {format: f"x{form.suffix}" for format, form in FORMATS.items() if form.read}
NAMES = list(CONSTELLATIONS)
RUN = Run(Point("vgglike_2f_1c_1re_1mp", 8, 20), "trial")  # one of `trial_runs`


@pytest.fixture
def stored(root):
    return root / "results/weights/vgglike_2f_2c_2re_2mp_6bit_pr_20.safetensors"


def refuse(arguments, capsys) -> str:
    assert main([*map(str, arguments)]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and len(shown.err.splitlines()) == 1
    return shown.err


@pytest.mark.parametrize(
    "point", THESIS_GRID + SMALL_GRID + SYMBOL_WISE_GRID, ids=lambda point: point.name
)
def test_a_name_is_read_back(point):
    assert parse_point(point.name) == point


@pytest.mark.parametrize(
    "name",
    [
        "",
        "vgglike",
        "vgglike_2f_1c_1re_1mp_8bits",
        "x_8bit_pr_20",
        "vgglike_2f_1c_1re_1mp_pr_1.2.3",
    ],
)
def test_what_is_no_name_is_refused(name):
    with pytest.raises(ValueError, match=f"point is '{name}'; allowed: an architecture with"):
        parse_point(name)


@pytest.mark.parametrize("format", FILES)
def test_a_run_is_exported_and_its_file_evaluated_and_used(
    format, trial_runs, tmp_path, capsys, monkeypatch
):
    monkeypatch.setenv("AMR_RUNS", str(trial_runs))
    run, point = make_run(RUN), RUN.point
    trained = RUN.folder / "model.safetensors"
    path = tmp_path / FILES[format]
    command = ["export", point.name, "--protocol", "trial", "--format", format, "-o", str(path)]
    assert main(command) == 0
    assert f"{point.name} -> {path} ({path.stat().st_size} bytes)" in capsys.readouterr().out
    chunks = make_chunks(20, split="evaluation")
    expected = evaluate(run.load_model(), chunks)
    assert (evaluate(load_network(path), chunks).confusion == expected.confusion).all()
    assert main(["evaluate", str(path), "--chunks-per-class", "20"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [f"network: {expected}", f"ceiling: {ceiling(chunks)}"]
    table = [re.split(r"\s+", line)[1:] for line in lines[4:13]]
    assert np.array(table, int).tolist() == expected.confusion.tolist()
    assert lines[-1].startswith("estimate (Algorithm II, 8 bit): DSP ")
    np.save(samples := tmp_path / "x.npy", komm_receive("QPSK", 320, seed=0))
    outputs = []
    for model in (path, trained):
        assert main(["classify", str(samples), "--model", str(model)]) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1] and "10 chunks of 32 samples" in outputs[0]


def test_a_weights_file_is_exported_without_runs(stored, tmp_path, capsys):
    command = ["export", str(stored), "--format", "integer", "-o", str(tmp_path / "x.safetensors")]
    assert main(command) == 0
    assert stored.stem in capsys.readouterr().out
    file = tmp_path / "x.safetensors"
    message = refuse(["export", file, "--format", "integer", "-o", file], capsys)
    assert "allowed: another file than the weights" in message
    assert 135_000 < (tmp_path / "x.safetensors").stat().st_size < 137_000  # 6 bits a weight


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_foreign_network_of_some_classes_is_evaluated_on_those(tmp_path, capsys):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 3)).eval()
    path = str(tmp_path / "foreign.onnx")
    torch.onnx.export(model, (torch.zeros(1, 2, 32),), path, external_data=False, verbose=False)
    names = ["16QAM", "BPSK", "8PSK"]
    assert main(["evaluate", path, "--chunks-per-class", "30", "--classes", *names]) == 0
    shown = capsys.readouterr().out
    network, bound = re.findall(r"(\d+) of 90 fresh chunks right", shown)
    assert int(network) < 60 and int(bound) == 90
    assert re.search(r"^ +BPSK +8PSK +16QAM$", shown, re.M)
    assert "estimate (Algorithm II, 32 bit): DSP 384, " in shown
    chunks = make_chunks(30, split="evaluation")
    places = [NAMES.index(name) for name in names]
    known = np.isin(chunks.labels, places)
    with torch.inference_mode():
        decided = model(torch.from_numpy(chunks.iq[known])).argmax(1).numpy()
    assert int(network) == (np.array(places)[decided] == chunks.labels[known]).sum()


def test_the_noise_of_the_chunks_is_a_flag_and_the_ceiling_knows_it(stored):
    model = load_model(stored)
    text = str(judge(model, 50, noise_power=0.1))
    chunks = make_chunks(50, noise_power=0.1, split="evaluation")
    assert (
        f"ceiling: {ceiling(chunks, 0.1)}" in text and f"network: {evaluate(model, chunks)}" in text
    )
    assert f"DSP {estimate(model).dsp}, " in text


def test_a_point_without_a_run_is_refused_with_the_command_that_makes_it(tmp_path, capsys):
    command = ["export", "vgglike_2f_1c_1re_1mp_6bit_pr_20", "--runs", tmp_path, "--format", "onnx"]
    message = refuse([*command, "-o", tmp_path / "x.onnx"], capsys)
    assert (
        f"no finished run {tmp_path}/thesis/vgglike_2f_1c_1re_1mp_6bit_pr_20; `amr sweep" in message
    )
    assert "--architecture vgglike_2f_1c_1re_1mp --bit-width 6 --pruning 20` makes it" in message


@pytest.mark.parametrize("format", FILES)
def test_an_unknown_point_is_refused(format, tmp_path, capsys):
    rest = ["--format", format, "-o", tmp_path / FILES[format]]
    assert "allowed: an architecture with" in refuse(["export", "resnet", *rest], capsys)
    assert not list(tmp_path.iterdir())


def test_a_float_point_has_no_integers(calibrated, tmp_path, capsys):
    from amrpkg.models import save_model

    save_model(calibrated("vgglike_2f_1c_1re_1mp", 32), path := tmp_path / "x.safetensors")
    message = refuse(["export", path, "--format", "qonnx", "-o", tmp_path / "y.onnx"], capsys)
    assert "format is 'qonnx' and the model is float; allowed for float: onnx" in message


@pytest.mark.parametrize("command", ["evaluate", "classify"])
def test_a_broken_network_ends_with_2_and_its_name(command, tmp_path, capsys):
    np.save(samples := tmp_path / "x.npy", np.ones(64, complex))
    (broken := tmp_path / "broken.onnx").write_bytes(b"onnx")
    arguments = [broken] if command == "evaluate" else [samples, "--model", broken]
    assert "broken.onnx" in refuse([command, *arguments], capsys)


def test_the_help_says_what_each_format_is_for(capsys):
    assert main(["export", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "FINN" in shown and "OpenVINO" in shown and "None" not in shown

"""The ablation: every line is the recipe with one thing changed, and its rows go on."""

from dataclasses import fields

import pytest

from amrpkg.cli import main
from amrpkg.models.architectures import VGG_LIKE
from amrpkg.models.quantization import has_held_scales
from amrpkg.records import ablation, load_ablation, train_line
from amrpkg.records.ablation import LINES

RECIPE = LINES["parts", "recipe"]
COMPUTED = {"plain"}  # how, not what


def changed(line, to=RECIPE):
    """The knobs and other fields of a line that are not those of another."""
    own = ("row", "first", "between")
    found = {name for name in own if getattr(line, name) != getattr(to, name)}
    for stage in ("in_float", "coarse"):
        ours, theirs = getattr(line, stage), getattr(to, stage)
        found |= {x.name for x in fields(ours) if getattr(ours, x.name) != getattr(theirs, x.name)}
    return found - COMPUTED


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("recipe", set()),
        ("average in place of the sum", {"row"}),
        ("the same, four times the rates", {"row", "peak_rate"}),
        ("no fold", {"row"}),
        ("first weights of PyTorch", {"first"}),
        ("scales learnt", {"held_scales"}),
        ("channels as they come", {"between"}),
        ("taught by the likelihood", {"taught"}),
        ("Muon, a quarter of the rates", {"optimizer", "peak_rate"}),
        ("weights within 3 r.m.s.", {"weight_bound"}),
    ],
)
def test_a_line_changes_what_it_says(name, what):
    assert changed(LINES["parts", name]) == what


def test_families_differ_in_the_row_only():
    one, *others = [line for (study, _), line in LINES.items() if study == "families"]
    assert one.row.family == VGG_LIKE
    for line in others[:2]:
        assert changed(line, one) == {"row"} and line.row.family == VGG_LIKE
    assert [changed(line, one) for line in others[2:]] == [{"optimizer"}, {"weight_bound"}]


def test_lines_train_from_float_to_four_bits():
    start, model = train_line(RECIPE, seed=3, share=0.005)
    assert (start.bit_width, model.bit_width) == (32, 4) and has_held_scales(model)
    free = train_line(LINES["parts", "scales learnt"], 3, 0.005)
    assert not has_held_scales(free[1])
    same = [x.state_dict()["layers.conv1.weight"] for x in (start, free[0])]
    assert (same[0] - same[1]).abs().max() < 1e-6  # one float network for both
    drawn = train_line(LINES["parts", "first weights of PyTorch"], 3, 0.0005)[0]
    assert drawn.state_dict()["layers.conv1.weight"].abs().max() < 0.8  # 1 / sqrt(2), and a step


def test_the_command_goes_on(tmp_path, monkeypatch, capsys):
    calls = []

    def trained(study, name, seed):
        calls.append((study, name, seed))
        return [{"study": study, "line": name, "seed": seed, "code_digest": DIGEST}]

    DIGEST = ablation.current_digest(ablation.ROOT)
    monkeypatch.setattr(ablation, "_record", trained)
    path = tmp_path / "ablation.csv"
    for _ in range(2):
        assert main(["ablation", "--output", str(path)]) == 0
    assert calls == [(*line, seed) for seed in ablation.SEEDS for line in LINES]
    assert f"{len(calls)} rows -> {path}" in capsys.readouterr().out
    assert len(load_ablation(path)) == len(calls)


def test_the_record_is_that_of_the_command():
    rows = load_ablation()
    assert not rows.duplicated(ablation.KEY).any()
    assert set(rows[["study", "line"]].itertuples(index=False, name=None)) <= set(LINES)
    parts = rows[rows["study"] == "parts"]
    counts = parts.groupby("line").size()
    assert len(counts) == 10 and counts.nunique() == 1
    assert (rows["coarse_evaluation_count"] == 23_040).all()
    right = parts["coarse_evaluation_correct"] / parts["coarse_evaluation_count"]
    folded = parts["line"] != "no fold"
    assert 0.85 < right[~folded].min() < right[~folded].max() < 0.95 < right[folded].min()
    assert right[parts["line"] == "recipe"].min() > 0.99
    families = (
        rows[rows["study"] == "families"].groupby("line")["coarse_evaluation_correct"].median()
    )
    order = ["2f_1c", "pointwise_24_16_8", "symbolwise_2_16_12, no fold"]
    assert families[order].is_monotonic_increasing and 0.8 < families["2f_1c"] / 23_040 < 0.88

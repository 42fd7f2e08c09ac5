"""Stopping, conditions, the record and its resumption, and no accuracy above the ceiling."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch

from amrpkg.book.figures import plot_impairments, plot_noise
from amrpkg.cli import main
from amrpkg.evaluation import (
    CONDITIONS,
    IMPAIRMENTS,
    UNITS,
    Condition,
    binomial_interval,
    classify_maximum_likelihood,
    noise_power_at,
)
from amrpkg.models import build, save_model
from amrpkg.records import (
    ACROSS_NOISE,
    BLIND,
    CEILING,
    UNMATCHED,
    Classifier,
    find_classifiers,
    load_record,
    load_robustness,
    measure,
    require_below_ceiling,
    robustness,
    sample_until,
)
from amrpkg.signals import CONSTELLATIONS, OTHER_SHAPES, Chunks, make_chunks

THESIS, HIGH_NOISE = CONDITIONS[0], Condition("noise", 7, noise_power=noise_power_at(7))
ROTATED = Condition("rotation", 45)
FEW = (THESIS, HIGH_NOISE, ROTATED)


def bernoulli(probability, rng, size=100):
    """Chunks and a decision that is right with a known probability."""
    chunks = Chunks(np.zeros((size, 2, 1), np.float32), np.zeros(size, np.int64), "evaluation")
    return (lambda iq: (rng.random(len(iq)) > probability).astype(int)), lambda block: chunks


def guess(iq):
    return np.random.default_rng(0).integers(9, size=len(iq))


@pytest.mark.parametrize("probability", [0.5, 0.9, 0.99])
def test_intervals_of_a_known_probability_are_narrow_and_cover(probability):
    rng, covered = np.random.default_rng(1), 0
    for _ in range(400):
        correct, decided = sample_until(*bernoulli(probability, rng), width=0.1)
        low, high = binomial_interval(correct, decided)
        assert high - low <= 0.1
        covered += low <= probability <= high
    assert covered >= 0.92 * 400  # 2.75 standard errors below 95 %


def test_sampling_stops_at_the_first_block_that_suffices():
    rng = np.random.default_rng(2)
    assert sample_until(*bernoulli(1.0, rng), width=0.05) == (100, 100)
    correct, decided = sample_until(*bernoulli(0.5, rng), width=0.1)
    low, high = binomial_interval(correct, decided)
    assert decided in (400, 500) and high - low <= 0.1


def test_sampling_is_capped():
    assert sample_until(*bernoulli(0.5, np.random.default_rng(3)), width=0.001, most=250)[1] == 300


@pytest.mark.parametrize("bad", [{"width": 0}, {"width": 1.0}, {"width": np.nan}, {"most": 0}])
def test_bad_limits(bad):
    with pytest.raises(ValueError, match=r"(width|most) is .*; allowed"):
        sample_until(*bernoulli(0.5, np.random.default_rng(4)), **bad)


def test_guessing_is_right_in_one_of_nine():
    correct, decided = sample_until(guess, THESIS.draw, width=0.02)
    low, high = binomial_interval(correct, decided, confidence=0.999)
    assert low < 1 / 9 < high


def test_conditions_are_named_once_and_have_units():
    keys = [(condition.name, condition.value) for condition in CONDITIONS]
    assert len(set(keys)) == len(keys) == 41
    assert {name for name, _ in keys} == set(UNITS)


def test_the_axis_of_the_noise():
    assert 10 * np.log10(1 / THESIS.noise_power) == pytest.approx(23.01, abs=0.01)
    assert noise_power_at(10) == pytest.approx(0.1)
    energy = np.mean([np.mean(np.abs(points) ** 2) for points in CONSTELLATIONS.values()])
    assert energy == pytest.approx(0.858, abs=5e-4)
    assert -10 * np.log10(energy) == pytest.approx(0.67, abs=5e-3)


def test_the_sweep_runs_from_a_ceiling_of_all_to_one_of_about_30_percent():
    sweep = [condition for condition in CONDITIONS if condition.name == "noise"]
    quiet, loud = (sample_until(c.decide_matched, c.draw_matched) for c in (sweep[0], sweep[-1]))
    assert quiet == (2304, 2304)
    assert loud[0] / loud[1] == pytest.approx(0.31, abs=0.02)


def test_blocks_are_no_recorded_set_and_no_training_set():
    sets = [make_chunks(split=split) for split in ("training", "evaluation")]
    sets += [THESIS.draw(block) for block in (0, 1)] + [THESIS.draw(0, seed=1)]
    seen = [chunk.tobytes() for chunks in sets for chunk in chunks.iq]
    assert len(set(seen)) == len(seen)


def test_a_condition_does_what_its_name_says():
    for condition in CONDITIONS:
        chunks, plain = condition.draw(0), condition.draw_matched(0)
        assert chunks.iq.shape == (2304, 2, condition.chunk_size)
        impair = IMPAIRMENTS.get(condition.name, [lambda chunks, value: chunks])[0]
        assert (chunks.iq == impair(plain, condition.value).iq).all()
    usual = THESIS.draw_matched(0)
    for condition in (condition for condition in CONDITIONS if condition.name == "other shape"):
        changed = (condition.draw(0).iq != usual.iq).any(axis=(1, 2))
        name = next(name for name, points in OTHER_SHAPES.items() if len(points) == condition.value)
        assert (changed == (usual.labels == list(CONSTELLATIONS).index(name))).all()


def test_the_ceiling_that_is_not_told_falls_and_the_one_that_knows_does_not():
    rows = measure({}, FEW, progress=False).set_index(["classifier", "condition"])
    assert rows.loc[(CEILING, "rotation"), "correct"] == rows.loc[(CEILING, "rotation"), "count"]
    assert rows.loc[(UNMATCHED, "rotation"), "high"] < 0.6
    assert (UNMATCHED, "noise") not in rows.index


def test_rows_hold_identity_counts_intervals_and_provenance():
    identity = {"architecture": "none", "weights_sha256": "abc"}
    rows = measure(
        {"guess": Classifier(guess, identity=identity)},
        (*FEW, Condition("chunk size", 8, chunk_size=8)),
        progress=False,
    )
    own = rows[rows["classifier"] == "guess"]
    assert list(own["condition"]) == ["thesis", "noise", "rotation"]  # it takes chunks of 32
    assert set(own["weights_sha256"]) == {"abc"} and rows["commit"].nunique() == 1
    for row in rows.itertuples():
        assert (row.low, row.high) == binomial_interval(row.correct, row.count)
        assert row.high - row.low <= row.width == 0.02
    assert own["low"].max() < 1 / 9 < own["high"].min()


def test_a_second_call_keeps_rows_and_another_weight_or_width_measures_anew(tmp_path, monkeypatch):
    calls, path = [], tmp_path / "deep" / "r.csv"

    def counted(iq):
        calls.append(len(iq))
        return guess(iq)

    def run(digest="a", width=0.02, name="guess"):
        calls.clear()
        one = Classifier(counted, identity={"weights_sha256": digest, "seed": 0})
        return measure({name: one}, FEW, width, path, progress=False)

    first = run()
    assert calls
    again = run()
    assert not calls
    pd.testing.assert_frame_equal(first, again, check_dtype=False)
    run(digest="b")
    assert calls
    run(digest="b", width=0.01)
    assert calls
    assert len(run(name="other", width=0.01)) == 2 * 3 + 3 + 1 + 1  # the rows of "guess" stay
    monkeypatch.setattr(robustness, "current_digest", lambda root: "edited")
    run(digest="b", width=0.01)
    assert calls
    assert not list(path.parent.glob("*.part"))


def test_an_interrupted_record_goes_on(tmp_path):
    path = tmp_path / "r.csv"

    def stopped(iq):
        raise KeyboardInterrupt

    both = {"guess": Classifier(guess), "stopped": Classifier(stopped)}
    with pytest.raises(KeyboardInterrupt):
        measure(both, FEW, path=path, progress=False)
    assert list(load_robustness(path)["classifier"].unique()) == [
        CEILING,
        UNMATCHED,
        BLIND,
        "guess",
    ]
    both = {"guess": Classifier(stopped), "stopped": Classifier(guess)}
    assert len(measure(both, FEW, path=path, progress=False)) == 11


def test_a_ceiling_s_name_is_taken():
    with pytest.raises(ValueError, match=r"classifiers has .*ceiling.*; allowed"):
        measure({CEILING: Classifier(guess)}, FEW)


@pytest.fixture(scope="module")
def honest():
    blind = partial(classify_maximum_likelihood, noise_power=0.02)
    two = {"guess": Classifier(guess), "blind": Classifier(blind)}
    return measure(two, width=0.1, progress=False)


def test_honest_rows_lie_below_the_ceiling(honest):
    require_below_ceiling(honest)


def test_a_doctored_row_is_above_the_ceiling(honest):
    doctored = honest.copy()
    where = (doctored["classifier"] == "guess") & (doctored["value"] == 6)
    where &= doctored["condition"] == "noise"
    doctored.loc[where, ["correct", "low", "high"]] = [9000, 0.97, 0.98]
    with pytest.raises(ValueError, match=r"1 above the ceiling:\nguess under noise 6: at least 97"):
        require_below_ceiling(doctored)


def test_who_is_not_told_the_noise_has_a_ceiling_of_its_own(honest):
    at = (honest["condition"] == "noise") & (honest["value"] == 10)
    bounds = honest[at].set_index("classifier")["high"]
    assert bounds[BLIND] < bounds[CEILING] - 0.002
    row = {"classifier": "net", "condition": "noise", "value": 10.0, "low": bounds[BLIND] + 0.001}
    for protocol, fails in (("told", False), ("streaming", False), ("blind", True)):
        rows = pd.concat([honest, pd.DataFrame([row | {"protocol": protocol}])])
        if not fails:
            require_below_ceiling(rows)
            continue
        with pytest.raises(ValueError, match="net under noise 10"):
            require_below_ceiling(rows)


def test_the_blind_ceiling_is_there_where_the_noise_is_in_its_range(honest):
    rows = honest[honest["classifier"] == BLIND]
    assert set(rows["condition"]) == {"thesis", "noise"}
    assert set(rows.loc[rows["condition"] == "noise", "value"]) == {10, 12, 14, 16, 18, 20, 22}


def test_a_network_of_integers_is_told_the_noise_if_it_takes_a_word():
    folder, words = ACROSS_NOISE.with_suffix(""), []
    paths = [folder / f"{name}_8bit_seed_0.safetensors" for name in ("told", "blind")]
    found = find_classifiers(weights=paths)
    told, blind = found.values()
    assert told.told and not blind.told and set(told.chunk_sizes) == {4, 8, 16, 32, 64, 128}
    assert [one.identity["protocol"] for one in (told, blind)] == ["told", "blind"]

    def noted(iq):
        words.append(np.unique(iq[:, 2]))
        return told.decide(iq)

    measure({"noted": Classifier(noted, told=True)}, FEW[:2], width=0.1, progress=False)
    assert [list(word) for word in words] == [[3 / 32], [40 / 32]]  # of 7 dB the loudest there is
    chunks = make_chunks(20, chunk_size=128, split="evaluation")
    assert (blind.decide(chunks.iq) == chunks.labels).mean() > 0.95


def test_a_network_that_saw_cyclic_symbols_is_caught():
    def order(iq):  # nearest of the nine noiseless cyclic chunks
        clean = make_chunks(1, noise_power=0, phase_noise=0, symbols="cyclic")
        gaps = -2 * np.einsum("nct,mct->nm", iq, clean.iq) + (clean.iq**2).sum(axis=(1, 2))
        return clean.labels[gaps.argmin(axis=1)]

    power = HIGH_NOISE.noise_power
    leak = make_chunks(noise_power=power, split="evaluation", symbols="cyclic")
    correct, decided = sample_until(order, lambda block: leak)
    rows = measure({}, (HIGH_NOISE,), progress=False)
    low, high = binomial_interval(correct, decided)
    row = {"classifier": "leak", "condition": "noise", "value": 7.0, "low": low, "high": high}
    with pytest.raises(ValueError, match="leak under noise 7"):
        require_below_ceiling(pd.concat([rows, pd.DataFrame([row])]))


def test_rows_without_their_ceiling_are_refused(honest):
    with pytest.raises(ValueError, match="rows has no ceiling under gain -6"):
        require_below_ceiling(honest[honest["classifier"] != CEILING])


def test_no_recorded_robustness_is_above_the_ceiling():
    require_below_ceiling(load_robustness())


def test_no_recorded_run_is_above_the_ceiling():
    grid = load_record()
    names = grid["protocol"] + "/" + grid["name"]
    rows = pd.DataFrame({"classifier": names, "low": grid["fresh_low"], "high": grid["fresh_high"]})
    rows[["condition", "value"]] = "thesis", 0.0
    require_below_ceiling(pd.concat([rows, measure({}, (THESIS,), progress=False)]))


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_model(build("vgglike_2f_1c_1re_1mp"), path)
    return path


def test_weights_become_a_classifier_of_their_own_chunk_size(weights):
    ((name, found),) = find_classifiers(weights=[weights]).items()
    assert (name, found.chunk_sizes) == ("small", (32,))
    assert found.identity["architecture"] == "vgglike_2f_1c_1re_1mp"
    iq = make_chunks(2).iq
    with torch.inference_mode():
        expected = build("vgglike_2f_1c_1re_1mp")(torch.from_numpy(iq)).argmax(1).numpy()
    assert (found.decide(iq) == expected).all()


def test_two_files_of_one_name_and_an_empty_folder_are_refused(weights, tmp_path):
    with pytest.raises(ValueError, match=r"weights has two files named 'small'; allowed"):
        find_classifiers(weights=[weights, weights])
    with pytest.raises(ValueError, match=r"runs is .*; allowed"):
        find_classifiers(tmp_path)


def test_the_command_writes_a_record_that_the_figures_show(weights, tmp_path, capsys, monkeypatch):
    path = tmp_path / "r.csv"
    arguments = ["robustness", "--weights", str(weights), "--output", str(path), "--width", "0.1"]
    assert main(arguments) == 0
    assert f"1 networks, 106 rows -> {path}" in capsys.readouterr().out
    rows = load_robustness(path)
    assert {"commit", "torch", "code_digest", "date"} <= set(rows.columns)
    monkeypatch.setattr(robustness, "sample_until", None)  # nothing is measured again
    assert main(arguments) == 0
    noise = plot_noise(rows, {"small net": "small"})
    assert noise.axes[0].get_xlabel() == "Es/N0 (dB)"
    labels = [text.get_text() for text in noise.legends[0].get_texts()]
    assert labels == ["ceiling", "ceiling, blind", "small net", "chance", "the thesis's noise"]
    panels = plot_impairments(rows, {"small net": "small"})
    assert [len(ax.lines) for ax in panels.axes] == [4, 4, 4, 4, 2, 0]
    drawn = panels.axes[0].lines[2].get_xydata()
    own = rows.query("classifier == 'small' and condition in ('gain', 'thesis')")
    own = own.sort_values("value")
    assert drawn[:, 0].tolist() == [-6, -3, -1, 0, 1, 3, 6]
    assert drawn[:, 1] == pytest.approx(100 * own["correct"] / own["count"])


def test_figures_refuse_what_the_record_does_not_hold(honest):
    with pytest.raises(ValueError, match=r"series is 'none'; allowed: .*guess"):
        plot_noise(honest, {"a": "none"})
    with pytest.raises(ValueError, match="series has 6 entries; allowed: at most 5"):
        plot_noise(honest, dict.fromkeys("abcdef", "guess"))


def test_the_command_names_what_is_wrong(tmp_path, capsys):
    assert main(["robustness", "--runs", str(tmp_path)]) == 2
    assert "allowed: a folder with finished runs" in capsys.readouterr().err
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"nothing")
    assert main(["robustness", "--weights", str(bad)]) == 2
    assert "bad.safetensors" in capsys.readouterr().err

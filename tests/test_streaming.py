"""Training on fresh chunks: nothing is seen twice, the schedule, masks, and what it is for."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from amrpkg.evaluation import binomial_interval, evaluate, score
from amrpkg.grid import SMALL_GRID, THESIS_GRID, Point, Run
from amrpkg.hardware import to_integers
from amrpkg.models import (
    build,
    equalise_channels,
    load_float_weights,
    load_model,
    prunable_layers,
    save_model,
)
from amrpkg.signals import NOISE_POWER, make_chunks, stream
from amrpkg.training import (
    StreamSettings,
    make_permanent,
    prune_channels,
    settings,
    shrink,
    silent_channels,
    train_on_stream,
)
from amrpkg.training import stream as streaming

SMALL = "vgglike_2f_1c_1re_1mp"
KNOBS = StreamSettings(3e-3, 16_384, 1e-3, 4_096, batch_size=128)


def test_every_point_of_the_grid_has_knobs_and_a_target_of_999_in_a_thousand():
    for point in THESIS_GRID + SMALL_GRID:
        knobs = settings(point.architecture, point.bit_width, "streaming")
        assert knobs.target_accuracy == 0.999 and knobs.batch_size > 32
        assert knobs.retraining_chunks <= knobs.chunks
        assert knobs.reached({"fresh_correct": 22_017, "fresh_count": 23_040}) is False
        assert knobs.reached({"fresh_correct": 23_017, "fresh_count": 23_040})


def test_offsets_are_added_to_the_range_of_noise():
    for small in SMALL_GRID:
        knobs = settings(small.architecture, small.bit_width, "offsets")
        ranging = settings(small.architecture, small.bit_width, "ranging")
        assert (knobs.most_decibels, knobs.most_degrees, knobs.most_cycles) == (1, 10, 1e-3)
        assert replace(knobs, most_decibels=0, most_degrees=0, most_cycles=0) == ranging
        assert 0 < knobs.least_noise < NOISE_POWER < knobs.most_noise


def test_on_a_stream_a_quantised_model_starts_from_the_float_one_of_the_same_pruning():
    def start(protocol, *sizes):
        before = Run(Point(SMALL, *sizes), protocol).start
        return before and (before.point.bit_width, before.point.pruning_percent)

    assert start("thesis", 8, 20) == (8, 0) and start("thesis", 8) is None
    assert start("streaming", 8, 20) == (32, 20) and start("streaming", 32, 20) == (32, 0)
    assert start("streaming", 8) == (32, 0) and start("streaming", 32) is None


def test_refining_holds_the_scales_of_what_starts_from_the_float_models_of_streaming():
    for point in THESIS_GRID:
        run = Run(point, "refining")
        if point.bit_width == 32:
            assert run.settings == Run(point, "streaming").settings
            continue
        knobs = run.settings
        assert run.start == Run(replace(point, bit_width=32), "refining")
        assert (knobs.held_scales, knobs.optimizer, knobs.batch_size) == (True, "adam", 128)
        assert knobs.plain
        assert knobs.input_step * 2 ** (point.bit_width - 1) == 1
        assert (knobs.retraining_chunks, knobs.retraining_rate) == (knobs.chunks, knobs.peak_rate)
    with pytest.raises(ValueError, match="architecture is 'pointwise_24_16_8'; allowed: vgglike"):
        settings("pointwise_24_16_8", 4, "refining")


def test_a_refined_pruned_network_learns_keeps_its_masks_and_is_exact_in_integers():
    knobs = replace(settings("vgglike_2f_2c_2re_2mp", 4, "refining"), retraining_chunks=12_800)
    model = build("vgglike_2f_2c_2re_2mp", 4)
    prune_channels(model, 0.2)
    history = knobs.train(model, seed=1, retraining=True, progress=False).history
    make_permanent(model)
    *hidden, _ = [layer for _, layer in prunable_layers(model)]
    pruned = [round(0.2 * len(layer.weight)) for layer in hidden]
    assert [silent_channels(layer).sum() for layer in hidden] == pruned
    chunks = make_chunks(100, split="validation")
    assert evaluate(model, chunks).accuracy > max(history["accuracy"].iloc[0], 0.3)
    scores = score(model, chunks.iq)
    assert (to_integers(model).scores(chunks.iq) == scores).all()
    assert (score(shrink(model), chunks.iq) == scores).all()


def test_every_chunk_is_new_and_none_is_of_the_recorded_sets(monkeypatch):
    seen = []

    def watched(*arguments, **named):
        for batch in stream(*arguments, **named):
            seen.append(batch.iq)
            yield batch

    monkeypatch.setattr(streaming, "stream", watched)
    training = train_on_stream(build(SMALL), replace(KNOBS, chunks=16_384), progress=False)
    chunks = np.concatenate(seen)
    assert len(np.unique(chunks, axis=0)) == len(chunks) == 16_384
    assert training.history["chunks"].sum() == 16_384
    sets = [make_chunks(split=split).iq for split in ("training", "evaluation", "validation")]
    for first, other in ((0, 1), (0, 2), (1, 2)):
        assert not (sets[first] == sets[other]).all()
    everything = np.concatenate([chunks, *sets])
    assert len(np.unique(everything, axis=0)) == len(everything)


def test_the_rate_rises_in_a_line_and_falls_along_a_cosine():
    rates = [streaming.rate_share(k, 1000, 0.05) for k in range(1000)]
    assert rates[24] == pytest.approx(0.5) and rates[49] == 1 == max(rates)
    assert rates[525] == pytest.approx(0.5, abs=1e-3)
    assert rates[-1] < 1e-4


@pytest.mark.parametrize("bits", [32, 8])
def test_held_masks_stay_and_all_other_weights_move(bits):
    model = build(SMALL, bits)
    prune_channels(model, 0.25)
    before = {name: layer.weight.detach().clone() for name, layer in prunable_layers(model)}
    train_on_stream(model, KNOBS, retraining=True, progress=False)
    for name, layer in prunable_layers(model)[:-1]:
        silent = layer.weight.flatten(1).abs().sum(1) == 0
        assert silent.sum() == round(0.25 * len(silent))
        assert torch.equal(silent, before[name].flatten(1).abs().sum(1) == 0)
        assert (layer.weight != before[name])[~silent].float().mean() > 0.9


def test_the_same_seed_gives_the_same_network_in_evaluation_mode():
    few = replace(KNOBS, chunks=1024)

    def weight(seed):
        model = build(SMALL)
        train_on_stream(model, few, seed, progress=False)
        assert not model.training
        return model.layers.linear2.weight

    assert torch.equal(weight(1), weight(1))
    assert not torch.equal(weight(1), weight(2))


def test_a_quantised_model_takes_over_the_float_weights_of_its_architecture_only():
    source, model = build(SMALL, seed=3), build(SMALL, 8)
    load_float_weights(model, source)
    for (_, layer), (_, given) in zip(prunable_layers(model), prunable_layers(source), strict=True):
        assert torch.equal(layer.weight, given.weight) and torch.equal(layer.bias, given.bias)
    with pytest.raises(ValueError, match=r"source is .*; allowed: vgglike_2f_1c"):
        load_float_weights(model, build("vgglike_2f_2c_2re_2mp"))


@pytest.mark.parametrize("percent", [0, 30])
def test_held_scales_are_fitted_stay_and_are_kept_with_the_weights(tmp_path, percent):
    """4 bits by an exhaustive search over steps; weights stay where their integers end."""
    knobs = replace(KNOBS, chunks=2048, optimizer="adam", held_scales=True, input_step=0.125)
    model = build(SMALL, 4)
    same = build(SMALL, 4)
    for each in (model, same):
        with torch.no_grad():  # channels far apart in range, which equalising brings together
            each.layers.conv1.weight.mul_(8)
        if percent:
            prune_channels(each, percent / 100)
    equalise_channels(same, torch.from_numpy(next(stream(128)).iq))
    weights = [layer.weight.detach().clone() for _, layer in prunable_layers(same)]
    train_on_stream(model, knobs, progress=False)
    make_permanent(model)
    steps = 2.0 ** torch.arange(-12, 3)
    for (_, layer), weight in zip(prunable_layers(model), weights, strict=True):
        errors = [((weight / s).round().clamp(-7, 7) * s - weight).square().sum() for s in steps]
        step = steps[int(torch.stack(errors).argmin())]
        assert layer.quant_weight().scale == step
        assert layer.weight.abs().max() <= 7.49 * step
        assert not torch.equal(layer.weight, weight)
    assert model.layers.input.act_quant.scale() == 0.125
    save_model(model, path := tmp_path / "x.safetensors")
    iq = make_chunks(20).iq
    assert (score(load_model(path), iq) == score(model, iq)).all()
    assert (score(shrink(model), iq) == score(model, iq)).all()
    assert (to_integers(model).scores(iq) == score(model, iq)).all()


@pytest.mark.parametrize("name", [SMALL, "pointwise_24_16_8", "symbolwise_2_8_8"])
def test_equalised_channels_give_the_same_scores_and_fill_one_range(name):
    """By definition: what a channel has at most is what reads it has at most."""
    model, iq = build(name), make_chunks(40).iq
    if name == SMALL:
        prune_channels(model, 0.3)  # held masks stay, and silent channels as they are
    before = score(model, iq)
    equalise_channels(model, torch.from_numpy(iq))
    assert np.allclose(score(model, iq), before, rtol=1e-4, atol=1e-4)
    (last, hidden), (_, read) = prunable_layers(model)[-2:]  # none divides these once more
    channels = torch.from_numpy(iq)
    for name, module in model.layers.named_children():
        channels = module(channels)
        if name == f"relu_{last}":
            break
    peaks = channels.detach().transpose(0, 1).flatten(1).amax(1)
    most = read.weight.detach().abs().amax(0)
    heard = (peaks > 0) & (most > 0)
    assert heard.sum() >= 0.4 * len(hidden.weight)
    assert torch.allclose(peaks[heard], most[heard], rtol=1e-4)


def test_the_best_of_several_starts_goes_on(monkeypatch):
    """Losses are given: start 2 and then 0 are the best floats, and 0 is the better trial."""
    knobs = replace(settings("symbolwise_2_6_8", 4, "streaming"), chunks=1280, float_chunks=1280)
    knobs = replace(knobs, trial_chunks=1280, starts=3, trials=2)
    losses, seeds, left = iter([0.2, 0.3, 0.1, 0.5, 0.4, 0]), [], []

    def train(model, settings, seed, *args, **kwargs):
        seeds.append(seed)
        training = train_on_stream(model, settings, seed, progress=False)
        left.append(model.layers.conv1.weight.detach().clone())
        training.history["loss"] = next(losses)
        return training

    monkeypatch.setattr(streaming, "train_on_stream", train)
    model = build("symbolwise_2_6_8", 4)
    knobs.train(model, 5, False, False)
    assert seeds == [1_005, 11_005, 21_005, 22_005, 2_005, 5]
    assert torch.equal(left[5], model.layers.conv1.weight)
    again = build("symbolwise_2_6_8", 4)
    start = build("symbolwise_2_6_8", 32, seed=5)
    train_on_stream(start, knobs.in_float, 1_005, progress=False)
    load_float_weights(again, start)
    train_on_stream(again, knobs.in_trial, 2_005, progress=False)
    assert torch.equal(left[4], again.layers.conv1.weight)
    scales = [layer.quant_weight().scale for _, layer in prunable_layers(again)]
    train_on_stream(again, knobs, 5, progress=False)
    assert torch.equal(left[5], again.layers.conv1.weight)
    for (_, layer), scale in zip(prunable_layers(again), scales, strict=True):
        assert torch.equal(layer.quant_weight().scale, scale)  # held from the trial on


def test_a_symbol_wise_network_of_4_bits_is_right_on_99_percent_of_fresh_chunks():
    """152 weights, trained for real; the lower end of the exact interval counts."""
    knobs = settings("symbolwise_2_8_8", 4, "streaming")
    knobs = replace(knobs, starts=1, trials=1, float_chunks=300_000, trial_chunks=150_000)
    knobs = replace(knobs, chunks=100_000)
    model = build("symbolwise_2_8_8", 4, seed=1)
    knobs.train(model, seed=1, retraining=False, progress=False)
    found = evaluate(model, make_chunks(1000, seed=1, split="validation"))
    assert binomial_interval(found.correct, found.count)[0] > 0.99
    iq = make_chunks(200, seed=1, split="validation").iq
    assert (to_integers(model).scores(iq) == score(model, iq)).all()


def test_knobs_that_do_not_fit_are_refused():
    for knob in ({"held_scales": True}, {"input_step": 0.125}):
        with pytest.raises(ValueError, match="model is float; allowed with held scales or an"):
            train_on_stream(build(SMALL), replace(KNOBS, **knob), progress=False)
    with pytest.raises(ValueError, match="optimizer is 'sgd'; allowed: muon, adam"):
        replace(KNOBS, optimizer="sgd")


def test_rates_in_levels_move_the_integers_of_each_layer_alike():
    """The first step of Adam is the rate, whatever the gradient: here an eighth of a level."""
    knobs = replace(KNOBS, chunks=128, warm_up=0, optimizer="adam", held_scales=True)
    knobs = replace(knobs, peak_rate=0.125, in_levels=True, weight_decay=0.0, plain=True)
    model, same = build(SMALL, 4), build(SMALL, 4)
    train_on_stream(model, knobs, progress=False)
    train_on_stream(same, replace(knobs, peak_rate=1e-12), progress=False)
    steps = []
    for (_, layer), (_, before) in zip(prunable_layers(model), prunable_layers(same), strict=True):
        moved = (layer.weight - before.weight).detach().abs() / layer.quant_weight().scale
        assert moved.max() == pytest.approx(0.125, rel=1e-3)
        steps.append(float(layer.quant_weight().scale))
    assert len(set(steps)) > 1
    with pytest.raises(ValueError, match="in_levels is True; allowed: with held scales and the"):
        replace(knobs, optimizer="muon")


def test_progress_counts_chunks(capsys):
    train_on_stream(build(SMALL), replace(KNOBS, chunks=1024), progress=True)
    shown = capsys.readouterr().err
    assert "chunk" in shown and "loss=" in shown and "accuracy=" in shown


def test_muon_moves_kernels_too_with_all_singular_values_alike():
    model = build(SMALL)
    kernel = model.layers.conv1.weight
    before = kernel.detach().clone()
    muon, adamw = streaming.make_optimizers(model, 1e-3, replace(KNOBS, weight_decay=0.0))
    model(torch.from_numpy(make_chunks(4).iq)).square().sum().backward()
    muon.step()
    moved = torch.linalg.svdvals((kernel.detach() - before).flatten(1))
    # Newton and Schulz's five steps bring them near one, times the rate and sqrt(rows / columns).
    assert (moved / (5e-3 * (32 / 6) ** 0.5)).tolist() == pytest.approx([1] * 6, abs=0.35)
    trained = {id(p) for group in adamw.param_groups for p in group["params"]}
    weights = [layer.weight for _, layer in prunable_layers(model)]
    assert [id(weight) in trained for weight in weights] == [False, False, True]


def test_each_chunk_draws_its_own_noise_gain_rotation_and_frequency():
    calm = replace(KNOBS, batch_size=4_000, least_noise=1e-9, most_noise=1e-9)

    def first(**knobs):
        return next(streaming.impaired_batches(replace(calm, **knobs), seed=0)).iq

    usual = first()
    assert (usual == next(stream(4_000, noise_power=1e-9, seed=0)).iq).all()
    usual = usual[:, 0] + 1j * usual[:, 1]

    def factors(**knobs):
        iq = first(**knobs)
        return (iq[:, 0] + 1j * iq[:, 1]) / usual

    decibels = 20 * np.log10(np.abs(factors(most_decibels=2.0)))
    degrees = np.angle(factors(most_degrees=30.0), deg=True)
    turn = factors(most_cycles=0.01)
    cycles = np.angle(turn[:, 1:] / turn[:, :-1]) / (2 * np.pi)
    for drawn, most in ((decibels, 2), (degrees, 30), (cycles, 0.01)):
        assert np.ptp(drawn, axis=1).max() < 2e-3 * most  # one value a chunk
        assert np.abs(drawn).max() < 1.001 * most
        assert drawn[:, 0].std() == pytest.approx(most / np.sqrt(3), rel=0.05)  # uniform
    spread = replace(KNOBS, least_noise=0.003, most_noise=0.3)
    noisy = next(streaming.impaired_batches(spread, seed=0)).iq
    assert (noisy == next(stream(128, noise_power=(0.003, 0.3), seed=0)).iq).all()
    noisy = next(streaming.impaired_batches(replace(spread, noise_exponent=1.0), seed=0)).iq
    even = stream(128, noise_power=(0.003, 0.3), seed=0, noise_exponent=1.0)
    assert (noisy == next(even).iq).all()


def test_weights_stay_within_their_bound_zeros_not_counted():
    model = build(SMALL)
    prune_channels(model, 0.5)
    few = replace(KNOBS, retraining_chunks=512, weight_bound=1.5)
    train_on_stream(model, few, retraining=True, progress=False)
    for _, layer in prunable_layers(model):
        alive = layer.weight[layer.weight != 0]
        # Clipping makes the r.m.s. a little smaller than the one that set the bound.
        assert 1.45 < alive.abs().max() / alive.square().mean().sqrt() < 1.7


def test_a_small_network_earns_its_accuracy():
    """For real: the protocol of the record with a tenth of its chunks."""
    name = "pointwise_48_32_16"
    knobs = settings(name, 32, "streaming")
    model = build(name)
    train_on_stream(model, replace(knobs, chunks=knobs.chunks // 4), progress=False)
    fresh = evaluate(model, make_chunks(1_000, split="evaluation"))
    low, _ = binomial_interval(fresh.correct, fresh.count)
    assert low > 0.97


def test_muon_takes_the_same_steps_in_32_bits_as_in_16(monkeypatch):
    """The tall and the wide matrices of a network, whose gradients are drawn."""
    rng, moved = torch.Generator().manual_seed(0), {True: [], False: []}
    start = build("pointwise_48_32_16").state_dict()
    for halved in (True, False):
        monkeypatch.setattr(streaming, "has_bfloat16", lambda device, halved=halved: halved)
        model = build("pointwise_48_32_16")
        model.load_state_dict(start)
        muon, _ = streaming.make_optimizers(model, 0.02, replace(KNOBS, weight_decay=0.01))
        rng.manual_seed(0)
        for _ in range(3):
            for weight in muon.weights:
                weight.grad = torch.randn(weight.shape, generator=rng)
            muon.step()
        for (name, _), weight in zip(prunable_layers(model), muon.weights, strict=False):
            moved[halved].append(weight.detach() - start[f"layers.{name}.weight"])
    assert [len(step) for step in moved[True]] == [48, 32, 16]
    for half, full in zip(moved[True], moved[False], strict=True):
        assert full.norm() > 0.1
        assert (half - full).norm() < 0.03 * half.norm()

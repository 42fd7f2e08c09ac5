"""Training on an endless stream: every chunk is new to the network, none is seen again."""

import math
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from amrpkg.common.arguments import require_count, require_kind
from amrpkg.evaluation.accuracy import samples_for
from amrpkg.models.equalisation import equalise_channels
from amrpkg.models.fusing import fused
from amrpkg.models.network import Network, build, prunable_layers, trained
from amrpkg.models.products import plain
from amrpkg.models.quantization import has_held_scales, hold_fitted_scales, hold_input_step
from amrpkg.models.weights import load_float_weights, load_state
from amrpkg.signals.chunks import IMPAIRED, Chunks, stream
from amrpkg.signals.impairments import change_gain, conjugate, offset_frequency, rotate
from amrpkg.training.fixed_set import Training
from amrpkg.training.protocols import StreamSettings
from amrpkg.training.teacher import posterior

BATCHES_PER_ROW = 100  # of the history; called an epoch there, though nothing repeats
_LAST = 5  # of its rows, by which starts are compared
_APART, _FLOAT, _TRIAL = 10_000, 1_000, 2_000  # between seeds: no chunk comes twice


def train_on_stream(
    model: nn.Module,
    settings: StreamSettings,
    seed: int = 0,
    retraining: bool = False,
    progress: bool = True,
    device: str = "auto",
) -> Training:
    """Train `model` in place on fresh chunks, noisy and impaired as `settings` says.

    seed : of the stream; held masks stay held
    retraining : of a pruned model: takes those knobs
    device : where torch computes; ``"auto"`` is a GPU where there is one, else the CPU

    Returns a `Training` whose history has a row for each hundred batches; its accuracy is that
    on the chunks as they came, before the network learnt from them. The rate rises linearly
    during the warm-up and then falls to zero along half a cosine. The model is left in
    evaluation mode on the CPU. Raises ``TypeError`` or ``ValueError`` that names the argument.
    """
    require_kind("model", model, nn.Module)
    require_kind("settings", settings, StreamSettings)
    require_count("seed", seed, minimum=0)
    if model.bit_width == 32 and (settings.held_scales or settings.input_step):
        raise ValueError(
            "model is float; allowed with held scales or an input step: a quantised one"
        )
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    chunks, peak_rate = (
        (settings.retraining_chunks, settings.retraining_rate)
        if retraining
        else (settings.chunks, settings.peak_rate)
    )
    steps = max(1, chunks // settings.batch_size)
    if settings.input_step:
        hold_input_step(model, settings.input_step)
    if settings.held_scales and not has_held_scales(model):
        iq = torch.from_numpy(samples_for(model, next(impaired_batches(settings, seed))))
        equalise_channels(model, iq)
        hold_fitted_scales(model, iq)
    model.to(device).train()
    optimizers = make_optimizers(model, peak_rate, settings)
    schedules = [
        torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda k: rate_share(k, steps, settings.warm_up)
        )
        for optimizer in optimizers
    ]
    halved = model.bit_width == 32 and has_bfloat16(device) and not settings.plain
    # Once, for looking through the modules of a small network takes as long as its convolutions.
    parameters = list(model.parameters())
    layers = [layer for _, layer in prunable_layers(model)]
    rows, loss_sum, correct, seen, start = [], 0.0, 0, 0, perf_counter()
    forward = plain(model) if settings.plain else fused(model)
    lessons = _lessons(settings, seed)
    bar = tqdm(total=steps * settings.batch_size, unit="chunk", mininterval=2, disable=not progress)
    for step in range(1, steps + 1):
        batch, targets = next(lessons)
        iq = torch.from_numpy(samples_for(model, batch)).to(device)
        labels = torch.from_numpy(batch.labels).to(device)
        # Products of a float network in 16 bits; weights and sums stay in 32.
        with torch.autocast(device, torch.bfloat16, enabled=halved):
            scores = forward(iq).float()
        loss = cross_entropy(scores, labels if targets is None else targets.to(device))
        for parameter in parameters:
            parameter.grad = None
        loss.backward()
        for optimizer, schedule in zip(optimizers, schedules, strict=True):
            optimizer.step()
            schedule.step()
        if settings.weight_bound:
            _bound_weights(layers, settings.weight_bound)
        if settings.held_scales:
            _clip_weights(layers)
        loss_sum += loss.item() * len(labels)
        correct += int((scores.argmax(1) == labels).sum())
        seen += len(labels)
        bar.update(len(labels))
        if step % BATCHES_PER_ROW == 0 or step == steps:
            rows.append((len(rows) + 1, loss_sum / seen, correct / seen, seen))
            bar.set_postfix(loss=f"{loss_sum / seen:.4f}", accuracy=f"{correct / seen:.2%}")
            loss_sum, correct, seen = 0.0, 0, 0
    bar.close()
    seconds = perf_counter() - start
    model.cpu().eval()
    return Training(
        history=pd.DataFrame(rows, columns=["epoch", "loss", "accuracy", "chunks"]),
        seconds=seconds,
        throughput=steps * settings.batch_size / seconds,
    )


def train_from_best_start(
    model: Network, settings: StreamSettings, seed: int, retraining: bool, progress: bool
) -> Training:
    """Train `model`, if so set from the best of several starts.

    Of `starts` float networks with random weights of their own, the `trials` best are quantised
    and tried; the best of these goes on. Best is what has the least loss on its last batches,
    which it had not learnt from when they came. Arguments and what is raised as of
    `train_on_stream`, whose result is that of the last training.
    """
    if settings.starts and not retraining:
        floats, tried = [], []
        for k in range(settings.starts):
            start = build(model.row, 32, model.chunk_size, seed + k * _APART)
            own = seed + k * _APART + _FLOAT
            training = train_on_stream(start, settings.in_float, own, progress=progress)
            floats.append((_last_loss(training), k, start))
        for _, k, start in sorted(floats)[: settings.trials]:
            load_float_weights(trial := deepcopy(model), start)
            own = seed + k * _APART + _TRIAL
            training = train_on_stream(trial, settings.in_trial, own, progress=progress)
            tried.append((_last_loss(training), k, trial))
        load_state(model, min(tried)[2].state_dict())
    return train_on_stream(model, settings, seed, retraining, progress)


def _last_loss(training: Training) -> float:
    last = training.history.tail(_LAST)
    return np.average(last["loss"], weights=last["chunks"])


@cache
def has_bfloat16(device: str) -> bool:
    """Whether products of 16 bits are worth it: a GPU, or an x86 processor with such instructions.

    With them a float network trains twice as fast; without them thirty times as slowly (a batch
    of 5f_5c, forward and backward), for PyTorch then emulates them. Products are then of 32 bits.
    """
    if device != "cpu":
        return True
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.exists() and bool({"avx512_bf16", "amx_bf16"} & set(cpuinfo.read_text().split()))


def impaired_batches(settings: StreamSettings, seed: int) -> Iterator[Chunks]:
    """The stream, each chunk with a noise power, gain, rotation and frequency of its own."""
    return (chunks for chunks, _ in _lessons(replace(settings, taught=False), seed))


def _lessons(settings: StreamSettings, seed: int) -> Iterator[tuple[Chunks, torch.Tensor | None]]:
    """The same, and what is learnt of each in place of a label: of chunks not impaired yet."""
    noise = (settings.least_noise, settings.most_noise)
    batches = stream(
        settings.batch_size,
        noise_power=noise if noise[0] < noise[1] else noise[0],
        seed=seed,
        noise_exponent=settings.noise_exponent,
    )
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(IMPAIRED,)))
    for batch in batches:
        yield impair(batch, settings, rng), posterior(batch) if settings.taught else None


def impair(chunks: Chunks, settings: StreamSettings, rng: np.random.Generator) -> Chunks:
    """Draw a gain, a rotation, a frequency, a spectrum for each, as far as `settings` has them."""
    impairments = (
        (change_gain, settings.most_decibels),
        (rotate, settings.most_degrees),
        (offset_frequency, settings.most_cycles),
    )
    for change, most in impairments:
        if most:
            chunks = change(chunks, rng.uniform(-most, most, len(chunks)))
    if settings.inverted:
        chunks = conjugate(chunks, rng.binomial(1, settings.inverted, len(chunks)))
    return chunks


def _bound_weights(layers: Sequence[nn.Module], bound: float) -> None:
    """Clip the weights of each layer to so many times the r.m.s. of those that are not zero.

    A quantiser with one scale a tensor sets it by the largest weight; without a bound that is
    twelve times the r.m.s., and 4 bits leave most weights at zero.
    """
    with torch.no_grad():
        for layer in layers:
            weight = trained(layer)
            most = bound * (weight.square().sum() / weight.count_nonzero()).sqrt()
            weight.clamp_(-most, most)


def _clip_weights(layers: Sequence[nn.Module]) -> None:
    """Keep the weights where their integers end: what lies further out would never come back."""
    with torch.no_grad():
        for layer in layers:
            levels = 2 ** (layer.weight_quant.tensor_quant.msb_clamp_bit_width_impl() - 1) - 1
            most = (levels + 0.49) * layer.weight_quant.tensor_quant.scaling_impl.held
            trained(layer).clamp_(-most, most)


def rate_share(step: int, steps: int, warm_up: float) -> float:
    """The share of the peak rate at a step: up in a line, down along half a cosine."""
    first = max(1, round(warm_up * steps))
    if step < first:
        return (step + 1) / first
    return 0.5 * (1 + math.cos(math.pi * (step - first) / max(1, steps - first)))


class _Muon(torch.optim.Muon):
    """PyTorch's Muon over matrices, with each convolution's kernel as one of outputs x the rest.

    The optimizer takes two dimensions only; it is given views that share memory with the kernels.
    """

    def __init__(self, weights: list[nn.Parameter], **knobs):
        self.weights = weights
        self.views = [nn.Parameter(weight.data.flatten(1)) for weight in weights]
        super().__init__(self.views, **knobs)

    @torch.no_grad()
    def step(self) -> None:
        for weight, view in zip(self.weights, self.views, strict=True):
            view.grad = weight.grad.flatten(1)
        if has_bfloat16(self.views[0].device.type):
            super().step()
            return
        (knobs,) = self.param_groups  # the same in 32 bits
        for view in self.views:
            mean = self.state[view].setdefault("momentum_buffer", torch.zeros_like(view))
            mean.lerp_(view.grad, 1 - knobs["momentum"])
            update = orthogonalise(view.grad.lerp(mean, knobs["momentum"]), knobs)
            view.mul_(1 - knobs["lr"] * knobs["weight_decay"])
            view.add_(update, alpha=-knobs["lr"] * max(1, len(view) / view.shape[1]) ** 0.5)


def orthogonalise(update: torch.Tensor, knobs: Mapping) -> torch.Tensor:
    """Bring the singular values of a matrix near one, as PyTorch's Muon does in 16 bits.

    knobs : ``ns_coefficients`` and ``ns_steps`` of Newton and Schulz's iteration, ``eps``
    """
    a, b, c = knobs["ns_coefficients"]
    tall = len(update) > update.shape[1]
    x = update.T if tall else update
    x = x / x.norm().clamp(min=knobs["eps"])
    for _ in range(knobs["ns_steps"]):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x


def _in_levels(model: nn.Module, rate: float) -> list[dict]:
    """The layers' parameters, each with the rate that moves its integers by so many steps.

    Adam moves every weight by about its rate. Where one rate crosses a level of one layer in
    a few batches, the coarse weights of another take hundreds.
    """
    groups = []
    for _, layer in prunable_layers(model):
        step = float(layer.weight_quant.tensor_quant.scaling_impl.held)
        groups.append({"params": [trained(layer), trained(layer, "bias")], "lr": rate * step})
    return groups


def make_optimizers(
    model: nn.Module, peak_rate: float, settings: StreamSettings
) -> list[torch.optim.Optimizer]:
    """Muon for the weights of all layers but the last, AdamW for that, biases and scales.

    With the optimizer "adam" AdamW for all. Source of Muon: Jordan and others, Muon: an
    optimizer for hidden layers in neural networks, 2024.
    """
    decay = {"weight_decay": settings.weight_decay}
    if settings.optimizer == "adam":
        betas = (0.9, 0.99)  # a mean of squares over a hundred batches: the schedule is short
        moved = _in_levels(model, peak_rate) if settings.in_levels else model.parameters()
        return [torch.optim.AdamW(moved, peak_rate, betas, **decay, fused=True)]
    hidden = [layer for _, layer in prunable_layers(model)][:-1]
    weights = [trained(layer) for layer in hidden]
    chosen = set(map(id, weights))
    others = [p for p in model.parameters() if id(p) not in chosen]
    adamw = torch.optim.AdamW(others, lr=peak_rate, **decay, fused=True)
    return [_Muon(weights, lr=5 * peak_rate, **decay), adamw]

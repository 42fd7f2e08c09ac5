"""The page "Try it" in a browser: its integers, its likelihoods, its chunks and its knobs.

It is opened once, from a file, with a script that asks it and writes the answers into it.
"""

import base64
import json
import re
from pathlib import Path

import numpy as np
import pytest

from amrpkg.book.try_it import HEART, OUR_NETWORK, SMALLEST, embed, load_counts, load_tried
from amrpkg.evaluation import classify_maximum_likelihood
from amrpkg.hardware.integers import IntegerLayer, IntegerNetwork
from amrpkg.signals import CONSTELLATIONS, make_chunks
from amrpkg.signals.chunks import FRESH_CHUNKS_PER_CLASS, PHASE_NOISE, Chunks
from amrpkg.signals.impairments import change_gain, offset_frequency, rotate

ROOT = Path(__file__).parents[1]
SCRIPTS = ("integer_network", "received", "likelihood", "page")
POWERS = np.repeat([0.005, 0.1], 500)
SETTINGS = {"decibels": 2.5, "degrees": -17.0, "cycles": 0.0035}

ASK = """
addEventListener("DOMContentLoaded", () => {
  const bytes = Uint8Array.from(atob(CHUNKS), (byte) => byte.charCodeAt(0));
  const samples = new Float32Array(bytes.buffer), answers = { scores: {}, shown: {} };
  const chunks = POWERS.map((_, k) => samples.subarray(64 * k, 64 * (k + 1)));
  for (const key in amr.networks)
    answers.scores[key] = chunks.map((iq) => [...amr.compute(amr.networks[key], iq)]);
  answers.likeliest = chunks.map((iq, k) =>
    amr.decide(amr.logLikelihoods(iq, POWERS[k], amr.classes)));

  const random = amr.uniform(5), drawn = Array.from({ length: 300 }, () => amr.draw(random, 32));
  const labels = drawn.map(({ label }) => Math.floor(9 * label));
  const received = drawn.map((one, k) =>
    amr.receive(one, amr.classes[labels[k]], 0.02, PHASE_NOISE));
  answers.drawn = { labels, received: received.map((iq) => [...iq]),
    impaired: received.map((iq) => [...amr.impair(iq, SETTINGS)]) };

  const at = (id) => document.getElementById(`try-it-${id}`);
  const look = (name) => { answers.shown[name] = {
    decisions: ["ceiling", "untold", "heart", "earned", "smallest"].map((key) =>
      [...at(key).cells].slice(1).map((cell) => cell.textContent)),
    sent: at("sent").textContent, count: at("count").textContent,
    scores: [...at("scores").rows].map((row) => [...row.cells].map((cell) => cell.textContent)),
    label: at("canvas").getAttribute("aria-label"), spoken: at("spoken").textContent,
    picture: at("canvas").toDataURL(), run: at("run").textContent };
  };
  const turn = (id, value) => {
    at(id).value = value;
    at(id).dispatchEvent(new Event("input", { bubbles: true }));
  };
  look("first");
  for (const [knob, value] of KNOBS) {
    turn("class", "8PSK");
    turn(knob, value);
    for (let k = 0; k < 50; k++) at("next").click();
    look(knob);
    at("reset").click();
  }
  look("again");
  for (let k = 0; k < 100; k++) at("next").click();
  look("hundred");
  at("run").click();
  look("running");
  setTimeout(() => { at("run").click(); look("stopped"); }, 1050);
  setTimeout(() => {
    look("later");
    const script = document.createElement("script");
    script.type = "application/json";
    script.id = "answers";
    script.textContent = JSON.stringify(answers);
    document.body.append(script);
  }, 3000);
});
"""
KNOBS = [["noise", 3], ["gain", 3], ["rotation", 22.5], ["offset", 0.01]]


def some_chunks() -> np.ndarray:
    """A half at each power: as made, impaired, and beyond the range that networks take."""
    rng = np.random.default_rng(0)
    parts = []
    for power in (0.005, 0.1):
        made = make_chunks(23, noise_power=power, seed=1, split="evaluation")
        turned = rotate(change_gain(made, rng.uniform(-6, 6, 207)), rng.uniform(-45, 45, 207))
        parts += [made.iq, turned.iq, rng.uniform(-2.3, 2.3, (86, 2, 32)).astype(np.float32)]
    return np.concatenate(parts)


def markup() -> str:
    return "\n".join(
        re.findall(r"```\{raw\} html\n(.*?)```", (ROOT / "book/try_it.md").read_text(), re.S)
    )


@pytest.fixture(scope="module")
def networks():
    return load_tried()


@pytest.fixture(scope="module")
def tried(networks, tmp_path_factory, browse):
    """What the page answered, and its console."""
    folder = tmp_path_factory.mktemp("try_it")
    given = {
        "CHUNKS": base64.b64encode(some_chunks().tobytes()).decode(),
        "POWERS": POWERS.tolist(),
        "PHASE_NOISE": PHASE_NOISE,
        "SETTINGS": SETTINGS,
        "KNOBS": KNOBS,
    }
    constants = "".join(f"const {name} = {json.dumps(value)};" for name, value in given.items())
    sources = [ROOT / f"book/try_it/{name}.js" for name in SCRIPTS]
    scripts = "".join(f'<script defer src="{source.as_uri()}"></script>' for source in sources)
    (folder / "ask.js").write_text(constants + ASK)
    page = f"<!doctype html><meta charset=utf-8>{scripts}<script defer src=ask.js></script>"
    (folder / "page.html").write_text(page + markup() + embed(networks))
    dom, console = browse((folder / "page.html").as_uri())
    assert not console
    return json.loads(dom.select_one("#answers").string)


def test_every_score_of_a_thousand_chunks_is_numpys(tried, networks):
    chunks = some_chunks()
    assert len(chunks) == 1000 and list(tried["scores"]) == list(networks)
    for key, network in networks.items():
        np.testing.assert_array_equal(tried["scores"][key], network.compute(chunks))


def test_every_likeliest_class_is_the_packages(tried):
    chunks, decided = some_chunks(), np.array(tried["likeliest"])
    for power in (0.005, 0.1):
        which = power == POWERS
        likeliest = classify_maximum_likelihood(chunks[which], power)
        np.testing.assert_array_equal(decided[which], likeliest)


def test_what_the_page_draws_is_as_noisy_and_changed_as_it_says(tried):
    labels, received, impaired = map(np.array, tried["drawn"].values())
    assert np.bincount(labels, minlength=9).min() > 15
    iq = received.reshape(-1, 2, 32)
    for label, name in enumerate(CONSTELLATIONS):
        samples = (iq[labels == label, 0] + 1j * iq[labels == label, 1]).ravel()
        distances = np.abs(samples[:, None] - CONSTELLATIONS[name])
        sent = np.bincount(distances.argmin(1)) / len(samples)
        assert len(sent) == len(CONSTELLATIONS[name]) and sent.max() < 2 / len(sent)
        if name in ("BPSK", "QPSK"):  # whose points are not mistaken at this noise
            assert (distances.min(1) ** 2).mean() == pytest.approx(0.02, rel=0.1)
    changed = change_gain(Chunks(iq, labels, "evaluation"), SETTINGS["decibels"])
    changed = offset_frequency(rotate(changed, SETTINGS["degrees"]), SETTINGS["cycles"])
    np.testing.assert_allclose(impaired.reshape(-1, 2, 32), changed.iq, atol=1e-6)


def counts(shown):
    """Who decides -> how many decisions are wrong."""
    return [int(row[1].split()[0]) for row in shown["decisions"]]


def test_knobs_change_what_is_shown_and_the_ceiling_is_told_of_all_but_the_noise(tried):
    shown = tried["shown"]
    assert len({shown[name]["picture"] for name in ("first", *dict(KNOBS))}) == 5
    for name, reading in zip(dict(KNOBS), ("3 dB", "+3 dB", "+22.5°", "+0.01"), strict=True):
        assert shown[name]["sent"] == "8PSK" and shown[name]["count"] == "50"
        assert reading in shown[name]["label"]
        ceiling, *others = counts(shown[name])
        assert (ceiling > 0) == (name == "noise") and max(others) > 20
    _, untold, _, earned, smallest = counts(shown["rotation"])
    assert untold == earned == smallest == 50  # it is 16PSK to all who learnt well
    assert shown["again"] == shown["first"]


def test_it_runs_until_it_is_frozen_then_says_what_it_shows(tried):
    hundred, stopped, later = (tried["shown"][name] for name in ("hundred", "stopped", "later"))
    assert tried["shown"]["running"]["run"] == "Freeze" and stopped["run"] == "Run"
    assert int(stopped["count"]) > int(hundred["count"]) == 100
    assert stopped["spoken"] == "" and later["spoken"].startswith(f"Sent: {later['sent']}. ceil")
    assert stopped | {"spoken": later["spoken"]} == later
    ceiling, untold, heart, earned, smallest = counts(hundred)
    assert ceiling == untold == 0 and max(earned, smallest) <= 2 and 20 < heart < 45
    scores = [[float(cell.replace("−", "-")) for cell in row[1:]] for row in later["scores"]]
    highest = [list(CONSTELLATIONS)[label] for label in np.argmax(scores, axis=0)]
    assert highest == [row[0].split()[1] for row in later["decisions"]]


def test_the_three_are_right_as_often_as_recorded(networks):
    for key, row in load_counts().items():
        seed = int(row["seed"])
        chunks = make_chunks(FRESH_CHUNKS_PER_CLASS, seed=seed, split="evaluation")
        right = (networks[key].compute(chunks.iq).argmax(1) == chunks.labels).sum()
        assert (right, len(chunks)) == (row["fresh_correct"], row["fresh_count"])
    assert networks[SMALLEST].name == OUR_NETWORK


def test_a_network_whose_sums_leave_the_word_is_refused():
    weights, biases = np.ones((9, 2, 1), np.int8), np.full(9, 1 << 30)
    layer = IntegerLayer("linear1", "linear", 0, 0, 8, weights, biases, np.zeros(9, np.int8))
    with pytest.raises(ValueError, match=r"sums of 32 bits in linear1; allowed: under 32$"):
        embed({HEART: IntegerNetwork("wide", 8, 1, 8, 0, (layer,))})

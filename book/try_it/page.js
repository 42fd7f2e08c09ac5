// The page "Try it": draws a chunk, has it decided, shows both and counts.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const held = JSON.parse(document.getElementById("try-it-data").textContent);
  const names = Object.keys(held.constellations), classes = Object.values(held.constellations);
  const networks = Object.fromEntries(
    Object.entries(held.networks).map(([key, network]) => [key, amr.unpack(network)]));
  const element = (id) => document.getElementById(`try-it-${id}`);
  const signed = (value) => (value > 0 ? `+${value}` : `${value}`.replace("-", "−"));
  const KNOBS = ["noise", "gain", "rotation", "offset"];
  const READINGS = { // what a knob's value says
    noise: (value) => `${value} dB, Nₐ = ${(10 ** (-value / 10)).toPrecision(2)}`,
    gain: (value) => `${signed(value)} dB`,
    rotation: (value) => `${signed(value)}°`,
    offset: (value) => `${signed(value)}, ${signed(Math.round(360 * value * held.size))}° a chunk`,
  };
  const FRAME = 200, CHUNKS = 20; // ms from picture to picture, and chunks decided in between

  let random = amr.uniform(1), drawn, shown, settings, counted, running = null, said = null;

  function read() {
    const [noise, decibels, degrees, cycles] = KNOBS.map((knob) => Number(element(knob).value));
    const chosen = names.indexOf(element("class").value);
    settings = { noisePower: 10 ** (-noise / 10), decibels, degrees, cycles, chosen };
    for (const knob of KNOBS) {
      const reading = READINGS[knob](Number(element(knob).value));
      element(`${knob}-reading`).textContent = reading;
      element(knob).setAttribute("aria-valuetext", reading);
    }
  }

  // What is sent and received of what was drawn, and what each makes of it.
  function decide() {
    const label = settings.chosen < 0 ? Math.floor(drawn.label * names.length) : settings.chosen;
    const sent = amr.receive(drawn, classes[label], settings.noisePower, held.phase_noise);
    const iq = amr.impair(sent, settings);
    const scores = {
      ceiling: amr.logLikelihoods(sent, settings.noisePower, classes), // it undoes what it knows
      untold: amr.logLikelihoods(iq, settings.noisePower, classes),
    };
    for (const key in networks) scores[key] = amr.compute(networks[key], iq);
    const decisions = {};
    for (const key in scores) decisions[key] = amr.decide(scores[key]);
    shown = { label, iq, scores, decisions };
  }

  function step() {
    drawn = amr.draw(random, held.size);
    decide();
    counted.chunks++;
    const missed = shown.decisions.ceiling !== shown.label;
    for (const key in shown.decisions) {
      const wrong = shown.decisions[key] !== shown.label;
      counted.wrong[key] += wrong;
      counted.avoidable[key] += wrong && !missed;
    }
  }

  function countAnew() {
    const zeros = () => Object.fromEntries(Object.keys(shown.decisions).map((key) => [key, 0]));
    counted = { chunks: 0, wrong: zeros(), avoidable: zeros() };
  }

  function show() {
    element("sent").textContent = names[shown.label];
    for (const key in shown.decisions) {
      const row = element(key), right = shown.decisions[key] === shown.label;
      const [, decision, wrong, avoidable] = row.cells;
      decision.textContent = `${right ? "✓" : "✗"} ${names[shown.decisions[key]]}`;
      decision.className = right ? "right" : "wrong";
      wrong.textContent = share(counted.wrong[key]);
      avoidable.textContent = key === "ceiling" ? "" : share(counted.avoidable[key]);
      const column = 1 + Object.keys(shown.scores).indexOf(key);
      shown.scores[key].forEach((score, label) => {
        const cell = element("scores").rows[label].cells[column];
        const text = Number.isInteger(score) ? `${score}` : score.toFixed(1);
        cell.textContent = text.replace("-", "−");
        cell.className = label === shown.decisions[key] ? "highest" : "";
      });
    }
    element("count").textContent = counted.chunks.toLocaleString("en");
    paint();
  }

  const share = (count) => (counted.chunks
    ? `${count.toLocaleString("en")} (${(100 * count / counted.chunks).toFixed(1)}\u00a0%)` : "–");

  // For those who listen: once the chunk has stood for a while, and never while it runs.
  function say() {
    clearTimeout(said);
    if (running) return;
    said = setTimeout(() => {
      const rows = Object.keys(shown.decisions).map((key) =>
        `${element(key).cells[0].textContent}: ${names[shown.decisions[key]]}`);
      element("spoken").textContent = `Sent: ${names[shown.label]}. ${rows.join(". ")}.`;
    }, 700);
  }

  // The plane up to where the networks' inputs end, the points sent, the samples received.
  function paint() {
    const canvas = element("canvas"), side = canvas.clientWidth * devicePixelRatio;
    if (!side) return;
    canvas.width = canvas.height = side;
    const context = canvas.getContext("2d"), style = getComputedStyle(canvas);
    const color = (name) => style.getPropertyValue(name);
    const unit = side / 4.4, dot = Math.max(side / 110, 2);
    const at = (i, q) => [side / 2 + unit * i, side / 2 - unit * q];
    context.lineWidth = devicePixelRatio;
    context.strokeStyle = color("--pst-color-border");
    context.strokeRect(...at(-2, 2), 4 * unit, 4 * unit);
    for (const [from, to] of [[at(-2, 0), at(2, 0)], [at(0, -2), at(0, 2)]]) {
      context.beginPath();
      context.moveTo(...from);
      context.lineTo(...to);
      context.stroke();
    }
    context.strokeStyle = color("--pst-color-text-muted");
    for (const point of classes[shown.label]) ring(context, at(...point), 1.6 * dot);
    context.fillStyle = context.strokeStyle = color("--pst-color-primary");
    for (let k = 0; k < held.size; k++) {
      const sample = [shown.iq[k], shown.iq[held.size + k]];
      const inside = sample.map((x) => Math.min(Math.max(x, -2), 2));
      ring(context, at(...inside), dot);
      if (inside.every((x, axis) => x === sample[axis])) context.fill();
    }
    canvas.setAttribute("aria-label", describe());
  }

  function ring(context, [x, y], radius) {
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.stroke();
  }

  const describe = () =>
    `Constellation: ${held.size} samples of ${names[shown.label]} as received, dots, about its ` +
    `${classes[shown.label].length} points, rings. ` +
    KNOBS.map((knob) => `${element(knob).labels[0].textContent}: ` +
      element(`${knob}-reading`).textContent).join("; ") + ".";

  function run() {
    for (let k = 0; k < CHUNKS; k++) step();
    show();
  }

  function toggle() {
    running = running ? clearInterval(running) : setInterval(run, FRAME);
    element("run").textContent = running ? "Freeze" : "Run";
    say();
  }

  function change() {
    read();
    decide();
    countAnew();
    show();
    say();
  }

  function next() {
    step();
    show();
    say();
  }

  function reset() {
    for (const knob of KNOBS) element(knob).value = element(knob).defaultValue;
    element("class").selectedIndex = 0;
    random = amr.uniform(1);
    drawn = amr.draw(random, held.size);
    change();
  }

  for (const name of names) {
    element("class").add(new Option(name));
    element("scores").insertAdjacentHTML(
      "beforeend", `<tr><th scope="row">${name}</th>${"<td></td>".repeat(5)}</tr>`);
  }
  for (const id of [...KNOBS, "class"]) element(id).addEventListener("input", change);
  element("run").addEventListener("click", toggle);
  element("next").addEventListener("click", next);
  element("reset").addEventListener("click", reset);
  addEventListener("resize", paint);
  new MutationObserver(paint).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  element("page").hidden = false;
  reset();
  Object.assign(amr, { networks, classes }); // for the test
});

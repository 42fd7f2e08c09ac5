// A chunk of received symbols, as amrpkg/signals draws and changes it:
//
//   r = (s + sqrt(noise_power) n) exp(j phase_noise t), then gain, rotation and frequency offset.
"use strict";
window.amr = window.amr || {};

// Numbers from 0 to 1, the same ones for a seed in every browser: mulberry32, by T. Ettinger.
amr.uniform = (seed) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
};

// What chance decides of a chunk, before class and noise power are known, so that both can be
// changed and the chunk is still the same one.
amr.draw = (random, size) => ({
  label: random(),
  symbols: Float64Array.from({ length: size }, random),
  noise: Array.from({ length: size }, () => complexNormal(random)),
  phases: Float64Array.from({ length: size }, () => Math.SQRT2 * complexNormal(random)[0]),
});

// Complex normal, of unit power: Box and Muller's transform.
function complexNormal(random) {
  const radius = Math.sqrt(-Math.log(1 - random())), angle = 2 * Math.PI * random();
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

// The samples, I then Q, of symbols from these points.
amr.receive = (drawn, points, noisePower, phaseNoise) => {
  const size = drawn.symbols.length, iq = new Float32Array(2 * size);
  const amplitude = Math.sqrt(noisePower);
  for (let k = 0; k < size; k++) {
    const [i, q] = points[Math.floor(drawn.symbols[k] * points.length)];
    const [re, im] = drawn.noise[k];
    turn(iq, k, i + amplitude * re, q + amplitude * im, phaseNoise * drawn.phases[k]);
  }
  return iq;
};

// The same after what a receiver may not know: gain in decibels, rotation in degrees, frequency
// offset in cycles a symbol.
amr.impair = (iq, { decibels, degrees, cycles }) => {
  const size = iq.length / 2, changed = new Float32Array(iq.length);
  const gain = 10 ** (decibels / 20);
  for (let k = 0; k < size; k++) {
    const angle = 2 * Math.PI * (degrees / 360 + cycles * k);
    turn(changed, k, gain * iq[k], gain * iq[size + k], angle);
  }
  return changed;
};

function turn(iq, k, i, q, angle) {
  iq[k] = i * Math.cos(angle) - q * Math.sin(angle);
  iq[iq.length / 2 + k] = i * Math.sin(angle) + q * Math.cos(angle);
}

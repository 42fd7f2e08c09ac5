// A quantised network in integers: what amrpkg/hardware/integers.py says, to the bit.
//
// Every number is a whole one of 32 bits; the page holds only networks whose sums stay in them.
// Values lie channel after channel, each with its positions, as the samples of a chunk do.
"use strict";
window.amr = window.amr || {};

// The nearest whole number, of two as near the even one.
function roundHalfToEven(value) {
  const up = Math.round(value); // of two as near the upper one
  return up - value === 0.5 && up % 2 !== 0 ? up - 1 : up;
}

// sum / 2^shift, rounded likewise; a negative shift goes left.
function shiftRight(sum, shift) {
  if (shift <= 0) return sum << -shift;
  const odd = (sum >> shift) & 1;
  return (sum + (1 << (shift - 1)) - 1 + odd) >> shift;
}

// A sum shifted and, but for the scores, clamped from 0 to 2^bits - 1: the ReLU and the activation's
// bit width in one.
function activate({ shifts, bits }, output, sum) {
  const value = shiftRight(sum, shifts[output]);
  return bits ? Math.min(Math.max(value, 0), 2 ** bits - 1) : value;
}

// Sums of products along the chunk; beyond its ends are zeros.
function convolve(layer, { numbers, positions }) {
  const { outputs, inputs, taps, weights, biases } = layer;
  const reach = taps >> 1, results = new Int32Array(outputs * positions);
  for (let output = 0, next = 0; output < outputs; output++) {
    const sums = results.subarray(output * positions, (output + 1) * positions);
    sums.fill(biases[output]);
    for (let input = 0; input < inputs; input++) {
      for (let tap = 0; tap < taps; tap++, next++) {
        const weight = weights[next], ahead = tap - reach, from = input * positions + ahead;
        const first = Math.max(0, -ahead), end = Math.min(positions, positions - ahead);
        for (let p = first; p < end; p++) sums[p] += weight * numbers[from + p];
      }
    }
    for (let p = 0; p < positions; p++) sums[p] = activate(layer, output, sums[p]);
  }
  return { numbers: results, positions };
}

// Sums of products of all values of the chunk.
function connect(layer, { numbers }) {
  const { outputs, inputs, weights, biases } = layer, results = new Int32Array(outputs);
  for (let output = 0, next = 0; output < outputs; output++) {
    let sum = biases[output];
    for (let input = 0; input < inputs; input++, next++) sum += weights[next] * numbers[input];
    results[output] = activate(layer, output, sum);
  }
  return { numbers: results, positions: 1 };
}

const KINDS = {
  conv: convolve,
  linear: connect,
  // The larger of two neighbours.
  pool: (_, { numbers, positions }) => ({
    numbers: Int32Array.from({ length: numbers.length / 2 },
      (_, k) => Math.max(numbers[2 * k], numbers[2 * k + 1])),
    positions: positions / 2,
  }),
  // Of each channel over the chunk.
  sum: (_, { numbers, positions }) => ({
    numbers: Int32Array.from({ length: numbers.length / positions }, (_, channel) =>
      numbers.subarray(channel * positions, (channel + 1) * positions).reduce((a, b) => a + b)),
    positions: 1,
  }),
  // |I| and |Q|, of one bit less, saturated.
  fold: ({ bits }, { numbers, positions }) => ({
    numbers: numbers.map((value) => Math.min(Math.abs(value), 2 ** bits - 1)),
    positions,
  }),
};

// The nine scores of a chunk, Int32Array. iq: its I samples, then its Q samples.
amr.compute = (network, iq) => {
  const largest = 2 ** (network.input_bits - 1), step = 2 ** network.input_exponent;
  const numbers = Int32Array.from(iq, (sample) =>
    roundHalfToEven(Math.min(Math.max(sample / step, -largest), largest - 1)));
  let values = { numbers, positions: iq.length / 2 };
  for (const layer of network.layers) values = KINDS[layer.kind](layer, values);
  return values.numbers;
};

// A network as the page holds it, its weights signed bytes in base64, made ready for `compute`.
amr.unpack = (network) => ({
  ...network,
  layers: network.layers.map((layer) => ("weights" in layer ? {
    ...layer,
    weights: Int8Array.from(atob(layer.weights), (byte) => byte.charCodeAt(0)),
  } : layer)),
});

// The place of the first of the highest scores.
amr.decide = (scores) => scores.indexOf(scores.reduce((a, b) => Math.max(a, b)));

// How likely a chunk is under each class, as amrpkg/evaluation/bounds.py has it, phase noise
// neglected: up to a constant, the sum over the samples r of
//
//   log (1 / M) sum over the class's M points s of exp(-|r - s|^2 / noise_power).
"use strict";
window.amr = window.amr || {};

// The log-likelihoods, an array of one a class. classes: the points of each, [I, Q].
amr.logLikelihoods = (iq, noisePower, classes) => classes.map((points) => {
  const size = iq.length / 2, exponents = new Float64Array(points.length);
  let likelihood = 0;
  for (let k = 0; k < size; k++) {
    let peak = -Infinity, sum = 0; // the peak is taken out, so that not all exponentials are zero
    points.forEach(([i, q], n) => {
      exponents[n] = -((iq[k] - i) ** 2 + (iq[size + k] - q) ** 2) / noisePower;
      peak = Math.max(peak, exponents[n]);
    });
    for (const exponent of exponents) sum += Math.exp(exponent - peak);
    likelihood += peak + Math.log(sum / points.length);
  }
  return likelihood;
});

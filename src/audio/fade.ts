// Fades for the place where one voice ends and another begins.

/** Returns a copy whose last `length` samples fall to silence. */
export function fadeOut(samples: Int16Array, length: number): Int16Array {
  const count = Math.min(length, samples.length);
  const from = samples.length - count;
  return samples.map((sample, i) => (i < from ? sample : Math.round(sample * (1 - (i - from + 1) / count))));
}

/** Returns a copy whose first `length` samples rise from silence; `done` of them were in earlier pieces. */
export function fadeIn(samples: Int16Array, length: number, done = 0): Int16Array {
  return samples.map((sample, i) => (i + done >= length ? sample : Math.round((sample * (i + done)) / length)));
}

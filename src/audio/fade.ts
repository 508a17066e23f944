// Fades for the place where one voice ends and another begins.

/** The last `length` samples fall to silence; a copy. */
export function fadeOut(samples: Int16Array, length: number): Int16Array {
  const count = Math.min(length, samples.length);
  const from = samples.length - count;
  return samples.map((sample, i) => (i < from ? sample : Math.round(sample * (1 - (i - from + 1) / count))));
}

/** The first `length` samples rise from silence; a copy. `done` of them were in pieces before. */
export function fadeIn(samples: Int16Array, length: number, done = 0): Int16Array {
  return samples.map((sample, i) => (i + done >= length ? sample : Math.round((sample * (i + done)) / length)));
}

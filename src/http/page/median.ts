// The middle of some measured times, and how a time is written.

/** @returns undefined of nothing */
export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[sorted.length >> 1];
  if (upper === undefined) return undefined;
  const lower = sorted.length % 2 === 0 ? (sorted[(sorted.length >> 1) - 1] ?? upper) : upper;
  return (lower + upper) / 2;
}

/** 640 → "0.64 s" */
export function secondsText(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(2)} s`;
}

/** 134_000 → "2:14" */
export function clockText(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

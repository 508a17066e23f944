// Where a recording holds sound and where it is quiet, by its level.

export interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

export interface VoicedOptions {
  /** Level in dBFS above which a window is voiced. Comfort noise lies near -70, quiet speech near -40. */
  readonly aboveDbfs?: number;
  /** Quiet up to this long belongs to the span around it, as a gap between words. */
  readonly bridgeMs?: number;
  /** Shorter spans are dropped as clicks. */
  readonly atLeastMs?: number;
}

const WINDOW_MS = 10;

/** Level in dB relative to full scale; digital silence is -Infinity. */
export function levelDbfs(samples: Int16Array, from = 0, to = samples.length): number {
  let energy = 0;
  for (let i = from; i < to; i++) energy += (samples[i] as number) ** 2;
  return 10 * Math.log10(energy / Math.max(1, to - from)) - FULL_SCALE_DB;
}

const FULL_SCALE_DB = 20 * Math.log10(32_768);

/**
 * Voiced spans of mono PCM16, in order, found over 10 ms windows; both edges are then placed within 1 ms.
 * @returns times since the first sample
 */
export function voicedSpans(samples: Int16Array, sampleRateHz: number, options: VoicedOptions = {}): Span[] {
  const { aboveDbfs = -50, bridgeMs = 300, atLeastMs = 30 } = options;
  const spans: { startMs: number; endMs: number }[] = [];
  const window = Math.round((sampleRateHz * WINDOW_MS) / 1000);
  for (let from = 0; from < samples.length; from += window) {
    const to = Math.min(from + window, samples.length);
    if (levelDbfs(samples, from, to) <= aboveDbfs) continue;
    const { first, end } = edges(samples, from, to, sampleRateHz, aboveDbfs);
    const last = spans.at(-1);
    if (last && (first * 1000) / sampleRateHz - last.endMs <= bridgeMs) last.endMs = (end * 1000) / sampleRateHz;
    else spans.push({ startMs: (first * 1000) / sampleRateHz, endMs: (end * 1000) / sampleRateHz });
  }
  return spans.filter(({ startMs, endMs }) => endMs - startMs >= atLeastMs);
}

/** Loud part of a voiced window: index of its first sample, and index after its last one. */
function edges(samples: Int16Array, from: number, to: number, sampleRateHz: number, aboveDbfs: number) {
  const step = Math.max(1, Math.round(sampleRateHz / 1000));
  let first = from;
  while (first + step < to && levelDbfs(samples, first, first + step) <= aboveDbfs) first += step;
  let end = to;
  while (end - step > first && levelDbfs(samples, end - step, end) <= aboveDbfs) end -= step;
  return { first, end };
}

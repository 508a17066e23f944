// The numbers of the policy and their defaults; the configuration may set them.

export type Stage = 'stt' | 'llm' | 'tts' | 'realtime';

export interface BreakerSettings {
  /** Failures in a row that open it. */
  readonly failures: number;
  /** How long it stays open. */
  readonly openMs: number;
  /** Trial calls at once while it is half-open. */
  readonly trials: number;
  /** Successes in a row that close it. */
  readonly successes: number;
}

export interface FailoverSettings {
  readonly breaker: BreakerSettings;
  /** A provider that failed and can't be checked for free is tried again after so long. */
  readonly uncheckedMs: number;
  /** Between two rounds of health checks. */
  readonly checkEveryMs: number;
  /** A voice is gone back to only after its provider was healthy for so long. */
  readonly voiceReturnMs: number;
  /** Hedges may be so large a part of all starts; 0 turns hedging off. */
  readonly hedgeShare: number;
}

export const DEFAULT_FAILOVER: FailoverSettings = {
  breaker: { failures: 5, openMs: 60_000, trials: 3, successes: 2 },
  uncheckedMs: 30_000,
  checkEveryMs: 30_000,
  voiceReturnMs: 60_000,
  hedgeShare: 0.05,
};

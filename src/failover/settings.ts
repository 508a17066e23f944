// The numbers of the policy and their defaults; the configuration may set them.

export type Stage = 'stt' | 'llm' | 'tts' | 'realtime';

export interface BreakerSettings {
  /** Failures in a row that open the breaker. */
  readonly failures: number;
  /** How long the breaker stays open. */
  readonly openMs: number;
  /** Trial calls at once while the breaker is half-open. */
  readonly trials: number;
  /** Successes in a row that close the breaker. */
  readonly successes: number;
}

export interface FailoverSettings {
  readonly breaker: BreakerSettings;
  /** Time after which a failed provider that can't be checked for free is tried again. */
  readonly uncheckedMs: number;
  /** Time between two rounds of health checks. */
  readonly checkEveryMs: number;
  /** How long a provider must have been healthy before the chain goes back to its voice. */
  readonly voiceReturnMs: number;
  /** Largest share of hedges among all starts, from 0 to 1; 0 turns hedging off. */
  readonly hedgeShare: number;
}

export const DEFAULT_FAILOVER: FailoverSettings = {
  breaker: { failures: 5, openMs: 60_000, trials: 3, successes: 2 },
  uncheckedMs: 30_000,
  checkEveryMs: 30_000,
  voiceReturnMs: 60_000,
  hedgeShare: 0.05,
};

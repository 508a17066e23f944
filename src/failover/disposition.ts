// What each kind of failure means for what comes next: the whole policy as one table.
import type { ProviderErrorKind } from './provider-error.ts';

export interface Disposition {
  /** Whether the same provider is asked again: 'once' only while nothing was produced and the retry budget allows. */
  readonly again: 'no' | 'once' | 'after-wait';
  /** 'opens': at once, whatever came before. 'counts': one more failure. 'ignores': it is healthy. 'untold': other calls aren't told. */
  readonly breaker: 'opens' | 'counts' | 'ignores' | 'untold';
  /** How long the provider is not called if the vendor names no time: milliseconds, or until something changes. */
  readonly coolDown: 'breaker' | 'until-changed' | 'none' | { readonly ms: number };
  readonly alert: 'yes' | 'over-threshold' | 'no';
}

const REFUSED: Disposition = { again: 'no', breaker: 'opens', coolDown: 'until-changed', alert: 'yes' };
const BROKEN: Disposition = { again: 'once', breaker: 'counts', coolDown: 'breaker', alert: 'no' };
const UNUSABLE: Disposition = { again: 'no', breaker: 'counts', coolDown: 'breaker', alert: 'no' };

export const DISPOSITIONS: Readonly<Record<ProviderErrorKind, Disposition>> = {
  auth: REFUSED,
  forbidden: REFUSED,
  quota: { again: 'no', breaker: 'opens', coolDown: { ms: 5 * 60_000 }, alert: 'yes' },
  'rate-limit': { again: 'after-wait', breaker: 'ignores', coolDown: { ms: 60_000 }, alert: 'over-threshold' },
  server: BROKEN,
  unreachable: BROKEN,
  timeout: UNUSABLE,
  malformed: UNUSABLE,
  'invalid-request': { again: 'no', breaker: 'ignores', coolDown: 'none', alert: 'yes' },
  // A refusal concerns what this caller said: another model may answer it, and other calls need not know.
  'content-refusal': { again: 'no', breaker: 'untold', coolDown: 'none', alert: 'no' },
};

/** Requests in a row that a provider calls invalid, after which it gets a cool-down. */
export const INVALID_REQUESTS_IN_ROW = 3;
export const INVALID_REQUESTS_COOL_DOWN_MS = 60_000;

/** A connection that is accepted and closed within this time, without any result, is cut off. */
export const CUT_OFF_WITHIN_MS = 5_000;
/** Cut-offs in a row that count as a refused key, as some vendors refuse keys in this way. */
export const CUT_OFFS_IN_ROW = 3;
/** The refused key is a guess: where no free check can confirm it, the provider is not called for this time only. */
export const CUT_OFFS_UNCHECKED_MS = 5 * 60_000;

// What each kind of failure means for what comes next: the whole policy as one table.
import type { ProviderErrorKind } from './provider-error.ts';

export interface Disposition {
  /** Whether the same provider is asked again: 'once' only while nothing was produced and the retry budget allows. */
  readonly again: 'no' | 'once' | 'after-wait';
  /** 'opens': at once, whatever came before. 'counts': one more failure. 'ignores': it is healthy. 'untold': no call but this one knows. */
  readonly breaker: 'opens' | 'counts' | 'ignores' | 'untold';
  /** How long it is left alone where the vendor names no time: milliseconds, or until something changes. */
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
  // It concerns what this caller said: another model may answer it, and other calls are none the wiser.
  'content-refusal': { again: 'no', breaker: 'untold', coolDown: 'none', alert: 'no' },
};

/** So many requests in a row that a provider calls invalid, and it is left alone for a while. */
export const INVALID_REQUESTS_IN_ROW = 3;
export const INVALID_REQUESTS_COOL_DOWN_MS = 60_000;

/** A connection that is accepted and closed within so long, without any result … */
export const CUT_OFF_WITHIN_MS = 5_000;
/** … so many times in a row, is how some vendors refuse a key. */
export const CUT_OFFS_IN_ROW = 3;
/** That is a guess: where no free check can tell, it holds only for so long. */
export const CUT_OFFS_UNCHECKED_MS = 5 * 60_000;

// How long switches took, as the tests of all stages tell it, and the failures that must cost next to nothing.
import type { ProviderErrorKind } from '../../src/failover/provider-error.ts';

/** "Hard" failures are reported at once. A connection that closes is 'unreachable' or, by its code, 'server'. */
export const HARD_FAILURES: readonly { readonly name: string; readonly kind: ProviderErrorKind }[] = [
  { name: 'refused', kind: 'unreachable' },
  { name: '401', kind: 'auth' },
  { name: '402', kind: 'quota' },
  { name: '403', kind: 'forbidden' },
  { name: '429', kind: 'rate-limit' },
  { name: '500', kind: 'server' },
  { name: '503', kind: 'server' },
  { name: 'closed', kind: 'unreachable' },
];

/** Time that a vendor on the same continent needs to refuse. */
export const REFUSAL_MS = 30;
/** Limit over the backup's own time, from the moment at which the failure is reported. */
export const MOST_EXTRA_MS = 50;
/** Limit from the fault to the next provider's first result, at the 99th percentile. */
export const MOST_SWITCH_MS = 1_000;

/** The 99th percentile in milliseconds; prints the median and the longest time too. */
export function percentile99(what: string, times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
  const [p50, p99, most] = [0.5, 0.99, 1].map((share) => Math.round(at(share)));
  process.stdout.write(
    `${what}, ${times.length} faults: median ${p50} ms, 99 % within ${p99} ms, longest ${most} ms\n`,
  );
  return at(0.99);
}

// One row of `pnpm doctor`, and how all rows are found at once within a bounded time.
import { UserError } from '../../config/user-error.ts';

export type RowState = 'good' | 'broken' | 'unused';

export interface Row {
  readonly name: string;
  /** `unused` is no fault: something optional is not set up. */
  readonly state: RowState;
  readonly found: string;
  readonly fix?: string | undefined;
}

export interface Check {
  readonly name: string;
  /** One or more rows; a thrown UserError becomes a broken one. */
  run(signal: AbortSignal): Promise<readonly Row[]>;
}

/** Rows in the order of the checks. A check without a result in time becomes a broken row and is not waited for. */
export async function runChecks(
  checks: readonly Check[],
  timeoutMs: number,
  ending: AbortSignal,
): Promise<readonly Row[]> {
  const results = await Promise.all(checks.map((check) => runCheck(check, timeoutMs, ending)));
  return results.flat();
}

async function runCheck(check: Check, timeoutMs: number, ending: AbortSignal): Promise<readonly Row[]> {
  const { name } = check;
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([ending, timeout]);
  const overdue = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  try {
    return await Promise.race([check.run(signal), overdue]);
  } catch (error) {
    ending.throwIfAborted();
    if (timeout.aborted) {
      const fix = 'run it again when this machine is less busy, and see that the network answers';
      return [{ name, state: 'broken', found: `no result within ${timeoutMs / 1_000} s`, fix }];
    }
    if (error instanceof UserError) return [{ name, state: 'broken', found: error.message, fix: error.fix }];
    return [{ name, state: 'broken', found: firstLine(error), fix: 'this is a defect of Bulletproof: report it' }];
  }
}

export function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] as string;
}

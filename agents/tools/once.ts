// Runs a tool's work once per idempotency key, so that a second provider that asks for the same does nothing twice.
import type { ToolContext } from '../../src/index.ts';

const REMEMBERED = 500;
const results = new Map<string, Promise<unknown>>();

/**
 * The result of the call's first run with this key; a run that failed is forgotten, so that it can be tried again. After the
 * call every run is executed, as it is made only when the one before could not do all.
 */
export function once<Result>(
  { idempotencyKey: key, isLater }: Pick<ToolContext, 'idempotencyKey' | 'isLater'>,
  run: () => Promise<Result>,
): Promise<Result> {
  if (isLater) return run();
  const known = results.get(key);
  if (known) return known as Promise<Result>;
  const result = run();
  results.set(key, result);
  result.catch(() => results.delete(key));
  const oldest = results.keys().next();
  if (results.size > REMEMBERED && !oldest.done) results.delete(oldest.value);
  return result;
}

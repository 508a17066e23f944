// Keeps what a plugin throws where nobody can catch it from ending the process: it fails that plugin's session alone.
import { AsyncLocalStorage } from 'node:async_hooks';

/** Everything that a contained session starts runs in its context, so an error can be traced to its session. */
const context = new AsyncLocalStorage<((error: unknown) => void) | undefined>();
let isInstalled = false;

/**
 * Runs `start`; uncaught errors and unhandled rejections of it, or of anything it leaves running, go to `onError`.
 * All other errors are treated as if this module were not here.
 */
export function contain<Result>(onError: (error: unknown) => void, start: () => Result): Result {
  install();
  return context.run(onError, start);
}

/** Runs `run` as if it were not called from within a containment. */
export function outside<Result>(run: () => Result): Result {
  return context.run(undefined, run);
}

function install(): void {
  if (isInstalled) return;
  isInstalled = true;
  process.on('uncaughtException', onUncaught);
  process.on('unhandledRejection', onUnhandled);
}

function onUncaught(error: unknown): void {
  const owner = context.getStore();
  if (owner) owner(error);
  else if (process.listenerCount('uncaughtException') === 1) passOn('uncaughtException', onUncaught, error);
}

function onUnhandled(reason: unknown): void {
  const owner = context.getStore();
  if (owner) owner(reason);
  else if (process.listenerCount('unhandledRejection') === 1) passOn('unhandledRejection', onUnhandled, reason);
}

/** No other listener exists, so Node would have ended the process: removes ours and throws again, so that it does. */
function passOn(event: string, listener: (error: unknown) => void, error: unknown): void {
  process.off(event, listener);
  if (event === 'unhandledRejection') process.off('uncaughtException', onUncaught);
  setImmediate(() => {
    throw error;
  });
}

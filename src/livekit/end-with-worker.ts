// A call process whose worker is gone: LiveKit's program ignores signals, and notices the loss only once it is loaded.

/** LiveKit's program ends a call itself 15 s after the worker's last message; this limit is for whatever keeps the process alive. */
const CALL_ENDS_MS = 30_000;

/** A process without a call ends as soon as its worker is gone, one with a call at the latest after half a minute. */
export function endWithWorker(hasCall: () => boolean): void {
  process.once('disconnect', () => {
    const end = () => process.kill(process.pid, 'SIGKILL');
    if (hasCall()) setTimeout(end, CALL_ENDS_MS).unref();
    else end();
  });
}

// LiveKit's own log (1.9.0) writes what callers and agents say into fields named "lk.pii.…": they are left out here, at every level.
import { log } from '@livekit/agents';

const PRIVATE = /^lk\.pii\./;
const LEFT_OUT = '[left out]';

interface Formatters {
  log?: ((fields: Record<string, unknown>) => Record<string, unknown>) | undefined;
}

/**
 * Applies to LiveKit's current logger and to all loggers derived from it. Call it right after the logger was made, and
 * again when a job starts: LiveKit derives the job's logger from one that is older than the first call.
 * @throws Error where the logger is not as it was: better no log than callers' words in one
 */
export function keepWordsOutOfLog(): void {
  const logger = log() as unknown as Record<symbol, Formatters | undefined>;
  const symbol = symbolsOf(logger).find(({ description }) => description === 'pino.formatters');
  const formatters = symbol && logger[symbol];
  if (!symbol || !formatters)
    throw new Error("LiveKit's logger is not the one that is known: its fields can't be kept private");
  logger[symbol] = { ...formatters, log: withoutWords };
}

/** A child logger inherits its formatters from its parent, which is its prototype. */
function symbolsOf(logger: object | null): symbol[] {
  return logger ? [...Object.getOwnPropertySymbols(logger), ...symbolsOf(Object.getPrototypeOf(logger))] : [];
}

function withoutWords(fields: Record<string, unknown>): Record<string, unknown> {
  if (!Object.keys(fields).some((name) => PRIVATE.test(name))) return fields;
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, PRIVATE.test(name) ? LEFT_OUT : value]),
  );
}

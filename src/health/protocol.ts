// What call processes and their parent say to each other about health: one JSON object a line, times as ages.
import { z } from 'zod';
import type { Health, Outcome } from '../failover/health.ts';
import { boundedWaitMs, PROVIDER_ERROR_KINDS } from '../failover/provider-error.ts';

/** A longer line is no message of ours. */
export const MAX_LINE_CHARS = 64 * 1024;
/** A peer with more unread bytes than this does not read any more. */
export const MAX_UNREAD_BYTES = 1024 * 1024;
/** Characters that are kept of a vendor's own words, which may be a whole page. */
const MAX_WORDS = 2_000;

/** No time lies further back, or further ahead. */
const OLDEST_MS = 24 * 60 * 60_000;
/** Milliseconds ago, negative for the future; 'always' and 'never' stand for Infinity, which JSON does not have. */
const age = z.union([
  z.number().transform((ms) => Math.min(Math.max(ms, -OLDEST_MS), OLDEST_MS)),
  z.enum(['always', 'never']),
]);
type Age = z.infer<typeof age>;

const count = z.number().min(0).max(1e9);
const failureShape = {
  kind: z.enum(PROVIDER_ERROR_KINDS),
  message: z.string().transform((words) => words.slice(0, MAX_WORDS)),
  status: z.number().optional(),
  retryAfterMs: z.number().transform(boundedWaitMs).optional(),
};
const failure = z.object(failureShape);
const latency = z.object({ count, p50: count, p90: count, p95: count });

const outcome = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('success'),
    trial: z.boolean(),
    startedAge: age,
    connectMs: count.exactOptional(),
    firstMs: count.exactOptional(),
  }),
  z.object({
    type: z.literal('failure'),
    trial: z.boolean(),
    failure,
    checkable: z.boolean(),
    waitedMs: count.exactOptional(),
  }),
  z.object({ type: z.literal('cut-off'), trial: z.boolean(), checkable: z.boolean() }),
  z.object({ type: z.literal('release'), trial: z.boolean() }),
  z.object({ type: z.literal('check-passed') }),
  z.object({ type: z.literal('check-failed'), failure }),
]);

const health = z.object({
  breaker: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('closed'), failures: count }),
    z.object({ kind: z.literal('open'), untilAge: age }),
    z.object({ kind: z.literal('half-open'), trials: count, successes: count }),
  ]),
  suspect: z.object({ untilAge: age, trials: count }).optional(),
  blocked: z.object({ untilAge: age, kind: failureShape.kind }).optional(),
  failuresInRow: count,
  wellSinceAge: age,
  provenAge: age,
  lastFailure: z.object({ ...failureShape, age }).optional(),
  lastCheckAge: age.optional(),
  connect: latency.optional(),
  first: latency.optional(),
});
/** Health as it travels: clocks of two machines differ by seconds, ages don't. */
export type HealthInAges = z.infer<typeof health>;

const id = z.string().max(1_000);

const fromClient = z.discriminatedUnion('type', [
  /** The client has sent all that it met while it was disconnected; now the states may come. */
  z.object({ type: z.literal('hello') }),
  z.object({ type: z.literal('report'), id, outcome }),
  /** What the client learned of a provider while it was disconnected. */
  z.object({ type: z.literal('state'), id, health }),
  /** Asks for a trial call. */
  z.object({ type: z.literal('ask'), id }),
  /** The granted trial begins. */
  z.object({ type: z.literal('use'), id }),
  /** The granted trial will not be made. */
  z.object({ type: z.literal('return'), id }),
  /** Number of attempts under way at a provider in this process. */
  z.object({ type: z.literal('load'), id, count }),
  /** Anything else that the parent collects: metrics, switches, log events. */
  z.object({ type: z.literal('event'), event: z.string().max(200), data: z.json() }),
]);
export type ClientMessage = z.infer<typeof fromClient>;
export type EventMessage = Extract<ClientMessage, { type: 'event' }>;

const fromServer = z.discriminatedUnion('type', [
  z.object({ type: z.literal('state'), id, health, isMeasureOnly: z.boolean() }),
  /** Number of attempts under way at a provider in all other processes. */
  z.object({ type: z.literal('load'), id, elsewhere: count }),
  /** The configuration files as the parent last accepted them. */
  z.object({ type: z.literal('config'), env: z.string(), providers: z.string() }),
  /** All states have been sent. */
  z.object({ type: z.literal('synced') }),
  z.object({ type: z.literal('answer'), id, isGranted: z.boolean() }),
]);
export type ServerMessage = z.infer<typeof fromServer>;

export function encode(message: ClientMessage | ServerMessage): string {
  return `${JSON.stringify(message)}\n`;
}

export const parseClientMessage = (line: string): ClientMessage | undefined => parse(fromClient, line);
export const parseServerMessage = (line: string): ServerMessage | undefined => parse(fromServer, line);
/** undefined for data that is no health. */
export const parseHealth = (data: unknown): HealthInAges | undefined => health.safeParse(data).data;

function parse<Message>(schema: z.ZodType<Message>, line: string): Message | undefined {
  try {
    return schema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

/** Splits text that arrives in pieces into lines; a line longer than MAX_LINE_CHARS is dropped and reported as undefined. */
export function lineReader(onLine: (line: string | undefined) => void): (piece: string) => void {
  let begun = '';
  let isTooLong = false;
  return (piece) => {
    const lines = (begun + piece).split('\n');
    begun = lines.pop() as string;
    for (const line of lines) {
      if (isTooLong || line.length > MAX_LINE_CHARS) onLine(undefined);
      else if (line !== '') onLine(line);
      isTooLong = false;
    }
    if (begun.length > MAX_LINE_CHARS) isTooLong = true;
    if (isTooLong) begun = '';
  };
}

function toAge(atMs: number, nowMs: number): Age {
  const ms = nowMs - atMs;
  return Number.isFinite(ms) ? ms : ms > 0 ? 'always' : 'never';
}

function fromAge(value: Age, nowMs: number): number {
  if (value === 'always') return Number.NEGATIVE_INFINITY;
  return value === 'never' ? Number.POSITIVE_INFINITY : nowMs - value;
}

export function outcomeToAges(given: Outcome, nowMs: number): z.infer<typeof outcome> {
  if (given.type === 'success') {
    const { startedMs, ...rest } = given;
    return { ...rest, startedAge: toAge(startedMs, nowMs) };
  }
  if (given.type !== 'failure' && given.type !== 'check-failed') return given;
  const { failure } = given;
  return { ...given, failure: { ...failure, message: failure.message.slice(0, MAX_WORDS) } };
}

export function outcomeFromAges(given: z.infer<typeof outcome>, nowMs: number): Outcome {
  if (given.type !== 'success') return given;
  const { startedAge, ...rest } = given;
  return { ...rest, startedMs: fromAge(startedAge, nowMs) };
}

export function healthToAges(given: Health, nowMs: number): HealthInAges {
  const { breaker, suspect, blocked, lastFailure, wellSinceMs, provenMs, lastCheckMs, ...rest } = given;
  const { atMs = 0, ...failed } = lastFailure ?? { message: '', kind: 'server' as const };
  return {
    ...rest,
    breaker: breaker.kind === 'open' ? { kind: 'open', untilAge: toAge(breaker.untilMs, nowMs) } : breaker,
    suspect: suspect && { untilAge: toAge(suspect.untilMs, nowMs), trials: suspect.trials },
    blocked: blocked && { untilAge: toAge(blocked.untilMs, nowMs), kind: blocked.kind },
    wellSinceAge: toAge(wellSinceMs, nowMs),
    provenAge: toAge(provenMs, nowMs),
    lastFailure: lastFailure && {
      ...failed,
      message: failed.message.slice(0, MAX_WORDS),
      age: toAge(atMs, nowMs),
    },
    lastCheckAge: lastCheckMs === undefined ? undefined : toAge(lastCheckMs, nowMs),
  };
}

export function healthFromAges(given: HealthInAges, nowMs: number): Health {
  const { breaker, suspect, blocked, lastFailure, connect, first } = given;
  return {
    breaker: breaker.kind === 'open' ? { kind: 'open', untilMs: fromAge(breaker.untilAge, nowMs) } : breaker,
    suspect: suspect && { untilMs: fromAge(suspect.untilAge, nowMs), trials: suspect.trials },
    blocked: blocked && { untilMs: fromAge(blocked.untilAge, nowMs), kind: blocked.kind },
    failuresInRow: given.failuresInRow,
    wellSinceMs: fromAge(given.wellSinceAge, nowMs),
    provenMs: fromAge(given.provenAge, nowMs),
    lastFailure: lastFailure && failureFromAges(lastFailure, nowMs),
    lastCheckMs: given.lastCheckAge === undefined ? undefined : fromAge(given.lastCheckAge, nowMs),
    connect,
    first,
  };
}

function failureFromAges(given: NonNullable<HealthInAges['lastFailure']>, nowMs: number): Health['lastFailure'] {
  const { age, ...failed } = given;
  return { ...failed, atMs: fromAge(age, nowMs) };
}

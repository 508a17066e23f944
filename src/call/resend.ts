// Runs tools again that could not hand over what a caller gave, in the parent process, until they can.
import type { Environment } from '../config/environment.ts';
import type { Persona } from '../config/persona.ts';
import type { Clock } from '../failover/clock.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Outbox, OutboxEntry } from './outbox.ts';
import { declared } from './tools.ts';

export interface ResendOptions {
  readonly outbox: Outbox;
  readonly personas: ReadonlyMap<string, Persona>;
  readonly env: () => Environment;
  readonly clock: Clock;
  readonly log: Logger;
}

const LOOK_EVERY_MS = 60_000;
const FIRST_WAIT_MS = 60_000;
const LONGEST_WAIT_MS = 3_600_000;
/** Entries are dropped after this time: the log told a colleague, who has acted by then. */
const GIVEN_UP_MS = 7 * 24 * 3_600_000;
const RUN_MS = 30_000;

/** @returns stops it */
export function startResending(options: ResendOptions): () => void {
  const { clock, log } = options;
  let cancel: () => void = () => undefined;
  let isStopped = false;
  const look = async () => {
    await resend(options).catch((error: unknown) =>
      log.error({ event: 'resend_failed', error: String(error) }, 'resending failed'),
    );
    if (!isStopped) cancel = clock.setTimeout(() => void look(), LOOK_EVERY_MS);
  };
  void look();
  return () => {
    isStopped = true;
    cancel();
  };
}

/** Runs every entry that is due once. */
export async function resend(options: ResendOptions): Promise<void> {
  const { outbox, clock } = options;
  for (const entry of await outbox.all()) if (entry.nextMs <= clock.now()) await resendOne(options, entry);
}

async function resendOne(options: ResendOptions, entry: OutboxEntry): Promise<void> {
  const { outbox, clock, log } = options;
  const fields = { tool: entry.tool, session_id: entry.callId, attempts: entry.attempts + 1 };
  if (await isHandedOver(options, entry)) {
    await outbox.remove(entry.idempotencyKey);
    log.info({ event: 'sent_on', ...fields }, `${entry.tool}: what was kept locally was sent on`);
    return;
  }
  if (clock.now() - entry.sinceMs > GIVEN_UP_MS) {
    await outbox.remove(entry.idempotencyKey);
    log.error(
      { event: 'sending_given_up', ...fields },
      `${entry.tool}: could not be sent on for a week; the journal has it`,
    );
    return;
  }
  const waitMs = Math.min(FIRST_WAIT_MS * 2 ** entry.attempts, LONGEST_WAIT_MS);
  await outbox.put({ ...entry, attempts: entry.attempts + 1, nextMs: clock.now() + waitMs });
}

async function isHandedOver({ personas, env, log }: ResendOptions, entry: OutboxEntry): Promise<boolean> {
  const { personaId, callId, room, caller, idempotencyKey } = entry;
  const tool = personas.get(personaId)?.tools.find(({ name }) => name === entry.tool);
  if (!tool) return false;
  let isAskedAgain = false;
  try {
    await tool.execute(tool.parameters.parse(entry.args), {
      callId,
      room,
      personaId,
      caller,
      idempotencyKey,
      signal: AbortSignal.timeout(RUN_MS),
      env: declared(tool, env()),
      isLater: true,
      // The journal has the entry of the call already.
      record: async () => undefined,
      retryLater: async () => {
        isAskedAgain = true;
      },
      log: (level, event, more) => log[level]({ event, session_id: callId, ...more }, event.replaceAll('_', ' ')),
    });
  } catch {
    return false;
  }
  return !isAskedAgain;
}

// What could not be handed over to the CRM during a call is handed over afterwards, once.
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import sales from '../../agents/sales.ts';
import { type GhlFixture, startGoHighLevel } from '../../fixtures/vendors/gohighlevel.ts';
import { type OutboxEntry, openOutbox } from '../../src/call/outbox.ts';
import { resend } from '../../src/call/resend.ts';
import { createLogger } from '../../src/telemetry/log.ts';
import { FakeClock } from '../support/fake-clock.ts';

const MINUTE_MS = 60_000;
let directory: string;
let crm: GhlFixture;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'bulletproof-outbox-'));
  crm = await startGoHighLevel({ apiKey: 'pit', freeSlots: ['2026-03-03T09:00:00-05:00'] });
});
afterEach(async () => {
  await crm.close();
  rmSync(directory, { recursive: true });
});

const entry = (tool: string, args: unknown): OutboxEntry => ({
  tool,
  personaId: 'sales',
  args,
  callId: 'call-1',
  room: 'room',
  caller: { identity: 'caller' },
  idempotencyKey: `key-of-${tool}`.padEnd(20, 'x'),
  sinceMs: 0,
  attempts: 0,
  nextMs: 0,
});

function setUp() {
  const clock = new FakeClock();
  const outbox = openOutbox(join(directory, 'outbox'));
  const env = {
    GHL_API_KEY: 'pit',
    GHL_LOCATION_ID: 'loc1',
    GHL_CALENDAR_ID: 'cal1',
    GHL_BASE_URL: crm.url,
  };
  const personas = new Map([['sales', sales]]);
  const look = () => resend({ outbox, personas, env: () => env, clock, log: createLogger({ level: 'silent' }) });
  return { clock, outbox, look };
}

it('sends on a contact, and the wish for a visit as a note, as nobody could tell the caller of a time', async () => {
  const { outbox, look } = setUp();
  await outbox.put(entry('save_contact', { name: 'Anna Baker', phone: '5035550142' }));
  await outbox.put(entry('book_appointment', { name: 'Anna Baker', phone: '5035550142', day: 'Monday' }));
  await look();
  expect(await outbox.all()).toEqual([]);
  expect(crm.contacts).toEqual([expect.objectContaining({ firstName: 'Anna', phone: '+15035550142' })]);
  expect(crm.notes.map(({ body }) => body)).toEqual([expect.stringContaining('not booked yet: Monday')]);
  expect(crm.appointments).toEqual([]);
});

it('tries again after longer and longer waits, and never twice at once', async () => {
  const { clock, outbox, look } = setUp();
  await outbox.put(entry('save_contact', { name: 'Anna Baker', phone: '5035550142' }));
  crm.faults.fail({ kind: 'status', status: 503 }, Number.POSITIVE_INFINITY);
  const waits: number[] = [];
  for (let times = 0; times < 4; times += 1) {
    await look();
    const [kept] = await outbox.all();
    waits.push(((kept?.nextMs ?? 0) - clock.now()) / MINUTE_MS);
    const before = crm.requests.length;
    await look();
    expect(crm.requests).toHaveLength(before);
    await clock.advance((kept?.nextMs ?? 0) - clock.now());
  }
  expect(waits).toEqual([1, 2, 4, 8]);
  crm.faults.mend();
  await look();
  expect(await outbox.all()).toEqual([]);
  expect(crm.contacts).toHaveLength(1);
}, 60_000);

it('gives up after a week', async () => {
  const { clock, outbox, look } = setUp();
  await outbox.put(entry('no_such_tool', {}));
  await look();
  expect(await outbox.all()).toHaveLength(1);
  await clock.advance(8 * 24 * 60 * MINUTE_MS);
  await look();
  expect(await outbox.all()).toEqual([]);
});

it('is for this user alone, and survives rubbish among its files', async () => {
  const { outbox, look } = setUp();
  await outbox.put(entry('save_contact', { name: 'Anna', phone: '5035550142' }));
  expect(statSync(join(directory, 'outbox')).mode & 0o777).toBe(0o700);
  writeFileSync(join(directory, 'outbox', 'rubbish.json'), '{"tool":');
  writeFileSync(
    join(directory, 'outbox', 'other.json'),
    JSON.stringify({ ...entry('x', {}), idempotencyKey: '../../etc' }),
  );
  await look();
  expect(await outbox.all()).toEqual([]);
  expect(crm.contacts).toHaveLength(1);
});

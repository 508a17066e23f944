// The CRM tools against a server that speaks GoHighLevel's API: what they write, and what they say when it fails.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { goHighLevelTools } from '../../agents/tools/gohighlevel.ts';
import type { Fault } from '../../fixtures/faults.ts';
import { type GhlFixture, startGoHighLevel } from '../../fixtures/vendors/gohighlevel.ts';
import { toolContext } from './tool-context.ts';

const NOW = new Date('2026-03-02T12:00:00-05:00');
const SLOTS = [
  '2026-03-03T09:00:00-05:00',
  '2026-03-03T14:30:00-05:00',
  '2026-03-04T10:00:00-05:00',
  '2026-03-05T16:00:00-05:00',
];
const ANNA = { name: 'Anna Baker', phone: '5035550142' };
const tools = goHighLevelTools({ now: () => NOW, timeoutMs: 150 });

let crm: GhlFixture;
beforeEach(async () => {
  crm = await startGoHighLevel({
    apiKey: 'pit-secret',
    contacts: [
      {
        id: 'c1',
        firstName: 'Peter',
        lastName: 'Smith',
        phone: '+15035550100',
        email: 'peter@example.com',
        tags: ['lead'],
      },
      { id: 'c2', firstName: 'Petra', lastName: 'Smith', phone: '+15035550101' },
    ],
    freeSlots: SLOTS,
  });
});
afterEach(() => crm.close());

const env = (changes: Record<string, string | undefined> = {}) => ({
  GHL_API_KEY: 'pit-secret',
  GHL_LOCATION_ID: 'loc1',
  GHL_CALENDAR_ID: 'cal1',
  GHL_BASE_URL: crm.url,
  ...changes,
});
const context = (changes: Parameters<typeof toolContext>[0] = {}) => toolContext({ env: env(), ...changes });

/** As the session does: the arguments are checked before the tool runs. */
async function run(name: string, args: Record<string, unknown>, within = context()): Promise<Record<string, unknown>> {
  const tool = tools.find((candidate) => candidate.name === name);
  if (!tool) throw new Error(`no tool ${name}`);
  return (await tool.execute(tool.parameters.parse(args), within)) as Record<string, unknown>;
}

const paths = () => crm.requests.map(({ method, path }) => `${method} ${path}`);

/** What was written, or tried to. */
const posts = () => paths().filter((path) => path.startsWith('POST'));
const PETER = { name: 'peter smith', phone: '(503) 555-0100' };

describe('look_up_contact', () => {
  it.each([
    ['the name and the number', PETER, undefined],
    ['the name and the address', { name: 'Mr. Péter Smith', email: 'Peter@example.com' }, undefined],
    ['the number that they call from', {}, '+15035550100'],
  ])('finds the caller by %s', async (_, by, phoneNumber) => {
    const caller = { identity: 'caller', ...(phoneNumber && { phoneNumber }) };
    const result = await run('look_up_contact', by, context({ caller }));
    expect(result).toMatchObject({ status: 'found', contacts: [{ contactId: 'c1', name: 'Peter Smith' }] });
  });

  it.each([
    ['a name', { name: 'Peter Smith' }, undefined],
    ['a number', { phone: '5035550100' }, undefined],
    ['an address', { email: 'peter@example.com' }, undefined],
    ['somebody else’s name', { name: 'Petra Smith', phone: '5035550100' }, undefined],
    ['half a name', { name: 'Smith', phone: '5035550100' }, undefined],
    ['a number, calling from another', { phone: '5035550100' }, '+15035550101'],
    ['what nobody has', { name: 'Peter Smith', phone: '5035559999' }, undefined],
  ])('tells nothing of a contact to who knows only %s, not even that there is one', async (_, by, phoneNumber) => {
    const caller = { identity: 'caller', ...(phoneNumber && { phoneNumber }) };
    const result = await run('look_up_contact', by, context({ caller }));
    if (phoneNumber) expect(JSON.stringify(result)).not.toContain('Peter');
    else expect(result).toEqual({ status: 'not-found', note: expect.stringContaining('full name') });
  });

  it('sends the key and the version that each part of the API wants', async () => {
    await run('look_up_contact', PETER);
    expect(crm.requests[0]?.headers).toMatchObject({ authorization: 'Bearer pit-secret', version: '2021-07-28' });
  });

  it('tells a refused key without showing it', async () => {
    const wrong = context({ env: env({ GHL_API_KEY: 'pit-wrong' }) });
    const failing = run('look_up_contact', PETER, wrong);
    await expect(failing).rejects.toThrow('the key in GHL_API_KEY was refused');
    await expect(failing).rejects.not.toThrow('pit-wrong');
    expect(crm.requests).toHaveLength(1);
  });
});

describe('save_contact', () => {
  it('creates a contact, then updates the same one', async () => {
    expect(await run('save_contact', ANNA)).toMatchObject({ status: 'created' });
    expect(await run('save_contact', { ...ANNA, email: 'anna@example.com' })).toMatchObject({ status: 'updated' });
    expect(crm.contacts.filter(({ lastName }) => lastName === 'Baker')).toEqual([
      expect.objectContaining({
        firstName: 'Anna',
        phone: '+15035550142',
        email: 'anna@example.com',
        source: 'voice agent',
      }),
    ]);
  });

  it.each<[string, Fault]>([
    ['a failure of the service', { kind: 'status', status: 500 }],
    ['too many requests', { kind: 'status', status: 429, retryAfterS: 0 }],
    ['a lost connection', { kind: 'refuse' }],
    ['a connection lost after the write', { kind: 'drop', after: 0 }],
    ['no answer in time', { kind: 'slow', delayMs: 400 }],
  ])('tries once more after %s', async (_, fault) => {
    crm.faults.fail(fault);
    expect(await run('save_contact', ANNA)).toMatchObject({ status: expect.stringMatching(/created|updated/) });
    expect(posts()).toEqual(['POST /contacts/upsert', 'POST /contacts/upsert']);
    expect(crm.contacts).toHaveLength(3);
  });

  it.each<[string, Fault, number, string]>([
    ['a refused value', { kind: 'status', status: 422 }, 1, 'The CRM does not have it.'],
    ['a refused key', { kind: 'status', status: 401 }, 1, 'The CRM does not have it.'],
    ['a long wait', { kind: 'status', status: 429, retryAfterS: 60 }, 1, 'The CRM does not have it.'],
    ['two failures', { kind: 'status', status: 503 }, 2, 'It is not certain whether the CRM has it.'],
  ])('keeps it in the journal after %s, and says so', async (_, fault, requests, note) => {
    crm.faults.fail(fault, 2);
    const within = context();
    const result = await run('save_contact', ANNA, within);
    expect(result).toMatchObject({ status: 'kept-locally', note: expect.stringContaining(note) });
    expect(posts()).toHaveLength(requests);
    expect(within.records).toEqual([{ type: 'contact', data: expect.objectContaining(ANNA) }]);
    expect(within.logs).toEqual([expect.objectContaining({ level: 'error', event: 'crm_failed' })]);
    expect(JSON.stringify(within.logs)).not.toContain('pit-secret');
  });

  it('runs once per idempotency key', async () => {
    const within = context();
    const [first, second] = await Promise.all([run('save_contact', ANNA, within), run('save_contact', ANNA, within)]);
    expect(second).toEqual(first);
    expect(posts()).toHaveLength(1);
    expect(within.records).toHaveLength(1);
  });

  it('adds to the caller’s own contact what is missing, and changes nothing that stands there', async () => {
    const peter = { ...PETER, email: 'other@example.com', company: 'Smith & Co' };
    expect(await run('save_contact', peter)).toMatchObject({ status: 'updated', contactId: 'c1' });
    expect(crm.contacts[0]).toMatchObject({
      firstName: 'Peter',
      email: 'peter@example.com',
      companyName: 'Smith & Co',
    });
  });

  it('touches nothing of a contact that the caller was not shown to be', async () => {
    const before = structuredClone(crm.contacts);
    const within = context();
    const mallory = { name: 'Mallory', phone: '5035550100', company: 'Evil' };
    const result = await run('save_contact', mallory, within);
    expect(result).toMatchObject({ status: 'kept-locally' });
    expect(JSON.stringify(result)).not.toContain('Peter');
    expect(crm.contacts).toEqual(before);
    expect(within.records).toEqual([{ type: 'contact', data: expect.objectContaining({ name: 'Mallory' }) }]);
    const booked = await run('book_appointment', mallory, { ...within, idempotencyKey: 'book' });
    expect([booked.status, crm.appointments]).toEqual(['kept-locally', []]);
    const noted = await run('add_note', { contactId: 'c1', text: 'Pay me.' }, { ...within, idempotencyKey: 'note' });
    expect([noted.status, crm.notes]).toEqual(['kept-locally', []]);
  });

  it('is a success although the disk is full', async () => {
    const full = async () => {
      throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    };
    const within = context({ record: full });
    expect(await run('save_contact', ANNA, within)).toMatchObject({ status: 'created' });
    expect(within.logs).toEqual([expect.objectContaining({ level: 'error', event: 'journal_failed' })]);
    // What could be kept nowhere is no success.
    const alone = context({ env: {}, record: full });
    await expect(run('save_contact', ANNA, alone)).rejects.toThrow('no space left');
  });

  it('leaves out a number that was not given', async () => {
    await run('save_contact', { name: 'Anna', phone: 'not given', email: 'anna@example.com' });
    expect(JSON.parse(String(crm.requests.at(-1)?.body))).not.toHaveProperty('phone');
  });

  it('stops when the call ends', async () => {
    const abort = new AbortController();
    abort.abort();
    const within = context({ signal: abort.signal });
    expect(await run('save_contact', ANNA, within)).toMatchObject({ status: 'kept-locally' });
    expect(crm.requests).toEqual([]);
  });
});

describe('add_note', () => {
  /** In a call whose caller is Peter. */
  const shown = async () => {
    const within = context();
    await run('look_up_contact', PETER, within);
    return within;
  };
  const note = { contactId: 'c1', text: 'Wants a call.' };

  it('adds it once, even when the connection is lost after the write', async () => {
    const within = await shown();
    crm.faults.fail({ kind: 'drop', after: 0 });
    expect(await run('add_note', note, within)).toEqual({ status: 'added' });
    expect(crm.notes).toHaveLength(1);
    expect(crm.notes[0]?.body).toMatch(/^Wants a call\.\nReference: key-/);
  });

  it('adds it at the second attempt when the first did not arrive', async () => {
    const within = await shown();
    crm.faults.fail({ kind: 'refuse' });
    expect(await run('add_note', note, within)).toEqual({ status: 'added' });
    expect(crm.notes).toHaveLength(1);
  });

  it('does not add what another process has added with the same key', async () => {
    const within = await shown();
    crm.notes.push({
      id: 'n1',
      contactId: 'c1',
      body: `Wants a call.\nReference: ${within.idempotencyKey.slice(0, 16)}`,
    });
    await run('add_note', note, within);
    expect(crm.notes).toHaveLength(1);
  });
});

describe('book_appointment', () => {
  it.each([
    [{}, 'Tuesday, March 3 at 9 AM', SLOTS[0]],
    [{ part: 'afternoon' }, 'Tuesday, March 3 at 2:30 PM', SLOTS[1]],
    [{ day: 'Wednesday' }, 'Wednesday, March 4 at 10 AM', SLOTS[2]],
    [{ day: 'Thursday', part: 'afternoon' }, 'Thursday, March 5 at 4 PM', SLOTS[3]],
    [{ startTime: SLOTS[2] }, 'Wednesday, March 4 at 10 AM', SLOTS[2]],
  ])('books with the wish %j', async (wish, when, startTime) => {
    expect(await run('book_appointment', { ...ANNA, ...wish })).toEqual({ status: 'booked', when, startTime });
    expect(crm.appointments).toEqual([expect.objectContaining({ startTime, title: 'Call with Anna Baker' })]);
    expect(crm.requests.at(-1)?.headers.version).toBe('2021-04-15');
  });

  it('books once, even when the connection is lost after the write', async () => {
    // The contact is written first, without a fault.
    crm.faults.fail({ kind: 'slow', delayMs: 0 });
    crm.faults.fail({ kind: 'drop', after: 0 });
    expect(await run('book_appointment', ANNA)).toMatchObject({ status: 'booked' });
    expect(crm.appointments).toHaveLength(1);
  });

  it.each([
    ['the wished day has none', { day: 'Friday' }],
    ['the time is taken', { startTime: '2026-03-03T11:00:00-05:00' }],
  ])('names other times when %s', async (_, wish) => {
    expect(await run('book_appointment', { ...ANNA, ...wish })).toEqual({
      status: 'no-free-time',
      otherTimes: ['Tuesday, March 3 at 9 AM', 'Tuesday, March 3 at 2:30 PM', 'Wednesday, March 4 at 10 AM'],
    });
    expect(crm.appointments).toEqual([]);
  });

  it('books one visit in a call, whatever is asked afterwards', async () => {
    const within = context();
    const first = await run('book_appointment', ANNA, within);
    for (const [place, wish] of [{ title: 'Another' }, { day: 'Thursday' }, { startTime: SLOTS[2] }].entries()) {
      const again = { ...within, idempotencyKey: `again-${place}` };
      expect(await run('book_appointment', { ...ANNA, ...wish }, again)).toMatchObject({
        ...first,
        note: expect.any(String),
      });
    }
    expect(crm.appointments).toHaveLength(1);
  });

  it('never books the next time for one whose end was uncertain', async () => {
    const within = context();
    await run('save_contact', ANNA, within);
    // Written, and lost twice: nobody knows.
    crm.faults.fail({ kind: 'drop', after: 0 });
    const lookAgain = { kind: 'status', status: 500 } as const;
    crm.faults.fail(lookAgain);
    await run('book_appointment', ANNA, { ...within, idempotencyKey: 'first' });
    crm.faults.mend();
    const second = await run(
      'book_appointment',
      { ...ANNA, title: 'Asked again' },
      { ...within, idempotencyKey: 'second' },
    );
    expect(second).toMatchObject({ status: 'booked', startTime: SLOTS[0] });
    expect(crm.appointments).toHaveLength(1);
  });

  it('keeps the wish where no calendar is set', async () => {
    const within = context({ env: env({ GHL_CALENDAR_ID: undefined }) });
    expect(await run('book_appointment', ANNA, within)).toMatchObject({ status: 'kept-locally' });
    expect(within.logs).toEqual([
      expect.objectContaining({
        fields: expect.objectContaining({ error: expect.stringContaining('GHL_CALENDAR_ID is not set') }),
      }),
    ]);
  });
});

describe('without a key', () => {
  it('keeps everything in the journal, logs it once and tells the model the truth', async () => {
    const within = context({ env: {} });
    const another = { ...within, idempotencyKey: 'another' };
    expect(await run('look_up_contact', PETER, within)).toMatchObject({ status: 'unknown' });
    expect(await run('save_contact', ANNA, within)).toMatchObject({
      status: 'kept-locally',
      note: expect.stringContaining('this machine only'),
    });
    expect(await run('book_appointment', { ...ANNA, day: 'Monday' }, another)).toMatchObject({
      status: 'kept-locally',
    });
    expect(within.records.map(({ type, data }) => [type, data.name])).toEqual([
      ['contact', 'Anna Baker'],
      ['appointment', 'Anna Baker'],
    ]);
    expect(within.logs).toEqual([
      { level: 'warn', event: 'crm_not_connected', fields: expect.objectContaining({ missing: 'GHL_API_KEY' }) },
    ]);
    expect(crm.requests).toEqual([]);
  });
});

describe('as models see them', () => {
  it.each(tools.map((tool) => [tool.name, tool] as const))('%s has a JSON schema', (_, tool) => {
    expect(z.toJSONSchema(tool.parameters)).toMatchObject({ type: 'object' });
  });
});

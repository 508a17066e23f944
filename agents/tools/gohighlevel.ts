// Tools on the GoHighLevel CRM: look up, create or update a contact, add a note, book an appointment. Without a key, or
// when the CRM fails, what the caller gave is kept in the journal of this worker and the model is told so.
import { z } from 'zod';
import { type AnyTool, defineTool, type ToolContext } from '../../src/index.ts';
import { toContactFields, toE164, toShortContact } from './contact-fields.ts';
import { type GhlAppointment, GhlClient, type GhlContact, GhlError } from './gohighlevel-client.ts';
import { ofThisCall } from './of-this-call.ts';
import { once } from './once.ts';
import { isShownToBe } from './shown-to-be.ts';
import { inWords, type PartOfDay, pickSlots, WEEKDAYS } from './slots.ts';

export interface GhlToolOptions {
  readonly now?: () => Date;
  readonly timeoutMs?: number;
}

const DAYS_AHEAD = 14;
const DAY_MS = 86_400_000;
const KEPT = 'kept-locally';
const ENV = ['GHL_API_KEY', 'GHL_LOCATION_ID', 'GHL_CALENDAR_ID', 'GHL_BASE_URL'];

/** By call: ids of contacts that the caller was shown to be, or that were made from the caller's words. */
const contactsOf = ofThisCall(() => new Set<string>());
/** By call: its one visit, with the time that was tried and the booking that came of it. */
const visitOf = ofThisCall((): { startTime?: string; booked?: Record<string, unknown> } => ({}));

const phone = z.string().describe('Telephone number, digits only or with + and country code');
const email = z.string().describe('E-mail address');

/**
 * The API has no idempotency header for these calls. So contacts are upserted, not created. A note is recognised by a
 * reference made from the idempotency key, an appointment by its start time; both are looked up before and after an
 * uncertain attempt. Within a process a key runs once.
 */
export function goHighLevelTools(options: GhlToolOptions = {}): readonly AnyTool[] {
  return [lookUpContact(options), saveContact(options), addNote(options), bookAppointment(options)];
}

function lookUpContact(options: GhlToolOptions) {
  return defineTool({
    name: 'look_up_contact',
    description:
      'Finds the contact of the caller in the CRM: by the full name together with the telephone number or e-mail address, ' +
      'or by the number that they call from. Tells nothing of contacts that the caller is not. Read only.',
    parameters: z.object({ phone: phone.optional(), email: email.optional(), name: z.string().optional() }),
    env: ENV,
    async execute(by, context) {
      const client = connect(context, options);
      if (!client) return { status: 'unknown', note: 'No CRM is connected, so nothing can be looked up.' };
      const { phoneNumber } = context.caller;
      const found: (GhlContact | undefined)[] = [];
      if (by.phone || by.email) found.push(await findDuplicate(client, by));
      if (phoneNumber) found.push(await findDuplicate(client, { phone: phoneNumber }));
      const own = found.find((contact) => contact && isShownToBe(contact, by, phoneNumber));
      // The answer is the same whether there is such a contact or not.
      if (!own)
        return { status: 'not-found', note: 'Needs the full name with the telephone number or e-mail address.' };
      contactsOf(context.callId).add(own.id);
      return { status: 'found', contacts: [toShortContact(own)] };
    },
  });
}

const contactFields = {
  name: z.string().min(1).describe("The contact's full name"),
  phone: phone.optional(),
  email: email.optional(),
};

function saveContact(options: GhlToolOptions) {
  return defineTool({
    name: 'save_contact',
    description: 'Creates a contact in the CRM, or completes that of the caller. What stands there is not changed.',
    parameters: z.object({ ...contactFields, company: z.string().optional().describe('Company of the contact') }),
    env: ENV,
    execute: (args, context) =>
      once(context, () =>
        inCrm(context, options, 'contact', args, async (client) => {
          const saved = await saveOwn(client, args, context);
          return saved ? { status: saved.status, contactId: saved.id } : NOT_SHOWN;
        }),
      ),
  });
}

function addNote(options: GhlToolOptions) {
  return defineTool({
    name: 'add_note',
    description:
      'Adds a note about this call to a contact in the CRM. Needs the contactId of look_up_contact or save_contact.',
    parameters: z.object({
      contactId: z.string().min(1),
      text: z.string().min(1).describe('The note, in a few sentences'),
    }),
    env: ENV,
    execute: (args, context) =>
      once(context, () =>
        inCrm(context, options, 'note', args, async (client) => {
          // A run after the call needs no check: the caller was shown to be the contact in the call.
          if (!context.isLater && !contactsOf(context.callId).has(args.contactId)) return NOT_SHOWN;
          const reference = `Reference: ${context.idempotencyKey.slice(0, 16)}`;
          const isThere = async () =>
            (await client.notes(args.contactId)).some((note) => note.body?.includes(reference));
          await writeOnce(isThere, () => client.addNote(args.contactId, `${args.text}\n${reference}`));
          return { status: 'added' };
        }),
      ),
  });
}

function bookAppointment(options: GhlToolOptions) {
  return defineTool({
    name: 'book_appointment',
    description:
      'Books an appointment: at startTime, or at the first free time on the given weekday or part of the day. Says when it is.',
    parameters: z.object({
      ...contactFields,
      startTime: z.iso.datetime({ offset: true }).optional().describe('Exact start, ISO 8601 with offset'),
      day: z.enum(WEEKDAYS).optional().describe('Preferred weekday'),
      part: z.enum(['morning', 'afternoon']).optional().describe('Preferred part of the day'),
      title: z.string().optional().describe('What it is about'),
    }),
    env: ENV,
    execute: (args, context) =>
      once(context, () =>
        inCrm(context, options, 'appointment', args, async (client) => {
          const calendarId = context.env.GHL_CALENDAR_ID;
          if (!calendarId) throw new GhlError('GHL_CALENDAR_ID is not set, so nothing can be booked', 404);
          const visit = visitOf(context.callId);
          if (visit.booked)
            return { ...visit.booked, note: 'It was booked before in this call: a colleague can change it.' };
          const contact = await saveOwn(client, args, context);
          if (!contact) return NOT_SHOWN;
          const title = args.title ?? `Call with ${args.name}`;
          // After the call nobody can tell the caller a time, so the wish is noted for a colleague.
          if (context.isLater) return await noteWish(client, contact.id, args, context);
          const booking = { ...args, calendarId, contactId: contact.id, title };
          const result = await book(client, booking, visit, options.now?.() ?? new Date());
          if (result.status === 'booked') visit.booked = result;
          return result;
        }),
      ),
  });
}

async function noteWish(
  client: GhlClient,
  contactId: string,
  { startTime, day, part, title }: { [name in 'startTime' | 'day' | 'part' | 'title']?: string | undefined },
  { idempotencyKey }: ToolContext,
): Promise<Record<string, unknown>> {
  const reference = `Reference: ${idempotencyKey.slice(0, 16)}`;
  const isThere = async () => (await client.notes(contactId)).some((note) => note.body?.includes(reference));
  const wish = [title, startTime, day, part].filter(Boolean).join(', ');
  await writeOnce(isThere, () =>
    client.addNote(contactId, `Wishes an appointment, not booked yet: ${wish}\n${reference}`),
  );
  return { status: 'noted' };
}

interface Booking {
  readonly calendarId: string;
  readonly contactId: string;
  readonly title: string;
  readonly startTime?: string | undefined;
  readonly day?: (typeof WEEKDAYS)[number] | undefined;
  readonly part?: PartOfDay | undefined;
}

/** @param visit the time that an attempt before, whose end is not known, may have booked: no other is taken beside it */
async function book(
  client: GhlClient,
  booking: Booking,
  visit: { startTime?: string },
  now: Date,
): Promise<Record<string, unknown>> {
  const { calendarId, contactId, title } = booking;
  const until = new Date(now.getTime() + DAYS_AHEAD * DAY_MS);
  const free = async () => await client.freeSlots(calendarId, now, until);
  const startTime = visit.startTime ?? booking.startTime ?? pickSlots(await free(), booking)[0];
  if (startTime === undefined) {
    return {
      status: 'no-free-time',
      otherTimes: pickSlots(await free(), {})
        .slice(0, 3)
        .map(inWords),
    };
  }
  const isSame = (event: GhlAppointment) =>
    event.calendarId === calendarId && Date.parse(event.startTime ?? '') === Date.parse(startTime);
  visit.startTime = startTime;
  try {
    await writeOnce(
      async () => (await client.appointments(contactId)).some(isSame),
      () => client.book({ calendarId, contactId, startTime, title }),
    );
  } catch (error) {
    // The time was taken in the meantime: say so and offer others, instead of failing.
    if (!(error instanceof GhlError) || (error.status !== 400 && error.status !== 422)) throw error;
    delete visit.startTime;
    return {
      status: 'no-free-time',
      otherTimes: pickSlots(await free(), {})
        .slice(0, 3)
        .map(inWords),
    };
  }
  return { status: 'booked', when: inWords(startTime), startTime };
}

const NOT_SHOWN = {
  status: KEPT,
  note: 'It was noted on this machine only, and a colleague will check it: the caller was not shown to be that contact.',
};

function findDuplicate(client: GhlClient, by: { phone?: string | undefined; email?: string | undefined }) {
  return client.findDuplicate({
    ...(by.phone && { phone: toE164(by.phone) }),
    ...(by.email && { email: by.email }),
  });
}

/** Makes the contact, or completes it when it is shown to be the caller's; undefined when it is somebody else's. */
async function saveOwn(
  client: GhlClient,
  given: Parameters<typeof toContactFields>[0],
  { callId, caller }: ToolContext,
): Promise<{ id: string; status: 'created' | 'updated' } | undefined> {
  const fields = toContactFields(given);
  const own = contactsOf(callId);
  const existing = fields.phone || fields.email ? await findDuplicate(client, fields) : undefined;
  if (!existing) {
    const { id, isNew } = await client.upsert(fields);
    own.add(id);
    return { id, status: isNew ? 'created' : 'updated' };
  }
  if (!own.has(existing.id) && !isShownToBe(existing, given, caller.phoneNumber)) return undefined;
  own.add(existing.id);
  const missing = Object.entries(fields).filter(([name]) => !existing[name as keyof GhlContact]);
  if (missing.length === 0) return { id: existing.id, status: 'updated' };
  const { phone: number, email: address } = existing;
  const found = { ...(number ? { phone: number } : address && { email: address }) };
  await client.upsert({ ...found, ...Object.fromEntries(missing) });
  return { id: existing.id, status: 'updated' };
}

/** Writes unless the entry is there; after an attempt with an uncertain end, looks again and tries once more. */
async function writeOnce(isThere: () => Promise<boolean>, write: () => Promise<unknown>): Promise<void> {
  if (await isThere()) return;
  try {
    await write();
  } catch (error) {
    if (!(error instanceof GhlError) || !error.isUncertain) throw error;
    if (await isThere()) return;
    await write();
  }
}

/** Does the work in the CRM, or keeps it in the journal when there is no CRM or it fails; the result says which. */
async function inCrm(
  context: ToolContext,
  options: GhlToolOptions,
  type: string,
  args: Readonly<Record<string, unknown>>,
  run: (client: GhlClient) => Promise<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  const { idempotencyKey } = context;
  const client = connect(context, options);
  if (!client) {
    await context.record(type, { ...args, idempotencyKey, reason: 'no CRM is connected' });
    await later(context, type);
    return {
      status: KEPT,
      note: 'No CRM is connected. It was noted on this machine only, and a colleague must act on it.',
    };
  }
  try {
    const result = await run(client);
    const entry = { ...args, idempotencyKey, crm: result };
    if (result === NOT_SHOWN) await context.record(type, entry);
    // The CRM has it, whether or not the journal can be written as well.
    else await context.record(type, entry).catch((error: unknown) => journalFailed(context, type, error));
    return result;
  } catch (error) {
    if (!(error instanceof GhlError)) throw error;
    context.log('error', 'crm_failed', { type, error: error.message, status: error.status });
    await context.record(type, { ...args, idempotencyKey, reason: error.message });
    // Any other refusal is final: the CRM would refuse the same request again.
    if (error.isUncertain || error.status === 429 || error.status === 401) await later(context, type);
    const certainty = error.isUncertain ? 'It is not certain whether the CRM has it.' : 'The CRM does not have it.';
    return {
      status: KEPT,
      note: `The CRM failed. ${certainty} It was noted on this machine, and a colleague must act on it.`,
    };
  }
}

/** Best effort, as the journal has the entry already. */
function later(context: ToolContext, type: string): Promise<void> {
  return context.retryLater().catch((error: unknown) => journalFailed(context, type, error));
}

function journalFailed(context: ToolContext, type: string, error: unknown): void {
  context.log('error', 'journal_failed', { type, error: String((error as NodeJS.ErrnoException).code ?? error) });
}

/** Calls for which the missing CRM was logged; never cleared, as a process serves few calls. */
const told = new Set<string>();

function connect(context: ToolContext, { timeoutMs }: GhlToolOptions): GhlClient | undefined {
  const { GHL_API_KEY: apiKey, GHL_LOCATION_ID: locationId, GHL_BASE_URL: baseUrl } = context.env;
  if (apiKey && locationId) {
    return new GhlClient({ apiKey, locationId, baseUrl, ...(timeoutMs && { timeoutMs }) }, context.signal);
  }
  if (!told.has(context.callId)) {
    told.add(context.callId);
    const missing = apiKey ? 'GHL_LOCATION_ID' : 'GHL_API_KEY';
    context.log('warn', 'crm_not_connected', { missing, kept: 'results stay in the local journal' });
  }
  return undefined;
}

// A small client of GoHighLevel's API v2: contacts, notes, calendars; time-outs, and one retry where it is safe.

export interface GhlSettings {
  readonly apiKey: string;
  readonly locationId: string;
  readonly baseUrl?: string | undefined;
  /** Time limit of one attempt, as a caller is waiting on the line; 4,000 where absent. */
  readonly timeoutMs?: number;
}

export interface GhlContact {
  readonly id: string;
  readonly firstName?: string | null;
  readonly lastName?: string | null;
  readonly email?: string | null;
  readonly phone?: string | null;
  readonly companyName?: string | null;
  readonly tags?: readonly string[] | null;
}

export interface GhlAppointment {
  readonly id: string;
  readonly calendarId?: string;
  readonly startTime?: string;
}

export interface ContactFields {
  readonly firstName?: string;
  readonly lastName?: string;
  readonly email?: string;
  readonly phone?: string;
  readonly companyName?: string;
}

/** A request that did not succeed. The message is for logs and models: it holds no key and no words of the caller. */
export class GhlError extends Error {
  override readonly name = 'GhlError';
  /** HTTP status; undefined when no answer came. */
  readonly status: number | undefined;
  /** Whether the request may have taken effect. */
  readonly isUncertain: boolean;

  constructor(message: string, status: number | undefined, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
    this.isUncertain = status === undefined || status >= 500;
  }
}

interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly version: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>>;
  /** Whether a second run would change nothing more: a read, or an upsert. */
  readonly isRepeatable: boolean;
}

const BASE_URL = 'https://services.leadconnectorhq.com';
const CONTACTS_VERSION = '2021-07-28';
const CALENDARS_VERSION = '2021-04-15';
const TIMEOUT_MS = 4000;
/** A longer `Retry-After` is not waited for, as a caller is on the line. */
const LONGEST_RETRY_AFTER_MS = 2000;
const RETRY_DELAY_MS = 200;

export class GhlClient {
  readonly #settings: GhlSettings;
  readonly #signal: AbortSignal;

  /** @param signal ends what is under way, without a retry */
  constructor(settings: GhlSettings, signal: AbortSignal) {
    this.#settings = settings;
    this.#signal = signal;
  }

  /** Finds a contact by its exact telephone number (E.164) or e-mail address. */
  async findDuplicate(by: { readonly phone?: string; readonly email?: string }): Promise<GhlContact | undefined> {
    const query = {
      locationId: this.#settings.locationId,
      ...(by.email && { email: by.email }),
      ...(by.phone && { number: by.phone }),
    };
    const path = '/contacts/search/duplicate';
    const { contact } = await this.#call<{ contact?: GhlContact | null }>({ ...read(path), query });
    return contact ?? undefined;
  }

  /** Creates the contact, or updates the one with the same telephone number or e-mail address. */
  async upsert(fields: ContactFields): Promise<{ readonly id: string; readonly isNew: boolean }> {
    const { contact, new: isNew } = await this.#call<{ new?: boolean; contact?: GhlContact }>({
      method: 'POST',
      path: '/contacts/upsert',
      version: CONTACTS_VERSION,
      body: { ...fields, locationId: this.#settings.locationId, source: 'voice agent' },
      isRepeatable: true,
    });
    if (!contact?.id) throw new GhlError('GoHighLevel answered without a contact', 200);
    return { id: contact.id, isNew: isNew === true };
  }

  async notes(contactId: string): Promise<readonly { readonly id: string; readonly body?: string }[]> {
    const path = `/contacts/${encodeURIComponent(contactId)}/notes`;
    return (await this.#call<{ notes?: readonly { id: string; body?: string }[] }>(read(path))).notes ?? [];
  }

  async addNote(contactId: string, body: string): Promise<void> {
    const path = `/contacts/${encodeURIComponent(contactId)}/notes`;
    await this.#call({ method: 'POST', path, version: CONTACTS_VERSION, body: { body }, isRepeatable: false });
  }

  async appointments(contactId: string): Promise<readonly GhlAppointment[]> {
    const path = `/contacts/${encodeURIComponent(contactId)}/appointments`;
    return (await this.#call<{ events?: readonly GhlAppointment[] }>(read(path))).events ?? [];
  }

  /** Free times as ISO strings with the calendar's offset, the earliest first; at most 31 days. */
  async freeSlots(calendarId: string, from: Date, until: Date): Promise<readonly string[]> {
    const days = await this.#call<Record<string, { slots?: readonly string[] } | string>>({
      ...read(`/calendars/${encodeURIComponent(calendarId)}/free-slots`),
      version: CALENDARS_VERSION,
      query: { startDate: String(from.getTime()), endDate: String(until.getTime()) },
    });
    const slots = Object.values(days).flatMap((day) => (typeof day === 'object' ? (day.slots ?? []) : []));
    return slots.toSorted((a, b) => Date.parse(a) - Date.parse(b));
  }

  async book(appointment: {
    readonly calendarId: string;
    readonly contactId: string;
    readonly startTime: string;
    readonly title: string;
  }): Promise<GhlAppointment> {
    return await this.#call<GhlAppointment>({
      method: 'POST',
      path: '/calendars/events/appointments',
      version: CALENDARS_VERSION,
      body: { ...appointment, locationId: this.#settings.locationId },
      isRepeatable: false,
    });
  }

  /** One retry: after 429 always (nothing was done), after 5xx and lost connections only where a second run is safe. */
  async #call<Answer = unknown>(call: Call): Promise<Answer> {
    let retryAfterMs = 0;
    try {
      return await this.#attempt<Answer>(call, (wait) => {
        retryAfterMs = wait;
      });
    } catch (error) {
      const isSafe = error instanceof GhlError && (error.status === 429 || (error.isUncertain && call.isRepeatable));
      if (!isSafe || this.#signal.aborted || retryAfterMs > LONGEST_RETRY_AFTER_MS) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.max(retryAfterMs, RETRY_DELAY_MS)));
      if (this.#signal.aborted) throw error;
      return await this.#attempt<Answer>(call, () => {});
    }
  }

  async #attempt<Answer>(call: Call, onRetryAfter: (waitMs: number) => void): Promise<Answer> {
    const { apiKey, baseUrl = BASE_URL, timeoutMs = TIMEOUT_MS } = this.#settings;
    const url = new URL(baseUrl.replace(/\/+$/, '') + call.path);
    url.search = new URLSearchParams(call.query).toString();
    const name = `GoHighLevel ${call.method} ${call.path.replace(/\/[A-Za-z0-9]{15,}/g, '/…')}`;
    let response: Response;
    let text: string;
    try {
      response = await fetch(url, {
        method: call.method,
        headers: {
          authorization: `Bearer ${apiKey}`,
          version: call.version,
          accept: 'application/json',
          ...(call.body && { 'content-type': 'application/json' }),
        },
        ...(call.body && { body: JSON.stringify(call.body) }),
        signal: AbortSignal.any([this.#signal, AbortSignal.timeout(timeoutMs)]),
      });
      text = await response.text();
    } catch (error) {
      throw new GhlError(`${name}: ${reasonOf(error, timeoutMs)}`, undefined, { cause: error });
    }
    if (!response.ok) {
      onRetryAfter((Number(response.headers.get('retry-after')) || 0) * 1000);
      throw new GhlError(`${name}: ${response.status} ${meaningOf(response.status)}`, response.status);
    }
    try {
      return JSON.parse(text) as Answer;
    } catch {
      throw new GhlError(`${name}: the answer is no JSON`, response.status);
    }
  }
}

function read(path: string): Call {
  return { method: 'GET', path, version: CONTACTS_VERSION, isRepeatable: true };
}

function reasonOf(error: unknown, timeoutMs: number): string {
  const name = error instanceof Error ? error.name : '';
  if (name === 'TimeoutError') return `no answer within ${timeoutMs} ms`;
  return name === 'AbortError' ? 'the call ended' : 'the connection failed';
}

/** Used instead of the answer's own text, which may repeat what the caller said. */
function meaningOf(status: number): string {
  switch (status) {
    case 400:
      return 'the request was refused';
    case 401:
      return 'the key in GHL_API_KEY was refused';
    case 403:
      return 'the key has no access to this location (GHL_LOCATION_ID) or lacks a scope';
    case 404:
      return 'not found';
    case 422:
      return 'a value was refused';
    case 429:
      return 'too many requests';
    default:
      return status >= 500 ? 'the service failed' : 'unexpected';
  }
}

// One model's stream of a reply with its deadlines; parts wait until the reader takes them.
import type { Attempt } from '../../failover/attempt.ts';
import { type Clock, within } from '../../failover/clock.ts';
import { ProviderError, type ProviderErrorKind } from '../../failover/provider-error.ts';
import type { Runner } from '../../failover/race.ts';
import { isWholeReply } from '../../text/continuation-prompt.ts';
import type { LlmClient, LlmLink, LlmPart, LlmRequest } from '../contract.ts';

type Next = IteratorResult<LlmPart, undefined>;

export const EMPTY = 'gave an empty reply';
/** A model writes a tool call for seconds, and Gemini is silent all that time. Source: spec of this project, "within a tool call". */
const CALL_MS = 4_000;
/** Wait for the usage after the end of the reply: it may follow at once, in the same packet. */
const USAGE_MS = 50;
/** Time limit for reading a complete reply's stream to its end: leaving it early would close its connection. */
const REST_MS = 2_000;

export interface LlmLinkSessionOptions {
  readonly attempt: Attempt<LlmLink>;
  readonly request: LlmRequest;
  readonly clock: Clock;
  /** The reply may be complete already, so an empty stream is a valid answer. */
  readonly mayBeEmpty: boolean;
}

export class LlmLinkSession implements Runner {
  /** Resolves at text, at a tool call or its beginning, or at a clean end. */
  readonly first: Promise<void>;
  readonly #options: LlmLinkSessionOptions;
  readonly #late: Promise<never>;
  readonly #early: LlmPart[] = [];
  readonly #mayCall: boolean;
  /** Aborted by `cancel`: removes the listener from the caller's signal. */
  readonly #over = new AbortController();
  #stream!: { readonly parts: AsyncIterator<LlmPart, undefined>; readonly abort: AbortController };
  #isCalling = false;
  #isDone = false;

  constructor(options: LlmLinkSessionOptions) {
    const { attempt, request } = options;
    this.#options = options;
    this.#mayCall = attempt.link.traits.callsComeWhole === true && request.tools.length > 0;
    this.#late = new Promise((_, reject) => attempt.onTimeout(reject));
    this.#late.catch(() => undefined);
    request.signal.addEventListener('abort', () => this.cancel(), { once: true, signal: this.#over.signal });
    this.#open();
    attempt.connecting();
    const { firstMs, firstHelpMs } = attempt.deadlines;
    attempt.expectFirst({ firstMs: this.#mayCall ? Math.max(firstMs, CALL_MS) : firstMs, firstHelpMs });
    this.first = this.#untilFirst();
    this.first.catch(() => undefined);
  }

  /** @throws ProviderError, where its deadline passes too */
  async next(): Promise<Next> {
    const early = this.#early.shift();
    if (early) return { done: false, value: early };
    if (this.#isDone) return { done: true, value: undefined };
    const { attempt } = this.#options;
    const { stallMs, stallHelpMs } = attempt.deadlines;
    attempt.expectNext(this.#isCalling || this.#mayCall ? Math.max(stallMs, CALL_MS) : stallMs, stallHelpMs);
    const next = await this.#pull();
    if (!next.done) attempt.result();
    return next;
  }

  /** Call after the end of the reply: gives its usage if that comes at once. The rest of the stream is read in the background. */
  async usage(): Promise<Extract<LlmPart, { type: 'usage' }> | undefined> {
    const { clock } = this.#options;
    let usage: Extract<LlmPart, { type: 'usage' }> | undefined;
    const rest = (async () => {
      const cancelRest = clock.setTimeout(() => this.cancel(), REST_MS);
      try {
        for (let next = await this.#stream.parts.next(); !next.done; next = await this.#stream.parts.next()) {
          if (next.value.type === 'usage') usage = next.value;
        }
      } catch {
        // The reply is complete, so an error of its connection no longer matters.
      }
      cancelRest();
      this.cancel();
    })();
    await within(clock, USAGE_MS, rest);
    return usage;
  }

  cancel(): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    this.#options.attempt.expectNothing();
    this.#close();
  }

  async #untilFirst(): Promise<void> {
    const { attempt } = this.#options;
    for (let mayRepeat = true; ; ) {
      const next = await this.#pull();
      const isOver = next.done || next.value.type === 'end';
      if (isOver && !this.#mayBeEmpty) {
        if (!mayRepeat) throw failure(attempt.link, 'malformed', EMPTY);
        // A model gives an empty reply now and then, and a full one when asked again: that is no failure of the service.
        mayRepeat = false;
        this.#close();
        this.#open();
        continue;
      }
      if (next.done) this.#isDone = true;
      else this.#early.push(next.value);
      if (isOver || isResult(next.value)) return attempt.result();
      attempt.alive();
    }
  }

  get #mayBeEmpty(): boolean {
    const { request, mayBeEmpty } = this.#options;
    if (mayBeEmpty || this.#over.signal.aborted) return true;
    if (request.continueFrom) return isWholeReply(request.continueFrom);
    // A tool has run: there may be nothing left to say.
    return request.messages.at(-1)?.role === 'tool-result';
  }

  async #pull(): Promise<Next> {
    const pulled = this.#stream.parts.next();
    pulled.catch(() => undefined);
    const next = await Promise.race([pulled, this.#late]);
    this.#isCalling = !next.done && next.value.type === 'progress' && next.value.of === 'tool-call';
    return next;
  }

  #open(): void {
    const { attempt, request } = this.#options;
    const abort = new AbortController();
    const own = { ...request, signal: abort.signal, onOpen: () => attempt.opened() };
    this.#stream = { parts: openReply(attempt.link.client, own), abort };
  }

  #close(): void {
    const { parts, abort } = this.#stream;
    abort.abort();
    // A provider that hangs may never answer, so its end is not awaited.
    void Promise.resolve(parts.return?.()).catch(() => undefined);
  }
}

function isResult(part: LlmPart): boolean {
  if (part.type === 'text') return /\S/.test(part.text);
  return part.type === 'tool-call' || (part.type === 'progress' && part.of === 'tool-call');
}

export function failure(link: LlmLink, kind: ProviderErrorKind, what: string): ProviderError {
  return new ProviderError({ kind, provider: link.id, message: `${link.id} ${what}` });
}

/** A client that throws before it returns a stream fails like one that throws within the stream. */
function openReply(client: LlmClient, request: LlmRequest): AsyncIterator<LlmPart, undefined> {
  const { signal } = request;
  const stream = (async function* () {
    yield* client.reply(request);
  })();
  const aborted = new Promise<Next>((resolve) => {
    signal.addEventListener('abort', () => resolve({ done: true, value: undefined }), { once: true });
  });
  return {
    next: () => Promise.race([stream.next() as Promise<Next>, aborted]),
    return: () => stream.return(undefined) as Promise<Next>,
  };
}

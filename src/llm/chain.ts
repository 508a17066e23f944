// What "go on" means for the language model: the reply that was begun is finished by a provider that can.
import type { Attempt } from '../failover/attempt.ts';
import { MAX_ROUNDS, roundWaitMs } from '../failover/backoff.ts';
import type { Failover, FailoverLink } from '../failover/failover.ts';
import { ProviderError, type ProviderErrorKind, serverError } from '../failover/provider-error.ts';
import { type Runner, raceForFirst, type Winner } from '../failover/race.ts';
import { TurnOpenings } from '../failover/turn-openings.ts';
import { ContinuationJoin } from '../text/continuation.ts';
import { isWholeReply } from '../text/continuation-prompt.ts';
import type { LlmClient, LlmPart, LlmRequest, LlmTraits } from './contract.ts';

export interface LlmLink extends FailoverLink {
  readonly traits: LlmTraits;
  readonly client: LlmClient;
}

const EMPTY = 'gave an empty reply';
/** Links that told how many tokens a reply took. */
const countsTokens = new WeakSet<LlmLink>();

/**
 * One reply over the chain's links. Tool calls come at the end of the reply, all from one provider: those of a broken
 * stream are asked for again, so none is ever run twice.
 * @throws ProviderError when every link failed, again and again
 */
export async function* replyOverChain(failover: Failover<LlmLink>, request: LlmRequest): AsyncGenerator<LlmPart> {
  const reply = new Reply(failover, request);
  for (let round = 1; ; round += 1) {
    try {
      yield* reply.parts();
      return;
    } catch (error) {
      // Where nobody has anything to say, there is nothing to say.
      if (request.signal.aborted || isEmptyReply(error)) return;
      if (round > MAX_ROUNDS) throw error;
      await sleep(failover, roundWaitMs(round, failover.random), request.signal);
      reply.startOver();
    }
  }
}

class Reply {
  readonly #failover: Failover<LlmLink>;
  readonly #request: LlmRequest;
  readonly #tried = new Set<LlmLink>();
  readonly #turn = new TurnOpenings<LlmLink>();
  /** Whole words that were given, by others before too; a word that was cut in two is not. */
  #said: string;
  #failed: Winner<LlmLink, ReplyRun>['failed'];

  constructor(failover: Failover<LlmLink>, request: LlmRequest) {
    this.#failover = failover;
    this.#request = request;
    this.#said = request.continueFrom ?? '';
  }

  /** All links may be asked again. */
  startOver(): void {
    this.#tried.clear();
    this.#turn.startOver();
  }

  async *parts(): AsyncGenerator<LlmPart> {
    const { signal } = this.#request;
    while (!signal.aborted) {
      const winner = await this.#race();
      if (!winner) return;
      if (yield* this.#consume(winner)) return;
    }
  }

  #race(): Promise<Winner<LlmLink, ReplyRun> | undefined> {
    const request = { ...this.#request, ...(this.#said !== '' && { continueFrom: this.#said.trimEnd() }) };
    const runsTools = this.#failover.links.some((link) => link.traits.runsTools) && request.tools.length > 0;
    return raceForFirst({
      failover: this.#failover,
      tried: this.#tried,
      after: this.#failed?.link,
      turn: this.#turn,
      mayHedge: !runsTools,
      signal: request.signal,
      start: (attempt) => new ReplyRun(attempt, request),
    });
  }

  /** @returns whether the reply is complete */
  async *#consume({ attempt, run, failed }: Winner<LlmLink, ReplyRun>): AsyncGenerator<LlmPart, boolean> {
    this.#tellSwitch(attempt.link, failed ?? this.#failed);
    const join = new ContinuationJoin(this.#said);
    const held: LlmPart[] = [];
    let hasUsage = false;
    let partial = '';
    try {
      for await (const part of run.parts()) {
        if (part.type === 'usage') hasUsage = true;
        if (part.type !== 'text') {
          held.push(checked(part, attempt.link));
          continue;
        }
        const text = partial + join.push(part.text);
        partial = /\S+$/.exec(text)?.[0] ?? '';
        const whole = text.slice(0, text.length - partial.length);
        this.#said += whole;
        if (whole !== '') yield { type: 'text', text: whole };
      }
      if (this.#request.signal.aborted) {
        attempt.release();
        return true;
      }
      this.#checkEnd(attempt.link, hasUsage);
      const rest = partial + join.end();
      this.#said += rest;
      if (rest !== '') yield { type: 'text', text: rest };
      attempt.succeed();
      yield* held;
      return true;
    } catch (cause) {
      const error = cause instanceof ProviderError ? cause : serverError(attempt.link.id, cause);
      attempt.fail(error);
      this.#turn.failed(attempt.link);
      this.#failed = { link: attempt.link, error, atMs: this.#failover.clock.now() };
      return false;
    } finally {
      // Left in mid-reply by its reader: nobody is to blame.
      run.cancel();
      attempt.release();
    }
  }

  /** LiveKit's plugins don't say why a reply ended; one that always counts its tokens and now did not was cut off. */
  #checkEnd(link: LlmLink, hasUsage: boolean): void {
    if (hasUsage) countsTokens.add(link);
    else if (countsTokens.has(link)) throw failure(link, 'unreachable', 'ended its reply before it was complete');
  }

  #tellSwitch(to: LlmLink, failed: Winner<LlmLink, ReplyRun>['failed']): void {
    const { stage, clock, events } = this.#failover;
    this.#failover.serves(to);
    this.#failed = undefined;
    if (!failed || failed.link === to) return;
    const { kind, status, message } = failed.error;
    const wordsKept = this.#said.match(/\S+/g)?.length ?? 0;
    const tookMs = clock.now() - failed.atMs;
    events.onSwitch?.({ stage, from: failed.link.id, to: to.id, kind, status, message, tookMs, wordsKept });
  }
}

/** One provider's stream, with its deadlines; parts wait until the reader takes them. */
class ReplyRun implements Runner {
  readonly first: Promise<void>;
  readonly #abort = new AbortController();
  readonly #attempt: Attempt<LlmLink>;
  readonly #stream: AsyncIterator<LlmPart>;
  readonly #early: LlmPart[] = [];
  readonly #continueFrom: string;
  readonly #late: Promise<never>;
  #isDone = false;

  constructor(attempt: Attempt<LlmLink>, request: LlmRequest) {
    this.#attempt = attempt;
    this.#continueFrom = request.continueFrom ?? '';
    this.#late = new Promise((_, reject) => attempt.onTimeout(reject));
    this.#late.catch(() => undefined);
    request.signal.addEventListener('abort', () => this.cancel(), { once: true, signal: this.#abort.signal });
    const own = { ...request, signal: this.#abort.signal, onOpen: () => attempt.opened() };
    this.#stream = openReply(attempt.link.client, own);
    attempt.connecting();
    attempt.expectFirst();
    this.first = this.#untilFirst();
    this.first.catch(() => undefined);
  }

  /** Text, a tool call, or a clean end count as the first result; usage and expectations don't. */
  async #untilFirst(): Promise<void> {
    for (;;) {
      const next = await this.#next();
      if (next.done) {
        if (!this.#early.some((part) => part.type === 'text' || part.type === 'tool-call')) this.#checkEmpty();
        this.#isDone = true;
        this.#attempt.result();
        return;
      }
      this.#early.push(next.value);
      if (next.value.type === 'tool-call' || (next.value.type === 'text' && next.value.text !== '')) {
        this.#attempt.result();
        return;
      }
    }
  }

  async *parts(): AsyncGenerator<LlmPart> {
    yield* this.#early;
    while (!this.#isDone) {
      this.#attempt.expectNext();
      const next = await this.#next();
      if (next.done) return;
      this.#attempt.result();
      yield next.value;
    }
  }

  cancel(): void {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    this.#attempt.expectNothing();
    // A provider that hangs may never answer; nobody waits for it.
    void Promise.resolve(this.#stream.return?.()).catch(() => undefined);
  }

  #next(): Promise<IteratorResult<LlmPart>> {
    const next = this.#stream.next();
    next.catch(() => undefined);
    return Promise.race([next, this.#late]);
  }

  #checkEmpty(): void {
    if (this.#abort.signal.aborted) return;
    // The begun reply may have been complete already.
    if (isWholeReply(this.#continueFrom)) return;
    throw failure(this.#attempt.link, 'malformed', EMPTY);
  }
}

function failure(link: LlmLink, kind: ProviderErrorKind, what: string): ProviderError {
  return new ProviderError({ kind, provider: link.id, message: `${link.id} ${what}` });
}

function isEmptyReply(error: unknown): boolean {
  return error instanceof ProviderError && error.message.endsWith(EMPTY);
}

/** @throws ProviderError for a tool call that nobody could run */
function checked(part: LlmPart, link: LlmLink): LlmPart {
  if (part.type !== 'tool-call') return part;
  try {
    const value: unknown = JSON.parse(part.call.arguments || '{}');
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return part;
  } catch {
    // Said below.
  }
  throw failure(link, 'malformed', `called ${part.call.name} with arguments that are no JSON object`);
}

/** A client that throws before it gives a stream fails as one that throws in it. */
function openReply(client: LlmClient, request: LlmRequest): AsyncIterator<LlmPart> {
  const { signal } = request;
  const stream = (async function* () {
    yield* client.reply(request);
  })();
  const aborted = new Promise<IteratorResult<LlmPart>>((resolve) => {
    signal.addEventListener('abort', () => resolve({ done: true, value: undefined }), { once: true });
  });
  return {
    next: () => Promise.race([stream.next(), aborted]),
    return: () => stream.return(undefined),
  };
}

function sleep(failover: Failover<LlmLink>, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = failover.clock.setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        cancel();
        resolve();
      },
      { once: true },
    );
  });
}

// What "go on" means for the language model: the reply that was begun is finished by a provider that can.
import type { Attempt } from '../../failover/attempt.ts';
import { MAX_ROUNDS, roundWaitMs } from '../../failover/backoff.ts';
import type { Failover } from '../../failover/failover.ts';
import { ProviderError, serverError } from '../../failover/provider-error.ts';
import { raceForFirst, type Winner } from '../../failover/race.ts';
import { TurnOpenings } from '../../failover/turn-openings.ts';
import type { LlmLink, LlmPart, LlmRequest, LlmResult } from '../contract.ts';
import { EMPTY, failure, LlmLinkSession } from './link-session.ts';
import { refusalIn } from './refusal.ts';
import { ReplyWords } from './reply-words.ts';
import { Standby } from './standby.ts';

/**
 * Streams one reply over the chain's links. Tool calls come at the end of the reply, all from one provider: the calls of a broken
 * stream are discarded and requested again, so no call ever runs twice.
 * @throws ProviderError when every link failed, again and again
 */
export async function* replyOverChain(failover: Failover<LlmLink>, request: LlmRequest): AsyncGenerator<LlmResult> {
  // A reader may abort its signal once the reply is complete. Overtaken links still get their verdict, as they follow a signal of ours.
  const own = new AbortController();
  const abort = () => own.abort();
  if (request.signal.aborted) abort();
  request.signal.addEventListener('abort', abort, { once: true });
  try {
    yield* rounds(failover, { ...request, signal: own.signal });
  } finally {
    request.signal.removeEventListener('abort', abort);
  }
}

async function* rounds(failover: Failover<LlmLink>, request: LlmRequest): AsyncGenerator<LlmResult> {
  const reply = new Reply(failover, request);
  for (let round = 1; ; round += 1) {
    try {
      yield* reply.parts();
      return;
    } catch (error) {
      // The last failure was an empty reply: the reply ends without an error.
      if (request.signal.aborted || isEmptyReply(error)) return;
      if (reply.isRefused) return yield* reply.refusal();
      if (reply.isSuspect) return yield* reply.rest();
      if (round > MAX_ROUNDS) throw error;
      await sleep(failover, roundWaitMs(round, failover.random), request.signal);
      reply.startOver();
    }
  }
}

type Served = Winner<LlmLink, LlmLinkSession>;

class Reply {
  readonly #failover: Failover<LlmLink>;
  readonly #request: LlmRequest;
  readonly #tried = new Set<LlmLink>();
  readonly #turn = new TurnOpenings<LlmLink>();
  readonly #words: ReplyWords;
  #failed: Served['failed'];
  #isRefused = false;
  /** A stream ended where the reply may be complete, and a link was asked whether there is more. */
  #isSuspect = false;

  constructor(failover: Failover<LlmLink>, request: LlmRequest) {
    this.#failover = failover;
    this.#request = request;
    this.#words = new ReplyWords(request.continueFrom ?? '');
  }

  /** A link refused the content, and no other link answered: asking again would change nothing. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** The reply is complete as far as is known. */
  get isSuspect(): boolean {
    return this.#isSuspect;
  }

  /** Allows all links to be asked again. */
  startOver(): void {
    this.#tried.clear();
    this.#turn.startOver();
  }

  async *parts(): AsyncGenerator<LlmResult> {
    let winner = await this.#race();
    while (winner) {
      const outcome: Served | 'whole' | undefined = yield* this.#consume(winner);
      if (outcome === 'whole') return;
      winner = outcome ?? (await this.#race());
    }
  }

  /** The held-back words of a suspect reply, when no link answered whether there is more. */
  *rest(): Generator<LlmResult> {
    yield* spoken(this.#words.end());
  }

  /** Tells the caller in a sentence that the content was refused, instead of leaving silence. */
  *refusal(): Generator<LlmResult> {
    const { said, isWhole } = this.#words;
    if (isWhole) return;
    yield { type: 'text', text: `${/\S$/.test(said) ? ' ' : ''}${refusalIn(this.#request.language)}` };
  }

  /** @param beside who is late and may still go on, until `signal` aborts */
  async #race(beside?: Attempt<LlmLink>, signal = this.#request.signal): Promise<Served | undefined> {
    const { said } = this.#words;
    const request = { ...this.#request, ...(said !== '' && { continueFrom: said.trimEnd() }) };
    const { clock } = this.#failover;
    try {
      return await raceForFirst({
        failover: this.#failover,
        tried: beside ? new Set(this.#tried) : this.#tried,
        after: this.#failed?.link,
        beside,
        turn: this.#turn,
        mayHedge: this.#mayHedge,
        signal,
        start: (attempt) => new LlmLinkSession({ attempt, request, clock, mayBeEmpty: this.#isSuspect }),
      });
    } catch (error) {
      if (error instanceof ProviderError && error.kind === 'content-refusal') this.#isRefused = true;
      throw error;
    }
  }

  get #mayHedge(): boolean {
    return this.#request.tools.length === 0 || !this.#failover.links.some((link) => link.traits.runsTools);
  }

  #standbyOf(late: Attempt<LlmLink>): Standby<Served> {
    const { signal } = this.#request;
    const standby = new Standby<Served>(
      (over) => this.#race(late, AbortSignal.any([over, signal])),
      ({ attempt, run }) => {
        run.cancel();
        attempt.release();
      },
    );
    late.onLate(() => {
      if (this.#mayHedge && this.#failover.mayHedge(late)) standby.start();
    });
    return standby;
  }

  /** @returns whether the reply is whole, or who goes on where that is known already */
  async *#consume({ attempt, run, failed }: Served): AsyncGenerator<LlmResult, Served | 'whole' | undefined> {
    this.#tellSwitch(attempt.link, failed ?? this.#failed);
    this.#words.begin();
    const standby = this.#standbyOf(attempt);
    const held: LlmResult[] = [];
    let isLeft = false;
    try {
      for (;;) {
        const next = run.next();
        const step = await Promise.race([next, standby.won]);
        if ('run' in step) {
          isLeft = true;
          void this.#outlast(attempt, run, next, step.attempt.link);
          await standby.take();
          this.#tried.add(step.attempt.link);
          return step;
        }
        standby.cancel();
        const part: LlmPart = step.done ? { type: 'end' } : step.value;
        if (part.type === 'end') {
          if (this.#request.signal.aborted) return 'whole';
          const isSuspect = part.isSuspect && !this.#isSuspect && !this.#words.isWhole;
          attempt.succeed();
          yield* spoken(isSuspect ? this.#words.suspect() : this.#words.end());
          if (isSuspect) return this.#suspect(attempt.link);
          yield* held;
          if (step.done) return 'whole';
          isLeft = true;
          const usage = await run.usage();
          if (usage) yield usage;
          return 'whole';
        }
        if (part.type === 'text') yield* spoken(this.#words.push(part.text));
        else if (part.type !== 'progress') held.push(checked(part, attempt.link));
      }
    } catch (cause) {
      this.#settle(attempt, cause);
      const winner = await standby.take();
      if (winner) this.#tried.add(winner.attempt.link);
      return winner;
    } finally {
      // The reader left in mid-reply: the attempt ends without a verdict.
      standby.cancel();
      if (!isLeft) run.cancel();
      if (!isLeft) attempt.release();
    }
  }

  #settle(attempt: Attempt<LlmLink>, cause: unknown): void {
    const error = serverError(attempt.link.id, cause);
    attempt.fail(error);
    if (error.kind === 'content-refusal') this.#isRefused = true;
    this.#turn.failed(attempt.link);
    this.#failed = { link: attempt.link, error, atMs: this.#failover.clock.now() };
  }

  /** A silent attempt was overtaken: it still gets its verdict when it answers or fails, but its words are discarded. */
  async #outlast(attempt: Attempt<LlmLink>, run: LlmLinkSession, next: Promise<unknown>, by: LlmLink): Promise<void> {
    const wordsKept = this.#words.count;
    try {
      await next;
      if (this.#request.signal.aborted) attempt.release();
      else attempt.succeed();
      // The link was merely late: it may take over when another link breaks.
      this.#tried.delete(attempt.link);
    } catch (cause) {
      const error = serverError(attempt.link.id, cause);
      attempt.fail(error);
      this.#turn.failed(attempt.link);
      this.#switched(by, { link: attempt.link, error, wordsKept, tookMs: 0 });
    }
    run.cancel();
  }

  /** Allows the same link to be asked once whether there is more. */
  #suspect(link: LlmLink): undefined {
    this.#isSuspect = true;
    this.#tried.delete(link);
  }

  #tellSwitch(to: LlmLink, failed: Served['failed']): void {
    this.#failover.serves(to);
    this.#failed = undefined;
    if (!failed || failed.link === to) return;
    const tookMs = this.#failover.clock.now() - failed.atMs;
    this.#switched(to, { ...failed, wordsKept: this.#words.count, tookMs });
  }

  #switched(to: LlmLink, from: { link: LlmLink; error: ProviderError; wordsKept: number; tookMs: number }): void {
    const { stage, events } = this.#failover;
    const { link, error, wordsKept, tookMs } = from;
    const { kind, status, message } = error;
    events.onSwitch?.({ stage, from: link.id, to: to.id, kind, status, message, tookMs, wordsKept });
  }
}

function* spoken(text: string): Generator<LlmResult> {
  if (text !== '') yield { type: 'text', text };
}

function isEmptyReply(error: unknown): boolean {
  return error instanceof ProviderError && error.message.endsWith(EMPTY);
}

/** @throws ProviderError for a tool call that nobody could run */
function checked<Part extends LlmPart>(part: Part, link: LlmLink): Part {
  if (part.type !== 'tool-call') return part;
  try {
    const value: unknown = JSON.parse(part.call.arguments || '{}');
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return part;
  } catch {
    // The error is thrown below.
  }
  throw failure(link, 'malformed', `called ${part.call.name} with arguments that are no JSON object`);
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

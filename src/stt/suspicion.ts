// Tells a link that went silent from noise that nobody could make words of.
import type { Attempt } from '../failover/attempt.ts';
import { ProviderError } from '../failover/provider-error.ts';
import type { SttLink } from './chain.ts';
import { type Conducting, tellSwitch } from './conducting.ts';
import type { SttPart } from './contract.ts';
import type { Ear } from './ear.ts';
import { reachesBeyond, type SttWords } from './words.ts';

/** A slow rhythm of interims is no failure; another link listens in before its verdict. */
const EARLY_STALL_SHARE = 0.6;
const STAGE_WAIT_MS = { first: 700, stall: 900 };
/** With nobody to compare with, a link gets so many times its wait before it is opened anew. */
const ALONE_FACTOR = 3;
/** After noise the next suspicion waits so long, until words come. */
const NOISE_PAUSES_MS = [2_000, 4_000, 8_000, 16_000];
/** What was taken for noise is heard again with the next words: two links may have been deaf at once. */
const NOISE_KEPT_MS = 20_000;

interface Beside {
  readonly ear: Ear;
  readonly sinceMs: number;
  /** Of the suspect when the other began to listen. */
  readonly interim: SttWords | undefined;
}

interface Judged {
  readonly to: SttLink;
  readonly tookMs: number;
  readonly wordsKept: number;
  readonly audioReplayedMs: number;
}

/**
 * A suspect is not judged by time alone: another link listens beside it to the same audio, and whoever has words first serves.
 * The suspect then has the rest of its own time: words from it and nothing was wrong, none and it failed. If neither has words
 * it was noise, and nobody is marked down.
 */
export class Suspicion {
  readonly #chain: Conducting;
  readonly #judged = new Map<Ear, Judged>();
  readonly #heardNoise = new Set<SttLink>();
  #beside: Beside | undefined;
  #noises = 0;
  #noiseUntilMs = 0;
  #isHedgeRefused = false;

  constructor(chain: Conducting) {
    this.#chain = chain;
  }

  get isBusy(): boolean {
    return this.#beside !== undefined || this.#judged.size > 0;
  }

  get ears(): Ear[] {
    return [...(this.#beside ? [this.#beside.ear] : []), ...this.#judged.keys()];
  }

  isBeside(ear: Ear): boolean {
    return ear === this.#beside?.ear;
  }

  feed(samples: Int16Array): void {
    this.#beside?.ear.feed(samples);
    if (this.#judged.size > 0) for (const ear of this.#judged.keys()) ear.feed(samples);
  }

  /** After how long a wait something is done about the ear. */
  limitOf(ear: Ear): number {
    const { deadlineMs } = ear;
    if (ear !== this.#chain.serving) return deadlineMs;
    if (this.#beside) return this.#isSurelyLate(ear) ? deadlineMs : Number.POSITIVE_INFINITY;
    const pauseMs = this.#noiseUntilMs - this.#chain.failover.clock.now();
    if (pauseMs > 0) return Math.max(deadlineMs, (ear.waitedMs() ?? 0) + pauseMs);
    return this.#isHedgeRefused ? deadlineMs : earlyMs(ear);
  }

  /** That wait has passed. */
  late(ear: Ear, waitedMs: number): void {
    const isSure = waitedMs >= ear.deadlineMs && this.#isSurelyLate(ear);
    if (this.#judged.has(ear) || isSure) this.#chain.fail(ear, timeout(ear, waitedMs));
    else if (this.isBeside(ear)) this.noise();
    else if (ear === this.#chain.serving) this.#suspect(ear, waitedMs);
  }

  /** Of an ear that does not serve. */
  onPart(ear: Ear, part: SttPart): void {
    if (this.isBeside(ear)) this.#compare(ear, part);
    else if (this.#judged.has(ear) && 'text' in part && part.text !== '') this.#acquit(ear);
  }

  /** The suspect answered first. */
  onServingPart(ear: Ear, part: SttPart): void {
    const beside = this.#beside;
    if (!beside) return;
    const isNew = 'text' in part && reachesBeyond(part, beside.interim);
    if (part.type !== 'final' && ear.owes && !isNew) return;
    this.#tellHedge(ear, beside.ear, 'lost');
    this.#chain.drop(beside.ear);
  }

  onWords(): void {
    this.#noises = 0;
    this.#heardNoise.clear();
    this.#isHedgeRefused = false;
  }

  /** @returns whether the failed ear was one that did not serve */
  onFailure(ear: Ear, error: ProviderError): boolean {
    const judged = this.#judged.get(ear);
    if (judged) {
      this.#judged.delete(ear);
      const { to, ...kept } = judged;
      tellSwitch(this.#chain.failover, ear.link, to, error, kept);
      return true;
    }
    const beside = this.#beside;
    if (ear !== beside?.ear) return false;
    this.#beside = undefined;
    if (this.#chain.serving) this.listenBeside(this.#chain.serving, ear.link, beside.sinceMs);
    return true;
  }

  /** Who listens beside a suspect that failed: it has heard all, and may serve. */
  takeBeside(): Ear | undefined {
    const ear = this.#beside?.ear;
    this.#beside = undefined;
    return ear;
  }

  forget(ear: Ear): void {
    this.#judged.delete(ear);
    if (this.isBeside(ear)) this.#beside = undefined;
  }

  /** @returns whether another link may be called, or listens already */
  listenBeside(suspect: Ear, after = suspect.link, sinceMs = this.#chain.failover.clock.now()): boolean {
    if (this.#beside) return true;
    const { failover } = this.#chain;
    const tried = new Set([...this.#chain.tried, suspect.link]);
    const attempt =
      failover.next(new Set([...tried, ...this.#heardNoise]), { after }) ?? failover.next(tried, { after });
    if (attempt) this.#openBeside(attempt, sinceMs, suspect);
    return attempt !== undefined;
  }

  /** Neither the suspect nor who listened beside it made words of what was heard. */
  noise(): void {
    const { serving, heard, failover, transcript } = this.#chain;
    const link = this.#beside?.ear.link;
    if (!link) return;
    this.#chain.drop(this.#beside?.ear);
    // Should it be deaf too, the next suspicion asks somebody else.
    if (this.#heardNoise.has(link)) this.#heardNoise.clear();
    this.#heardNoise.add(link);
    const pauseMs = NOISE_PAUSES_MS[Math.min(this.#noises, NOISE_PAUSES_MS.length - 1)] as number;
    this.#noiseUntilMs = failover.clock.now() + pauseMs;
    this.#noises += 1;
    if (!serving) return;
    if (this.#chain.hasEnded) {
      this.#chain.endedWithout(serving);
      return;
    }
    serving.forgive();
    if (!serving.interim && !transcript.hasOrphan) {
      heard.answeredUntil(heard.ring.written - heard.toSamples(NOISE_KEPT_MS));
    }
    this.#chain.review(serving);
  }

  #suspect(ear: Ear, waitedMs: number): void {
    const { failover } = this.#chain;
    if (waitedMs < ear.deadlineMs && !failover.mayHedge(ear.attempt)) {
      this.#isHedgeRefused = true;
      this.#chain.review(ear);
      return;
    }
    if (this.listenBeside(ear)) return;
    const aloneMs = ear.deadlineMs * ALONE_FACTOR;
    if (waitedMs < aloneMs) {
      this.#chain.review(ear, aloneMs - waitedMs);
      return;
    }
    const attempt = failover.next(new Set(), { isLastResort: true });
    if (attempt) this.#openBeside(attempt, failover.clock.now(), ear);
  }

  #openBeside(attempt: Attempt<SttLink>, sinceMs: number, suspect: Ear): void {
    const ear = this.#chain.open(attempt);
    this.#beside = { ear, sinceMs, interim: suspect.interim };
    this.#chain.start(ear);
  }

  #compare(ear: Ear, part: SttPart): void {
    const { serving: suspect, heard, transcript, failover } = this.#chain;
    if (!('text' in part)) {
      if (part.type === 'speech-end' && !ear.hasWords) this.noise();
      return;
    }
    if (part.text === '' || !suspect) return;
    const isFinal = part.type === 'final' && !heard.isSpeech;
    if (!isFinal && !reachesBeyond(part, suspect.interim)) return;
    const tookMs = failover.clock.now() - (this.#beside?.sinceMs ?? failover.clock.now());
    this.#beside = undefined;
    const wordsKept = transcript.orphan(suspect);
    if (suspect.link === ear.link) this.#chain.drop(suspect);
    else this.#judged.set(suspect, { to: ear.link, tookMs, wordsKept, audioReplayedMs: ear.replayedMs });
    this.#chain.serve(ear);
    this.#chain.review(suspect);
    this.#chain.take(ear, part);
  }

  /** The suspect had words after all, only later than the other. */
  #acquit(ear: Ear): void {
    const { serving } = this.#chain;
    if (serving) this.#tellHedge(ear, serving, 'won');
    this.#chain.drop(ear);
  }

  /** A request is answered or late, and another can be asked. */
  #isSurelyLate(ear: Ear): boolean {
    const { failover, tried } = this.#chain;
    const isOther = (link: SttLink) => link !== ear.link && !tried.has(link) && failover.mayServe(link);
    return ear.owesRequest && failover.links.some(isOther);
  }

  #tellHedge(late: Ear, beside: Ear, outcome: 'won' | 'lost'): void {
    const { events, stage } = this.#chain.failover;
    events.onHedge?.({ stage, late: late.link.id, beside: beside.link.id, outcome });
  }
}

/** When another begins to listen, so that its words are there at the deadline. */
function earlyMs({ deadlineMs, attempt, interim }: Ear): number {
  const isFirst = deadlineMs === attempt.deadlines.firstMs && !interim;
  const earliestMs = isFirst ? STAGE_WAIT_MS.first : STAGE_WAIT_MS.stall;
  const usualMs = isFirst ? attempt.deadlines.firstHelpMs : deadlineMs * EARLY_STALL_SHARE;
  return Math.min(Math.max(earliestMs, usualMs), deadlineMs);
}

function timeout({ link: { id } }: Ear, waitedMs: number): ProviderError {
  const message = `${id}: no words for ${Math.round(waitedMs)} ms of speech`;
  return new ProviderError({ kind: 'timeout', provider: id, message });
}

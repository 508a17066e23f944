// Tells a link that went silent from noise that nobody could make words of.
import type { Attempt } from '../../failover/attempt.ts';
import { ProviderError } from '../../failover/provider-error.ts';
import type { SttLink, SttPart } from '../contract.ts';
import { type Conducting, tellSwitch } from './conducting.ts';
import type { Ear } from './link-session.ts';
import { reachesBeyond, type SttWords } from './words.ts';

/** With nobody to compare with, a link gets so many times its wait before it is opened anew. */
const ALONE_FACTOR = 1.5;
/** After noise the next suspicion waits so long, until words come. */
const NOISE_PAUSES_MS = [2_000, 4_000, 8_000, 16_000];
/** What was taken for noise is heard again with the next words: two links may have been deaf at once. */
const NOISE_KEPT_MS = 20_000;

/** Of the wait after which a link is judged: interims that come once a second are seldom so late. */
const VERY_LATE = 0.66;
/** Help for a link that is usually late comes no later than this part of that wait. */
const LATEST_HELP = 0.9;

interface Beside {
  readonly ear: Ear;
  readonly sinceMs: number;
  /** Its suspect is not merely late. */
  readonly mayBeReserve: boolean;
  /** Of the suspect when the other began to listen. */
  readonly interim: SttWords | undefined;
  /** What it has said for good before it serves. */
  readonly finals: SttWords[];
}

interface ListenBeside {
  readonly after?: SttLink;
  readonly sinceMs?: number;
  readonly mayBeReserve?: boolean;
}

/** Lost to another that was quicker. */
interface Judged {
  readonly to: SttLink;
  readonly tookMs: number;
  readonly wordsKept: number;
  readonly audioReplayedMs: number;
}

/**
 * A suspect is not judged by time alone: when it is late, another link listens beside it to the same audio, and whoever has
 * words first serves. The suspect then has the rest of its own time: words from it and nothing was wrong, so that it serves
 * again from the next turn on; none and it failed. If neither has words it was noise, and nobody is marked down.
 */
export class Suspicion {
  readonly #chain: Conducting;
  readonly #judged = new Map<Ear, Judged>();
  readonly #heardNoise = new Set<SttLink>();
  /** Was late, and is well. */
  #acquitted: Ear | undefined;
  #beside: Beside | undefined;
  #noises = 0;
  #noiseUntilMs = 0;
  /** Of who serves, since its last words. */
  #isFinalAsked = false;
  /** The budget had no help: looked at again after such a wait. */
  #lookAgainMs: number | undefined;

  constructor(chain: Conducting) {
    this.#chain = chain;
  }

  get isBusy(): boolean {
    return this.#isOpen || this.#acquitted !== undefined;
  }

  get ears(): Ear[] {
    const others = [this.#beside?.ear, this.#acquitted].filter((ear) => ear !== undefined);
    return [...others, ...this.#judged.keys()];
  }

  isBeside(ear: Ear): boolean {
    return ear === this.#beside?.ear;
  }

  feed(samples: Int16Array): void {
    this.#beside?.ear.feed(samples);
    this.#acquitted?.feed(samples);
    if (this.#judged.size > 0) for (const ear of this.#judged.keys()) ear.feed(samples);
  }

  /** After how long a wait something is done about the ear. */
  limitOf(ear: Ear): number {
    const { helpMs, ms } = ear.wait;
    if (ear !== this.#chain.serving) return ms;
    if (this.#beside) {
      if (!this.#isFinalAsked) return ms * LATEST_HELP;
      return this.#isSurelyLate(ear) ? ms : Number.POSITIVE_INFINITY;
    }
    const pauseMs = this.#noiseUntilMs - this.#chain.failover.clock.now();
    if (pauseMs > 0) return Math.max(ms, (ear.waitedMs() ?? 0) + pauseMs);
    return Math.min(this.#lookAgainMs ?? helpMs, ms);
  }

  /** That wait has passed. */
  late(ear: Ear, waitedMs: number): void {
    const isSure = waitedMs >= ear.wait.ms && this.#isSurelyLate(ear);
    if (ear === this.#acquitted) this.#chain.drop(ear);
    else if (this.#judged.has(ear) || isSure) this.#chain.fail(ear, timeout(ear, waitedMs));
    else if (this.isBeside(ear)) this.noise();
    else if (ear === this.#chain.serving) this.#suspect(ear, waitedMs);
  }

  /** Of an ear that does not serve. */
  onPart(ear: Ear, part: SttPart): void {
    if (this.isBeside(ear)) this.#compare(ear, part);
    else if (this.#judged.has(ear) && 'text' in part && part.text !== '') this.#acquit(ear);
    else if (ear === this.#acquitted) this.giveBack();
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
    this.#lookAgainMs = undefined;
    this.#isFinalAsked = false;
  }

  /** The link that serves is late with its connection: another is opened, and the late one may still win. */
  connectIsLate(ear: Ear): void {
    if (!this.#beside && this.#chain.failover.mayHedge(ear.attempt)) this.#help(ear);
  }

  /** The connection came: who was opened because it was late is needed only where there is something to say. */
  onServingOpen(ear: Ear): void {
    const beside = this.#beside?.ear;
    if (!beside || ear.owes) return;
    this.#tellHedge(ear, beside, 'lost');
    this.#chain.drop(beside);
  }

  /** At the end of a turn, who was late serves again: a won race changes nobody's place. */
  giveBack(): void {
    const ear = this.#acquitted;
    const { serving, heard, transcript, failover } = this.#chain;
    if (!ear || !serving || this.#isOpen || heard.isSpeech || transcript.hasOrphan || serving.owes || ear.owes) return;
    this.#acquitted = undefined;
    this.#chain.serve(ear);
    failover.serves(ear.link);
    if (serving.attempt.hasResult) serving.attempt.succeed();
    this.#chain.drop(serving);
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
    if (ear === this.#acquitted) {
      this.#acquitted = undefined;
      return true;
    }
    const beside = this.#beside;
    if (ear !== beside?.ear) return false;
    this.#beside = undefined;
    const { serving } = this.#chain;
    if (serving)
      this.listenBeside(serving, { after: ear.link, sinceMs: beside.sinceMs, mayBeReserve: beside.mayBeReserve });
    return true;
  }

  /** Who listens beside a suspect that failed has heard all, and serves. @returns whether there is somebody */
  serveBeside(): boolean {
    const beside = this.#beside;
    this.#beside = undefined;
    if (!beside) return false;
    this.#chain.serve(beside.ear);
    for (const final of beside.finals) this.#chain.take(beside.ear, final);
    return true;
  }

  forget(ear: Ear): void {
    this.#judged.delete(ear);
    if (this.isBeside(ear)) this.#beside = undefined;
    if (ear === this.#acquitted) this.#acquitted = undefined;
  }

  /** @returns whether another link may be called, or listens already */
  listenBeside(suspect: Ear, { after = suspect.link, sinceMs, mayBeReserve = true }: ListenBeside = {}): boolean {
    if (this.#beside) return true;
    const { failover, turn } = this.#chain;
    const tried = new Set([...this.#chain.tried, suspect.link]);
    const how = { after, turn, ...(!mayBeReserve && { beside: suspect.link }) };
    const attempt = failover.next(new Set([...tried, ...this.#heardNoise]), how) ?? failover.next(tried, how);
    if (attempt) this.#openBeside(attempt, suspect, mayBeReserve, sinceMs);
    return attempt !== undefined;
  }

  /** Neither the suspect nor who listened beside it made words of what was heard. */
  noise(): void {
    const { serving, heard, failover, transcript, turn } = this.#chain;
    const link = this.#beside?.ear.link;
    if (!link) return;
    turn.startOver();
    this.#chain.drop(this.#beside?.ear);
    // Should it be deaf too, the next suspicion asks somebody else.
    if (this.#heardNoise.has(link)) this.#heardNoise.clear();
    this.#heardNoise.add(link);
    const pauseMs = NOISE_PAUSES_MS[Math.min(this.#noises, NOISE_PAUSES_MS.length - 1)] as number;
    this.#noiseUntilMs = failover.clock.now() + pauseMs;
    this.#noises += 1;
    const wasFinalAsked = this.#isFinalAsked;
    this.#isFinalAsked = false;
    if (!serving) return;
    if (!wasFinalAsked) serving.finalise();
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

  /** Somebody's case is not decided. */
  get #isOpen(): boolean {
    return this.#beside !== undefined || this.#judged.size > 0;
  }

  #suspect(ear: Ear, waitedMs: number): void {
    const { failover, heard, turn } = this.#chain;
    const { ms } = ear.wait;
    const veryLateMs = Math.max(ms * VERY_LATE, Math.min(ear.slowestUsualMs, ms * LATEST_HELP));
    const isVeryLate = waitedMs >= veryLateMs;
    // In noise it may not have noticed the end of speech; in speech a final would cut a word in two, which then comes twice.
    if (waitedMs >= ms * LATEST_HELP || !heard.isSpeech) {
      ear.finalise();
      this.#isFinalAsked = true;
    }
    if (this.#beside) {
      this.#chain.review(ear);
      return;
    }
    if (waitedMs < ms) {
      if (failover.mayHedge(ear.attempt, isVeryLate) && this.#help(ear)) return;
      this.#lookAgainMs = isVeryLate ? ms : veryLateMs;
      this.#chain.review(ear);
      return;
    }
    if (this.listenBeside(ear)) return;
    const aloneMs = ms * ALONE_FACTOR;
    if (waitedMs < aloneMs) {
      this.#chain.review(ear, aloneMs - waitedMs);
      return;
    }
    const attempt = failover.next(new Set(), { isLastResort: true, turn });
    if (attempt) this.#openBeside(attempt, ear, true);
    // The turn has cost enough: it may still answer.
    else this.#chain.review(ear, aloneMs);
  }

  /** By whom it would not be worse to be answered: the late one may be well. */
  #help(ear: Ear): boolean {
    return this.listenBeside(ear, { mayBeReserve: false });
  }

  #openBeside(
    attempt: Attempt<SttLink>,
    suspect: Ear,
    mayBeReserve: boolean,
    sinceMs = this.#chain.failover.clock.now(),
  ): void {
    // One at a time is enough.
    if (this.#acquitted) this.#chain.drop(this.#acquitted);
    const ear = this.#chain.open(attempt);
    this.#beside = { ear, sinceMs, mayBeReserve, interim: suspect.interim, finals: [] };
    this.#chain.start(ear);
  }

  #compare(ear: Ear, part: SttPart): void {
    const { serving: suspect, heard, transcript, failover } = this.#chain;
    if (!('text' in part)) {
      const isAnswer = part.type === 'speech-end' && !(ear.link.traits.clockLags && ear.owes);
      if (isAnswer && !ear.hasWords) this.noise();
      return;
    }
    if (part.text === '' || !suspect) return;
    const isFinal = part.type === 'final' && !heard.isSpeech;
    if (!isFinal && !reachesBeyond(part, suspect.interim)) {
      if (part.type === 'final') this.#beside?.finals.push(part as SttWords);
      return;
    }
    const tookMs = failover.clock.now() - (this.#beside?.sinceMs ?? failover.clock.now());
    const wordsKept = transcript.orphan(suspect);
    if (suspect.link === ear.link) this.#chain.drop(suspect);
    else this.#judged.set(suspect, { to: ear.link, tookMs, wordsKept, audioReplayedMs: ear.replayedMs });
    this.serveBeside();
    this.#chain.review(suspect);
    this.#chain.take(ear, part);
  }

  /** The suspect had words after all, only later than the other. */
  #acquit(ear: Ear): void {
    const { serving } = this.#chain;
    if (serving) this.#tellHedge(ear, serving, 'won');
    this.#judged.delete(ear);
    this.#chain.drop(this.#acquitted);
    this.#acquitted = ear;
    this.giveBack();
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

function timeout({ link: { id } }: Ear, waitedMs: number): ProviderError {
  const message = `${id}: no words for ${Math.round(waitedMs)} ms of speech`;
  return new ProviderError({ kind: 'timeout', provider: id, message });
}

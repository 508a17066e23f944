// What "go on" means for speech to text: the caller's audio always has a link that listens, and what it fails to say another says.
import { AsyncQueue } from '../audio/async-queue.ts';
import type { SpeechExpectation } from '../config/expectation.ts';
import type { Attempt } from '../failover/attempt.ts';
import { backoffMs } from '../failover/backoff.ts';
import type { Failover, FailoverLink } from '../failover/failover.ts';
import { ProviderError } from '../failover/provider-error.ts';
import type { SttClient, SttOpenOptions, SttPart, SttSession, SttTraits } from './contract.ts';
import { Ear, type EarEvents } from './ear.ts';
import { HeardAudio } from './heard-audio.ts';
import { Recovery, type RecoveryEvents } from './recovery.ts';
import { type ChainedSttPart, Transcript } from './transcript.ts';
import { type OpenActivity, openEnergyActivity } from './voice-activity.ts';
import { reachesBeyond, type SttWords } from './words.ts';

export interface SttLink extends FailoverLink {
  readonly traits: SttTraits;
  readonly client: SttClient;
}

export interface SttChainExtras extends RecoveryEvents {
  /** For links that must be told when the caller speaks; by energy alone where absent. */
  readonly openActivity?: OpenActivity | undefined;
  /** At a turn boundary a better link took over again. */
  onReturn?(from: string, to: string): void;
}

export interface ChainedSttSession extends SttSession {
  readonly parts: AsyncIterable<ChainedSttPart>;
  /** The id of the link that serves now; undefined while all have failed. */
  readonly serving: string | undefined;
  /** Caller audio that was dropped unheard, as 60 s were kept. */
  readonly droppedMs: number;
}

/**
 * One stream of caller audio over all links. It ends after `end()`, or when `signal` aborts, and never throws: when all links
 * have failed it goes on trying. Audio comes at the first link's rate.
 */
export function openSttChain(
  failover: Failover<SttLink>,
  options: Omit<SttOpenOptions, 'onOpen'>,
  extras: SttChainExtras = {},
): ChainedSttSession {
  return new SttConductor(failover, options, extras);
}

/** Nothing comes of a moment ago that is shorter. */
const LEAST_WAIT_MS = 20;
const LOOK_AGAIN_MS = 200;
/** An utterance is over after so much quiet, where nobody else can tell. */
const UTTERANCE_END_MS = 300;
/** What owes nothing at the end may take so long to say so. */
const END_MS = 1_500;
/** A slow rhythm of interims is no failure; another link listens in before its verdict. */
const EARLY_STALL_SHARE = 0.6;
const STAGE_WAIT_MS = { first: 700, stall: 900 };
/** With nobody to compare with, a link gets so many times its wait before it is opened anew. */
const ALONE_FACTOR = 3;
/** After noise the next suspicion waits 2, 4, 8, 16 s, until words come. */
const NOISE_PAUSES_MS = [2_000, 4_000, 8_000, 16_000];
const MOST_AT_ONCE_MS = 1_000;
const RENEW_EVERY_MS = 1_000;
/** What was taken for noise is heard again with the next words: two links may have been deaf at once. */
const NOISE_KEPT_MS = 20_000;

interface PendingSwitch {
  readonly from: SttLink;
  readonly error: ProviderError;
  readonly atMs: number;
}

/**
 * A link that goes silent can't be told from noise that nobody could make words of. So a suspect is not judged by time alone:
 * another link listens beside it (`#beside`) to the same audio, and whoever has words first serves. The suspect then has the
 * rest of its own time (`#judged`): words from it and nothing was wrong, none and it failed. If neither has words it was noise.
 */
class SttConductor implements ChainedSttSession, EarEvents {
  readonly parts = new AsyncQueue<ChainedSttPart>();
  readonly #failover: Failover<SttLink>;
  readonly #options: Omit<SttOpenOptions, 'onOpen'>;
  readonly #extras: SttChainExtras;
  readonly #heard: HeardAudio;
  readonly #most: number;
  readonly #transcript: Transcript;
  readonly #recovery: Recovery;
  readonly #watches = new Map<Ear, () => void>();
  readonly #unsubscribe: () => void;
  readonly #cancel = () => this.#close();
  #serving: Ear | undefined;
  #beside: { readonly ear: Ear; readonly sinceMs: number; readonly interim: SttWords | undefined } | undefined;
  readonly #judged = new Map<Ear, { readonly to: SttLink; readonly tookMs: number; readonly replayedMs: number }>();
  /** A better link that is opened at a turn boundary to take over. */
  #ahead: Ear | undefined;
  /** Failed since the last words. */
  readonly #tried = new Set<SttLink>();
  /** Left by this stream because of a failure. */
  readonly #left = new Set<SttLink>();
  #switch: PendingSwitch | undefined;
  #rounds = 0;
  #isExhausted = false;
  #noises = 0;
  readonly #heardNoise = new Set<SttLink>();
  #noiseUntilMs = 0;
  #isHedgeRefused = false;
  #renewedMs = Number.NEGATIVE_INFINITY;
  #expectation: SpeechExpectation | undefined;
  #hasEnded = false;
  #cancelRetry: () => void = () => undefined;
  #cancelPromotion: () => void = () => undefined;

  constructor(failover: Failover<SttLink>, options: Omit<SttOpenOptions, 'onOpen'>, extras: SttChainExtras) {
    this.#failover = failover;
    this.#options = options;
    this.#extras = extras;
    this.#heard = new HeardAudio((failover.links[0] as SttLink).traits.sampleRateHz, failover.clock);
    this.#most = this.#heard.toSamples(MOST_AT_ONCE_MS);
    this.#transcript = new Transcript(this.parts, this.#heard);
    this.#recovery = new Recovery(failover, extras, () => this.#considerReturn());
    this.#unsubscribe = failover.board.onChange(() => this.#considerReturn());
    if (options.signal.aborted) {
      this.#close();
      return;
    }
    options.signal.addEventListener('abort', this.#cancel, { once: true });
    this.#openNext(undefined);
  }

  get serving(): string | undefined {
    return this.#serving?.link.id;
  }

  get droppedMs(): number {
    return this.#heard.droppedMs;
  }

  write(samples: Int16Array): void {
    if (this.#hasEnded || this.parts.ended || samples.length === 0) return;
    if (samples.length > this.#most) {
      // A whole recording at once would push itself out of the ring before anybody had it.
      for (let at = 0; at < samples.length; at += this.#most) this.write(samples.subarray(at, at + this.#most));
      return;
    }
    const isChanged = this.#heard.write(samples);
    this.#serving?.feed(samples);
    this.#beside?.ear.feed(samples);
    this.#ahead?.feed(samples);
    if (this.#judged.size > 0) for (const ear of this.#judged.keys()) ear.feed(samples);
    if (isChanged) this.#speechChanged();
  }

  expect(expectation: SpeechExpectation): void {
    this.#expectation = expectation;
    for (const ear of this.#ears()) ear.expect(expectation);
  }

  flush(): void {
    if (this.#hasEnded || this.parts.ended) return;
    this.#heard.flush();
    for (const ear of this.#ears()) ear.flush();
  }

  end(): void {
    if (this.#hasEnded || this.parts.ended) return;
    this.#hasEnded = true;
    this.#drop(this.#ahead);
    this.#ahead = undefined;
    for (const ear of this.#ears()) {
      ear.end();
      this.onChange(ear);
    }
    if (!this.#serving) {
      this.#cancelRetry();
      this.#openNext(undefined);
    }
  }

  onOpen(ear: Ear): void {
    if (ear === this.#ahead) this.#handOver(ear);
    else if (ear === this.#serving && !ear.owes) this.#tellSwitch(ear);
  }

  onPart(ear: Ear, part: SttPart): void {
    if (ear === this.#serving) this.#take(ear, part);
    else if (ear === this.#beside?.ear) this.#compare(ear, part);
    else if (this.#judged.has(ear) && 'text' in part && part.text !== '') this.#acquit(ear);
  }

  onEnd(ear: Ear): void {
    if (ear === this.#serving && this.#hasEnded) {
      // It heard nothing where there was sound: another may.
      if (ear.owes && (this.#beside || this.#listenBeside(ear, this.#failover.clock.now(), ear.link))) return;
      this.#transcript.promote();
      this.#close();
    } else if (ear === this.#beside?.ear) this.#noise();
    else this.#drop(ear);
  }

  onFailure(ear: Ear, error: ProviderError): void {
    const atMs = this.#failover.clock.now();
    ear.fail(error);
    this.#unwatch(ear);
    this.#tried.add(ear.link);
    this.#left.add(ear.link);
    if (!this.#hasEnded) this.#recovery.watch(ear.link, error);
    const judged = this.#judged.get(ear);
    if (judged) {
      this.#judged.delete(ear);
      this.#switched(ear.link, judged.to, error, judged.tookMs, judged.replayedMs);
    } else if (ear === this.#ahead) this.#ahead = undefined;
    else if (ear === this.#beside?.ear) {
      const { sinceMs } = this.#beside;
      this.#beside = undefined;
      if (this.#serving) this.#listenBeside(this.#serving, sinceMs, ear.link);
    } else if (ear === this.#serving) {
      this.#transcript.orphan(ear);
      this.#serving = undefined;
      this.#switch ??= { from: ear.link, error, atMs };
      const beside = this.#beside?.ear;
      this.#beside = undefined;
      if (beside) this.#promote(beside);
      else this.#openNext(ear);
    }
  }

  onChange(ear: Ear): void {
    this.#unwatch(ear);
    if (this.parts.ended || ear.isClosed || ear === this.#ahead) return;
    const waitedMs = ear.waitedMs(ear === this.#beside?.ear);
    if (waitedMs === undefined) {
      if (this.#hasEnded) this.#watchIn(ear, END_MS, () => this.#endedWithout(ear));
      else if (this.#heard.isSpeech) this.#watchIn(ear, LOOK_AGAIN_MS);
      return;
    }
    const leftMs = this.#limitOf(ear) - waitedMs;
    if (leftMs > 0) this.#watchIn(ear, leftMs);
    else this.#late(ear, waitedMs);
  }

  #open(attempt: Attempt<SttLink>): Ear {
    const { language, keyPhrases } = this.#options;
    return new Ear({
      attempt,
      heard: this.#heard,
      clock: this.#failover.clock,
      events: this,
      open: { language, keyPhrases },
      openActivity: this.#extras.openActivity ?? openEnergyActivity,
      expectation: this.#expectation,
    });
  }

  /** Once it has its place: it may tell something at once. */
  #start(ear: Ear): void {
    ear.start();
    if (this.#hasEnded) ear.end();
    this.onChange(ear);
  }

  #openNext(failed: Ear | undefined): void {
    const attempt = this.#failover.next(this.#tried, { after: failed?.link, isLastResort: true });
    if (!attempt) {
      this.#exhausted(failed?.hasWords === true);
      return;
    }
    const ear = this.#open(attempt);
    this.#serving = ear;
    this.#start(ear);
  }

  /** @param isFresh the last one had served well, so it may be worth opening it again at once */
  #exhausted(isFresh: boolean): void {
    const { clock, random, events, stage } = this.#failover;
    this.#tried.clear();
    if (this.#hasEnded) {
      this.#transcript.promote();
      this.#close();
      return;
    }
    if (!isFresh) this.#rounds += 1;
    const waitMs = isFresh ? 0 : backoffMs(this.#rounds, random);
    if (!isFresh && !this.#isExhausted) {
      this.#isExhausted = true;
      const message = 'no speech-to-text provider is left';
      events.onExhausted?.(
        stage,
        this.#switch?.error ?? new ProviderError({ kind: 'server', provider: 'none', message }),
      );
    }
    this.#cancelRetry = clock.setTimeout(() => this.#openNext(undefined), waitMs);
    if (!this.#heard.isSpeech) this.#promoteSoon();
  }

  #promoteSoon(): void {
    this.#cancelPromotion();
    this.#cancelPromotion = this.#failover.clock.setTimeout(() => {
      if (!this.#serving && this.#rounds > 0) this.#transcript.promote();
    }, UTTERANCE_END_MS);
  }

  /** Of the link that serves. */
  #take(ear: Ear, part: SttPart): void {
    const words = 'text' in part && part.text !== '' ? part : undefined;
    if (this.#beside && (part.type === 'final' || !ear.owes || (words && reachesBeyond(words, this.#beside.interim)))) {
      this.#tellHedge(ear, this.#beside.ear, 'lost');
      this.#drop(this.#beside.ear);
      this.#beside = undefined;
    }
    this.#transcript.take(ear, part);
    if (words) this.#hasWords(ear);
    if (words?.type === 'final') {
      this.#renew(ear);
      this.#considerReturn();
    }
  }

  #hasWords(ear: Ear): void {
    this.#tried.clear();
    this.#rounds = 0;
    this.#isExhausted = false;
    this.#noises = 0;
    this.#heardNoise.clear();
    this.#isHedgeRefused = false;
    this.#tellSwitch(ear);
    this.#drop(this.#ahead);
    this.#ahead = undefined;
  }

  /** At most once a turn. */
  #renew(ear: Ear): void {
    const nowMs = this.#failover.clock.now();
    if (ear.isClosed || !ear.attempt.hasResult || nowMs - this.#renewedMs < RENEW_EVERY_MS) return;
    this.#renewedMs = nowMs;
    ear.attempt = this.#failover.renew(ear.attempt);
  }

  #speechChanged(): void {
    const { isSpeech } = this.#heard.gate;
    if (isSpeech && this.#serving?.isOpen) {
      // Measured from here; whether it is late is told by the audio.
      this.#serving.attempt.expectFirst();
      this.#serving.attempt.expectNothing();
    }
    for (const ear of this.#ears()) this.onChange(ear);
    if (isSpeech) return;
    if (!this.#serving) this.#promoteSoon();
    this.#considerReturn();
  }

  /** After how long a wait something is done about the ear. */
  #limitOf(ear: Ear): number {
    const { deadlineMs } = ear;
    if (ear !== this.#serving) return deadlineMs;
    if (this.#beside) return this.#isSurelyLate(ear) ? deadlineMs : Number.POSITIVE_INFINITY;
    const nowMs = this.#failover.clock.now();
    const pause = this.#noiseUntilMs - nowMs;
    if (pause > 0) return Math.max(deadlineMs, (ear.waitedMs() ?? 0) + pause);
    return this.#isHedgeRefused ? deadlineMs : this.#earlyMs(ear);
  }

  #earlyMs(ear: Ear): number {
    const { deadlineMs } = ear;
    const { firstMs } = ear.attempt.deadlines;
    const early =
      deadlineMs === firstMs && !ear.interim
        ? Math.max(STAGE_WAIT_MS.first, ear.attempt.hedgeAfterMs)
        : Math.max(STAGE_WAIT_MS.stall, deadlineMs * EARLY_STALL_SHARE);
    return Math.min(early, deadlineMs);
  }

  #late(ear: Ear, waitedMs: number): void {
    const isOver = waitedMs >= ear.deadlineMs;
    if (this.#judged.has(ear) || (isOver && this.#isSurelyLate(ear))) this.onFailure(ear, this.#timeout(ear, waitedMs));
    else if (ear === this.#beside?.ear) this.#noise();
    else if (ear === this.#serving) this.#suspect(ear, waitedMs);
  }

  /** A request is answered or late, and another can be asked. */
  #isSurelyLate(ear: Ear): boolean {
    const isOther = (link: SttLink) => link !== ear.link && !this.#tried.has(link) && this.#failover.mayServe(link);
    return ear.owesRequest && this.#failover.links.some(isOther);
  }

  #suspect(ear: Ear, waitedMs: number): void {
    if (waitedMs < ear.deadlineMs && !this.#failover.mayHedge(ear.attempt)) {
      this.#isHedgeRefused = true;
      this.onChange(ear);
      return;
    }
    const sinceMs = this.#failover.clock.now();
    if (this.#listenBeside(ear, sinceMs, ear.link)) return;
    const aloneMs = ear.deadlineMs * ALONE_FACTOR;
    if (waitedMs < aloneMs) {
      this.#watchIn(ear, aloneMs - waitedMs);
      return;
    }
    const attempt = this.#failover.next(new Set(), { isLastResort: true });
    if (attempt) this.#openBeside(attempt, sinceMs, ear);
  }

  /** @returns whether there is another link that may be called */
  #listenBeside(suspect: Ear, sinceMs: number, after: SttLink): boolean {
    const tried = new Set([...this.#tried, suspect.link]);
    const attempt =
      this.#failover.next(new Set([...tried, ...this.#heardNoise]), { after }) ?? this.#failover.next(tried, { after });
    if (!attempt) return false;
    this.#openBeside(attempt, sinceMs, suspect);
    return true;
  }

  #openBeside(attempt: Attempt<SttLink>, sinceMs: number, suspect: Ear): void {
    const ear = this.#open(attempt);
    this.#beside = { ear, sinceMs, interim: suspect.interim };
    this.#start(ear);
  }

  /** Of a link that listens beside a suspect. */
  #compare(ear: Ear, part: SttPart): void {
    if (!('text' in part)) {
      if (part.type === 'speech-end' && !ear.hasWords) this.#noise();
      return;
    }
    const suspect = this.#serving;
    if (part.text === '' || !suspect) return;
    const isFinal = part.type === 'final' && !this.#heard.isSpeech;
    if (!isFinal && !reachesBeyond(part, suspect.interim)) return;
    const sinceMs = this.#beside?.sinceMs ?? this.#failover.clock.now();
    this.#beside = undefined;
    this.#transcript.orphan(suspect);
    if (suspect.link === ear.link) {
      this.#drop(suspect);
    } else {
      const tookMs = this.#failover.clock.now() - sinceMs;
      this.#judged.set(suspect, { to: ear.link, tookMs, replayedMs: ear.replayedMs });
    }
    this.#promote(ear);
    this.onChange(suspect);
    this.#take(ear, part);
  }

  #promote(ear: Ear): void {
    this.#serving = ear;
    this.#transcript.adopt(ear, this.#heard.toMs(this.#heard.replayFrom));
    this.onChange(ear);
  }

  /** Neither the suspect nor who listened beside it made words of what was heard. */
  #noise(): void {
    const beside = this.#beside;
    if (!beside) return;
    this.#beside = undefined;
    this.#drop(beside.ear);
    // Should it be deaf too, the next suspicion asks somebody else.
    if (this.#heardNoise.has(beside.ear.link)) this.#heardNoise.clear();
    this.#heardNoise.add(beside.ear.link);
    this.#noiseUntilMs =
      this.#failover.clock.now() + (NOISE_PAUSES_MS[Math.min(this.#noises, NOISE_PAUSES_MS.length - 1)] as number);
    this.#noises += 1;
    const { ring } = this.#heard;
    if (!this.#serving) return;
    if (this.#hasEnded) {
      this.#endedWithout(this.#serving);
      return;
    }
    this.#serving.forgive();
    if (!this.#serving.interim && !this.#transcript.hasOrphan) {
      this.#heard.answeredUntil(ring.written - this.#heard.toSamples(NOISE_KEPT_MS));
    }
    this.onChange(this.#serving);
  }

  /** The suspect had words after all, only later than the other. */
  #acquit(ear: Ear): void {
    const judged = this.#judged.get(ear);
    this.#judged.delete(ear);
    if (this.#serving) this.#tellHedge(ear, this.#serving, 'won');
    if (judged) this.#failover.serves(judged.to);
    this.#drop(ear);
  }

  #endedWithout(ear: Ear): void {
    if (ear !== this.#serving) {
      this.#drop(ear);
      return;
    }
    this.#transcript.orphan(ear);
    this.#transcript.promote();
    this.#close();
  }

  /** Back to a better link, which is opened while the caller is silent and everything heard is final. */
  #considerReturn(): void {
    const serving = this.#serving;
    if (!serving?.isOpen || this.#hasEnded || this.parts.ended || !this.#isBetweenTurns(serving)) return;
    if (!this.#isBetter(this.#failover.upNext, serving.link)) return;
    const attempt = this.#failover.next(new Set());
    if (!attempt) return;
    if (!this.#isBetter(attempt.link, serving.link)) {
      attempt.release();
      return;
    }
    const ear = this.#open(attempt);
    this.#ahead = ear;
    this.#start(ear);
  }

  #isBetweenTurns(serving: Ear): boolean {
    const isBusy = this.#beside || this.#ahead || this.#judged.size > 0 || this.#transcript.hasOrphan;
    return !isBusy && !this.#heard.isSpeech && !serving.owes;
  }

  #isBetter(link: SttLink | undefined, serving: SttLink): link is SttLink {
    if (!link || link === serving) return false;
    const { links } = this.#failover;
    const [its, ours] = [link.priority ?? links.indexOf(link), serving.priority ?? links.indexOf(serving)];
    return its < ours || (its === ours && this.#left.has(link));
  }

  #handOver(ear: Ear): void {
    const old = this.#serving;
    this.#ahead = undefined;
    if (!old || !this.#isBetweenTurns(old)) {
      this.#drop(ear);
      return;
    }
    this.#serving = ear;
    this.#failover.serves(ear.link);
    this.#left.delete(ear.link);
    if (old.attempt.hasResult) old.attempt.succeed();
    this.#drop(old);
    this.#extras.onReturn?.(old.link.id, ear.link.id);
    this.onChange(ear);
  }

  #tellSwitch(ear: Ear): void {
    const failed = this.#switch;
    this.#switch = undefined;
    this.#failover.serves(ear.link);
    if (!failed || failed.from === ear.link) return;
    this.#switched(failed.from, ear.link, failed.error, this.#failover.clock.now() - failed.atMs, ear.replayedMs);
  }

  #switched(from: SttLink, to: SttLink, error: ProviderError, tookMs: number, audioReplayedMs: number): void {
    const { events, stage } = this.#failover;
    const { kind, status, message } = error;
    events.onSwitch?.({ stage, from: from.id, to: to.id, kind, status, message, tookMs, audioReplayedMs });
  }

  #tellHedge(late: Ear, beside: Ear, outcome: 'won' | 'lost'): void {
    const { events, stage } = this.#failover;
    events.onHedge?.({ stage, late: late.link.id, beside: beside.link.id, outcome });
  }

  #timeout({ link: { id } }: Ear, waitedMs: number): ProviderError {
    const message = `${id}: no words for ${Math.round(waitedMs)} ms of speech`;
    return new ProviderError({ kind: 'timeout', provider: id, message });
  }

  #watchIn(ear: Ear, ms: number, run = () => this.onChange(ear)): void {
    if (ms === Number.POSITIVE_INFINITY) return;
    this.#unwatch(ear);
    this.#watches.set(ear, this.#failover.clock.setTimeout(run, Math.max(LEAST_WAIT_MS, ms)));
  }

  #unwatch(ear: Ear): void {
    this.#watches.get(ear)?.();
    this.#watches.delete(ear);
  }

  /** Without a verdict. */
  #drop(ear: Ear | undefined): void {
    if (!ear) return;
    this.#unwatch(ear);
    this.#judged.delete(ear);
    ear.close();
  }

  #close(): void {
    this.#options.signal.removeEventListener('abort', this.#cancel);
    this.#unsubscribe();
    this.#recovery.close();
    this.#cancelRetry();
    this.#cancelPromotion();
    const serving = this.#serving;
    if (serving?.attempt.hasResult && this.#hasEnded) serving.attempt.succeed();
    for (const ear of this.#ears()) this.#drop(ear);
    this.#serving = undefined;
    this.#beside = undefined;
    this.#ahead = undefined;
    if (!this.#options.signal.aborted) this.#transcript.close();
    this.parts.end();
  }

  #ears(): Ear[] {
    return [this.#serving, this.#beside?.ear, this.#ahead, ...this.#judged.keys()].filter((ear) => ear !== undefined);
  }
}

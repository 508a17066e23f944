// What "go on" means for speech to text: the caller's audio always has a link that listens, and what it fails to say another says.
import { AsyncQueue } from '../../audio/async-queue.ts';
import type { SpeechExpectation } from '../../config/expectation.ts';
import type { Attempt } from '../../failover/attempt.ts';
import { roundWaitMs } from '../../failover/backoff.ts';
import type { Failover } from '../../failover/failover.ts';
import { ProviderError } from '../../failover/provider-error.ts';
import { TurnOpenings } from '../../failover/turn-openings.ts';
import type { SttLink, SttOpenOptions, SttPart, SttSession } from '../contract.ts';
import { type Conducting, tellSwitch } from './conducting.ts';
import { HeardAudio } from './heard-audio.ts';
import { Ear, type EarEvents } from './link-session.ts';
import { Recovery, type RecoveryEvents } from './recovery.ts';
import { BetterLink } from './return-to-better.ts';
import { Suspicion } from './silence-check.ts';
import { type ChainedSttPart, Transcript } from './transcript.ts';
import { type OpenActivity, openEnergyActivity } from './voice-activity.ts';

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

/** No wait is worth a timer that is shorter. */
const LEAST_WAIT_MS = 20;
const LOOK_AGAIN_MS = 200;
const BUSY_MS = 100;
/** An utterance is over after so much quiet, where nobody else can tell. */
const UTTERANCE_END_MS = 300;
/** What was heard is to be final so long after it became quiet: of 300 ms, 200 passed until that is known. */
const FINALISE_MS = 100;
const FINALISE_AGAIN_MS = 300;
/** What follows so much quiet is another turn. */
const TURN_PAUSE_MS = 700;
/** What owes nothing at the end may take so long to say so. */
const END_MS = 1_500;
const MOST_AT_ONCE_MS = 1_000;
/** A turn that went well is told to the board once, though it has several finals. */
const RENEW_EVERY_MS = 1_000;

interface PendingSwitch {
  readonly from: SttLink;
  readonly error: ProviderError;
  readonly atMs: number;
  readonly wordsKept: number;
}

class SttConductor implements ChainedSttSession, EarEvents {
  readonly parts = new AsyncQueue<ChainedSttPart>();
  readonly #failover: Failover<SttLink>;
  readonly #options: Omit<SttOpenOptions, 'onOpen'>;
  readonly #openActivity: OpenActivity;
  readonly #heard: HeardAudio;
  readonly #most: number;
  readonly #transcript: Transcript;
  readonly #recovery: Recovery;
  readonly #suspicion: Suspicion;
  readonly #better: BetterLink;
  readonly #watches = new Map<Ear, () => void>();
  readonly #tried = new Set<SttLink>();
  readonly #turn = new TurnOpenings<SttLink>();
  readonly #unsubscribe: () => void;
  readonly #cancel = () => this.#close();
  #serving: Ear | undefined;
  #switch: PendingSwitch | undefined;
  /** Of attempts at all links, without a final in between. */
  #rounds = 0;
  #renewedMs = Number.NEGATIVE_INFINITY;
  #expectation: SpeechExpectation | undefined;
  #hasEnded = false;
  #cancelRetry: () => void = () => undefined;
  #cancelPromotion: () => void = () => undefined;
  #cancelFinalise: () => void = () => undefined;

  constructor(failover: Failover<SttLink>, options: Omit<SttOpenOptions, 'onOpen'>, extras: SttChainExtras) {
    this.#failover = failover;
    this.#options = options;
    this.#openActivity = extras.openActivity ?? openEnergyActivity;
    this.#heard = new HeardAudio((failover.links[0] as SttLink).traits.sampleRateHz, failover.clock);
    this.#most = this.#heard.toSamples(MOST_AT_ONCE_MS);
    this.#transcript = new Transcript(this.parts, this.#heard);
    const chain = this.#conducting();
    this.#suspicion = new Suspicion(chain);
    this.#better = new BetterLink(chain, () => this.#isQuiet, extras.onReturn?.bind(extras));
    this.#recovery = new Recovery(failover, extras, () => this.#better.look());
    this.#unsubscribe = failover.board.onChange(() => this.#better.look());
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
    if (this.#takesNoMore || samples.length === 0) return;
    if (samples.length > this.#most) {
      // A whole recording at once would push itself out of the ring before anybody had it.
      for (let at = 0; at < samples.length; at += this.#most) this.write(samples.subarray(at, at + this.#most));
      return;
    }
    const isChanged = this.#heard.write(samples);
    this.#serving?.feed(samples);
    this.#suspicion.feed(samples);
    this.#better.ahead?.feed(samples);
    if (isChanged) this.#speechChanged();
  }

  expect(expectation: SpeechExpectation): void {
    this.#expectation = expectation;
    for (const ear of this.#ears()) ear.expect(expectation);
  }

  flush(): void {
    if (this.#takesNoMore) return;
    this.#heard.flush();
    for (const ear of this.#ears()) ear.flush();
  }

  end(): void {
    if (this.#takesNoMore) return;
    this.#hasEnded = true;
    this.#better.giveUp();
    for (const ear of this.#ears()) {
      ear.end();
      this.onChange(ear);
    }
    if (this.#serving) return;
    this.#cancelRetry();
    this.#openNext(undefined);
  }

  onOpen(ear: Ear): void {
    if (ear === this.#better.ahead) this.#better.handOver(ear);
    else if (ear === this.#serving) {
      this.#suspicion.onServingOpen(ear);
      if (!ear.owes) this.#tellSwitch(ear);
    }
  }

  onLate(ear: Ear): void {
    if (ear === this.#serving) this.#suspicion.connectIsLate(ear);
  }

  onPart(ear: Ear, part: SttPart): void {
    if (ear === this.#serving) this.#take(ear, part);
    else this.#suspicion.onPart(ear, part);
  }

  onEnd(ear: Ear): void {
    if (ear === this.#serving && this.#hasEnded) {
      // It heard nothing where there was sound: another may.
      if (ear.owes && this.#suspicion.listenBeside(ear)) return;
      this.#endedWithout(ear);
    } else if (this.#suspicion.isBeside(ear)) this.#suspicion.noise();
    else this.#drop(ear);
  }

  onFailure(ear: Ear, error: ProviderError): void {
    const atMs = this.#failover.clock.now();
    ear.fail(error);
    this.#unwatch(ear);
    this.#tried.add(ear.link);
    this.#turn.failed(ear.link);
    this.#better.left(ear.link);
    if (!this.#hasEnded) this.#recovery.watch(ear.link, error);
    if (ear === this.#better.ahead) this.#better.giveUp();
    else if (!this.#suspicion.onFailure(ear, error) && ear === this.#serving) {
      const wordsKept = this.#transcript.orphan(ear);
      this.#serving = undefined;
      this.#switch ??= { from: ear.link, error, atMs, wordsKept };
      if (!this.#suspicion.serveBeside()) this.#openNext(ear);
    }
  }

  /** What it owes changed: looks at how long that is, and again in time. */
  onChange(ear: Ear): void {
    this.#unwatch(ear);
    if (this.parts.ended || ear.isClosed || ear === this.#better.ahead) return;
    const waitedMs = ear.waitedMs(this.#suspicion.isBeside(ear));
    if (waitedMs === undefined) {
      if (this.#hasEnded) this.#watchIn(ear, END_MS, () => this.#endedWithout(ear));
      else if (this.#heard.isSpeech) this.#watchIn(ear, LOOK_AGAIN_MS);
      return;
    }
    const leftMs = this.#suspicion.limitOf(ear) - waitedMs;
    if (leftMs > 0) this.#watchIn(ear, leftMs);
    else this.#suspicion.late(ear, waitedMs);
  }

  get #takesNoMore(): boolean {
    return this.#hasEnded || this.parts.ended;
  }

  get #isQuiet(): boolean {
    const isBusy = this.#suspicion.isBusy || this.#transcript.hasOrphan;
    return !isBusy && !this.#heard.isSpeech && this.#serving?.owes === false;
  }

  #conducting(): Conducting {
    const self = this;
    return {
      failover: this.#failover,
      heard: this.#heard,
      transcript: this.#transcript,
      tried: this.#tried,
      turn: this.#turn,
      get serving() {
        return self.#serving;
      },
      get hasEnded() {
        return self.#takesNoMore;
      },
      open: (attempt) => this.#open(attempt),
      start: (ear) => this.#start(ear),
      review: (ear, inMs) => (inMs === undefined ? this.onChange(ear) : this.#watchIn(ear, inMs)),
      serve: (ear) => this.#serve(ear),
      take: (ear, part) => this.#take(ear, part),
      fail: (ear, error) => this.onFailure(ear, error),
      drop: (ear) => this.#drop(ear),
      endedWithout: (ear) => this.#endedWithout(ear),
    };
  }

  #open(attempt: Attempt<SttLink>): Ear {
    const { language, keyPhrases } = this.#options;
    return new Ear({
      attempt,
      heard: this.#heard,
      clock: this.#failover.clock,
      events: this,
      open: { language, keyPhrases },
      openActivity: this.#openActivity,
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
    const attempt = this.#failover.next(this.#tried, { after: failed?.link, isLastResort: true, turn: this.#turn });
    if (!attempt) {
      this.#exhausted(failed?.hasWords === true && this.#turn.allows(failed.link));
      return;
    }
    const ear = this.#open(attempt);
    this.#serving = ear;
    this.#start(ear);
  }

  /** @param isFresh the last one had served well, so it may be worth opening it again at once */
  #exhausted(isFresh: boolean): void {
    const { clock, random } = this.#failover;
    this.#tried.clear();
    if (this.#hasEnded) {
      this.#transcript.promote();
      this.#close();
      return;
    }
    if (!isFresh) {
      this.#rounds += 1;
      this.#turn.startOver();
    }
    const waitMs = isFresh ? 0 : roundWaitMs(this.#rounds, random);
    if (!isFresh && !this.#failover.isExhausted) {
      const message = 'no speech-to-text provider is left';
      this.#failover.exhausted(this.#switch?.error ?? new ProviderError({ kind: 'server', provider: 'none', message }));
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

  #serve(ear: Ear): void {
    this.#serving = ear;
    this.#transcript.adopt(ear, this.#heard.toMs(this.#heard.replayFrom));
    if (!ear.isOpen && ear.attempt.ageMs >= ear.attempt.deadlines.connectHelpMs) this.#suspicion.connectIsLate(ear);
    this.onChange(ear);
  }

  /** Of the link that serves. */
  #take(ear: Ear, part: SttPart): void {
    this.#suspicion.onServingPart(ear, part);
    this.#transcript.take(ear, part);
    // Who answers by request owes until it has told the end, which comes after its words.
    if (part.type === 'speech-end') this.#atBoundary();
    if (!('text' in part) || part.text === '') return;
    this.#tried.clear();
    this.#suspicion.onWords();
    this.#tellSwitch(ear);
    this.#better.giveUp();
    if (part.type !== 'final') return;
    this.#rounds = 0;
    this.#turn.startOver();
    this.#renew(ear);
    this.#atBoundary();
  }

  /** Perhaps the end of a turn: whoever should serve the next one may. */
  #atBoundary(): void {
    this.#suspicion.giveBack();
    this.#better.look();
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
    this.#cancelFinalise();
    if (isSpeech && this.#heard.quietBeforeMs >= TURN_PAUSE_MS) for (const ear of this.#ears()) ear.beginTurn();
    if (isSpeech && this.#serving?.isOpen) {
      // Measured from here; whether it is late is told by the audio.
      this.#serving.attempt.expectFirst();
      this.#serving.attempt.expectNothing();
    }
    for (const ear of this.#ears()) this.onChange(ear);
    if (isSpeech) return;
    this.#finaliseIn(FINALISE_MS);
    if (!this.#serving) this.#promoteSoon();
    this.#atBoundary();
  }

  /** Words may come late, so it is asked for again while somebody owes their final. */
  #finaliseIn(ms: number): void {
    this.#cancelFinalise = this.#failover.clock.setTimeout(() => {
      if (this.#takesNoMore || this.#heard.isSpeech) return;
      const owing = this.#ears().filter(({ owes }) => owes);
      for (const ear of owing) {
        ear.finalise();
        this.onChange(ear);
      }
      if (owing.length > 0) this.#finaliseIn(FINALISE_AGAIN_MS);
    }, ms);
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

  #tellSwitch(ear: Ear): void {
    const failed = this.#switch;
    this.#switch = undefined;
    this.#failover.serves(ear.link);
    if (!failed || failed.from === ear.link) return;
    const tookMs = this.#failover.clock.now() - failed.atMs;
    const kept = { tookMs, wordsKept: failed.wordsKept, audioReplayedMs: ear.replayedMs };
    tellSwitch(this.#failover, failed.from, ear.link, failed.error, kept);
  }

  #watchIn(ear: Ear, ms: number, run = () => this.onChange(ear)): void {
    if (ms === Number.POSITIVE_INFINITY) return;
    this.#unwatch(ear);
    const { clock } = this.#failover;
    const waitMs = Math.max(LEAST_WAIT_MS, ms);
    const dueMs = clock.now() + waitMs;
    const look = () => {
      // This process had no time: what the link has said in the meantime is heard first.
      if (clock.now() - dueMs > BUSY_MS) this.#watchIn(ear, LOOK_AGAIN_MS, run);
      else run();
    };
    this.#watches.set(ear, clock.setTimeout(look, waitMs));
  }

  #unwatch(ear: Ear): void {
    this.#watches.get(ear)?.();
    this.#watches.delete(ear);
  }

  /** Without a verdict. */
  #drop(ear: Ear | undefined): void {
    if (!ear) return;
    this.#unwatch(ear);
    this.#suspicion.forget(ear);
    ear.close();
  }

  #close(): void {
    this.#options.signal.removeEventListener('abort', this.#cancel);
    this.#unsubscribe();
    this.#recovery.close();
    this.#cancelRetry();
    this.#cancelPromotion();
    this.#cancelFinalise();
    const serving = this.#serving;
    if (serving?.attempt.hasResult && this.#hasEnded) serving.attempt.succeed();
    for (const ear of this.#ears()) this.#drop(ear);
    this.#serving = undefined;
    if (!this.#options.signal.aborted) this.#transcript.close();
    this.parts.end();
  }

  #ears(): Ear[] {
    return [this.#serving, this.#better.ahead, ...this.#suspicion.ears].filter((ear) => ear !== undefined);
  }
}

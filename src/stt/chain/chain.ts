// What "go on" means for speech to text: the caller's audio always has a link that listens, and what it fails to say another says.
import { AsyncQueue } from '../../audio/async-queue.ts';
import type { SpeechExpectation } from '../../config/expectation.ts';
import type { Attempt } from '../../failover/attempt.ts';
import { roundWaitMs } from '../../failover/backoff.ts';
import { setDeadline } from '../../failover/clock.ts';
import type { Failover } from '../../failover/failover.ts';
import { ProviderError } from '../../failover/provider-error.ts';
import { TurnOpenings } from '../../failover/turn-openings.ts';
import type { SttLink, SttOpenOptions, SttPart, SttSession } from '../contract.ts';
import { type Conducting, tellSwitch } from './conducting.ts';
import { HeardAudio } from './heard-audio.ts';
import { type LinkSessionEvents, SttLinkSession } from './link-session.ts';
import { Recovery, type RecoveryEvents } from './recovery.ts';
import { ReturnToBetter } from './return-to-better.ts';
import { SilenceCheck } from './silence-check.ts';
import { type ChainedSttPart, Transcript } from './transcript.ts';
import { type OpenActivity, openEnergyActivity } from './voice-activity.ts';

export interface SttChainExtras extends RecoveryEvents {
  /** Voice activity for links that must be told when the caller speaks; the energy gate where absent. */
  readonly openActivity?: OpenActivity | undefined;
  /** A better link took over again at a turn boundary; `from` and `to` are link ids. */
  onReturn?(from: string, to: string): void;
}

export interface ChainedSttSession extends SttSession {
  readonly parts: AsyncIterable<ChainedSttPart>;
  /** The id of the link that serves now; undefined while all have failed. */
  readonly serving: string | undefined;
  /** Milliseconds of caller audio that was dropped without a final, because only 60 s are kept. */
  readonly droppedMs: number;
}

/**
 * Opens one stream of caller audio over all links. Its `parts` end after `end()`, or when `signal` aborts, and never throw: when
 * all links have failed the stream goes on trying. `write` takes audio at the first link's sample rate.
 */
export function openSttChain(
  failover: Failover<SttLink>,
  options: Omit<SttOpenOptions, 'onOpen'>,
  extras: SttChainExtras = {},
): ChainedSttSession {
  return new SttChainSession(failover, options, extras);
}

/** Shortest time for which a timer is set; shorter waits are rounded up to it. */
const LEAST_WAIT_MS = 20;
const LOOK_AGAIN_MS = 200;
/** Quiet after which an utterance counts as over, where no link can tell. */
const UTTERANCE_END_MS = 300;
/** Finals are asked for this long after quiet is noticed, 300 ms after the last sound: noticing it takes the first 200 ms. */
const FINALISE_MS = 100;
const FINALISE_AGAIN_MS = 300;
/** Speech after this much quiet begins another turn. */
const TURN_PAUSE_MS = 700;
/** Time limit for a session with nothing left to transcribe to end by itself. */
const END_MS = 1_500;
const MOST_AT_ONCE_MS = 1_000;
/** Least time between two reports of success to the board: a turn that went well counts once, though it has several finals. */
const RENEW_EVERY_MS = 1_000;

interface PendingSwitch {
  readonly from: SttLink;
  readonly error: ProviderError;
  readonly atMs: number;
  readonly wordsKept: number;
}

class SttChainSession implements ChainedSttSession, LinkSessionEvents {
  readonly parts = new AsyncQueue<ChainedSttPart>();
  readonly #failover: Failover<SttLink>;
  readonly #options: Omit<SttOpenOptions, 'onOpen'>;
  readonly #openActivity: OpenActivity;
  readonly #heard: HeardAudio;
  readonly #most: number;
  readonly #transcript: Transcript;
  readonly #recovery: Recovery;
  readonly #silenceCheck: SilenceCheck;
  readonly #better: ReturnToBetter;
  readonly #watches = new Map<SttLinkSession, () => void>();
  readonly #tried = new Set<SttLink>();
  readonly #turn = new TurnOpenings<SttLink>();
  readonly #unsubscribe: () => void;
  readonly #cancel = () => this.#close();
  #serving: SttLinkSession | undefined;
  #switch: PendingSwitch | undefined;
  /** Full passes over all links since the last final. */
  #rounds = 0;
  #renewedMs = Number.NEGATIVE_INFINITY;
  #expectation: SpeechExpectation | undefined;
  #hasEnded = false;
  #cancelRetry: () => void = () => undefined;
  #cancelFinalizing: () => void = () => undefined;
  #cancelFinalise: () => void = () => undefined;

  constructor(failover: Failover<SttLink>, options: Omit<SttOpenOptions, 'onOpen'>, extras: SttChainExtras) {
    this.#failover = failover;
    this.#options = options;
    this.#openActivity = extras.openActivity ?? openEnergyActivity;
    this.#heard = new HeardAudio((failover.links[0] as SttLink).traits.sampleRateHz, failover.clock);
    this.#most = this.#heard.toSamples(MOST_AT_ONCE_MS);
    this.#transcript = new Transcript(this.parts, this.#heard);
    const chain = this.#conducting();
    this.#silenceCheck = new SilenceCheck(chain);
    this.#better = new ReturnToBetter(chain, () => this.#isQuiet, extras.onReturn?.bind(extras));
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
      // A whole recording in one call would push itself out of the ring before any session received it.
      for (let at = 0; at < samples.length; at += this.#most) this.write(samples.subarray(at, at + this.#most));
      return;
    }
    const isChanged = this.#heard.write(samples);
    this.#serving?.feed(samples);
    this.#silenceCheck.feed(samples);
    this.#better.standby?.feed(samples);
    if (isChanged) this.#speechChanged();
  }

  expect(expectation: SpeechExpectation): void {
    this.#expectation = expectation;
    for (const session of this.#sessions()) session.expect(expectation);
  }

  flush(): void {
    if (this.#takesNoMore) return;
    this.#heard.flush();
    for (const session of this.#sessions()) session.flush();
  }

  end(): void {
    if (this.#takesNoMore) return;
    this.#hasEnded = true;
    this.#better.giveUp();
    for (const session of this.#sessions()) {
      session.end();
      this.onChange(session);
    }
    if (this.#serving) return;
    this.#cancelRetry();
    this.#openNext(undefined);
  }

  onOpen(session: SttLinkSession): void {
    if (session === this.#better.standby) this.#better.handOver(session);
    else if (session === this.#serving) {
      this.#silenceCheck.onServingOpen(session);
      if (!session.hasPendingSpeech) this.#tellSwitch(session);
    }
  }

  onLate(session: SttLinkSession): void {
    if (session === this.#serving) this.#silenceCheck.connectIsLate(session);
  }

  onPart(session: SttLinkSession, part: SttPart): void {
    if (session === this.#serving) this.#take(session, part);
    else this.#silenceCheck.onPart(session, part);
  }

  onEnd(session: SttLinkSession): void {
    if (session === this.#serving && this.#hasEnded) {
      // It transcribed nothing although there was sound: another provider may.
      if (session.hasPendingSpeech && this.#silenceCheck.listenBeside(session)) return;
      this.#endedWithout(session);
    } else if (this.#silenceCheck.isBeside(session)) this.#silenceCheck.noise();
    else this.#drop(session);
  }

  onFailure(session: SttLinkSession, error: ProviderError): void {
    const atMs = this.#failover.clock.now();
    session.fail(error);
    this.#unwatch(session);
    this.#tried.add(session.link);
    this.#turn.failed(session.link);
    this.#better.left(session.link);
    if (!this.#hasEnded) this.#recovery.watch(session.link, error);
    if (session === this.#better.standby) this.#better.giveUp();
    else if (!this.#silenceCheck.onFailure(session, error) && session === this.#serving) {
      const wordsKept = this.#transcript.keepUnconfirmed(session);
      this.#serving = undefined;
      this.#switch ??= { from: session.link, error, atMs, wordsKept };
      if (!this.#silenceCheck.serveBeside()) this.#openNext(session);
    }
  }

  /** A pending answer changed: checks how long it is overdue, and sets the timer for the next check. */
  onChange(session: SttLinkSession): void {
    this.#unwatch(session);
    if (this.parts.ended || session.isClosed || session === this.#better.standby) return;
    const waitedMs = session.waitedMs(this.#silenceCheck.isBeside(session));
    if (waitedMs === undefined) {
      if (this.#hasEnded) this.#watchIn(session, END_MS, () => this.#endedWithout(session));
      else if (this.#heard.isSpeech) this.#watchIn(session, LOOK_AGAIN_MS);
      return;
    }
    const leftMs = this.#silenceCheck.limitOf(session) - waitedMs;
    if (leftMs > 0) this.#watchIn(session, leftMs);
    else this.#silenceCheck.late(session, waitedMs);
  }

  get #takesNoMore(): boolean {
    return this.#hasEnded || this.parts.ended;
  }

  get #isQuiet(): boolean {
    const isBusy = this.#silenceCheck.isBusy || this.#transcript.hasUnconfirmed;
    return !isBusy && !this.#heard.isSpeech && this.#serving?.hasPendingSpeech === false;
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
      start: (session) => this.#start(session),
      review: (session, inMs) => (inMs === undefined ? this.onChange(session) : this.#watchIn(session, inMs)),
      serve: (session) => this.#serve(session),
      take: (session, part) => this.#take(session, part),
      fail: (session, error) => this.onFailure(session, error),
      drop: (session) => this.#drop(session),
      endedWithout: (session) => this.#endedWithout(session),
    };
  }

  #open(attempt: Attempt<SttLink>): SttLinkSession {
    const { language, keyPhrases } = this.#options;
    return new SttLinkSession({
      attempt,
      heard: this.#heard,
      clock: this.#failover.clock,
      events: this,
      open: { language, keyPhrases },
      openActivity: this.#openActivity,
      expectation: this.#expectation,
    });
  }

  /** Call after the session is registered: it may emit events synchronously. */
  #start(session: SttLinkSession): void {
    session.start();
    if (this.#hasEnded) session.end();
    this.onChange(session);
  }

  #openNext(failed: SttLinkSession | undefined): void {
    const attempt = this.#failover.next(this.#tried, { after: failed?.link, isLastResort: true, turn: this.#turn });
    if (!attempt) {
      this.#exhausted(failed?.hasWords === true && this.#turn.allows(failed.link));
      return;
    }
    const session = this.#open(attempt);
    this.#serving = session;
    this.#start(session);
  }

  /** @param isFresh the last one had served well, so it may be worth opening it again at once */
  #exhausted(isFresh: boolean): void {
    const { clock, random } = this.#failover;
    this.#tried.clear();
    if (this.#hasEnded) {
      this.#transcript.finalizeUnconfirmed();
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
    if (!this.#heard.isSpeech) this.#finalizeSoon();
  }

  #finalizeSoon(): void {
    this.#cancelFinalizing();
    this.#cancelFinalizing = this.#failover.clock.setTimeout(() => {
      if (!this.#serving && this.#rounds > 0) this.#transcript.finalizeUnconfirmed();
    }, UTTERANCE_END_MS);
  }

  #serve(session: SttLinkSession): void {
    this.#serving = session;
    this.#transcript.adopt(session, this.#heard.toMs(this.#heard.replayFrom));
    if (!session.isOpen && session.attempt.ageMs >= session.attempt.deadlines.connectHelpMs)
      this.#silenceCheck.connectIsLate(session);
    this.onChange(session);
  }

  /** Handles a part of the serving session. */
  #take(session: SttLinkSession, part: SttPart): void {
    this.#silenceCheck.onServingPart(session, part);
    this.#transcript.take(session, part);
    // A link that answers by request has pending speech until it reports the end, which follows its words.
    if (part.type === 'speech-end') this.#atBoundary();
    if (!('text' in part) || part.text === '') return;
    this.#tried.clear();
    this.#silenceCheck.onWords();
    this.#tellSwitch(session);
    this.#better.giveUp();
    if (part.type !== 'final') return;
    this.#rounds = 0;
    this.#turn.startOver();
    this.#renew(session);
    this.#atBoundary();
  }

  /** This may be the end of a turn: a session that should serve the next turn may take over now. */
  #atBoundary(): void {
    this.#silenceCheck.giveBack();
    this.#better.look();
  }

  /** Reports success to the board and renews the attempt, at most once per `RENEW_EVERY_MS`. */
  #renew(session: SttLinkSession): void {
    const nowMs = this.#failover.clock.now();
    if (session.isClosed || !session.attempt.hasResult || nowMs - this.#renewedMs < RENEW_EVERY_MS) return;
    this.#renewedMs = nowMs;
    session.attempt = this.#failover.renew(session.attempt);
  }

  #speechChanged(): void {
    const { isSpeech } = this.#heard.gate;
    this.#cancelFinalise();
    if (isSpeech && this.#heard.quietBeforeMs >= TURN_PAUSE_MS)
      for (const session of this.#sessions()) session.beginTurn();
    if (isSpeech && this.#serving?.isOpen) {
      // The first result is measured from here; the audio heard, not a timer, decides whether it is late.
      this.#serving.attempt.expectFirst();
      this.#serving.attempt.expectNothing();
    }
    for (const session of this.#sessions()) this.onChange(session);
    if (isSpeech) return;
    this.#finaliseIn(FINALISE_MS);
    if (!this.#serving) this.#finalizeSoon();
    this.#atBoundary();
  }

  /** Words may come late, so finals are asked for again while a session has pending speech. */
  #finaliseIn(ms: number): void {
    const finalise = () => {
      if (this.#takesNoMore || this.#heard.isSpeech) return;
      const owing = this.#sessions().filter(({ hasPendingSpeech }) => hasPendingSpeech);
      for (const session of owing) {
        session.finalise();
        this.onChange(session);
      }
      if (owing.length > 0) this.#finaliseIn(FINALISE_AGAIN_MS);
    };
    this.#cancelFinalise = setDeadline(this.#failover.clock, finalise, ms);
  }

  #endedWithout(session: SttLinkSession): void {
    if (session !== this.#serving) {
      this.#drop(session);
      return;
    }
    this.#transcript.keepUnconfirmed(session);
    this.#transcript.finalizeUnconfirmed();
    this.#close();
  }

  #tellSwitch(session: SttLinkSession): void {
    const failed = this.#switch;
    this.#switch = undefined;
    this.#failover.serves(session.link);
    if (!failed || failed.from === session.link) return;
    const tookMs = this.#failover.clock.now() - failed.atMs;
    const kept = { tookMs, wordsKept: failed.wordsKept, audioReplayedMs: session.replayedMs };
    tellSwitch(this.#failover, failed.from, session.link, failed.error, kept);
  }

  #watchIn(session: SttLinkSession, ms: number, run = () => this.onChange(session)): void {
    if (ms === Number.POSITIVE_INFINITY) return;
    this.#unwatch(session);
    const { clock } = this.#failover;
    this.#watches.set(session, setDeadline(clock, run, Math.max(LEAST_WAIT_MS, ms)));
  }

  #unwatch(session: SttLinkSession): void {
    this.#watches.get(session)?.();
    this.#watches.delete(session);
  }

  /** Closes the session without a verdict. */
  #drop(session: SttLinkSession | undefined): void {
    if (!session) return;
    this.#unwatch(session);
    this.#silenceCheck.forget(session);
    session.close();
  }

  #close(): void {
    this.#options.signal.removeEventListener('abort', this.#cancel);
    this.#unsubscribe();
    this.#recovery.close();
    this.#cancelRetry();
    this.#cancelFinalizing();
    this.#cancelFinalise();
    const serving = this.#serving;
    if (serving?.attempt.hasResult && this.#hasEnded) serving.attempt.succeed();
    for (const session of this.#sessions()) this.#drop(session);
    this.#serving = undefined;
    if (!this.#options.signal.aborted) this.#transcript.close();
    this.parts.end();
  }

  #sessions(): SttLinkSession[] {
    return [this.#serving, this.#better.standby, ...this.#silenceCheck.sessions].filter(
      (session) => session !== undefined,
    );
  }
}

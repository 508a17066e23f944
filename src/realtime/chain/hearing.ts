// What the caller says, whoever hears it: turns, their words once, and whether anybody hears at all.
import type { llm } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';
import type { Clock } from '../../failover/clock.ts';
import { CALLER_RATE_HZ, CallerAudio } from '../caller-audio.ts';
import { MonoAudio } from '../mono-audio.ts';
import type { RealtimeLinkSession } from './link-session.ts';
import { NamedTimers } from './named-timers.ts';
import { CallerTurns } from './turns.ts';

/** After this much silence it is the agent's turn, as far as can be told without the vendor. */
const TURN_END_MS = 500;
/** A session reports the start of a turn that is only replayed to it within this time. */
const ECHO_MS = 1_500;
/** Earliest start of a hedge: a reply is never so quick that one would be of use sooner. */
const LEAST_HELP_MS = 500;
/** After noise was taken for speech, a missing answer starts no hedge for this time. */
const TRUST_MS = 30_000;

export interface HearingEvents {
  onSpeechStart(): void;
  onSpeechStop(session: RealtimeLinkSession): void;
  onTranscript(event: llm.InputTranscriptionCompleted): void;
  /** The words of all turns that ended are known. */
  onAllWords(): void;
  /** What was not answered was noise: the hedge session did not hear it as speech either. */
  onNoise(): void;
  isReplying(): boolean;
}

export class Hearing {
  readonly #clock: Clock;
  readonly #events: HearingEvents;
  readonly #audio = new CallerAudio();
  readonly #turns = new CallerTurns();
  readonly #timers: NamedTimers<'turn' | 'noise'>;
  readonly #mono = new MonoAudio(CALLER_RATE_HZ);
  /** The session that reported that the caller began to speak, until it reports the end. */
  #hearer: RealtimeLinkSession | undefined;
  /** Whether the owner was told that the caller is speaking. */
  #isTold = false;
  #ignoresStartUntilMs = Number.NEGATIVE_INFINITY;
  /** A session reported a start of speech that may only mark the start of its own reply. */
  #pendingStart = false;
  /** Whether a session heard the current turn as speech. */
  #isConfirmed = false;
  /** The session that began a reply while the caller spoke, as some do: so it hears the caller. */
  #begunBy: RealtimeLinkSession | undefined;
  /** The session whose transcripts of the current turn are ignored: another session gave those words already. */
  #known: RealtimeLinkSession | undefined;
  #trustsUntilMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, events: HearingEvents) {
    this.#clock = clock;
    this.#events = events;
    this.#timers = new NamedTimers(clock);
  }

  /** Whether no turn is under way. */
  get isQuiet(): boolean {
    return this.#turns.isEmpty && !this.#audio.isSpeech;
  }

  get lacksWords(): boolean {
    return this.#turns.wordlessFrom !== undefined;
  }

  /** Whether all words that were said are known and wait for an answer. */
  get isUnanswered(): boolean {
    return !this.lacksWords && this.#turns.isUnanswered && !this.#turns.isOpen;
  }

  /** 'due': the caller is quiet and has no answer yet; 'open': the caller speaks; 'none': nothing was said since the last answer. */
  get turn(): 'none' | 'open' | 'due' {
    if (!this.#turns.isUnanswered) return 'none';
    return this.#audio.isSpeech ? 'open' : 'due';
  }

  /** Call when the serving session expects the caller to go on: its silence is no failure. */
  waits(): void {
    this.#timers.clear();
  }

  /** Passes on the caller's audio, of any rate and number of channels, to the serving session and the hedge session, if any. */
  write(frame: AudioFrame, session: RealtimeLinkSession | undefined, rival: RealtimeLinkSession | undefined): void {
    const samples = this.#mono.push(frame);
    if (samples.length === 0) return;
    const change = this.#audio.write(samples);
    session?.pushAudio(new AudioFrame(samples, CALLER_RATE_HZ, 1, samples.length));
    rival?.pushAudio(new AudioFrame(samples, CALLER_RATE_HZ, 1, samples.length));
    if (change === 'began') this.#turns.begin(this.#audio.onset, this.#clock.now());
    if (change === 'began') this.#known = undefined;
    if (change && session && !this.#events.isReplying()) this.#watch(change, session);
  }

  /** Replays turns without words to a new session; live audio follows. @returns milliseconds of audio */
  rehear(session: RealtimeLinkSession, isAnswered: boolean): number {
    const { samples, isEnded } = this.#sayAgain(session);
    if (samples === 0) return 0;
    // The owner was told already that the caller began to speak, or its reply must not be stopped by replayed speech.
    if (this.#isTold || this.#events.isReplying()) this.#ignoresStartUntilMs = this.#clock.now() + ECHO_MS;
    if (isEnded && !isAnswered) session.expectFirst();
    return Math.round((samples * 1000) / CALLER_RATE_HZ);
  }

  /** Replays turns to the hedge session; where no session is known to have heard speech, it finds out whether it was any. */
  help(rival: RealtimeLinkSession): void {
    this.#sayAgain(rival);
    if (this.#isConfirmed) rival.expectFirst();
    else this.#timers.set('noise', rival.attempt.deadlines.firstMs, () => rival.isOver || this.#noise());
  }

  /** Call when hedge session `by` serves from now on, with the final transcripts that it gave before. */
  takenOver(by: RealtimeLinkSession, heard: readonly llm.InputTranscriptionCompleted[]): void {
    this.lost();
    const wasKnown = !this.lacksWords;
    for (const event of heard) if (this.lacksWords) this.transcript(event, by);
    if (wasKnown && heard.length === 0) this.#known = by;
  }

  /** Call when a session reports that the caller begins or stops speaking. */
  speech(session: RealtimeLinkSession, isStart: boolean, isRehearing: boolean): void {
    if (session.adapter?.tellsSpeech === false) {
      if (isStart) this.#mayHaveStarted();
    } else if (isStart) {
      this.#started(session);
    } else {
      this.#stopped(session, isRehearing);
    }
  }

  transcript(event: llm.InputTranscriptionCompleted, session: RealtimeLinkSession): void {
    if (this.#known === session) return;
    if (event.isFinal) {
      if (event.transcript.trim() === '') {
        this.wordless();
        return;
      }
      this.#turns.words();
    }
    this.#events.onTranscript(event);
    if (event.isFinal && !this.lacksWords) this.#events.onAllWords();
  }

  /** Call when the words of a turn will never come: the turn goes on without them. */
  wordless(): void {
    this.#turns.words();
    if (!this.lacksWords) this.#events.onAllWords();
  }

  /** Call when a session began a reply by itself: it has heard the caller. */
  generated(session: RealtimeLinkSession): void {
    this.#pendingStart = false;
    this.#hearer = undefined;
    if (this.#audio.isSpeech) this.#begunBy = session;
  }

  /** Call when a reply to all turns began. */
  answered(session: RealtimeLinkSession | undefined): void {
    this.#timers.cancel('noise');
    this.#isConfirmed = false;
    this.#turns.answered(this.#clock.now(), session?.capabilities?.userTranscription === false);
  }

  /** Call when the serving session is gone. */
  lost(): void {
    this.#timers.clear();
    this.#hearer = undefined;
    this.#begunBy = undefined;
  }

  clear(): void {
    this.#turns.clear();
  }

  close(): void {
    this.#timers.clear();
  }

  /** Replays turns without words to a session that has not heard them. */
  #sayAgain(session: RealtimeLinkSession): { samples: number; isEnded: boolean } {
    const from = this.#turns.wordlessFrom;
    const isEnded = !this.#audio.isSpeech && this.#audio.quietMs >= TURN_END_MS;
    let samples = 0;
    for (const piece of from === undefined ? [] : this.#audio.replay(from, isEnded)) {
      samples += piece.length;
      session.pushAudio(new AudioFrame(piece, CALLER_RATE_HZ, 1, piece.length));
    }
    return { samples, isEnded };
  }

  #noise(): void {
    this.#turns.clear();
    this.#trustsUntilMs = this.#clock.now() + TRUST_MS;
    this.#events.onNoise();
  }

  /** Gemini's plugin also reports a start of speech when its own reply begins: such a start is reported with the reply. */
  #mayHaveStarted(): void {
    this.#pendingStart = true;
    queueMicrotask(() => {
      if (this.#pendingStart) this.#events.onSpeechStart();
      this.#pendingStart = false;
    });
  }

  #started(session: RealtimeLinkSession): void {
    this.#hearer = session;
    session.attempt.expectNothing();
    this.#isConfirmed = true;
    const isEcho = this.#clock.now() < this.#ignoresStartUntilMs;
    this.#ignoresStartUntilMs = Number.NEGATIVE_INFINITY;
    this.#turns.begin(this.#audio.onset, this.#clock.now());
    if (isEcho) return;
    this.#isTold = true;
    this.#events.onSpeechStart();
  }

  #stopped(session: RealtimeLinkSession, isRehearing: boolean): void {
    this.#hearer = undefined;
    this.#isTold = false;
    this.#turns.end();
    if (isRehearing) return;
    session.expectFirst();
    this.#events.onSpeechStop(session);
  }

  /** Finds the turn's end: not every vendor reports that it hears the caller, and one that went silent never does. */
  #watch(change: 'began' | 'ended', session: RealtimeLinkSession): void {
    if (change === 'began') {
      this.#begunBy = undefined;
      this.#timers.cancel('turn');
      if (!this.#hearer) session.attempt.expectNothing();
      return;
    }
    this.#timers.set('turn', Math.max(TURN_END_MS, session.turnEndMs), () => {
      if (!session.isOver && !this.#events.isReplying()) this.#ended(session);
    });
  }

  #ended(session: RealtimeLinkSession): void {
    const from = this.#turns.openFrom;
    if (from === undefined || !this.#audio.hasSpeech(from)) return;
    if (this.#hearer === session || this.#begunBy === session) {
      session.expectFirst();
      return;
    }
    // It may have been noise, which needs no answer: a late session gets a hedge, but does not fail.
    if (this.#clock.now() < this.#trustsUntilMs) return;
    const sinceMs = Math.max(TURN_END_MS, session.turnEndMs);
    const { deadlines, firstUrgentMs } = session.attempt;
    // A session that never reports speech may well be at work: a hedge starts when nearly all of its answers would have come.
    const usualMs = session.adapter?.tellsSpeech === false ? firstUrgentMs : 0;
    session.expectFirst({
      firstHelpMs: Math.max(LEAST_HELP_MS, deadlines.firstHelpMs - sinceMs, usualMs),
      firstMs: Number.POSITIVE_INFINITY,
    });
  }
}

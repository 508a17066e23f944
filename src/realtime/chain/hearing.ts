// What the caller says, whoever hears it: turns, their words once, and whether anybody hears at all.
import type { llm } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';
import type { Clock } from '../../failover/clock.ts';
import { CALLER_RATE_HZ, CallerAudio } from '../caller-audio.ts';
import { MonoAudio } from '../mono-audio.ts';
import type { RealtimeLinkSession } from './link-session.ts';
import { NamedTimers } from './named-timers.ts';
import { CallerTurns } from './turns.ts';

/** After so much silence the turn is the agent's, as far as can be told without the vendor. */
const TURN_END_MS = 500;
/** The start that a session tells of a turn which it only hears again comes within this. */
const ECHO_MS = 1_500;
/** A reply is never so quick that help would be of use sooner. */
const LEAST_HELP_MS = 500;
/** After noise was taken for speech, so long nobody gets help for an answer that does not come. */
const TRUST_MS = 30_000;

export interface HearingEvents {
  onSpeechStart(): void;
  onSpeechStop(session: RealtimeLinkSession): void;
  onTranscript(event: llm.InputTranscriptionCompleted): void;
  /** The words of all turns that ended are known. */
  onAllWords(): void;
  /** What was not answered was noise: nobody else heard it as speech either. */
  onNoise(): void;
  isReplying(): boolean;
}

export class Hearing {
  readonly #clock: Clock;
  readonly #events: HearingEvents;
  readonly #audio = new CallerAudio();
  readonly #turns = new CallerTurns();
  readonly #timers: NamedTimers<'turn' | 'doubt'>;
  readonly #mono = new MonoAudio(CALLER_RATE_HZ);
  /** The session that told that the caller began to speak, until it tells the end. */
  #hearer: RealtimeLinkSession | undefined;
  /** The owner takes the caller to be speaking. */
  #isTold = false;
  #ignoresStartUntilMs = Number.NEGATIVE_INFINITY;
  /** A session told of speech at a time at which it may be telling of its own reply. */
  #pendingStart = false;
  /** Somebody heard the turn at hand as speech. */
  #isConfirmed = false;
  /** Began a reply of its own while the caller spoke, as some do: it hears. */
  #begunBy: RealtimeLinkSession | undefined;
  /** What this one still tells of a turn is known from another. */
  #known: RealtimeLinkSession | undefined;
  #trustsUntilMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, events: HearingEvents) {
    this.#clock = clock;
    this.#events = events;
    this.#timers = new NamedTimers(clock);
  }

  /** No turn is under way. */
  get isQuiet(): boolean {
    return this.#turns.isEmpty && !this.#audio.isSpeech;
  }

  get lacksWords(): boolean {
    return this.#turns.wordlessFrom !== undefined;
  }

  /** All that was said is known, and is waiting for an answer. */
  get isUnanswered(): boolean {
    return !this.lacksWords && this.#turns.isUnanswered && !this.#turns.isOpen;
  }

  /** 'due': the caller is quiet, and nobody has answered; 'none': nothing was said since the last answer. */
  get turn(): 'none' | 'open' | 'due' {
    if (!this.#turns.isUnanswered) return 'none';
    return this.#audio.isSpeech ? 'open' : 'due';
  }

  /** The session that serves takes the caller to go on: its silence is no failure. */
  waits(): void {
    this.#timers.clear();
  }

  /** The caller's audio, of any rate and number of channels, to who serves and who helps, if anybody does. */
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

  /** Turns without words are said again to a new session; live audio follows. @returns milliseconds of audio */
  rehear(session: RealtimeLinkSession, isAnswered: boolean): number {
    const { samples, isEnded } = this.#sayAgain(session);
    if (samples === 0) return 0;
    // The owner was told before that the caller began to speak, or is not to be stopped by what was said before.
    if (this.#isTold || this.#events.isReplying()) this.#ignoresStartUntilMs = this.#clock.now() + ECHO_MS;
    if (isEnded && !isAnswered) session.expectFirst();
    return Math.round((samples * 1000) / CALLER_RATE_HZ);
  }

  /** To a session beside the one that serves; where nobody is known to have heard speech, it finds out whether it was any. */
  help(rival: RealtimeLinkSession): void {
    this.#sayAgain(rival);
    if (this.#isConfirmed) rival.expectFirst();
    else this.#timers.set('doubt', rival.attempt.deadlines.firstMs, () => rival.isOver || this.#noise());
  }

  /** It serves from now on, with what it heard beside the other one. */
  takenOver(by: RealtimeLinkSession, heard: readonly llm.InputTranscriptionCompleted[]): void {
    this.lost();
    const wasKnown = !this.lacksWords;
    for (const event of heard) if (this.lacksWords) this.transcript(event, by);
    if (wasKnown && heard.length === 0) this.#known = by;
  }

  /** A session tells that the caller begins or ends to speak. */
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

  /** The words of a turn will never come: it goes on without. */
  wordless(): void {
    this.#turns.words();
    if (!this.lacksWords) this.#events.onAllWords();
  }

  /** A session began a reply of its own: it has heard the caller. */
  generated(session: RealtimeLinkSession): void {
    this.#pendingStart = false;
    this.#hearer = undefined;
    if (this.#audio.isSpeech) this.#begunBy = session;
  }

  /** A reply to all turns began. */
  answered(session: RealtimeLinkSession | undefined): void {
    this.#timers.cancel('doubt');
    this.#isConfirmed = false;
    this.#turns.answered(this.#clock.now(), session?.capabilities?.userTranscription === false);
  }

  /** The session that served is gone. */
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

  /** Turns without words once more, to whoever has not heard them. */
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

  /** Gemini's plugin says so at the beginning of each reply of its own, too: those are told with the reply. */
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

  /** Not every vendor tells that it hears the caller, and none does that went silent: the turn's end is found here. */
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
    // It may have been noise, which nobody has to answer: it gets help when it is late, and is not judged.
    if (this.#clock.now() < this.#trustsUntilMs) return;
    const sinceMs = Math.max(TURN_END_MS, session.turnEndMs);
    const { deadlines, firstUrgentMs } = session.attempt;
    // One that never tells that it hears may well be at work: nearly all of its answers would have come before it gets help.
    const usualMs = session.adapter?.tellsSpeech === false ? firstUrgentMs : 0;
    session.expectFirst({
      firstHelpMs: Math.max(LEAST_HELP_MS, deadlines.firstHelpMs - sinceMs, usualMs),
      firstMs: Number.POSITIVE_INFINITY,
    });
  }
}

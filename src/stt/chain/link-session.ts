// The session of one recogniser in a chain: its open stream, the audio that it has yet to receive, and how long its answer is overdue.
import type { SpeechExpectation } from '../../config/expectation.ts';
import type { Attempt } from '../../failover/attempt.ts';
import type { Clock } from '../../failover/clock.ts';
import { slowestUsualMs } from '../../failover/deadline.ts';
import { LatencyWindow } from '../../failover/latency.ts';
import { ProviderError, serverError } from '../../failover/provider-error.ts';
import type { FinalWait, SttLink, SttOpenOptions, SttPart, SttSession } from '../contract.ts';
import type { HeardAudio } from './heard-audio.ts';
import { LaggingClock } from './lagging-clock.ts';
import { SessionFeed } from './session-feed.ts';
import type { OpenActivity } from './voice-activity.ts';
import { reachesBeyond, type SttWords, shift } from './words.ts';

export interface LinkSessionEvents {
  /** The connection is open. */
  onOpen(session: SttLinkSession): void;
  /** The connection is late but may still open. */
  onLate(session: SttLinkSession): void;
  /** The session sent a part; its times are on the stream's clock. */
  onPart(session: SttLinkSession, part: SttPart): void;
  /** The session failed. Called once, unless the session was closed before. */
  onFailure(session: SttLinkSession, error: ProviderError): void;
  /** After `end()`: everything is transcribed. */
  onEnd(session: SttLinkSession): void;
  /** Whether an answer is pending, or since when, has changed. */
  onChange(session: SttLinkSession): void;
}

export interface LinkSessionOptions {
  readonly attempt: Attempt<SttLink>;
  readonly heard: HeardAudio;
  readonly clock: Clock;
  readonly events: LinkSessionEvents;
  readonly open: Omit<SttOpenOptions, 'signal' | 'onOpen'>;
  readonly openActivity: OpenActivity;
  readonly expectation: SpeechExpectation | undefined;
}

/** Sound shorter than this is no word, or only the end of one. */
const LEAST_WORD_MS = 100;
/** Audio replayed faster than it was spoken, as at a switch, is expected to be transcribed at twice the speed of speech or more. */
const AHEAD_SHARE = 0.5;

export class SttLinkSession {
  readonly link: SttLink;
  /** Renewed after a turn that went well. */
  attempt: Attempt<SttLink>;
  /** The latest interim since the last final. */
  interim: SttWords | undefined;
  hasWords = false;
  isOpen = false;
  isClosed = false;
  /** Whether the link has reported a start or an end of speech. */
  tellsSpeech = false;
  /** Whether the link has reported a start of speech without its end. */
  isInSpeech = false;
  readonly startedAt: number;
  readonly #options: LinkSessionOptions;
  readonly #clock: LaggingClock | undefined;
  readonly #abort = new AbortController();
  #session: SttSession | undefined;
  #feed: SessionFeed | undefined;
  #hasEnded = false;
  #expectation: SpeechExpectation | undefined;
  /** Clock times at which voice activity ended utterances that have no answer yet. */
  readonly #owedSinceMs: number[] = [];
  /** Whether the link had words of the current turn. */
  #hasBegunTurn = false;
  readonly #waits = new LatencyWindow();
  #answeredAt: number;
  #mark: { readonly position: number; readonly atMs: number };

  constructor(options: LinkSessionOptions) {
    this.#options = options;
    this.attempt = options.attempt;
    this.link = options.attempt.link;
    this.startedAt = options.heard.replayFrom;
    this.#expectation = options.expectation;
    this.#answeredAt = this.startedAt;
    this.#mark = { position: this.startedAt, atMs: options.clock.now() };
    const { heard } = options;
    if (this.link.traits.clockLags) this.#clock = new LaggingClock(heard, heard.toMs(this.startedAt));
  }

  /** Opens the session and sends it the audio since the last final. */
  start(): void {
    const { attempt } = this;
    attempt.connecting();
    attempt.onTimeout((error) => this.#fail(error));
    attempt.onLate(() => {
      if (!this.isClosed && !this.isOpen) this.#options.events.onLate(this);
    });
    try {
      const session = this.link.client.open({
        ...this.#options.open,
        signal: this.#abort.signal,
        onOpen: () => this.#opened(),
      });
      this.#session = session;
      if (this.#expectation) session.expect?.(this.#expectation);
      this.#startFeed(session);
      void this.#read(session);
    } catch (error) {
      queueMicrotask(() => this.#fail(error));
    }
  }

  /** Milliseconds of audio from before the session opened that were, or still have to be, sent to it. */
  get replayedMs(): number {
    return this.#feed?.replayedMs ?? 0;
  }

  /** Call after each frame of the stream. */
  feed(samples: Int16Array): void {
    this.#feed?.feed(samples);
  }

  flush(): void {
    this.#feed?.feedAll();
  }

  /** Asks for a final because nobody speaks: the link may not have noticed that. */
  finalise(): void {
    const { interimResults, needsVoiceActivity } = this.link.traits;
    if (!this.isOpen || !interimResults || needsVoiceActivity || this.#hasEnded || !this.hasPendingSpeech) return;
    // Asks only once until the link reports more.
    if (this.#feed && this.#feed.finalisedMs <= this.#mark.atMs) this.#feed.finalise();
  }

  /** Call when speech begins after enough quiet to be another turn. */
  beginTurn(): void {
    this.#hasBegunTurn = false;
  }

  expect(expectation: SpeechExpectation): void {
    this.#expectation = expectation;
    this.#safely((session) => session.expect?.(expectation));
  }

  end(): void {
    this.#hasEnded = true;
    this.#feed?.end();
  }

  /** Closes the session without a verdict; its parts are ignored from now on. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#feed?.close();
    this.#abort.abort();
    this.attempt.release();
  }

  fail(error: ProviderError): void {
    this.attempt.fail(error);
    this.close();
  }

  /** The audio so far was noise: no answer is pending for it. */
  expectNothingSoFar(): void {
    this.#owedSinceMs.length = 0;
    this.#answered(this.#options.heard.ring.written);
  }

  /** Whether heard speech has no answer yet, or only words that are not final. */
  get hasPendingSpeech(): boolean {
    const { gate } = this.#options.heard;
    if (this.interim) return true;
    if (this.link.traits.needsVoiceActivity && this.#feed?.hasDetector)
      return this.#feed.isActive || this.#owedSinceMs.length > 0;
    return gate.loudMs(this.#answeredAt) >= LEAST_WORD_MS;
  }

  /** Whether the link got a whole utterance and has not answered it: noise does not explain that. */
  get hasPendingRequest(): boolean {
    return this.#owedSinceMs.length > 0 && !this.link.traits.interimResults;
  }

  /** How long to wait for the pending answer: `helpMs` until another link helps, `ms` until it counts as failed. */
  get wait(): FinalWait {
    const { firstHelpMs, firstMs, stallHelpMs, stallMs } = this.attempt.deadlines;
    const stall = { helpMs: stallHelpMs, ms: stallMs };
    if (!this.link.traits.interimResults) return { helpMs: firstHelpMs, ms: firstMs };
    if (this.#isFinalAsked) return this.link.client.finals ?? stall;
    return this.interim || this.#hasBegunTurn ? stall : { helpMs: firstHelpMs, ms: firstMs };
  }

  /**
   * Milliseconds that an answer is overdue: counted in heard speech while somebody speaks, by the clock afterwards. Undefined
   * while none can come.
   * @param isProof it has to answer for all that was heard, though its voice activity heard nothing in it
   */
  waitedMs(isProof = false): number | undefined {
    const { heard, clock } = this.#options;
    const hasPendingSpeech = this.hasPendingSpeech || (isProof && heard.gate.loudMs(this.#answeredAt) >= LEAST_WORD_MS);
    if (!hasPendingSpeech) return undefined;
    const nowMs = clock.now();
    const sinceMarkMs = nowMs - this.#mark.atMs;
    const lead = Math.max(0, heard.toMs(heard.ring.written - this.#mark.position) - sinceMarkMs) * AHEAD_SHARE;
    if (this.#hasEnded) return sinceMarkMs - lead;
    const feed = this.#feed?.hasDetector ? this.#feed : undefined;
    const isSpeaking = feed?.isActive ?? heard.isSpeech;
    const [owedSinceMs] = this.#owedSinceMs;
    if (isSpeaking && this.link.traits.interimResults) {
      return Math.min(sinceMarkMs, heard.gate.speechMs(this.#mark.position)) - lead;
    }
    if (isSpeaking && owedSinceMs === undefined) return undefined;
    if (this.#missesWords) {
      // Words are missing, not only their final: the quiet is added to the speech that got no words.
      const withoutMs = heard.gate.speechMs(this.#mark.position) + nowMs - heard.quietSinceMs;
      return Math.min(sinceMarkMs, withoutMs) - lead;
    }
    const askedMs = Math.max(heard.quietSinceMs, this.#feed?.finalisedMs ?? 0);
    return Math.min(sinceMarkMs, nowMs - (owedSinceMs ?? askedMs)) - lead;
  }

  /** Milliseconds within which nearly all results of this session came. */
  get slowestUsualMs(): number {
    return slowestUsualMs(this.#waits.summary(), this.link.traits.typicalFirstMs);
  }

  /** Whether a final was asked for and is pending; later words may have to wait for it. */
  get #isFinalAsked(): boolean {
    return this.interim !== undefined && (this.#feed?.finalisedMs ?? Number.NEGATIVE_INFINITY) > this.#mark.atMs;
  }

  /** Whether the link had words of this speech, but none while more was said. */
  get #missesWords(): boolean {
    const { gate } = this.#options.heard;
    return this.interim !== undefined && gate.loudMs(this.#answeredAt) >= LEAST_WORD_MS;
  }

  #startFeed(session: SttSession): void {
    const { heard, clock, openActivity, events } = this.#options;
    this.#feed = new SessionFeed({
      heard,
      clock,
      session,
      traits: this.link.traits,
      from: this.startedAt,
      openActivity,
      onSpeech: (active) => {
        if (!active) this.#owedSinceMs.push(clock.now());
        else if (!this.interim && this.#owedSinceMs.length === 0) this.#answered(this.#answeredAt);
        events.onChange(this);
      },
      onFailure: (error) => this.#fail(error),
    });
    this.#feed.feedAll();
  }

  async #read(session: SttSession): Promise<void> {
    try {
      for await (const part of session.parts) {
        if (this.isClosed) return;
        this.#take(part);
      }
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (this.isClosed) return;
    if (this.#feed?.isEnded && !this.interim) this.#options.events.onEnd(this);
    else this.#fail(this.#error('unreachable', 'ended before the audio did'));
  }

  #take(raw: SttPart): void {
    const { heard, events } = this.#options;
    const part = this.#placed(raw);
    this.#opened();
    switch (part.type) {
      case 'speech-start':
        this.tellsSpeech = true;
        this.isInSpeech = true;
        break;
      case 'speech-end':
        this.tellsSpeech = true;
        this.isInSpeech = false;
        this.#owedSinceMs.shift();
        // A link that reports the end of speech before the words has not answered yet.
        if (!this.interim && !this.#clock)
          this.#result(raw.type === 'speech-end' && raw.atMs > 0 ? heard.toSamples(part.atMs) : undefined);
        break;
      default:
        if (part.type === 'final' || reachesBeyond(part, this.interim) || part.text !== this.interim?.text) {
          this.#waits.add(Math.max(0, this.waitedMs() ?? 0));
          this.#result(part.text !== '' && part.endMs > 0 ? heard.toSamples(part.endMs) : undefined);
        }
        this.hasWords ||= part.text !== '';
        this.#hasBegunTurn ||= part.text !== '';
        this.interim = part.type === 'interim' && part.text !== '' ? part : undefined;
    }
    events.onPart(this, part);
    if (!this.isClosed) events.onChange(this);
  }

  #placed(raw: SttPart): SttPart {
    const { heard } = this.#options;
    const part = shift(raw, heard.toMs(this.startedAt) + (this.#feed?.skippedMs ?? 0));
    if (!this.#clock) return part;
    return 'atMs' in part ? { ...part, atMs: heard.toMs(heard.ring.written) } : this.#clock.place(part);
  }

  #opened(): void {
    if (this.isClosed || this.isOpen) return;
    this.isOpen = true;
    this.attempt.opened();
    this.#options.events.onOpen(this);
  }

  /** @param until stream position; where the link names none, all that was heard */
  #result(until = this.#options.heard.ring.written): void {
    this.attempt.result();
    this.#answered(until + this.#options.heard.toSamples(LEAST_WORD_MS));
  }

  #answered(until: number): void {
    const { heard, clock } = this.#options;
    this.#answeredAt = Math.max(this.#answeredAt, until);
    this.#mark = { position: heard.ring.written, atMs: clock.now() };
  }

  #safely(run: (session: SttSession) => void): void {
    if (this.isClosed || !this.#session) return;
    try {
      run(this.#session);
    } catch (error) {
      queueMicrotask(() => this.#fail(error));
    }
  }

  #fail(error: unknown): void {
    if (this.isClosed) return;
    this.#options.events.onFailure(this, serverError(this.link.id, error));
  }

  #error(kind: ProviderError['kind'], words: string): ProviderError {
    return new ProviderError({ kind, provider: this.link.id, message: `${this.link.id}: ${words}` });
  }
}

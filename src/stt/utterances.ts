// Caller audio cut into utterances by voice activity, for providers that recognise one utterance by one request.
import { AsyncQueue } from '../audio/async-queue.ts';
import { SampleRing } from '../audio/sample-ring.ts';
import { levelDbfs } from '../audio/voiced-spans.ts';
import type { SpeechExpectation } from '../config/expectation.ts';
import { serverError } from '../failover/provider-error.ts';
import type { SttOpenOptions, SttPart, SttSession, SttWord } from './contract.ts';

/** Result of one request. Times are in milliseconds since the first sample of that request. */
export interface HeardUtterance {
  /** Empty where nobody said anything. */
  readonly text: string;
  readonly confidence: number;
  readonly words: readonly SttWord[];
}

export interface Utterance {
  /** Mono PCM16. */
  readonly samples: Int16Array;
  readonly sampleRateHz: number;
  readonly language: string;
  /** Words that the caller is likely to say. */
  readonly keyPhrases: readonly string[];
  readonly expectation: SpeechExpectation;
  readonly signal: AbortSignal;
}

export interface UtteranceOptions extends SttOpenOptions {
  /** Id of the provider, for errors that name none. */
  readonly provider: string;
  readonly sampleRateHz: number;
  /** Rejects with a ProviderError. The session does not wait for the result once the signal aborts. */
  recognise(utterance: Utterance): Promise<HeardUtterance>;
}

/** Deadlines from the end of the utterance. Source: spec of this project, STT (one request). */
export const ONE_REQUEST = { firstHelpMs: 1_500, firstMs: 4_000 } as const;

/** Audio sent from before voice activity: it is confirmed up to half a second after the first sound, as found with free-stt. */
const PRE_ROLL_MS = 500;
/** Longer speech is cut, so that words come earlier and no vendor's limit (Google: 60 s) is reached. */
const MAX_MS = 15_000;
/** A cut is made at the quietest moment of this last part; the audio after it begins the next utterance. */
const CUT_WITHIN_MS = 5_000;
/** Length of that quietest moment: a pause between words is this long, the closure of a "t" is shorter. */
const QUIET_MS = 100;
const HOP_MS = 10;
/** Quieter audio is not sent: it is digital silence or less than comfort noise, and Whisper invents words for it. */
const SILENT_BELOW_DBFS = -75;
const LEAST_MS = 100;

/** The parts for one utterance; they are pushed once all earlier utterances are answered. */
type Answer = readonly SttPart[];

/**
 * `speech(false)`, `flush()`, `end()` and 15 s of speech each send the buffered audio. Several requests may run at once; their
 * finals come in order. Each utterance ended by one of these calls gets its final. A `speech-end` follows where speech ended, or
 * replaces the final where nothing was said. The first failure ends the session and all its requests.
 */
export class UtteranceSession implements SttSession {
  readonly parts = new AsyncQueue<SttPart>();
  readonly #options: UtteranceOptions;
  readonly #ring: SampleRing;
  readonly #buffer: Int16Array;
  /** Number of samples in the buffer, and stream position of the first one. */
  #length = 0;
  #start = 0;
  /** Stream position up to which audio was sent: the next pre-roll begins no earlier. */
  #sentUntil = 0;
  #speaking = false;
  #ended = false;
  #expectation: SpeechExpectation = { kind: 'open' };
  readonly #requests = new AbortController();
  #underWay = 0;
  #inOrder: Promise<void> = Promise.resolve();

  constructor(options: UtteranceOptions) {
    this.#options = options;
    this.#ring = new SampleRing(this.#samplesIn(PRE_ROLL_MS));
    this.#buffer = new Int16Array(this.#samplesIn(MAX_MS));
    const { signal, onOpen } = options;
    if (signal.aborted) this.#close();
    else signal.addEventListener('abort', () => this.#close(), { once: true, signal: this.#requests.signal });
    // There is no connection to wait for. One microtask later the caller of `open` holds this session.
    queueMicrotask(() => {
      if (!this.parts.ended) onOpen?.();
    });
  }

  write(samples: Int16Array): void {
    if (this.#isClosed) return;
    this.#ring.write(samples);
    if (this.#speaking) this.#take(samples);
  }

  speech(active: boolean): void {
    if (this.#isClosed || active === this.#speaking) return;
    this.#speaking = active;
    if (active) {
      this.parts.push({ type: 'speech-start', atMs: this.#nowMs });
      const preRoll = this.#ring.since(this.#sentUntil);
      this.#start = this.#ring.written - preRoll.length;
      this.#take(preRoll);
    } else {
      this.#send(this.#length, 'speech-end');
    }
  }

  expect(expectation: SpeechExpectation): void {
    this.#expectation = expectation;
  }

  flush(): void {
    if (!this.#isClosed && this.#speaking) this.#send(this.#length, 'flush');
  }

  end(): void {
    if (this.#isClosed) return;
    if (this.#speaking) this.#send(this.#length, 'speech-end');
    this.#ended = true;
    this.#endWhenAnswered();
  }

  /** Ends the session without an error and aborts running requests. */
  #close(): void {
    this.parts.end();
    this.#requests.abort();
  }

  get #isClosed(): boolean {
    return this.#ended || this.parts.ended;
  }

  get #nowMs(): number {
    return this.#toMs(this.#ring.written);
  }

  #take(samples: Int16Array): void {
    for (let from = 0; from < samples.length; ) {
      const count = Math.min(samples.length - from, this.#buffer.length - this.#length);
      this.#buffer.set(samples.subarray(from, from + count), this.#length);
      this.#length += count;
      from += count;
      if (this.#length === this.#buffer.length) {
        this.#send(quietest(this.#buffer, this.#options.sampleRateHz), 'cut');
      }
    }
  }

  /** Sends the first `length` samples of the buffer and keeps the rest. */
  #send(length: number, why: 'speech-end' | 'flush' | 'cut'): void {
    const samples = this.#buffer.slice(0, length);
    const startMs = this.#toMs(this.#start);
    const atMs = this.#nowMs;
    this.#buffer.copyWithin(0, length, this.#length);
    this.#length -= length;
    this.#start += length;
    this.#sentUntil = this.#start;
    const heard = this.#recognise(samples).then((result): Answer => {
      const final = result && finalOf(result, startMs, this.#toMs(samples.length), this.#options.language);
      const isEnd = why === 'speech-end' || (why === 'flush' && !final);
      return [...(final ? [final] : []), ...(isEnd ? [{ type: 'speech-end' as const, atMs }] : [])];
    });
    this.#underWay += 1;
    // A failure ends the session at once, although other requests run: the next link transcribes their audio again.
    heard.catch((error: unknown) => this.#fail(error));
    this.#inOrder = this.#inOrder.then(async () => {
      const answer = await heard.catch((): Answer => []);
      for (const part of answer) this.parts.push(part);
      this.#underWay -= 1;
      this.#endWhenAnswered();
    });
  }

  async #recognise(samples: Int16Array): Promise<HeardUtterance | undefined> {
    if (samples.length < this.#samplesIn(LEAST_MS) || levelDbfs(samples) < SILENT_BELOW_DBFS) return undefined;
    const { sampleRateHz, language, keyPhrases = [] } = this.#options;
    return this.#options.recognise({
      samples,
      sampleRateHz,
      language,
      keyPhrases,
      expectation: this.#expectation,
      signal: this.#requests.signal,
    });
  }

  #endWhenAnswered(): void {
    if (this.#ended && this.#underWay === 0) this.#close();
  }

  #fail(error: unknown): void {
    this.parts.fail(serverError(this.#options.provider, error));
    this.#requests.abort();
  }

  #samplesIn(ms: number): number {
    return Math.round((ms * this.#options.sampleRateHz) / 1000);
  }

  #toMs(samples: number): number {
    return (samples * 1000) / this.#options.sampleRateHz;
  }
}

/** Undefined where nobody said anything. Clamps times that a vendor rounded beyond the audio. */
function finalOf(
  { text, confidence, words }: HeardUtterance,
  startMs: number,
  lengthMs: number,
  language: string,
): SttPart | undefined {
  if (text === '') return undefined;
  const within = (ms: number) => startMs + Math.min(Math.max(ms, 0), lengthMs);
  const placed = words.map((word) => ({ ...word, startMs: within(word.startMs), endMs: within(word.endMs) }));
  return {
    type: 'final',
    text,
    startMs: placed[0]?.startMs ?? startMs,
    endMs: placed.at(-1)?.endMs ?? startMs + lengthMs,
    confidence: Math.min(Math.max(confidence, 0), 1),
    language,
    words: placed,
  };
}

/** Index of the middle of the quietest 100 ms in the last 5 s: audio before it is sent, audio after it is kept. */
function quietest(samples: Int16Array, sampleRateHz: number): number {
  const inSamples = (ms: number) => Math.round((ms * sampleRateHz) / 1000);
  const [window, hop] = [inSamples(QUIET_MS), inSamples(HOP_MS)];
  let best = samples.length;
  let least = Number.POSITIVE_INFINITY;
  for (let from = samples.length - inSamples(CUT_WITHIN_MS); from + window <= samples.length; from += hop) {
    const level = levelDbfs(samples, from, from + window);
    if (level >= least) continue;
    least = level;
    best = from + window / 2;
  }
  return Math.round(best);
}

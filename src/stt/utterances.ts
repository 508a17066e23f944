// Caller audio cut into utterances by voice activity, for providers that recognise one utterance by one request.
import { AsyncQueue } from '../audio/async-queue.ts';
import { SampleRing } from '../audio/sample-ring.ts';
import { levelDbfs } from '../audio/voiced-spans.ts';
import type { SpeechExpectation } from '../config/expectation.ts';
import { serverError } from '../failover/provider-error.ts';
import type { SttOpenOptions, SttPart, SttSession, SttWord } from './contract.ts';

/** What one request heard. Times are since the first sample that was sent. */
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
  /** Words that are likely. */
  readonly keyPhrases: readonly string[];
  readonly expectation: SpeechExpectation;
  readonly signal: AbortSignal;
}

export interface UtteranceOptions extends SttOpenOptions {
  /** The id of the provider, for errors that name none. */
  readonly provider: string;
  readonly sampleRateHz: number;
  /** Rejects with a ProviderError; its result is not waited for once the signal aborts. */
  recognise(utterance: Utterance): Promise<HeardUtterance>;
}

/** Spec of this project: STT (one request), from the end of the utterance. */
export const ONE_REQUEST = { firstHelpMs: 1_500, firstMs: 4_000 } as const;

/** Voice activity is confirmed up to half a second after the first sound, as free-stt found. */
const PRE_ROLL_MS = 500;
/** Longer speech is cut: the caller's words come earlier, and no vendor's limit (Google: 60 s) is met. */
const MAX_MS = 15_000;
/** A cut lies at the quietest moment of the last so many milliseconds; the rest begins the next utterance. */
const CUT_WITHIN_MS = 5_000;
/** A pause between words is as long as this; the closure of a "t" is shorter. */
const QUIET_MS = 100;
const HOP_MS = 10;
/** Digital silence and less than comfort noise: not worth a request, and Whisper makes up words for it. */
const SILENT_BELOW_DBFS = -75;
const LEAST_MS = 100;

/** What an utterance is answered with once those before it were. */
type Answer = readonly SttPart[];

/**
 * `speech(false)`, `flush()`, `end()` and 15 s of speech send what was heard; several requests may be under way and their finals
 * come in order. Every utterance that the caller of this ended is answered: by its final, and by a `speech-end` after it where
 * speech ended or in its place where nothing was said. The first failure ends the session and all its requests.
 */
export class UtteranceSession implements SttSession {
  readonly parts = new AsyncQueue<SttPart>();
  readonly #options: UtteranceOptions;
  readonly #ring: SampleRing;
  readonly #buffer: Int16Array;
  /** Samples of the utterance in the buffer, and where in the stream they begin. */
  #length = 0;
  #start = 0;
  /** Up to here the stream was sent: the next pre-roll begins no earlier. */
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
    // There is no connection to wait for; whoever opens this has it in hand by then.
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

  /** Without an error; requests under way are aborted. */
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

  /** Sends the first samples of the buffer and keeps the rest. */
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
    // At once, though others are under way: what they would say is heard again by whoever takes over.
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

/** Undefined where nobody said anything. Times that a vendor rounded beyond the audio are brought back into it. */
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

/** The middle of the quietest 100 ms in the last 5 s: what is before it is sent, what is behind it goes on. */
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

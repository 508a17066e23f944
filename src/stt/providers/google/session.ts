// One caller's audio over as many of Google's streams as it takes: each lives five minutes at most, and none is idle.
import { AsyncQueue } from '../../../audio/async-queue.ts';
import { levelDbfs } from '../../../audio/voiced-spans.ts';
import type { SpeechExpectation } from '../../../config/expectation.ts';
import type { SttOpenOptions, SttPart, SttSession } from '../../contract.ts';
import type { GoogleAccount } from './account.ts';
import { googleGrpcError } from './errors.ts';
import { GOOGLE_SAMPLE_RATE_HZ, googleConfig } from './request.ts';
import { GoogleStream } from './stream.ts';

export interface StreamLimits {
  /** From this age on a stream ends at the next pause, and another one continues. */
  readonly atPauseMs: number;
  /** At this age a stream ends even in the middle of speech. */
  readonly atLatestMs: number;
  /** A stream ends after this time without audio; the next audio opens another. */
  readonly idleMs: number;
}

export interface GoogleSessionOptions extends SttOpenOptions {
  readonly model: string | undefined;
  readonly limits: Partial<StreamLimits> | undefined;
  /** Resolves once the connection is open. */
  connect(): Promise<GoogleAccount>;
}

/**
 * Google refuses a stream of 305 s (cloud.google.com/speech-to-text/quotas: about five minutes) and ends one without audio for
 * about 10 s.
 */
const LIMITS: StreamLimits = { atPauseMs: 240_000, atLatestMs: 295_000, idleMs: 5_000 };
/** Speech is louder. Quiet between words is shorter than `PAUSE_MS`, the closure of a "t" shorter than `SHORT_PAUSE_MS`. */
const QUIET_BELOW_DBFS = -45;
const PAUSE_MS = 300;
const SHORT_PAUSE_MS = 100;

export class GoogleSession implements SttSession {
  readonly parts = new AsyncQueue<SttPart>();
  readonly #options: GoogleSessionOptions;
  readonly #limits: StreamLimits;
  readonly #account: Promise<GoogleAccount>;
  readonly #idle: NodeJS.Timeout;
  /** The stream that gets the audio now; absent before the first audio and after a pause in it. */
  #stream: GoogleStream | undefined;
  /** Streams whose parts were not all passed on yet, oldest first. */
  readonly #streams = new Set<GoogleStream>();
  #inOrder: Promise<void> = Promise.resolve();
  #samples = 0;
  #quietMs = 0;
  #expectation: SpeechExpectation = { kind: 'open' };
  #ended = false;
  readonly #cancel = () => this.#finish();

  constructor(options: GoogleSessionOptions) {
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#idle = setTimeout(() => this.flush(), this.#limits.idleMs);
    this.#idle.unref();
    this.#account = options.signal.aborted ? Promise.reject(new Error('cancelled')) : options.connect();
    this.#account.then(
      () => {
        if (!this.parts.ended) options.onOpen?.();
      },
      (error: unknown) => this.#finish(googleGrpcError(error)),
    );
    if (options.signal.aborted) this.#finish();
    else options.signal.addEventListener('abort', this.#cancel, { once: true });
  }

  write(samples: Int16Array): void {
    if (this.#isClosed || samples.length === 0) return;
    this.#idle.refresh();
    if (this.#stream && this.#isDue(this.#stream, samples)) this.flush();
    this.#stream ??= this.#open();
    this.#stream.write(samples);
    this.#samples += samples.length;
  }

  expect(expectation: SpeechExpectation): void {
    // Applies to the next stream: an open one keeps its configuration.
    this.#expectation = expectation;
  }

  /** Google has no message for this: the stream ends with its final, and the next audio opens another on the same connection. */
  flush(): void {
    if (this.parts.ended) return;
    this.#stream?.end();
    this.#stream = undefined;
  }

  end(): void {
    if (this.#isClosed) return;
    this.flush();
    this.#ended = true;
    clearTimeout(this.#idle);
    void this.#inOrder.then(() => this.#finish());
  }

  get #isClosed(): boolean {
    return this.#ended || this.parts.ended;
  }

  #open(): GoogleStream {
    const { language, model, keyPhrases = [] } = this.#options;
    const stream = new GoogleStream(
      this.#account.then((account) => account.recognize()),
      {
        config: googleConfig({ language, model, keyPhrases, expectation: this.#expectation }),
        language,
        fromMs: (this.#samples * 1000) / GOOGLE_SAMPLE_RATE_HZ,
      },
    );
    this.#streams.add(stream);
    this.#inOrder = this.#inOrder.then(() => this.#relay(stream));
    return stream;
  }

  async #relay(stream: GoogleStream): Promise<void> {
    try {
      for await (const part of stream.parts) this.parts.push(part);
    } catch (error) {
      this.#finish(googleGrpcError(error));
    }
    this.#streams.delete(stream);
  }

  /** Whether these samples begin another stream. The older the current one, the shorter the pause that is enough. */
  #isDue({ ageMs }: GoogleStream, samples: Int16Array): boolean {
    const { atPauseMs, atLatestMs } = this.#limits;
    if (ageMs < atPauseMs) return false;
    const isQuiet = levelDbfs(samples) < QUIET_BELOW_DBFS;
    this.#quietMs = isQuiet ? this.#quietMs + (samples.length * 1000) / GOOGLE_SAMPLE_RATE_HZ : 0;
    const pauseMs = ageMs < (atPauseMs + atLatestMs) / 2 ? PAUSE_MS : SHORT_PAUSE_MS;
    const isDue = ageMs >= atLatestMs || this.#quietMs >= pauseMs;
    if (isDue) this.#quietMs = 0;
    return isDue;
  }

  #finish(error?: ReturnType<typeof googleGrpcError>): void {
    clearTimeout(this.#idle);
    this.#options.signal.removeEventListener('abort', this.#cancel);
    if (error) this.parts.fail(error);
    else this.parts.end();
    for (const stream of this.#streams) stream.cancel();
    this.#stream = undefined;
  }
}

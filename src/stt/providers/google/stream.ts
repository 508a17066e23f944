// One stream of Google's StreamingRecognize: audio goes in, its responses become parts.
import { AsyncQueue } from '../../../audio/async-queue.ts';
import type { ProviderError } from '../../../failover/provider-error.ts';
import type { SttPart, SttWord } from '../../contract.ts';
import type { RecognizeCall } from './account.ts';
import { googleFailure, googleGrpcError } from './errors.ts';
import { GOOGLE_SAMPLE_RATE_HZ, type googleConfig } from './request.ts';

export interface GoogleStreamOptions {
  readonly config: ReturnType<typeof googleConfig>;
  readonly language: string;
  /** Session time in milliseconds at which this stream begins. */
  readonly fromMs: number;
}

/** Samples per message, which may hold 25 KB (cloud.google.com/speech-to-text/quotas). */
const MAX_SAMPLES = 8_000;
/** Audio that may wait while the stream connects; more than is replayed at once. */
const MAX_WAITING_SAMPLES = 120 * GOOGLE_SAMPLE_RATE_HZ;

interface GoogleDuration {
  readonly seconds?: string | number | null;
  readonly nanos?: number | null;
}

/** cloud.google.com/speech-to-text/docs/reference/rpc/google.cloud.speech.v1#streamingrecognizeresponse */
interface RecognizeResponse {
  readonly error?: { readonly code?: number | null } | null;
  /** At most one final result, then the interims, for consecutive portions of the audio. */
  readonly results?: readonly RecognizeResult[] | null;
}

interface RecognizeResult {
  readonly isFinal?: boolean | null;
  readonly resultEndTime?: GoogleDuration | null;
  readonly alternatives?: readonly RecognizedWords[] | null;
}

interface RecognizedWords {
  readonly transcript?: string | null;
  /** 0 = not given. */
  readonly confidence?: number | null;
  readonly words?: readonly RecognizedWord[] | null;
}

interface RecognizedWord {
  readonly word?: string | null;
  readonly startTime?: GoogleDuration | null;
  readonly endTime?: GoogleDuration | null;
}

/** `parts` ends once all audio written before `end()` is transcribed, or throws one ProviderError. */
export class GoogleStream {
  readonly parts = new AsyncQueue<SttPart>();
  readonly #options: GoogleStreamOptions;
  readonly #openedAtMs = performance.now();
  #call: RecognizeCall | undefined;
  /** Audio kept until the call is open. */
  #waiting: Uint8Array[] = [];
  #waitingSamples = 0;
  #samples = 0;
  #isSpeaking = false;
  #hasInterim = false;
  /** Session time at which the last final ended: later words do not lie before it. */
  #lastMs: number;
  #ended = false;

  constructor(call: Promise<RecognizeCall>, options: GoogleStreamOptions) {
    this.#options = options;
    this.#lastMs = options.fromMs;
    call.then(
      (opened) => this.#opened(opened),
      (error: unknown) => this.#finish(googleGrpcError(error)),
    );
  }

  /** Age in milliseconds as the vendor may count it: by the clock, or by the audio, which can come faster. */
  get ageMs(): number {
    return Math.max(performance.now() - this.#openedAtMs, this.#toMs(this.#samples));
  }

  write(samples: Int16Array): void {
    for (let at = 0; at < samples.length; at += MAX_SAMPLES) {
      const piece = samples.slice(at, at + MAX_SAMPLES);
      this.#samples += piece.length;
      this.#send(new Uint8Array(piece.buffer), piece.length);
    }
  }

  /** No more audio comes; what was written is still transcribed. */
  end(): void {
    this.#ended = true;
    this.#call?.end();
  }

  /** Ends the stream without an error. */
  cancel(): void {
    this.#finish();
  }

  #opened(call: RecognizeCall): void {
    if (this.parts.ended) {
      call.on('error', () => undefined);
      call.cancel();
      return;
    }
    this.#call = call;
    call.on('data', (response: RecognizeResponse) => this.#take(response));
    call.on('error', (error: unknown) => this.#finish(googleGrpcError(error)));
    call.on('end', () => this.#close());
    call.write({ streamingConfig: { config: this.#options.config, interimResults: true } });
    for (const audioContent of this.#waiting) call.write({ audioContent });
    this.#waiting = [];
    if (this.#ended) call.end();
  }

  #send(audioContent: Uint8Array, samples: number): void {
    if (this.parts.ended) return;
    if (this.#call) {
      this.#call.write({ audioContent });
      return;
    }
    this.#waiting.push(audioContent);
    this.#waitingSamples += samples;
    if (this.#waitingSamples > MAX_WAITING_SAMPLES) this.#finish(googleFailure('timeout', 'took no audio'));
  }

  #take({ error, results }: RecognizeResponse): void {
    if (this.parts.ended) return;
    if (error?.code) {
      this.#finish(googleGrpcError(error));
      return;
    }
    const final = results?.find(({ isFinal }) => isFinal);
    if (final) this.#hear('final', [final]);
    const interims = results?.filter(({ isFinal }) => !isFinal) ?? [];
    if (interims.length > 0) this.#hear('interim', interims);
  }

  #hear(type: 'interim' | 'final', results: readonly RecognizeResult[]): void {
    const best = results.flatMap(({ alternatives }) => alternatives?.[0] ?? []);
    const text = best
      .map(({ transcript }) => transcript?.trim() ?? '')
      .filter((portion) => portion !== '')
      .join(' ');
    // An empty final takes back an interim that came to nothing.
    if (text === '' && !(type === 'final' && this.#hasInterim)) return;
    const words = best.flatMap((alternative) => alternative.words ?? []).map(this.#toWord);
    const startMs = words[0]?.startMs ?? this.#lastMs;
    const endMs = Math.max(startMs, words.at(-1)?.endMs ?? this.#placed(results.at(-1)?.resultEndTime));
    if (!this.#isSpeaking) this.parts.push({ type: 'speech-start', atMs: startMs });
    this.#isSpeaking = true;
    this.#hasInterim = type === 'interim';
    const { language } = this.#options;
    const confidence = Math.min(1, best[0]?.confidence || 1);
    this.parts.push({ type, text, startMs, endMs, confidence, language, words });
    if (type === 'final') this.#endSpeech(endMs);
  }

  #endSpeech(atMs: number): void {
    this.#lastMs = atMs;
    if (!this.#isSpeaking) return;
    this.#isSpeaking = false;
    this.parts.push({ type: 'speech-end', atMs });
  }

  /** The vendor has sent all its responses. */
  #close(): void {
    if (this.parts.ended) return;
    if (!this.#ended) {
      this.#finish(googleFailure('unreachable', 'ended before the audio did'));
      return;
    }
    if (this.#hasInterim) this.#hear('final', []);
    this.#finish();
  }

  #finish(error?: ProviderError): void {
    if (this.parts.ended) return;
    if (error) this.parts.fail(error);
    else this.parts.end();
    this.#waiting = [];
    this.#call?.cancel();
  }

  readonly #toWord = ({ word, startTime, endTime }: RecognizedWord): SttWord => {
    const startMs = this.#placed(startTime);
    return { text: word ?? '', startMs, endMs: Math.max(startMs, this.#placed(endTime)) };
  };

  /** Converts a time of the stream to session milliseconds. Clamps times that the vendor rounded beyond the audio. */
  #placed(time: GoogleDuration | null | undefined): number {
    const ms = Number(time?.seconds ?? 0) * 1000 + Number(time?.nanos ?? 0) / 1_000_000;
    const { fromMs } = this.#options;
    return Math.max(this.#lastMs, fromMs + Math.min(ms, this.#toMs(this.#samples)));
  }

  #toMs(samples: number): number {
    return (samples * 1000) / GOOGLE_SAMPLE_RATE_HZ;
  }
}

// silero: speech from a silero-api-server of one's own (github.com/ouoertheo/silero-api-server), one request for a clause.
import { setImmediate } from 'node:timers/promises';
import { AsyncQueue } from '../../audio/async-queue.ts';
import { StreamResampler } from '../../audio/stream-resampler.ts';
import { voicedSpans } from '../../audio/voiced-spans.ts';
import { readWav, type Sound, WavError } from '../../audio/wav.ts';
import { networkError, retryAfterMs } from '../../failover/http-error.ts';
import { kindOfStatus, ProviderError, type ProviderErrorKind, serverError } from '../../failover/provider-error.ts';
import { ClauseSplitter } from '../../text/clauses.ts';
import { speakable } from '../../text/speakable.ts';
import { defineTts, type TtsClient, type TtsOpenOptions, type TtsPart, type TtsSession } from '../contract.ts';
import { untilAborted } from '../until-aborted.ts';

const ID = 'silero';
const SAMPLE_RATE_HZ = 24_000;
const DEFAULT_VOICE = 'en_0';
const PIECE_MS = 100;
/** Longer than any deadline of a chain: only an upper bound, so that no request waits for ever. */
const TIMEOUT_MS = 30_000;
/** Error messages for which the request is to blame: an unknown speaker, or a text that the server can't speak. */
const OUR_FAULT = /should be in|too long|generation failed: *$/i;

export interface SileroOptions {
  readonly baseUrl: string;
  /** 30 s where absent. */
  readonly timeoutMs?: number;
}

export const silero = defineTts({
  id: ID,
  title: 'Silero',
  env: { SILERO_BASE_URL: 'required' },
  traits: {
    // A server has the model of one language, which is English by default.
    languages: ['en', 'es', 'fr'],
    sampleRateHz: SAMPLE_RATE_HZ,
    wordTimes: 'none',
    defaultVoices: { 'en-US': DEFAULT_VOICE, 'en-GB': DEFAULT_VOICE, en: DEFAULT_VOICE, es: 'es_0', fr: 'fr_0' },
    usdPerMinute: 0,
    quality: 0.5,
    regions: ['local'],
    // A clause comes whole, so its first sample is as late as its last: 12 s of speech at five times real time, on a slow machine.
    deadlines: { firstMs: 2_500 },
    typicalFirstMs: 500,
  },
  create: ({ env }) => createSilero({ baseUrl: env.SILERO_BASE_URL ?? '' }),
});

export function createSilero(options: SileroOptions): TtsClient {
  return new SileroClient(options);
}

class SileroClient implements TtsClient {
  readonly #baseUrl: string;
  readonly #timeoutMs: number;
  readonly #closed = new AbortController();

  constructor({ baseUrl, timeoutMs = TIMEOUT_MS }: SileroOptions) {
    this.#baseUrl = baseUrl.replace(/\/+$/, '');
    this.#timeoutMs = timeoutMs;
  }

  open(options: TtsOpenOptions): TtsSession {
    const signal = AbortSignal.any([options.signal, this.#closed.signal]);
    return new SileroSession({ ...options, signal }, (text) => this.#generate(text, options.voice, signal));
  }

  /** Lists the speakers, without speaking anything. */
  async check(signal: AbortSignal): Promise<void> {
    const { bytes } = await this.#ask('GET', '/tts/speakers', undefined, signal);
    if (!Array.isArray(parse(bytes))) throw failure('malformed', 'sent a list of speakers that is none');
  }

  async close(): Promise<void> {
    this.#closed.abort();
  }

  /** Asks for speech without a session, because with one the server would keep what it spoke on its disk. */
  async #generate(text: string, voice: string, signal: AbortSignal): Promise<Sound> {
    const request = { speaker: voice || DEFAULT_VOICE, text, session: null };
    const { bytes, type } = await this.#ask('POST', '/tts/generate', request, signal);
    if (type.includes('json')) throw failedGeneration(parse(bytes));
    const sound = decode(bytes);
    if (sound.samples.length === 0) throw failure('malformed', 'sent no sound for a text');
    return sound;
  }

  async #ask(method: 'GET' | 'POST', path: string, body: unknown, signal: AbortSignal) {
    const timeout = AbortSignal.timeout(this.#timeoutMs);
    try {
      const response = await fetch(`${this.#baseUrl}${path}`, {
        method,
        ...(body !== undefined && {
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }),
        signal: AbortSignal.any([signal, timeout]),
      });
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (!response.ok) throw refusal(response);
      return { bytes, type: response.headers.get('content-type') ?? '' };
    } catch (error) {
      if (error instanceof ProviderError) throw error;
      if (timeout.aborted) throw failure('timeout', 'no answer in time');
      throw networkError(ID, error);
    }
  }
}

class SileroSession implements TtsSession {
  readonly parts: AsyncIterable<TtsPart>;
  readonly #queue = new AsyncQueue<TtsPart>();
  readonly #clauses = new ClauseSplitter();
  readonly #generate: (text: string) => Promise<Sound>;
  readonly #isEnglish: boolean;
  /**
   * Generates one clause after another: the next is made while one is played. Never two at once, because the server writes every
   * clause to the same file.
   */
  #work: Promise<void> = Promise.resolve();
  #pauseMs = 0;
  #isSegmentOpen = true;
  #ended = false;
  /** Aborted at the end of the reply to remove the listener from the call's signal, which outlives the reply. */
  readonly #over = new AbortController();

  constructor({ language, signal, onOpen }: TtsOpenOptions, generate: (text: string) => Promise<Sound>) {
    this.#generate = generate;
    this.#isEnglish = /^en(?:-|$)/i.test(language);
    this.parts = untilAborted(this.#queue, signal);
    if (signal.aborted) this.#queue.end();
    else signal.addEventListener('abort', () => this.#queue.end(), { once: true, signal: this.#over.signal });
    // There is no connection to wait for. Deferred, so that the caller of the constructor has this session by then.
    queueMicrotask(() => {
      if (!this.#queue.ended) onOpen?.();
    });
  }

  write(text: string): void {
    if (this.#ended || this.#queue.ended) return;
    this.#isSegmentOpen = true;
    for (const clause of this.#clauses.push(text)) this.#say(clause.text, clause.pauseMs);
  }

  flush(): void {
    if (this.#ended || this.#queue.ended) return;
    for (const clause of this.#clauses.flush()) this.#say(clause.text, clause.pauseMs);
    this.#isSegmentOpen = false;
    this.#then(async () => this.#queue.push({ type: 'segment-end' }));
  }

  end(): void {
    if (this.#isSegmentOpen) this.flush();
    this.#ended = true;
    this.#then(async () => this.#queue.end());
  }

  #say(written: string, pauseMs: number): void {
    const text = this.#isEnglish ? speakable(written) : withoutMarkup(written);
    if (!/[\p{L}\p{N}]/u.test(text)) return;
    this.#then(async () => {
      const sound = await this.#generate(text);
      if (this.#pauseMs > 0) this.#push(new Int16Array(Math.round((this.#pauseMs * SAMPLE_RATE_HZ) / 1000)));
      this.#pauseMs = Math.max(0, pauseMs - quietEndMs(sound));
      await this.#deliver(sound);
    });
  }

  /** Delivers in pieces: resampling a whole clause at once would hold up the call's other work. */
  async #deliver({ samples, sampleRateHz }: Sound): Promise<void> {
    const resampler = sampleRateHz === SAMPLE_RATE_HZ ? undefined : new StreamResampler(sampleRateHz, SAMPLE_RATE_HZ);
    const size = Math.round((PIECE_MS * sampleRateHz) / 1000);
    for (let from = 0; from < samples.length; from += size) {
      const piece = samples.subarray(from, from + size);
      this.#push(resampler ? resampler.push(piece) : piece.slice());
      await setImmediate();
      if (this.#queue.ended) return;
    }
    if (resampler) this.#push(resampler.flush());
  }

  #push(samples: Int16Array): void {
    if (samples.length > 0) this.#queue.push({ type: 'audio', samples });
  }

  #then(step: () => Promise<void>): void {
    this.#work = this.#work.then(async () => {
      if (this.#queue.ended) return;
      try {
        await step();
      } catch (error) {
        this.#queue.fail(serverError(ID, error));
      }
      if (this.#queue.ended) this.#over.abort();
    });
  }
}

function withoutMarkup(text: string): string {
  return text.replace(/[*_`#~|<>]+/g, ' ').trim();
}

/** Milliseconds of silence at the end of the sound: the part of the pause that the voice made itself. */
function quietEndMs({ samples, sampleRateHz }: Sound): number {
  const lastMs = voicedSpans(samples, sampleRateHz, { atLeastMs: 5 }).at(-1)?.endMs ?? 0;
  return (samples.length * 1000) / sampleRateHz - lastMs;
}

function decode(bytes: Uint8Array): Sound {
  try {
    return readWav(bytes);
  } catch (error) {
    if (!(error instanceof WavError)) throw error;
    throw failure('malformed', `sent no WAV file: ${error.message}`);
  }
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

/** The server returns its exception where it should raise it: status 200, and JSON in place of the sound. */
function failedGeneration(answer: unknown): ProviderError {
  if (typeof answer !== 'object' || answer === null) return failure('malformed', 'sent neither sound nor JSON');
  const { detail } = answer as { detail?: unknown };
  // The server's message may hold the text, so it decides the kind of error but is left out of it.
  return OUR_FAULT.test(String(detail))
    ? failure('invalid-request', 'the speaker or the text was refused')
    : failure('server', 'the generation failed');
}

function refusal(response: Response): ProviderError {
  const { status, headers } = response;
  return new ProviderError({
    kind: kindOfStatus(status),
    provider: ID,
    message: `${ID}: ${status}`,
    status,
    retryAfterMs: retryAfterMs(headers),
  });
}

function failure(kind: ProviderErrorKind, words: string): ProviderError {
  return new ProviderError({ kind, provider: ID, message: `${ID}: ${words}` });
}

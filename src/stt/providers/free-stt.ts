// free-stt: speech recognition with no key, no download and no graphics card. PocketSphinx, or a model of the user's own.
import { AsyncQueue } from '../../audio/async-queue.ts';
import { SampleRing } from '../../audio/sample-ring.ts';
import type { SpeechExpectation } from '../../config/expectation.ts';
import { POCKETSPHINX_SAMPLE_RATE_HZ } from '../../engines/pocketsphinx/format.ts';
import type { HeardText } from '../../engines/pocketsphinx/messages.ts';
import {
  PocketSphinxClient,
  PocketSphinxFailure,
  type Utterance,
  type UtteranceEvents,
} from '../../engines/pocketsphinx/pocketsphinx-client.ts';
import { SherpaListener } from '../../engines/sherpa-listener.ts';
import { ProviderError, type ProviderErrorKind } from '../../failover/provider-error.ts';
import { defineStt, type SttClient, type SttOpenOptions, type SttPart, type SttSession } from '../contract.ts';

const ID = 'free-stt';
const SAMPLE_RATE_HZ = POCKETSPHINX_SAMPLE_RATE_HZ;
/** Audio recognised from before voice activity: it is confirmed up to half a second after the first sound. */
const PRE_ROLL_SAMPLES = SAMPLE_RATE_HZ / 2;
/** Audio goes to the recogniser in pieces of 40 ms: a message for every 10 ms frame costs more than it brings. */
const PIECE_SAMPLES = SAMPLE_RATE_HZ / 25;
/** Longer speech is cut into several finals, since memory and the time to finish grow with the length. */
const MAX_UTTERANCE_SAMPLES = 25 * SAMPLE_RATE_HZ;

/** A recogniser that handles one utterance at a time for each caller. */
export interface Listener {
  warm(): Promise<void>;
  newCaller(): number;
  forget(caller: number): void;
  addKeyPhrases(phrases: readonly string[]): void;
  begin(caller: number, expectation: SpeechExpectation, events: UtteranceEvents): Utterance;
  close(): Promise<void>;
}

export const freeStt = defineStt({
  id: ID,
  title: 'PocketSphinx on this machine',
  env: { FREE_STT_MODEL_DIR: 'optional' },
  traits: {
    languages: ['en'],
    usdPerMinute: 0,
    isReserve: true,
    quality: 0.2,
    regions: ['local'],
    sampleRateHz: SAMPLE_RATE_HZ,
    interimResults: true,
    wordTimes: true,
    needsVoiceActivity: true,
    // It runs on this machine's processor and is the last resort: on a busy machine it is slow but healthy.
    deadlines: { firstMs: 6_000, stallMs: 6_000 },
  },
  create: ({ env }) =>
    createFreeStt(env.FREE_STT_MODEL_DIR ? new SherpaListener(env.FREE_STT_MODEL_DIR) : new PocketSphinxClient()),
});

export function createFreeStt(listener: Listener): SttClient {
  return {
    open: (options) => new FreeSttSession(listener, options),
    warm: () => listener.warm(),
    close: () => listener.close(),
  };
}

class FreeSttSession implements SttSession {
  readonly parts = new AsyncQueue<SttPart>();
  readonly #listener: Listener;
  readonly #language: string;
  readonly #caller: number;
  readonly #ring = new SampleRing(PRE_ROLL_SAMPLES);
  readonly #piece = new Int16Array(PIECE_SAMPLES);
  readonly #underWay = new Set<Utterance>();
  #pieceLength = 0;
  #expectation: SpeechExpectation = { kind: 'open' };
  #utterance: Utterance | undefined;
  #utteranceStart = 0;
  /** Stream position up to which the recogniser got the audio: the next pre-roll begins no earlier. */
  #heardUntil = 0;
  #speaking = false;
  #ended = false;

  constructor(listener: Listener, { language, keyPhrases = [], signal, onOpen }: SttOpenOptions) {
    this.#listener = listener;
    this.#language = language;
    this.#caller = listener.newCaller();
    if (!/^en(?:-|$)/i.test(language)) {
      const message = `free-stt understands English only, and "${language}" was asked for: add another provider`;
      this.#fail('invalid-request', message);
    }
    if (signal.aborted) this.#close();
    else signal.addEventListener('abort', () => this.#close(), { once: true });
    if (!this.parts.ended && keyPhrases.length > 0) listener.addKeyPhrases(keyPhrases);
    // There is no connection to wait for. One microtask later the caller of `open` holds this session.
    queueMicrotask(() => {
      if (!this.parts.ended) onOpen?.();
    });
  }

  write(samples: Int16Array): void {
    if (this.#isClosed) return;
    this.#ring.write(samples);
    if (!this.#utterance) return;
    for (let from = 0; from < samples.length; ) {
      const length = Math.min(samples.length - from, PIECE_SAMPLES - this.#pieceLength);
      this.#piece.set(samples.subarray(from, from + length), this.#pieceLength);
      this.#pieceLength += length;
      from += length;
      if (this.#pieceLength === PIECE_SAMPLES) this.#sendPiece();
    }
    if (this.#ring.written - this.#utteranceStart >= MAX_UTTERANCE_SAMPLES) this.flush();
  }

  /** Voice activity ends only after some silence, which is recognised too, so no tail is added here. */
  speech(active: boolean): void {
    if (this.#isClosed || active === this.#speaking) return;
    this.#speaking = active;
    if (active) {
      this.parts.push({ type: 'speech-start', atMs: this.#nowMs });
      this.#begin();
    } else {
      this.#finish(this.#nowMs);
    }
  }

  expect(expectation: SpeechExpectation): void {
    this.#expectation = expectation;
  }

  flush(): void {
    if (this.#isClosed || !this.#utterance) return;
    this.#finish(undefined);
    this.#begin();
  }

  end(): void {
    if (this.#isClosed) return;
    if (this.#utterance) this.#finish(this.#speaking ? this.#nowMs : undefined);
    this.#ended = true;
    this.#endWhenDone();
  }

  get #isClosed(): boolean {
    return this.#ended || this.parts.ended;
  }

  get #nowMs(): number {
    return toMs(this.#ring.written);
  }

  #begin(): void {
    const preRoll = this.#ring.since(this.#heardUntil);
    const start = this.#ring.written - preRoll.length;
    this.#utteranceStart = start;
    const utterance = this.#listener.begin(this.#caller, this.#expectation, {
      onInterim: (heard) => this.parts.push(this.#part('interim', heard, start)),
      onFinal: (heard) => {
        // Noise gets no final, because nobody said anything.
        if (heard.text !== '') this.parts.push(this.#part('final', heard, start));
        this.#done(utterance);
      },
      onFailure: (error) => {
        this.#underWay.delete(utterance);
        const isHung = error instanceof PocketSphinxFailure && error.isTimeout;
        this.#fail(isHung ? 'timeout' : 'server', error.message, error);
      },
    });
    this.#utterance = utterance;
    this.#underWay.add(utterance);
    if (preRoll.length > 0) utterance.write(preRoll);
  }

  /** @param speechEndMs where speech ends with the utterance */
  #finish(speechEndMs: number | undefined): void {
    const utterance = this.#utterance;
    if (!utterance) return;
    this.#sendPiece();
    this.#utterance = undefined;
    this.#heardUntil = this.#ring.written;
    if (speechEndMs !== undefined) this.#speechEnds.set(utterance, speechEndMs);
    utterance.end();
  }

  /** Times in milliseconds for the `speech-end` after the final of each utterance. */
  readonly #speechEnds = new Map<Utterance, number>();

  #done(utterance: Utterance): void {
    this.#underWay.delete(utterance);
    const atMs = this.#speechEnds.get(utterance);
    this.#speechEnds.delete(utterance);
    if (atMs !== undefined) this.parts.push({ type: 'speech-end', atMs });
    this.#endWhenDone();
  }

  #sendPiece(): void {
    if (this.#pieceLength > 0) this.#utterance?.write(this.#piece.subarray(0, this.#pieceLength));
    this.#pieceLength = 0;
  }

  #part(type: 'interim' | 'final', { text, confidence, words }: HeardText, start: number): SttPart {
    const offsetMs = toMs(start);
    const placed = words.map((word) => ({
      text: word.text,
      startMs: offsetMs + word.startMs,
      endMs: offsetMs + word.endMs,
    }));
    const startMs = placed[0]?.startMs ?? offsetMs;
    const endMs = placed.at(-1)?.endMs ?? startMs;
    return { type, text, startMs, endMs, confidence, language: this.#language, words: placed };
  }

  #endWhenDone(): void {
    if (!this.#ended || this.#underWay.size > 0) return;
    this.parts.end();
    this.#listener.forget(this.#caller);
  }

  #fail(kind: ProviderErrorKind, message: string, cause?: unknown): void {
    this.parts.fail(new ProviderError({ kind, provider: ID, message, cause }));
    this.#close();
  }

  #close(): void {
    this.parts.end();
    this.#utterance = undefined;
    for (const utterance of this.#underWay) utterance.drop();
    this.#underWay.clear();
    this.#listener.forget(this.#caller);
  }
}

const toMs = (samples: number) => (samples * 1000) / SAMPLE_RATE_HZ;

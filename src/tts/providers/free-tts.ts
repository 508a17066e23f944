// free-tts: speech with no key, no download and no graphics card. Flite, or a model of the user's own.
import { AsyncQueue } from '../../audio/async-queue.ts';
import { voicedSpans } from '../../audio/voiced-spans.ts';
import { FliteClient } from '../../engines/flite/flite-client.ts';
import { FLITE_SAMPLE_RATE_HZ, FLITE_VOICES } from '../../engines/flite/synthesizer.ts';
import { SherpaVoice } from '../../engines/sherpa-voice.ts';
import { ProviderError, type ProviderErrorKind } from '../../failover/provider-error.ts';
import { ClauseSplitter } from '../../text/clauses.ts';
import { speakable } from '../../text/speakable.ts';
import { defineTts, type TtsClient, type TtsOpenOptions, type TtsPart, type TtsSession } from '../contract.ts';
import { estimateWordTimes } from '../estimate-word-times.ts';
import { untilAborted } from '../until-aborted.ts';

const ID = 'free-tts';
const SAMPLE_RATE_HZ = FLITE_SAMPLE_RATE_HZ;
const DEFAULT_VOICE = 'slt';
const FLITE_VOICE = new RegExp(`^(?:${FLITE_VOICES.join('|')})$`);

/** Engine that turns one clause into speech. */
interface Speaker {
  /** Matches every voice name that `synthesize` accepts. */
  readonly voices: RegExp;
  readonly voicesInWords: string;
  /** Mono PCM16 at SAMPLE_RATE_HZ; rejects with the signal's reason once it aborts. */
  synthesize(text: string, voice: string, signal: AbortSignal): Promise<Int16Array>;
  warm(): Promise<void>;
  close(): Promise<void>;
}

export const freeTts = defineTts({
  id: ID,
  title: 'Flite on this machine',
  env: { FREE_TTS_MODEL_DIR: 'optional' },
  traits: {
    languages: ['en'],
    usdPerMinute: 0,
    isReserve: true,
    quality: 0.2,
    regions: ['local'],
    sampleRateHz: SAMPLE_RATE_HZ,
    wordTimes: 'estimated',
    defaultVoices: { en: DEFAULT_VOICE },
  },
  create: ({ env }) => createClient(env.FREE_TTS_MODEL_DIR ? sherpaSpeaker(env.FREE_TTS_MODEL_DIR) : fliteSpeaker()),
});

function createClient(speaker: Speaker): TtsClient {
  return {
    open: (options) => new FreeTtsSession(speaker, options),
    warm: () => speaker.warm(),
    close: () => speaker.close(),
  };
}

function fliteSpeaker(): Speaker {
  const flite = new FliteClient();
  return {
    voices: FLITE_VOICE,
    voicesInWords: FLITE_VOICES.join(', '),
    synthesize: (text, voice, signal) => flite.synthesize(text, voice, signal),
    async warm() {
      // The first sentence in a thread takes three times as long as the next ones.
      await flite.synthesize('Hello, how can I help you today?', DEFAULT_VOICE, new AbortController().signal);
    },
    close: () => flite.close(),
  };
}

function sherpaSpeaker(directory: string): Speaker {
  const model = new SherpaVoice(directory, SAMPLE_RATE_HZ);
  return {
    // The configuration or the traits may hold a name of a Flite voice: it means the model's first speaker.
    voices: new RegExp(`^\\d+$|${FLITE_VOICE.source}`),
    voicesInWords: 'speaker numbers, from 0',
    synthesize: (text, voice, signal) => model.synthesize(text, Number.parseInt(voice, 10) || 0, signal),
    warm: () => model.load(),
    close: () => model.close(),
  };
}

class FreeTtsSession implements TtsSession {
  readonly parts: AsyncIterable<TtsPart>;
  readonly #queue = new AsyncQueue<TtsPart>();
  readonly #speaker: Speaker;
  readonly #signal: AbortSignal;
  readonly #voice: string;
  readonly #clauses = new ClauseSplitter();
  /** Promise chain that handles clauses and ends of segments one after another. */
  #work: Promise<void> = Promise.resolve();
  #pauseMs = 0;
  #spokenMs = 0;
  #segmentOpen = true;

  constructor(speaker: Speaker, { voice, language, signal }: TtsOpenOptions) {
    this.#speaker = speaker;
    this.#signal = signal;
    this.#voice = voice || DEFAULT_VOICE;
    this.parts = untilAborted(this.#queue, signal);
    if (signal.aborted) this.#queue.end();
    else signal.addEventListener('abort', () => this.#queue.end(), { once: true });
    if (!/^en(?:-|$)/i.test(language)) {
      this.#fail(
        'invalid-request',
        `free-tts speaks English only, and "${language}" was asked for: add another provider`,
      );
    } else if (!speaker.voices.test(this.#voice)) {
      this.#fail('invalid-request', `free-tts has no voice "${this.#voice}"; it has ${speaker.voicesInWords}`);
    }
  }

  write(text: string): void {
    if (text !== '') this.#segmentOpen = true;
    for (const clause of this.#clauses.push(text)) this.#say(clause.text, clause.pauseMs);
  }

  flush(): void {
    for (const clause of this.#clauses.flush()) this.#say(clause.text, clause.pauseMs);
    this.#segmentOpen = false;
    this.#then(async () => this.#queue.push({ type: 'segment-end' }));
  }

  end(): void {
    if (this.#segmentOpen) this.flush();
    this.#then(async () => this.#queue.end());
  }

  #say(written: string, pauseMs: number): void {
    const text = speakable(written);
    if (text === '') return;
    this.#then(async () => {
      const samples = await this.#speaker.synthesize(text, this.#voice, this.#signal);
      const audio = withPause(samples, this.#pauseMs);
      const endMs = this.#spokenMs + (audio.length * 1000) / SAMPLE_RATE_HZ;
      for (const word of estimateWordTimes(written, this.#spokenMs + this.#pauseMs, endMs)) this.#queue.push(word);
      this.#queue.push({ type: 'audio', samples: audio });
      this.#spokenMs = endMs;
      this.#pauseMs = pauseMs;
    });
  }

  #then(step: () => Promise<void>): void {
    this.#work = this.#work.then(async () => {
      if (this.#queue.ended) return;
      try {
        await step();
      } catch (error) {
        if (!this.#signal.aborted) this.#fail('server', error instanceof Error ? error.message : String(error), error);
      }
    });
  }

  #fail(kind: ProviderErrorKind, message: string, cause?: unknown): void {
    this.#queue.fail(new ProviderError({ kind, provider: ID, message, cause }));
  }
}

/** Kept on each side of the voiced part: quiet beginnings ("h", "f") and ends of words lie below the level that counts as voiced. */
const SOFT_EDGE_MS = 40;

/** Removes the engine's silence (0.2 s on each side) and puts the pause that the text asks for before the clause. */
function withPause(samples: Int16Array, pauseMs: number): Int16Array {
  const inSamples = (ms: number) => Math.round((ms * SAMPLE_RATE_HZ) / 1000);
  const spans = voicedSpans(samples, SAMPLE_RATE_HZ, { aboveDbfs: -50, atLeastMs: 5 });
  const from = Math.max(0, inSamples((spans[0]?.startMs ?? 0) - SOFT_EDGE_MS));
  const to = Math.min(samples.length, inSamples((spans.at(-1)?.endMs ?? 0) + SOFT_EDGE_MS));
  const speech = samples.subarray(from, to);
  const padded = new Int16Array(inSamples(pauseMs) + speech.length);
  padded.set(speech, inSamples(pauseMs));
  return padded;
}

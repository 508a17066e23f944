// elevenlabs: speech over ElevenLabs' websocket of several contexts, with the times of characters. The official SDK has
// no text-to-speech websocket, so that is opened with `ws` directly; the SDK does the free check.
import { networkError, retryAfterMs } from '../../../failover/http-error.ts';
import { ProviderError } from '../../../failover/provider-error.ts';
import type { TimedWord } from '../../../text/align-words.ts';
import type { SocketVendor, VendorMessage } from '../../../vendors/socket-pool.ts';
import { defineTts, type TtsClient } from '../../contract.ts';
import { createContextClient, type Voicing } from '../contexts/client.ts';
import type { VoiceEvent, VoiceProtocol } from '../contexts/voice-protocol.ts';
import { closing, ELEVENLABS, failure, refusal, socketError } from './errors.ts';

const BASE_URL = 'https://api.elevenlabs.io';
const MODEL = 'eleven_flash_v2_5';
const SAMPLE_RATE_HZ = 24_000;
/** Sarah and Alice (British), which every account has. The model speaks its 32 languages with any voice. */
const VOICE = 'EXAVITQu4vr4xnSDxMaL';
const BRITISH_VOICE = 'Xb7hH8MSUJpSbSDYk0k2';
const CHECK_S = 10;
/** With a sixth context, ElevenLabs closes the socket. */
const MAX_CONTEXTS = 5;
/** Longest inactivity timeout that the vendor accepts, in seconds; its default is 20. */
const INACTIVITY_S = 180;
const MAX_IDLE_MS = 150_000;

export const elevenlabs = defineTts({
  id: ELEVENLABS,
  title: 'ElevenLabs',
  env: { ELEVENLABS_API_KEY: 'required', ELEVENLABS_BASE_URL: 'optional' },
  keyEnv: 'ELEVENLABS_API_KEY',
  traits: {
    languages: ['en', 'es', 'fr', 'de', 'it', 'pt', 'nl', 'pl', 'ru', 'sv', 'tr', 'ja', 'ko', 'zh', 'hi'],
    sampleRateHz: SAMPLE_RATE_HZ,
    wordTimes: 'exact',
    defaultVoices: { 'en-US': VOICE, 'en-GB': BRITISH_VOICE, en: VOICE, es: VOICE, fr: VOICE },
    // 50 $ for a million characters of Flash (elevenlabs.io/pricing/api); a minute of conversation, half of it the agent's, has 450.
    usdPerMinute: 0.0225,
    quality: 0.9,
    regions: ['us', 'eu'],
    typicalFirstMs: 250,
    // A voice not used for a while takes about 1 s to its first sound; a learned deadline is never below half of this value.
    deadlines: { firstMs: 2_400 },
  },
  create: ({ env, model }) =>
    createElevenLabs({ apiKey: env.ELEVENLABS_API_KEY ?? '', baseUrl: env.ELEVENLABS_BASE_URL, model }),
});

export interface ElevenLabsOptions {
  readonly apiKey: string;
  /** With or without `/v1`. */
  readonly baseUrl?: string | undefined;
  readonly model?: string | undefined;
}

export function createElevenLabs({ apiKey, baseUrl, model = MODEL }: ElevenLabsOptions): TtsClient {
  const base = (baseUrl || BASE_URL).replace(/\/+$/, '').replace(/\/v1$/, '');
  return createContextClient({
    vendor: { ...vendor, headers: { 'xi-api-key': apiKey } },
    sampleRateHz: SAMPLE_RATE_HZ,
    first: { voice: VOICE, language: 'en-US' },
    urlOf: (voicing) => socketUrl(base, model, voicing),
    protocol: createProtocol,
    check: (signal) => check(apiKey, base, signal),
  });
}

const vendor: Omit<SocketVendor, 'headers'> = {
  id: ELEVENLABS,
  maxContexts: MAX_CONTEXTS,
  maxIdleMs: MAX_IDLE_MS,
  contextOf,
  failure: (message) => (isError(message) && contextOf(message) === undefined ? socketError(message) : undefined),
  isLast: (message) => message.isFinal === true || isError(message),
  refused: ({ status, body, retryAfterMs: wait }) => refusal(status, body, wait),
  closed: closing,
};

function contextOf({ contextId, context_id }: VendorMessage): string | undefined {
  const id = contextId ?? context_id;
  return typeof id === 'string' ? id : undefined;
}

function isError({ error }: VendorMessage): boolean {
  return error !== undefined && error !== null;
}

/** Model, voice and language are set per socket, so each voice has sockets of its own. */
function socketUrl(base: string, model: string, { voice, language }: Voicing): string {
  const query = new URLSearchParams({
    model_id: model,
    language_code: language.split('-')[0] || 'en',
    output_format: `pcm_${SAMPLE_RATE_HZ}`,
    // We send whole clauses, so the vendor need not gather text.
    auto_mode: 'true',
    sync_alignment: 'true',
    inactivity_timeout: String(INACTIVITY_S),
  });
  const path = `/v1/text-to-speech/${encodeURIComponent(voice)}/multi-stream-input`;
  return `${base.replace(/^http/, 'ws')}${path}?${query}`;
}

function createProtocol(): VoiceProtocol {
  const words = new WordsOfCharacters();
  return {
    begin: (context_id) => [{ text: ' ', context_id }],
    speak: (context_id, text) => [{ text, context_id, flush: true }],
    finish: (context_id) => [{ text: '', context_id, flush: true }],
    close: (context_id) => [{ context_id, close_context: true }],
    cancel: (context_id) => [{ context_id, close_context: true }],
    read: (message) => read(message, words),
  };
}

function read(message: VendorMessage, characters: WordsOfCharacters): readonly VoiceEvent[] {
  if (isError(message)) return [{ type: 'error', error: socketError(message) }];
  const events: VoiceEvent[] = [];
  // The alignment of the characters as written sometimes starts again from the beginning; the normalised one only goes on.
  const alignment = message.normalizedAlignment ?? message.alignment;
  if (alignment) events.push({ type: 'words', words: characters.push(alignment as VendorMessage) });
  if (message.audio !== undefined && message.audio !== null) {
    events.push({ type: 'audio', base64: typeof message.audio === 'string' ? message.audio : '=' });
  }
  if (message.isFinal === true) events.push({ type: 'words', words: characters.flush() }, { type: 'done' });
  return events;
}

/** Builds words from timed characters, which come in pieces cut anywhere; a word is complete once a blank follows it. */
class WordsOfCharacters {
  #text = '';
  #startMs = 0;
  #endMs = 0;

  push({ chars, charStartTimesMs, charDurationsMs, charsStartTimesMs, charsDurationsMs }: VendorMessage): TimedWord[] {
    const starts = charStartTimesMs ?? charsStartTimesMs;
    const durations = charDurationsMs ?? charsDurationsMs;
    if (!Array.isArray(chars) || !Array.isArray(starts) || !Array.isArray(durations)) {
      throw failure('malformed', 'sent times of characters that are none');
    }
    const words: TimedWord[] = [];
    chars.forEach((char, index) => {
      const startMs = Number(starts[index]) || 0;
      if (String(char).trim() === '') {
        words.push(...this.flush());
        return;
      }
      if (this.#text === '') this.#startMs = startMs;
      this.#text += char;
      this.#endMs = startMs + (Number(durations[index]) || 0);
    });
    return words;
  }

  flush(): TimedWord[] {
    if (this.#text === '') return [];
    const word = { text: this.#text, startMs: this.#startMs, endMs: Math.max(this.#startMs, this.#endMs) };
    this.#text = '';
    return [word];
  }
}

/** Reads the subscription, which needs a valid key and costs nothing. */
async function check(apiKey: string, baseUrl: string, signal: AbortSignal): Promise<void> {
  const { ElevenLabsClient, ElevenLabsError, ElevenLabsTimeoutError } = await import('@elevenlabs/elevenlabs-js');
  try {
    const client = new ElevenLabsClient({ apiKey, baseUrl, maxRetries: 0, timeoutInSeconds: CHECK_S });
    const { characterCount, characterLimit, canExtendCharacterLimit, maxCreditLimitExtension } =
      await client.user.subscription.get({
        abortSignal: signal,
        maxRetries: 0,
      });
    const mayExceed = canExtendCharacterLimit || maxCreditLimitExtension !== 0;
    if (characterCount >= characterLimit && !mayExceed) throw failure('quota', 'all characters are used');
  } catch (error) {
    if (error instanceof ElevenLabsTimeoutError) throw failure('timeout', 'no answer in time');
    if (error instanceof ProviderError) throw error;
    // The vendor answered; only the form of its answer is newer than the SDK.
    if (error instanceof Error && error.name === 'ParseError') return;
    if (!(error instanceof ElevenLabsError)) throw networkError(ELEVENLABS, error);
    const { statusCode, body, rawResponse } = error;
    if (statusCode === undefined) throw networkError(ELEVENLABS, error);
    if (statusCode < 400) throw failure('malformed', 'sent a subscription that is none', statusCode);
    const words = JSON.stringify(body ?? '');
    // A key that is restricted to speech can't read the subscription, but is valid.
    if (/missing_permissions/.test(words)) return;
    throw refusal(statusCode, words, retryAfterMs(rawResponse?.headers));
  }
}

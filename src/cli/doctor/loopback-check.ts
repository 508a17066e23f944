// The row that needs no microphone: free-tts speaks a sentence, and free-stt writes down what it hears.
import type { ProviderClient } from '../../config/provider.ts';
import { UserError } from '../../config/user-error.ts';
import type { SttProvider } from '../../stt/contract.ts';
import type { TtsProvider } from '../../tts/contract.ts';
import type { Check, Row } from './check.ts';

const SENTENCE = 'Please call me back tomorrow morning.';
/** Least share of the words that must be heard. Recognition is weak, but below this something is broken. */
const LEAST_SHARE = 0.5;
const FRAME_MS = 20;
const SILENCE_MS = 400;
const LANGUAGE = 'en-US';

export function loopbackCheck(tts: TtsProvider, stt: SttProvider): Check {
  const name = 'Loopback';
  return { name, run: async (signal) => [await loopbackRow(name, tts, stt, signal)] };
}

async function loopbackRow(name: string, tts: TtsProvider, stt: SttProvider, signal: AbortSignal): Promise<Row> {
  if (tts.traits.sampleRateHz !== stt.traits.sampleRateHz) {
    throw new Error(
      `${tts.id} speaks at ${tts.traits.sampleRateHz} Hz, ${stt.id} hears at ${stt.traits.sampleRateHz} Hz`,
    );
  }
  const heard = await withClient(tts, async (speaker) => {
    return withClient(stt, async (listener) => {
      const [speech] = await Promise.all([speak(tts, speaker, signal), listener.warm?.()]);
      return transcribe(stt, listener, speech, signal);
    });
  });
  const share = sharedWords(SENTENCE, heard);
  const found = `${tts.id} said "${SENTENCE}", ${stt.id} heard "${heard}"`;
  if (share >= LEAST_SHARE) return { name, state: 'good', found };
  throw new UserError(found, 'restore the models: git checkout src/engines, pnpm install --force');
}

async function withClient<Client extends ProviderClient, Result>(
  provider: { create(settings: { env: Record<string, undefined> }): Client },
  use: (client: Client) => Promise<Result>,
): Promise<Result> {
  // Without settings the embedded models are used, whatever else is configured.
  const client = provider.create({ env: {} });
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

async function speak(
  provider: TtsProvider,
  client: ReturnType<TtsProvider['create']>,
  signal: AbortSignal,
): Promise<readonly Int16Array[]> {
  const voice = Object.values(provider.traits.defaultVoices)[0] ?? '';
  const session = client.open({ voice, language: LANGUAGE, signal });
  session.write(SENTENCE);
  session.end();
  const chunks: Int16Array[] = [];
  for await (const part of session.parts) if (part.type === 'audio') chunks.push(part.samples);
  return chunks;
}

async function transcribe(
  provider: SttProvider,
  client: ReturnType<SttProvider['create']>,
  speech: readonly Int16Array[],
  signal: AbortSignal,
): Promise<string> {
  const session = client.open({ language: LANGUAGE, signal });
  const frameLength = (provider.traits.sampleRateHz * FRAME_MS) / 1_000;
  const write = (samples: Int16Array) => {
    for (let at = 0; at < samples.length; at += frameLength) session.write(samples.slice(at, at + frameLength));
  };
  const silence = new Int16Array((provider.traits.sampleRateHz * SILENCE_MS) / 1_000);
  write(silence);
  session.speech?.(true);
  for (const chunk of speech) write(chunk);
  write(silence);
  session.speech?.(false);
  session.end();
  const texts: string[] = [];
  for await (const part of session.parts) if (part.type === 'final') texts.push(part.text);
  return texts.join(' ').trim();
}

/** Share of the words said that were heard, in any order. */
function sharedWords(said: string, heard: string): number {
  const words = (text: string) => text.toLowerCase().match(/[a-z']+/g) ?? [];
  const found = new Set(words(heard));
  const expected = words(said);
  return expected.filter((word) => found.has(word)).length / expected.length;
}

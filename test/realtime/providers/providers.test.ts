// The providers of speech to speech: the free check and what it tells, and the model that a call is given.
import { initializeLogger } from '@livekit/agents';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FaultQueue } from '../../../fixtures/faults.ts';
import { type GeminiLiveFixture, startGeminiLive } from '../../../fixtures/vendors/gemini-live.ts';
import { type OpenAiRealtimeFixture, startOpenAiRealtime } from '../../../fixtures/vendors/openai-realtime.ts';
import { whatIsMissing } from '../../../src/chains/plan.ts';
import type { RealtimeProvider } from '../../../src/realtime/contract.ts';
import { geminiLive } from '../../../src/realtime/providers/gemini-live.ts';
import { openaiRealtime } from '../../../src/realtime/providers/openai-realtime.ts';

const KEY = 'key-of-a-test';
let openaiVendor: OpenAiRealtimeFixture;
let geminiVendor: GeminiLiveFixture;

beforeAll(async () => {
  initializeLogger({ pretty: false, level: 'silent' });
  openaiVendor = await startOpenAiRealtime({ apiKey: KEY, models: ['gpt-realtime'] });
  geminiVendor = await startGeminiLive({ apiKey: KEY, models: ['gemini-2.5-flash-native-audio-preview-12-2025'] });
});
afterAll(() => Promise.all([openaiVendor.close(), geminiVendor.close()]));

interface Subject {
  readonly provider: RealtimeProvider;
  readonly env: (key?: string) => Record<string, string>;
  readonly faults: () => FaultQueue;
}

const SUBJECTS: readonly Subject[] = [
  {
    provider: openaiRealtime,
    env: (key = KEY) => ({ OPENAI_API_KEY: key, OPENAI_BASE_URL: openaiVendor.url }),
    faults: () => openaiVendor.faults,
  },
  {
    provider: geminiLive,
    env: (key = KEY) => ({ GEMINI_API_KEY: key, GEMINI_BASE_URL: geminiVendor.url }),
    faults: () => geminiVendor.faults,
  },
];

describe.each(SUBJECTS)('$provider.id', ({ provider, env, faults }) => {
  const check = async (variables: Record<string, string>, model?: string) => {
    const client = provider.create({ env: variables, model });
    try {
      return await client.check?.(AbortSignal.timeout(10_000));
    } finally {
      await client.close();
    }
  };

  it('is left out without a key', () => {
    expect(whatIsMissing(provider, {})).toBeTypeOf('string');
    expect(whatIsMissing(provider, env())).toBeUndefined();
  });

  it('is checked for free', async () => {
    await expect(check(env())).resolves.toBeUndefined();
  });

  it('tells a model that is not there, a spent account and a dead server, and never the key', async () => {
    const missing = await check(env(), 'gpt-nothing').catch((error: unknown) => error);
    expect(missing).toMatchObject({ provider: provider.id, kind: 'invalid-request' });
    faults().fail({ kind: 'status', status: 402, message: `Payment required for ${KEY}.` }, Number.POSITIVE_INFINITY);
    const spent = await check(env()).catch((error: unknown) => error);
    faults().mend();
    expect(spent).toMatchObject({ provider: provider.id, kind: 'quota', status: 402 });
    expect(String(spent)).not.toContain(KEY);
    faults().fail({ kind: 'refuse' }, Number.POSITIVE_INFINITY);
    const dead = await check(env()).catch((error: unknown) => error);
    faults().mend();
    expect(dead).toMatchObject({ provider: provider.id, kind: 'unreachable' });
  });
});

it('openai-realtime tells a wrong key, and never repeats it', async () => {
  const env = { OPENAI_API_KEY: 'sk-another-key', OPENAI_BASE_URL: openaiVendor.url };
  const refused = await openaiRealtime
    .create({ env })
    .check?.(AbortSignal.timeout(10_000))
    .catch((error: unknown) => error);
  expect(refused).toMatchObject({ kind: 'auth', status: 401 });
  expect(String(refused)).not.toContain('sk-another');
});

it('gemini-live leaves a model that is gone for the next one, which is told once', async () => {
  const client = geminiLive.create({
    env: { GEMINI_API_KEY: KEY, GEMINI_BASE_URL: geminiVendor.url },
    model: 'gemini-gone',
  });
  const told = await client.check?.(AbortSignal.timeout(10_000)).catch((error: unknown) => error);
  expect(told).toMatchObject({ kind: 'invalid-request', message: 'gemini-live has no model "gemini-gone"' });
  expect((await client.model()).model).toBe('gemini-2.5-flash-native-audio-preview-12-2025');
  await expect(client.check?.(AbortSignal.timeout(10_000))).resolves.toBeUndefined();
  expect(client.leaveModel?.('gemini-2.5-flash-native-audio-preview-12-2025')).toBe(true);
  expect((await client.model()).model).toBe('gemini-3.8-live');
  expect(client.leaveModel?.('gemini-3.8-live')).toBe(false);
});

describe('the models that calls are given', () => {
  it('are the configured ones, at the address of their own where there is one', async () => {
    const env = { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: 'http://proxy/v1', OPENAI_REALTIME_BASE_URL: 'http://live/v1' };
    const model = await openaiRealtime.create({ env, model: 'gpt-4o-realtime-preview' }).model({ language: 'es-MX' });
    expect((model as unknown as { _options: object })._options).toMatchObject({
      apiKey: KEY,
      baseURL: 'http://live/v1',
      model: 'gpt-4o-realtime-preview',
      voice: 'alloy',
      turnDetection: { type: 'server_vad', silence_duration_ms: 500 },
      inputAudioTranscription: { language: 'es' },
    });
  });

  it('speak with the voice that is wished for', async () => {
    const env = { GOOGLE_API_KEY: KEY, GEMINI_BASE_URL: 'http://a', GEMINI_LIVE_BASE_URL: 'http://b' };
    const client = geminiLive.create({ env });
    const options = async (wish?: { voice: string }) =>
      ((await client.model(wish)) as unknown as { _options: object })._options;
    expect(await options()).toMatchObject({
      apiKey: KEY,
      httpOptions: { baseUrl: 'http://b' },
      model: 'gemini-2.5-flash-native-audio-preview-12-2025',
      voice: 'Aoede',
      realtimeInputConfig: { automaticActivityDetection: { silenceDurationMs: 500 } },
    });
    expect(await options({ voice: 'Puck' })).toMatchObject({ voice: 'Puck' });
  });
});

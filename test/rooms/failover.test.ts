// Providers fail in a real call in a real room: every word of both sides is counted, at the caller's ear and in the
// conversation.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadClip } from '../../fixtures/audio/clips.ts';
import type { Fault } from '../../fixtures/faults.ts';
import { decodeTones, markWords, spreadWords } from '../../fixtures/tones.ts';
import { startCartesia } from '../../fixtures/vendors/cartesia.ts';
import { startDeepgram } from '../../fixtures/vendors/deepgram.ts';
import { startElevenLabs } from '../../fixtures/vendors/elevenlabs.ts';
import { startGoogleSpeech } from '../../fixtures/vendors/google-speech.ts';
import { startOpenAi } from '../../fixtures/vendors/openai.ts';
import { startOpenRouter } from '../../fixtures/vendors/openrouter.ts';
import type { Heard } from '../../src/call/conversation.ts';
import { type Caller, joinAsCaller } from '../../src/livekit/caller.ts';
import { issueToken } from '../../src/livekit/tokens.ts';
import { type SpawnedWorker, spawnWorker } from '../support/spawn-worker.ts';
import { startTestServer, type TestServer } from './support/server.ts';
import { withoutTears } from './support/without-tears.ts';

const WORDS_A_TURN = 6;
const LLM_WORD_MS = 30;

async function startVendors() {
  const pace = { everyMs: LLM_WORD_MS };
  const [deepgram, google, openrouter, openai, cartesia, elevenlabs] = await Promise.all([
    startDeepgram({ interimEveryMs: 200 }),
    startGoogleSpeech(),
    startOpenRouter(pace),
    startOpenAi(pace),
    startCartesia(),
    startElevenLabs(),
  ]);
  return { deepgram, google, openrouter, openai, cartesia, elevenlabs };
}
type Vendors = Awaited<ReturnType<typeof startVendors>>;

interface Scenario {
  readonly name: string;
  /** Before the call begins. */
  readonly before?: (vendors: Vendors) => void;
  /** As the second turn begins. */
  readonly atTurn?: (vendors: Vendors) => void;
  /** Once so much of the second turn was said. */
  readonly inTurn?: { readonly afterMs: number; readonly run: (vendors: Vendors) => void };
  readonly switches: readonly string[];
}

const always = Number.POSITIVE_INFINITY;
const quota: Fault = { kind: 'status', status: 402, message: 'Payment required.' };

const SCENARIOS: readonly Scenario[] = [
  { name: '1. normal operation', switches: [] },
  {
    name: '2. TTS quota exceeded (402) before the sentence',
    atTurn: ({ cartesia }) => cartesia.faults.fail(quota, always),
    switches: ['tts cartesia → elevenlabs quota'],
  },
  {
    name: '2. TTS quota exceeded (402) in mid-sentence',
    atTurn: ({ cartesia }) => cartesia.faults.fail({ kind: 'error-event', after: 12, status: 402 }),
    switches: ['tts cartesia → elevenlabs quota'],
  },
  {
    name: '3. STT drop in mid-utterance',
    inTurn: { afterMs: 1_500, run: ({ deepgram }) => deepgram.faults.breakNow({ kind: 'drop', after: 0, code: 1011 }) },
    switches: ['stt deepgram → google server'],
  },
  {
    name: '4. LLM rate limit (429) without Retry-After',
    atTurn: ({ openrouter }) => openrouter.faults.fail({ kind: 'status', status: 429 }, always),
    switches: ['llm openrouter → openai rate-limit'],
  },
  {
    name: '4. LLM rate limit (429) with Retry-After',
    atTurn: ({ openrouter }) => openrouter.faults.fail({ kind: 'status', status: 429, retryAfterS: 30 }, always),
    switches: ['llm openrouter → openai rate-limit'],
  },
  {
    name: '6. STT hangs at connect',
    before: ({ deepgram }) => deepgram.faults.fail({ kind: 'black-hole' }, always),
    switches: ['stt deepgram → google timeout'],
  },
  {
    name: '6. STT goes silent in mid-utterance',
    inTurn: { afterMs: 1_000, run: ({ deepgram }) => deepgram.faults.breakNow({ kind: 'stall', after: 0 }) },
    switches: ['stt deepgram → google timeout'],
  },
  {
    name: '6. LLM goes silent in mid-reply',
    atTurn: ({ openrouter }) => openrouter.faults.fail({ kind: 'stall', after: 5 }),
    switches: ['llm openrouter → openai timeout'],
  },
  {
    name: '6. TTS goes silent in mid-reply',
    atTurn: ({ cartesia }) => cartesia.faults.fail({ kind: 'stall', after: 12 }, always),
    switches: ['tts cartesia → elevenlabs timeout'],
  },
  {
    name: '7. TTS websocket closed in mid-reply (1006)',
    atTurn: ({ cartesia }) => cartesia.faults.fail({ kind: 'drop', after: 12 }),
    switches: ['tts cartesia → elevenlabs unreachable'],
  },
  {
    name: '7. LLM stream lost in mid-reply',
    atTurn: ({ openrouter }) => openrouter.faults.fail({ kind: 'drop', after: 5 }),
    switches: ['llm openrouter → openai unreachable'],
  },
  {
    name: '7. TTS ends early (1000)',
    atTurn: ({ cartesia }) => cartesia.faults.fail({ kind: 'end-early', after: 12 }),
    switches: ['tts cartesia → elevenlabs unreachable'],
  },
  {
    name: '8. LLM key refused',
    atTurn: ({ openrouter }) => openrouter.faults.fail({ kind: 'status', status: 401 }, always),
    switches: ['llm openrouter → openai auth'],
  },
  {
    name: '9. malformed audio in mid-reply',
    atTurn: ({ cartesia }) => cartesia.faults.fail({ kind: 'malformed-audio', after: 12 }),
    switches: ['tts cartesia → elevenlabs malformed'],
  },
  {
    name: '12. TTS trickles',
    atTurn: ({ cartesia }) => cartesia.faults.fail({ kind: 'trickle', after: 8, everyMs: 400 }, always),
    switches: ['tts cartesia → elevenlabs timeout'],
  },
  {
    name: '14. three switches within one call',
    atTurn: ({ cartesia, openrouter }) => {
      cartesia.faults.fail({ kind: 'drop', after: 12 });
      openrouter.faults.fail({ kind: 'drop', after: 4 });
    },
    inTurn: { afterMs: 1_000, run: ({ deepgram }) => deepgram.faults.breakNow({ kind: 'drop', after: 0, code: 1006 }) },
    switches: [
      'stt deepgram → google unreachable',
      'llm openrouter → openai unreachable',
      'tts cartesia → elevenlabs unreachable',
    ],
  },
];

describe('a call whose providers fail', () => {
  const directory = mkdtempSync(join(tmpdir(), 'bulletproof-failover-'));
  const heardFile = join(directory, 'heard.jsonl');
  let server: TestServer;
  let worker: SpawnedWorker;
  let vendors: Vendors;
  let caller: Caller;
  let call = 0;

  beforeAll(async () => {
    [server, vendors] = await Promise.all([startTestServer(), startVendors()]);
    worker = await spawnWorker(new URL('./support/vendors-job.ts', import.meta.url), server, {
      env: {
        HEARD_FILE: heardFile,
        LOG_FORMAT: 'json',
        DEEPGRAM_API_KEY: 'dg-key-of-a-test',
        DEEPGRAM_BASE_URL: vendors.deepgram.url,
        GOOGLE_API_KEY: 'google-key-of-a-test',
        GOOGLE_SPEECH_BASE_URL: vendors.google.url,
        OPENROUTER_API_KEY: 'or-key-of-a-test',
        OPENROUTER_BASE_URL: vendors.openrouter.url,
        OPENAI_API_KEY: 'oa-key-of-a-test',
        OPENAI_BASE_URL: vendors.openai.url,
        CARTESIA_API_KEY: 'ca-key-of-a-test',
        CARTESIA_BASE_URL: vendors.cartesia.url,
        ELEVENLABS_API_KEY: 'el-key-of-a-test',
        ELEVENLABS_BASE_URL: vendors.elevenlabs.url,
      },
    });
  });
  afterAll(async () => {
    await worker?.stop();
    await Promise.all(Object.values(vendors ?? {}).map((vendor) => vendor.close()));
    await server?.stop();
    rmSync(directory, { recursive: true });
  });
  beforeEach(() => {
    call += 1;
    writeFileSync(heardFile, '');
    for (const vendor of Object.values(vendors)) vendor.faults.mend();
  });
  afterEach(async () => {
    await caller?.leave();
  });

  const heard = (who: Heard['who']) =>
    readFileSync(heardFile, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Heard)
      .filter((message) => message.who === who)
      .map(({ text }) => [...text.matchAll(/w(\d+)/g)].map(([, index]) => Number(index)));
  const tonesSince = (fromMs: number) => {
    const { agent, sampleRateHz } = caller.recording(fromMs);
    return withoutTears(decodeTones(agent, sampleRateHz)).map(({ index }) => index);
  };
  const switchesSince = (from: number) =>
    worker
      .output()
      .slice(from)
      .split('\n')
      .flatMap((line) => (line.includes('"provider_switch"') ? [JSON.parse(line.slice(line.indexOf('{')))] : []))
      .map(({ stage, from: failed, to, kind }) => `${stage} ${failed} → ${to} ${kind}`);

  it.each(SCENARIOS)('$name: nothing lost, nothing twice', async ({ before, atTurn, inTurn, switches }) => {
    const logFrom = worker.output().length;
    before?.(vendors);
    const token = await issueToken({ ...server, room: `failover-${call}`, identity: 'caller' });
    caller = await joinAsCaller({ url: server.url, token });
    expect(await caller.waitForAgent(30_000)).toBe(true);
    expect(await caller.waitForAgentToFinish({ sinceMs: 0, timeoutMs: 20_000 })).toBe(true);
    expect(tonesSince(0)).toEqual([30, 31]);

    const { samples, sampleRateHz } = loadClip('question');
    const lengthMs = (samples.length * 1000) / sampleRateHz;
    for (const turn of [0, 1]) {
      const said = Array.from({ length: WORDS_A_TURN }, (_, i) => turn * WORDS_A_TURN + i);
      const marked = markWords(samples, sampleRateHz, spreadWords(said, 100, lengthMs - 100));
      const sinceMs = caller.nowMs();
      if (turn === 1) atTurn?.(vendors);
      const breaking = turn === 1 && inTurn ? setTimeout(() => inTurn.run(vendors), inTurn.afterMs) : undefined;
      await caller.speak(marked, sampleRateHz);
      clearTimeout(breaking);
      expect(await caller.waitForAgentToFinish({ sinceMs, timeoutMs: 30_000 })).toBe(true);
      expect({ turn, conversation: heard('caller')[turn] }).toEqual({ turn, conversation: said });
      expect({ turn, atTheEar: tonesSince(sinceMs) }).toEqual({ turn, atTheEar: said });
    }
    expect(switchesSince(logFrom)).toEqual(switches);
    expect(worker.output()).not.toContain('-key-of-a-test');
  });
});

// LiveKit's official voices as links of a chain, over servers that speak their protocols as real vendors do.
import { initializeLogger, type tts } from '@livekit/agents';
import * as cartesia from '@livekit/agents-plugin-cartesia';
import * as deepgram from '@livekit/agents-plugin-deepgram';
import * as elevenlabs from '@livekit/agents-plugin-elevenlabs';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Fault } from '../../../fixtures/faults.ts';
import { Habits } from '../../../fixtures/habits.ts';
import { decodeTones } from '../../../fixtures/tones.ts';
import type { VendorServer } from '../../../fixtures/vendor-server.ts';
import { startCartesia } from '../../../fixtures/vendors/cartesia.ts';
import { startDeepgram } from '../../../fixtures/vendors/deepgram.ts';
import { startElevenLabs } from '../../../fixtures/vendors/elevenlabs.ts';
import { joinSamples } from '../../../src/audio/join-samples.ts';
import { MemoryHealthBoard } from '../../../src/health/memory-board.ts';
import { TtsChain } from '../../../src/tts/livekit/tts-chain.ts';
import { numbered } from '../../support/chain-reply.ts';

const WORDS = 12;
const SEEDS = [1, 2, 3];
const ALL = Array.from({ length: WORDS }, (_, word) => word);

interface Made {
  readonly plugin: tts.TTS;
  readonly vendor: VendorServer;
}
type Make = (habits?: Habits) => Promise<Made>;

const withHabits = (habits?: Habits) => (habits ? { habits } : {});

const PLUGINS: Readonly<Record<string, Make>> = {
  cartesia: async (habits) => {
    const vendor = await startCartesia(withHabits(habits));
    return { vendor, plugin: new cartesia.TTS({ apiKey: 'key', baseUrl: vendor.url }) };
  },
  elevenlabs: async (habits) => {
    const vendor = await startElevenLabs({ ...withHabits(habits), lostShare: 0 });
    const options = { apiKey: 'key', baseURL: `${vendor.url}/v1`, encoding: 'pcm_24000' as never };
    return { vendor, plugin: new elevenlabs.TTS(options) };
  },
  deepgram: async (habits) => {
    const vendor = await startDeepgram(withHabits(habits));
    return { vendor, plugin: new deepgram.TTS({ apiKey: 'key', baseUrl: vendor.url }) };
  },
};

async function talk(make: Make, { seed, fault, turns }: { seed?: number; fault?: Fault; turns: number }) {
  const habits = seed === undefined ? undefined : new Habits(seed);
  const made = [await make(habits), await make(seed === undefined ? undefined : new Habits(seed + 1_000))];
  const told: string[] = [];
  const chain = new TtsChain(
    made.map(({ plugin }) => plugin),
    {
      board: new MemoryHealthBoard(),
      onSwitch: ({ from, to }) => told.push(`switch ${from} ${to}`),
      onFailure: (_stage, provider, { message }) => told.push(`failure ${provider} ${message}`),
    },
  );
  onTestFinished(async () => {
    await chain.close();
    await Promise.all(made.map(({ vendor }) => vendor.close()));
  });
  if (fault) made[0]?.vendor.faults.fail(fault);
  const heard: number[][] = [];
  for (let turn = 0; turn < turns; turn += 1) {
    const stream = chain.stream();
    for (const word of numbered(0, WORDS).split(/(?<= )/)) stream.pushText(word);
    stream.endInput();
    const pieces: Int16Array[] = [];
    for await (const audio of stream)
      if (typeof audio !== 'symbol') pieces.push((audio as tts.SynthesizedAudio).frame.data);
    heard.push(decodeTones(joinSamples(pieces), chain.sampleRate, WORDS).map(({ index }) => index));
  }
  return { heard, told };
}

describe.each(Object.keys(PLUGINS))('the official %s plugin as a link', (name) => {
  beforeAll(() => initializeLogger({ pretty: false, level: 'silent' }));
  const make = PLUGINS[name] as Make;

  it(`is not switched while nothing is wrong, and no word is lost or twice (seeds ${SEEDS.join(', ')})`, async () => {
    const calls = await Promise.all(SEEDS.map((seed) => talk(make, { seed, turns: 2 })));
    expect(calls).toEqual(SEEDS.map(() => ({ heard: [ALL, ALL], told: [] })));
  }, 60_000);

  it.each<Fault>([
    { kind: 'drop', after: 8 },
    { kind: 'stall', after: 8 },
    { kind: 'end-early', after: 8 },
  ])(
    '%j: no word is lost, and with word times none is twice',
    async (fault) => {
      const { heard, told } = await talk(make, { fault, turns: 1 });
      const [tones = []] = heard;
      expect([...new Set(tones)].sort((one, other) => one - other)).toEqual(ALL);
      if (name !== 'deepgram') expect(tones).toEqual(ALL);
      // One that another was quicker than has failed a moment later.
      await expect.poll(() => told.filter((line) => line.startsWith('failure')).length).toBe(1);
    },
    60_000,
  );
});

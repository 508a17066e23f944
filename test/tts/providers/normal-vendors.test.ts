// Vendors as they are while nothing is wrong: no switch, no failure told, every word once; few are helped.
import { afterAll, describe, expect, it } from 'vitest';
import { Habits } from '../../../fixtures/habits.ts';
import { decodeTones } from '../../../fixtures/tones.ts';
import { startCartesia } from '../../../fixtures/vendors/cartesia.ts';
import { startDeepgram } from '../../../fixtures/vendors/deepgram.ts';
import { startElevenLabs } from '../../../fixtures/vendors/elevenlabs.ts';
import { startSilero } from '../../../fixtures/vendors/silero.ts';
import { joinSamples } from '../../../src/audio/join-samples.ts';
import { Failover } from '../../../src/failover/failover.ts';
import { MemoryHealthBoard } from '../../../src/health/memory-board.ts';
import { openTtsChain } from '../../../src/tts/chain/chain.ts';
import type { TtsLink, TtsProvider } from '../../../src/tts/contract.ts';
import { cartesia } from '../../../src/tts/providers/cartesia.ts';
import { deepgramTts } from '../../../src/tts/providers/deepgram/deepgram.ts';
import { elevenlabs } from '../../../src/tts/providers/elevenlabs/elevenlabs.ts';
import { silero } from '../../../src/tts/providers/silero.ts';
import { numbered } from '../../support/chain-reply.ts';

const RATE_HZ = 24_000;
const WORDS = 12;
const TURNS = 2;
const SEEDS = [1, 2, 3, 4, 5];

interface Vendor {
  readonly url: string;
  close(): Promise<void>;
}

const VENDORS = {
  cartesia: [cartesia, (habits: Habits) => startCartesia({ habits }), 'CARTESIA'],
  elevenlabs: [elevenlabs, (habits: Habits) => startElevenLabs({ habits, lostShare: 0.5 }), 'ELEVENLABS'],
  deepgram: [deepgramTts, (habits: Habits) => startDeepgram({ habits }), 'DEEPGRAM'],
  silero: [silero, (habits: Habits) => startSilero({ habits }), 'SILERO'],
} as const;
type VendorId = keyof typeof VENDORS;

const started: Vendor[] = [];
const links: TtsLink[] = [];
afterAll(async () => {
  await Promise.all(links.map(({ client }) => client.close()));
  await Promise.all(started.map((vendor) => vendor.close()));
});

async function linkOf(id: VendorId, seed: number): Promise<TtsLink> {
  const [provider, start, env]: readonly [TtsProvider, (habits: Habits) => Promise<Vendor>, string] = VENDORS[id];
  const vendor = await start(new Habits(seed));
  started.push(vendor);
  const client = provider.create({ env: { [`${env}_API_KEY`]: 'key', [`${env}_BASE_URL`]: vendor.url } });
  const link = { id, traits: provider.traits, client };
  links.push(link);
  return link;
}

async function talk(first: VendorId, second: VendorId, seed: number) {
  const told: string[] = [];
  let hedges = 0;
  const failover = new Failover<TtsLink>('tts', [await linkOf(first, seed), await linkOf(second, seed + 1_000)], {
    board: new MemoryHealthBoard(),
    onSwitch: ({ from, to, message }) => told.push(`switch ${from} ${to} ${message}`),
    onFailure: (_stage, provider, { message }) => told.push(`failure ${provider} ${message}`),
    onHedge: () => {
      hedges += 1;
    },
  });
  const turns: number[][] = [];
  for (let turn = 0; turn < TURNS; turn += 1) {
    const { signal } = new AbortController();
    const session = openTtsChain(failover, { language: 'en-US', signal, sampleRateHz: RATE_HZ });
    const pieces: Int16Array[] = [];
    for (const word of numbered(0, WORDS).split(/(?<= )/)) {
      session.write(word);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    session.end();
    for await (const part of session.parts) if (part.type === 'audio') pieces.push(part.samples);
    turns.push(decodeTones(joinSamples(pieces), RATE_HZ, WORDS).map(({ index }) => index));
  }
  return { seed, told, turns, hedges };
}

const ALL = Array.from({ length: WORDS }, (_, word) => word);

describe.each([
  ['cartesia', 'elevenlabs'],
  ['elevenlabs', 'cartesia'],
  ['deepgram', 'cartesia'],
  ['silero', 'cartesia'],
] as const)('%s as it is while nothing is wrong', (first, second) => {
  it(`has no word lost or twice, no switch and no failure (seeds ${SEEDS.join(', ')})`, async () => {
    const calls = await Promise.all(SEEDS.map((seed) => talk(first, second, seed)));
    for (const { seed, told, turns } of calls) {
      expect({ seed, told, turns }).toEqual({ seed, told: [], turns: Array(TURNS).fill(ALL) });
    }
    // So many are always allowed in a minute.
    for (const { hedges } of calls) expect(hedges).toBeLessThanOrEqual(3);
  }, 60_000);
});

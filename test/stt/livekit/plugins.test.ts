// The official LiveKit plugins as links, over servers that behave as the real vendors do: at real time, many calls at once.
import { initializeLogger, type stt } from '@livekit/agents';
import { STT as DeepgramPlugin } from '@livekit/agents-plugin-deepgram';
import { STT as OpenAiPlugin } from '@livekit/agents-plugin-openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fault } from '../../../fixtures/faults.ts';
import { Habits } from '../../../fixtures/habits.ts';
import type { VendorServer } from '../../../fixtures/vendor-server.ts';
import { startDeepgram } from '../../../fixtures/vendors/deepgram.ts';
import { startWhisper } from '../../../fixtures/vendors/whisper.ts';
import { systemClock } from '../../../src/failover/clock.ts';
import { distinct } from '../../../src/failover/failover.ts';
import { sttLinkFromPlugin } from '../../../src/stt/livekit/plugin-link.ts';
import { levelRecogniser } from '../../support/level-recogniser.ts';
import { FRAME_MS, RATE_HZ, silence, speak } from '../../support/scripted-stt.ts';
import { allWords, once, startChain, TURNS } from '../support/talk.ts';

const AT_ONCE = 9;
const FRAME = (RATE_HZ * FRAME_MS) / 1000;

interface Vendor {
  start(habits: Habits): Promise<VendorServer>;
  plugin(url: string): stt.STT;
}

const deepgram: Vendor = {
  start: (habits) => startDeepgram({ habits, recogniser: levelRecogniser }),
  plugin: (url) => new DeepgramPlugin({ apiKey: 'key', baseUrl: url.replace('http', 'ws') }),
};
const openai: Vendor = {
  start: (habits) => startWhisper({ habits, recogniser: levelRecogniser }),
  plugin: (url) => new OpenAiPlugin({ apiKey: 'key', baseURL: url, model: 'whisper-1', useRealtime: false }),
};

const servers: VendorServer[] = [];

/** A call of four turns over the plugins; the fault befalls the first in the middle of the second turn. */
async function call({ vendors, seed, fault }: Case) {
  const pauses = new Habits(seed);
  const started = await Promise.all(vendors.map(({ start }, index) => start(new Habits(10 * seed + index))));
  servers.push(...started);
  const first = started[0] as VendorServer;
  if (fault === 'connect hangs') first.faults.fail({ kind: 'black-hole' });
  const plugins = vendors.map(({ plugin }, index) => plugin((started[index] as VendorServer).url));
  const chain = startChain(systemClock as never, distinct(plugins.map(sttLinkFromPlugin)));
  const turns = TURNS.flatMap((turn) => [speak(turn), silence(pauses.between(1_200, 4_000))]);
  // A caller thinks in mid-turn.
  const third = TURNS[2] as number[];
  turns.splice(4, 1, speak(third.slice(0, 4)), silence(pauses.between(300, 800)), speak(third.slice(4)));
  const startedMs = performance.now();
  let sentMs = 0;
  for (const [index, samples] of [silence(pauses.between(1_500, 3_000)), ...turns].entries()) {
    for (let at = 0; at < samples.length; at += FRAME) {
      if (index === 3 && at === FRAME * 60 && fault && fault !== 'connect hangs') first.faults.breakNow(fault);
      chain.session.write(samples.subarray(at, at + FRAME));
      sentMs += FRAME_MS;
      const aheadMs = sentMs - (performance.now() - startedMs);
      if (aheadMs > 0) await new Promise((resolve) => setTimeout(resolve, aheadMs));
    }
  }
  chain.session.end();
  await chain.done;
  return { chain, words: once(chain.parts), requests: started.map(({ requests }) => requests.length) };
}

interface Case {
  readonly name: string;
  readonly vendors: readonly Vendor[];
  readonly seed: number;
  readonly fault?: Fault | 'connect hangs';
}

const FAULTS = [
  { how: 'drops', fault: { kind: 'drop', after: 0 } },
  { how: 'goes silent', fault: { kind: 'stall', after: 0 } },
  { how: 'hangs at connect', fault: 'connect hangs' },
] as const;

function casesOf(name: string, vendors: readonly Vendor[], seeds: number, fault?: Case['fault']): Case[] {
  return Array.from({ length: seeds }, (_, index) => {
    const seed = index + 1;
    return { name: `${name} (seed ${seed})`, vendors, seed, ...(fault && { fault }) };
  });
}

const normal = [
  ...casesOf('two of Deepgram', [deepgram, deepgram], 8),
  ...casesOf('two of OpenAI’s requests', [openai, openai], 3),
  ...casesOf('Deepgram and OpenAI’s requests', [deepgram, openai], 2),
];
const failing = FAULTS.flatMap(({ how, fault }) => [
  ...casesOf(`Deepgram ${how}, then Deepgram`, [deepgram, deepgram], 3, fault),
  ...casesOf(`Deepgram ${how}, then OpenAI’s requests`, [deepgram, openai], 1, fault),
]);

describe('official plugins at real vendors’ habits', { timeout: 120_000 }, () => {
  const calls = new Map<Case, ReturnType<typeof call>>();
  // Many at once: a call takes its time, and little else.
  beforeAll(() => {
    initializeLogger({ pretty: false, level: 'silent' });
    [...normal, ...failing].forEach((one, index, all) => {
      const before = calls.get(all[index - AT_ONCE] as Case) ?? Promise.resolve();
      const held = before.then(() => call(one));
      held.catch(() => undefined);
      calls.set(one, held);
    });
  });
  afterAll(async () => {
    await Promise.allSettled(calls.values());
    await Promise.all(servers.map((server) => server.close()));
  });

  it.each(normal)('nothing failing: no false alarm, nothing lost, nothing twice: $name', async (one) => {
    const { chain, words, requests } = (await calls.get(one)) as Awaited<ReturnType<typeof call>>;
    expect({ words, failures: chain.failures, switches: chain.switches }).toEqual({
      words: allWords,
      failures: [],
      switches: [],
    });
    // A recogniser of streams keeps its one stream; another may have been asked for help.
    if (one.vendors[0] === deepgram) expect(requests[0]).toBe(1);
    expect(chain.hedges.length).toBeLessThanOrEqual(3);
  });

  it.each(failing)('nothing lost, nothing twice: $name', async (one) => {
    const { words } = (await calls.get(one)) as Awaited<ReturnType<typeof call>>;
    expect(words).toEqual(allWords);
  });
});

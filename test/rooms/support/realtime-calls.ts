// Calls whose agent is speech to speech over fixture servers of both vendors, with the pipeline behind them: what is said and
// heard in them is counted, word by word.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Fault } from '../../../fixtures/faults.ts';
import { decodeTones } from '../../../fixtures/tones.ts';
import type { GeminiLiveFixture } from '../../../fixtures/vendors/gemini-live.ts';
import type { OpenAiRealtimeFixture } from '../../../fixtures/vendors/openai-realtime.ts';
import type { RealtimeMoment } from '../../../fixtures/vendors/realtime-moments.ts';
import { joinAsCaller } from '../../../src/livekit/caller.ts';
import { issueToken } from '../../../src/livekit/tokens.ts';
import { spawnWorker } from '../../support/spawn-worker.ts';
import { echoed, GREETING, type RealtimeVendors, type Script, startRealtimeVendors, TAIL } from './realtime-vendors.ts';
import { startTestServer } from './server.ts';
import { type Told, type Turn, VendorCall } from './vendor-calls.ts';
import { withoutTears } from './without-tears.ts';

export type LinkName = 'openai' | 'gemini' | 'pipeline';
export type RealtimeCalls = Awaited<ReturnType<typeof startRealtimeCalls>>;

const KEY = '-key-of-a-test';

export const LABELS: Readonly<Record<LinkName, string>> = {
  openai: 'openai.RealtimeModel',
  gemini: 'google.RealtimeModel',
  pipeline: 'bulletproof.PipelineModel',
};

/**
 * A LiveKit server, the vendors and a worker. Call `stop` in `afterAll`.
 * @param env more variables for the call processes
 */
export async function startRealtimeCalls(env: Readonly<Record<string, string>> = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'bulletproof-realtime-calls-'));
  const toldFile = join(directory, 'told.jsonl');
  writeFileSync(toldFile, '');
  let script = echoed;
  const [server, vendors] = await Promise.all([
    startTestServer(),
    startRealtimeVendors((heard, results) => script(heard, results)),
  ]);
  const worker = await spawnWorker(new URL('./realtime-job.ts', import.meta.url), server, {
    env: {
      LOG_FORMAT: 'json',
      OPENAI_REALTIME_KEY: `oa${KEY}`,
      OPENAI_REALTIME_URL: vendors.openai.url,
      GEMINI_LIVE_KEY: `ge${KEY}`,
      GEMINI_LIVE_URL: vendors.gemini.url,
      DEEPGRAM_API_KEY: `dg${KEY}`,
      DEEPGRAM_BASE_URL: vendors.deepgram.url,
      OPENROUTER_API_KEY: `or${KEY}`,
      OPENROUTER_BASE_URL: vendors.openrouter.url,
      CARTESIA_API_KEY: `ca${KEY}`,
      CARTESIA_BASE_URL: vendors.cartesia.url,
      TOLD_FILE: toldFile,
      ...env,
    },
  });
  const told = () =>
    readFileSync(toldFile, 'utf8')
      .split('\n')
      .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Told]));
  let calls = 0;
  return {
    vendors,
    worker,
    /** What is answered from now on; the echo of the caller's words and a few more where absent. */
    answer: (next: Script = echoed) => {
      script = next;
    },
    mend: () => {
      for (const vendor of Object.values(vendors)) 'mend' in vendor ? vendor.mend() : vendor.faults.mend();
    },
    /** A call whose greeting was heard whole. */
    join: async (...order: readonly LinkName[]): Promise<RealtimeCall> => {
      calls += 1;
      const room = `${order.join('+')}-${calls}`;
      const token = await issueToken({ ...server, room, identity: 'caller' });
      const caller = await joinAsCaller({ url: server.url, token });
      const call = new RealtimeCall(caller, room, worker, told, { vendors, order });
      expect(await caller.waitForAgent(30_000)).toBe(true);
      expect(await caller.waitForAgentToFinish({ sinceMs: 0, timeoutMs: 20_000 })).toBe(true);
      expect(call.atTheEar(0)).toEqual(GREETING);
      return call;
    },
    stop: async () => {
      expect(worker.output()).not.toContain(KEY);
      await worker.stop();
      await Promise.all(Object.values(vendors).map((vendor) => vendor.close()));
      await server.stop();
      rmSync(directory, { recursive: true });
    },
  };
}

interface Served {
  readonly vendors: RealtimeVendors;
  readonly order: readonly LinkName[];
}

export class RealtimeCall extends VendorCall {
  readonly #served: Served;

  constructor(caller: VendorCall['caller'], room: string, ...rest: [...Rest, Served]) {
    const [worker, told, served] = rest;
    super(caller, room, worker, told);
    this.#served = served;
  }

  /** Who serves. */
  get serving(): LinkName {
    const last = this.switches()
      .findLast((line) => line.startsWith('realtime '))
      ?.split(' ')[3];
    const names = Object.keys(LABELS) as LinkName[];
    return names.find((name) => LABELS[name] === last) ?? (this.#served.order[0] as LinkName);
  }

  get server(): OpenAiRealtimeFixture | GeminiLiveFixture {
    const { serving } = this;
    if (serving === 'pipeline') throw new Error('the pipeline serves');
    return this.#served.vendors[serving];
  }

  /** Befalls whoever serves now. */
  breakWhen(moment: RealtimeMoment, fault: Fault): void {
    this.server.breakWhen(moment, fault);
  }

  /**
   * The turn is in the conversation, once, and so is its answer, which was heard once: nothing lost, nothing twice.
   * @param breaks of the reply: at each, the word that broke may be said once more
   */
  async expectAnswered(turn: Turn, { breaks = 0, words = [...turn.said, ...TAIL] } = {}): Promise<void> {
    expect(await this.isAnswered(turn)).toBe(true);
    await expect.poll(() => this.conversation('caller').at(-1), { message: this.#timesSince(turn) }).toEqual(turn.said);
    expect(withoutSeams(this.atTheEar(turn.sinceMs), words, breaks), this.#timesSince(turn)).toEqual(words);
    await expect.poll(() => this.conversation('agent').at(-1)).toEqual(words);
  }

  /** Nobody was greeted twice, nothing was told to the session as an error, and the process that began lives. */
  expectUnharmed(): void {
    expect(this.told('job').map(({ text }) => text)).toEqual(['begins']);
    expect(this.conversation('agent').filter((words) => words.join() === GREETING.join())).toHaveLength(1);
    process.kill(this.told('job')[0]?.pid as number, 0);
  }

  /** The longest silence between two words since then, in ms. */
  silenceMs({ sinceMs }: Turn): number {
    const { agent, sampleRateHz } = this.caller.recording(sinceMs);
    const words = withoutTears(decodeTones(agent, sampleRateHz));
    return Math.max(...words.slice(1).map((word, at) => word.startMs - (words[at]?.endMs ?? 0)));
  }

  /** For whoever reads why a test failed. */
  #timesSince({ sinceMs }: Turn): string {
    const { agent, sampleRateHz } = this.caller.recording(sinceMs);
    const words = decodeTones(agent, sampleRateHz).map(({ index, startMs, endMs }) => `w${index} ${startMs}-${endMs}`);
    const believed = this.conversation('agent').at(-1)?.join(' ');
    return [words.join(', '), `believed ${believed}`, ...this.switches(), ...this.failures()].join('; ');
  }

  /** Vendors' failures as they were told, such as "openai.RealtimeModel timeout". */
  failures(): string[] {
    return this.told('failure').map(({ text }) => text.replace('realtime ', ''));
  }
}

type Rest = [ConstructorParameters<typeof VendorCall>[2], ConstructorParameters<typeof VendorCall>[3]];

/** Words as they were due, where as many words as there were breaks were begun and said again. */
function withoutSeams(heard: readonly number[], due: readonly number[], breaks: number): readonly number[] {
  const words = [...heard];
  for (let left = Math.min(breaks, words.length - due.length); left > 0; left -= 1) {
    const at = words.findIndex((word, position) => word === words[position - 1] && word !== due[position]);
    if (at > 0) words.splice(at, 1);
  }
  return words;
}

// Calls whose providers are the vendors' fixture servers: what is said and heard in them is counted, word by word.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { loadClip } from '../../../fixtures/audio/clips.ts';
import { decodeTones, markThroughout } from '../../../fixtures/tones.ts';
import { startCartesia } from '../../../fixtures/vendors/cartesia.ts';
import { startDeepgram } from '../../../fixtures/vendors/deepgram.ts';
import { startElevenLabs } from '../../../fixtures/vendors/elevenlabs.ts';
import { startGemini } from '../../../fixtures/vendors/gemini.ts';
import { startGoogleSpeech } from '../../../fixtures/vendors/google-speech.ts';
import { startOpenAi } from '../../../fixtures/vendors/openai.ts';
import { startOpenRouter } from '../../../fixtures/vendors/openrouter.ts';
import { startSilero } from '../../../fixtures/vendors/silero.ts';
import { startWhisper } from '../../../fixtures/vendors/whisper.ts';
import type { Config } from '../../../src/config/schema.ts';
import { type Caller, joinAsCaller } from '../../../src/livekit/caller.ts';
import { issueToken } from '../../../src/livekit/tokens.ts';
import { type SpawnedWorker, spawnWorker } from '../../support/spawn-worker.ts';
import { startTestServer } from './server.ts';
import { withoutTears } from './without-tears.ts';

/** A line that the call process writes. */
export interface Told {
  readonly room: string;
  readonly pid: number;
  readonly who: 'caller' | 'agent' | 'keys' | 'job' | 'tool' | 'failure';
  readonly text: string;
  readonly interrupted?: boolean;
}

export type Vendors = Awaited<ReturnType<typeof startVendors>>;
export type VendorCalls = Awaited<ReturnType<typeof startVendorCalls>>;

/** Till `mend()`. */
export const always = Number.POSITIVE_INFINITY;

/** The clip that carries the words is 2 to 3 s long. */
const WORDS_A_TURN = 6;
/** So many words have a mark of their own at 16 kHz; turns after each other never have the same. */
const TURNS_APART = 3;
const LLM_WORD_MS = 30;
/** With more than so many who want each core, frames and answers are late whatever the program does. */
const STARVED_LOAD = 3;
const KEY = '-key-of-a-test';

async function startVendors() {
  const pace = { everyMs: LLM_WORD_MS };
  const [deepgram, google, whisper, openrouter, openai, gemini, cartesia, elevenlabs, silero] = await Promise.all([
    startDeepgram({ interimEveryMs: 200 }),
    startGoogleSpeech(),
    startWhisper(),
    startOpenRouter(pace),
    startOpenAi(pace),
    startGemini(pace),
    startCartesia(),
    startElevenLabs(),
    startSilero(),
  ]);
  return { deepgram, google, whisper, openrouter, openai, gemini, cartesia, elevenlabs, silero };
}

function environmentOf(vendors: Vendors): Record<string, string> {
  return {
    LOG_FORMAT: 'json',
    DEEPGRAM_API_KEY: `dg${KEY}`,
    DEEPGRAM_BASE_URL: vendors.deepgram.url,
    GOOGLE_API_KEY: `google${KEY}`,
    GOOGLE_SPEECH_BASE_URL: vendors.google.url,
    WHISPER_BASE_URL: vendors.whisper.url,
    OPENROUTER_API_KEY: `or${KEY}`,
    OPENROUTER_BASE_URL: vendors.openrouter.url,
    OPENAI_API_KEY: `oa${KEY}`,
    OPENAI_BASE_URL: vendors.openai.url,
    GEMINI_BASE_URL: vendors.gemini.url,
    CARTESIA_API_KEY: `ca${KEY}`,
    CARTESIA_BASE_URL: vendors.cartesia.url,
    ELEVENLABS_API_KEY: `el${KEY}`,
    ELEVENLABS_BASE_URL: vendors.elevenlabs.url,
    SILERO_BASE_URL: vendors.silero.url,
  };
}

/** A LiveKit server, the vendors and a worker. Call `stop` in `afterAll`. */
export async function startVendorCalls(chains: Omit<Config['chains'], 'realtime'>) {
  const directory = mkdtempSync(join(tmpdir(), 'bulletproof-vendor-calls-'));
  const toldFile = join(directory, 'told.jsonl');
  writeFileSync(toldFile, '');
  const [server, vendors] = await Promise.all([startTestServer(), startVendors()]);
  const env = { ...environmentOf(vendors), TOLD_FILE: toldFile, CHAINS: JSON.stringify(chains) };
  const worker = await spawnWorker(new URL('./vendors-job.ts', import.meta.url), server, { env });
  const told = () => linesOf(readFileSync(toldFile, 'utf8')).map((line) => JSON.parse(line) as Told);
  let calls = 0;
  return {
    vendors,
    worker,
    told,
    mend: () => {
      for (const vendor of Object.values(vendors)) vendor.faults.mend();
    },
    /** A call whose greeting was heard whole. */
    join: async (): Promise<VendorCall> => {
      calls += 1;
      const room = `vendor-call-${calls}`;
      const token = await issueToken({ ...server, room, identity: 'caller' });
      const call = new VendorCall(await joinAsCaller({ url: server.url, token }), room, worker, told);
      expect(await call.caller.waitForAgent(30_000)).toBe(true);
      expect(await call.caller.waitForAgentToFinish({ sinceMs: 0, timeoutMs: 20_000 })).toBe(true);
      expect(call.atTheEar(0)).toEqual([30, 31]);
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

export interface Turn {
  /** What the caller said. */
  readonly said: readonly number[];
  /** On the caller's clock. */
  readonly sinceMs: number;
}

export class VendorCall {
  readonly caller: Caller;
  readonly room: string;
  readonly #worker: SpawnedWorker;
  readonly #told: () => Told[];
  #turns = 0;

  constructor(caller: Caller, room: string, worker: SpawnedWorker, told: () => Told[]) {
    this.caller = caller;
    this.room = room;
    this.#worker = worker;
    this.#told = told;
  }

  /** This machine has far too much to do. */
  get isStarved(): boolean {
    return (loadavg()[0] as number) > STARVED_LOAD * availableParallelism();
  }

  /** What the call process wrote, in order. */
  told(who?: Told['who']): Told[] {
    return this.#told().filter((line) => line.room === this.room && (who === undefined || line.who === who));
  }

  /** The words of each message in the conversation. */
  conversation(who: 'caller' | 'agent'): number[][] {
    return this.told(who).map(({ text }) => wordsOf(text));
  }

  /** The agent's words at the caller's ear. */
  tonesSince(fromMs: number): number[] {
    const { agent, sampleRateHz } = this.caller.recording(fromMs);
    return withoutTears(decodeTones(agent, sampleRateHz)).map(({ index }) => index);
  }

  /**
   * As `tonesSince`; where this machine has far too much to do, what was torn in two on the way is one word.
   */
  atTheEar(fromMs: number): number[] {
    const tones = this.tonesSince(fromMs);
    return this.isStarved ? tones.filter((index, position) => index !== tones[position - 1]) : tones;
  }

  /** The worker's log is read a moment after the call was heard. */
  async expectSwitches(count: number, expected: readonly string[]): Promise<void> {
    await expect.poll(() => this.switchesAfter(count, expected), { timeout: 10_000 }).toEqual(expected);
  }

  /** Those since so many were told, but for answers that came too late because nobody was quick on this machine. */
  switchesAfter(count: number, expected: readonly string[]): string[] {
    const told = this.switches().slice(count);
    return this.isStarved ? told.filter((line) => expected.includes(line) || !line.endsWith(' timeout')) : told;
  }

  /** Such as "stt deepgram → google server". */
  switches(): string[] {
    return linesOf(this.#worker.output())
      .flatMap((line) => (line.includes('"provider_switch"') ? [JSON.parse(line.slice(line.indexOf('{')))] : []))
      .filter(({ room }) => room === this.room)
      .map(({ stage, from, to, kind }) => `${stage} ${from} → ${to} ${kind}`);
  }

  /** Human speech with the next words marked in it. */
  nextWords(): { readonly said: readonly number[]; readonly samples: Int16Array; readonly sampleRateHz: number } {
    const from = (this.#turns % TURNS_APART) * WORDS_A_TURN;
    this.#turns += 1;
    const said = Array.from({ length: WORDS_A_TURN }, (_, position) => from + position);
    const { samples, sampleRateHz } = loadClip('question');
    return { said, samples: markThroughout(samples, sampleRateHz, said), sampleRateHz };
  }

  /** Says the next words; `run` comes while they are spoken. */
  async say(inTurn?: { readonly afterMs: number; readonly run: () => void }): Promise<Turn> {
    const { said, samples, sampleRateHz } = this.nextWords();
    const sinceMs = this.caller.nowMs();
    const timer = inTurn && setTimeout(inTurn.run, inTurn.afterMs);
    await this.caller.speak(samples, sampleRateHz);
    clearTimeout(timer);
    return { said, sinceMs };
  }

  /** Waits until the agent, which was heard since the turn began, is done. */
  async isAnswered({ sinceMs }: Turn): Promise<boolean> {
    return this.caller.waitForAgentToFinish({ sinceMs, timeoutMs: 30_000 });
  }

  /** The turn is in the conversation, once, and its echo at the ear and in the conversation: nothing lost, nothing twice. */
  async expectWhole(turn: Turn): Promise<void> {
    expect(await this.isAnswered(turn)).toBe(true);
    expect(this.conversation('caller').at(-1)).toEqual(turn.said);
    expect(this.atTheEar(turn.sinceMs)).toEqual(turn.said);
    await expect.poll(() => this.conversation('agent').at(-1)).toEqual(turn.said);
  }

  /** Until the provider is the one that the caller's page shows for the stage. */
  async servedBy(stage: string, provider: string): Promise<boolean> {
    const serves = () => {
      const stages = JSON.parse(this.caller.stages ?? '[]') as { stage: string; provider: string }[];
      return stages.some((shown) => shown.stage === stage && shown.provider === provider);
    };
    return this.caller.waitUntil(serves, 30_000);
  }
}

function wordsOf(text: string): number[] {
  return [...text.matchAll(/w(\d+)/g)].map(([, index]) => Number(index));
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

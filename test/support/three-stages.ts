// The same question to the chain of every stage on the fake clock: three scripted links a, b and c, and what became of them.
import { Failover, type FailoverLink, type Switch } from '../../src/failover/failover.ts';
import type { ProviderErrorKind } from '../../src/failover/provider-error.ts';
import { DEFAULT_FAILOVER } from '../../src/failover/settings.ts';
import type { MemoryHealthBoard } from '../../src/health/memory-board.ts';
import { replyOverChain } from '../../src/llm/chain/chain.ts';
import type { LlmLink } from '../../src/llm/contract.ts';
import { openSttChain } from '../../src/stt/chain/chain.ts';
import type { SttLink } from '../../src/stt/contract.ts';
import { openTtsChain } from '../../src/tts/chain/chain.ts';
import type { TtsLink } from '../../src/tts/contract.ts';
import type { FakeClock } from './fake-clock.ts';
import { scriptedLlm } from './scripted-llm.ts';
import { FRAME_MS, RATE_HZ, scriptedStt, silence, speak } from './scripted-stt.ts';
import { ScriptedTts } from './scripted-tts.ts';

export const CHAINED = ['stt', 'llm', 'tts'] as const;
export type ChainedStage = (typeof CHAINED)[number];

export interface StageFault {
  readonly kind: ProviderErrorKind;
  /** Before the first result, or after some results. */
  readonly when: 'before' | 'midway';
}

export interface StageRun {
  /** The link of each opening, in order. */
  readonly opened: string[];
  readonly words: string[];
  readonly switches: Switch[];
  readonly failures: string[];
}

const IDS = ['a', 'b', 'c'];
export const WORDS = Array.from({ length: 8 }, (_, index) => `w${index}`);

/** Runs one operation of eight words; a link fails by its entry in `faults` each time that it is asked. */
export async function runStage(
  stage: ChainedStage,
  clock: FakeClock,
  board: MemoryHealthBoard,
  faults: Readonly<Record<string, StageFault>> = {},
): Promise<StageRun> {
  const opened: string[] = [];
  const switches: Switch[] = [];
  const failures: string[] = [];
  const options = {
    clock,
    board,
    random: () => 0.5,
    settings: { ...DEFAULT_FAILOVER, hedgeShare: 0 },
    onSwitch: (event: Switch) => switches.push(event),
    onFailure: (_: unknown, provider: string, { kind }: { kind: string }) => failures.push(`${provider} ${kind}`),
  };
  const watched = <Link extends FailoverLink & { client: object }>(link: Link, method: string): Link => {
    const client = link.client as Record<string, (...given: unknown[]) => unknown>;
    const open = (...given: unknown[]) => {
      opened.push(link.id);
      return client[method]?.(...given);
    };
    return { ...link, client: { ...client, [method]: open } };
  };
  const run = { stt: hear, llm: reply, tts: say }[stage];
  return { opened, switches, failures, words: await run(clock, faults, options, watched) };
}

type Options = ConstructorParameters<typeof Failover>[2];
type Watched = <Link extends FailoverLink & { client: object }>(link: Link, method: string) => Link;
type Faults = Readonly<Record<string, StageFault>>;

async function reply(clock: FakeClock, faults: Faults, options: Options, watched: Watched): Promise<string[]> {
  const links = IDS.map((id): LlmLink => {
    const fault = faults[id];
    const script = fault ? { fault: fault.kind, after: fault.when === 'before' ? 0 : 3 } : {};
    return watched(scriptedLlm({ clock, id, words: WORDS.map((word) => `${word} `), script: () => script }), 'reply');
  });
  const failover = new Failover('llm', links, options);
  const { signal } = new AbortController();
  const request = { messages: [], tools: [], toolChoice: 'auto', language: 'en-US', signal } as const;
  let text = '';
  const done = (async () => {
    for await (const part of replyOverChain(failover, request)) if (part.type === 'text') text += part.text;
  })();
  await clock.advance(20_000);
  await done;
  return text.trim().split(' ');
}

async function say(clock: FakeClock, faults: Faults, options: Options, watched: Watched): Promise<string[]> {
  const links = IDS.map((id): TtsLink => {
    const voice = new ScriptedTts(id, clock);
    const fault = faults[id];
    if (fault) voice.always = { does: 'fail', kind: fault.kind, afterMs: fault.when === 'before' ? 0 : 1_000 };
    return watched(voice.link, 'open');
  });
  const failover = new Failover('tts', links, options);
  const { signal } = new AbortController();
  const session = openTtsChain(failover, { language: 'en-US', signal, sampleRateHz: RATE_HZ });
  let text = '';
  const done = (async () => {
    for await (const part of session.parts) if (part.type === 'word') text += part.text;
  })();
  session.write(WORDS.join(' '));
  session.end();
  await clock.advance(20_000);
  await done;
  return text.split(' ');
}

async function hear(clock: FakeClock, faults: Faults, options: Options, watched: Watched): Promise<string[]> {
  const links = IDS.map((id): SttLink => {
    const fault = faults[id];
    const at = fault?.when === 'before' ? ({ at: 'connect' } as const) : ({ at: 'word', word: 4 } as const);
    return watched(
      scriptedStt(id, { clock, faults: fault ? [{ ...at, does: fault.kind, times: 99 }] : [] }).link,
      'open',
    );
  });
  const session = openSttChain(new Failover('stt', links, options), {
    language: 'en-US',
    signal: new AbortController().signal,
  });
  const words: string[] = [];
  const done = (async () => {
    for await (const part of session.parts) if (part.type === 'final') words.push(...part.text.split(' '));
  })();
  for (const samples of [speak(WORDS.map((_, index) => index)), silence(1_000)]) {
    const frame = (RATE_HZ * FRAME_MS) / 1000;
    for (let at = 0; at < samples.length; at += frame) {
      session.write(samples.subarray(at, at + frame));
      await clock.advance(FRAME_MS);
    }
  }
  session.end();
  await clock.advance(20_000);
  await done;
  return words;
}

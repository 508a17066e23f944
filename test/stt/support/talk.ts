// A caller who talks to a chain of scripted links on a fake clock.
import { Failover, type FailoverOptions, type Hedge, type Switch } from '../../../src/failover/failover.ts';
import { DEFAULT_FAILOVER } from '../../../src/failover/settings.ts';
import { MemoryHealthBoard } from '../../../src/health/memory-board.ts';
import { openSttChain, type SttChainExtras } from '../../../src/stt/chain/chain.ts';
import type { ChainedSttPart } from '../../../src/stt/chain/transcript.ts';
import type { SttLink } from '../../../src/stt/contract.ts';
import type { FakeClock } from '../../support/fake-clock.ts';
import { FRAME_MS, RATE_HZ, silence, speak } from '../../support/scripted-stt.ts';

export const TURNS = [0, 8, 16, 24].map((from) => Array.from({ length: 8 }, (_, index) => from + index));
export const allWords = TURNS.flat().map((word) => `w${word}`);

export type Chain = ReturnType<typeof startChain>;

export function startChain(
  clock: FakeClock,
  links: readonly SttLink[],
  { extras = {}, signal, ...options }: FailoverOptions & { extras?: SttChainExtras; signal?: AbortSignal } = {},
) {
  const failures: string[] = [];
  const switches: Switch[] = [];
  const hedges: Hedge[] = [];
  const exhausted: string[] = [];
  const board = new MemoryHealthBoard(DEFAULT_FAILOVER, clock);
  const failover = new Failover<SttLink>('stt', links, {
    board,
    clock,
    random: () => 0.5,
    onFailure: (_stage, provider, { kind }) => failures.push(`${provider} ${kind}`),
    onSwitch: (event) => switches.push(event),
    onHedge: (event) => hedges.push(event),
    onExhausted: (_stage, { kind }) => exhausted.push(kind),
    ...options,
  });
  const calling = new AbortController();
  const session = openSttChain(failover, { language: 'en-US', signal: signal ?? calling.signal }, extras);
  const parts: ChainedSttPart[] = [];
  /** When each part came. */
  const times: number[] = [];
  let isOver = false;
  const done = (async () => {
    for await (const part of session.parts) {
      parts.push(part);
      times.push(clock.now());
    }
    isOver = true;
  })();
  return {
    clock,
    session,
    failover,
    board,
    parts,
    times,
    failures,
    switches,
    hedges,
    exhausted,
    done,
    calling,
    get isOver() {
      return isOver;
    },
  };
}

/** In frames, as time goes by. */
export async function hear({ clock, session }: Chain, samples: Int16Array): Promise<void> {
  const frame = (RATE_HZ * FRAME_MS) / 1000;
  for (let at = 0; at < samples.length; at += frame) {
    session.write(samples.subarray(at, at + frame));
    await clock.advance(FRAME_MS);
  }
}

/** Ends the stream and lets it come to its end. */
export async function finish(chain: Chain, withinMs = 20_000): Promise<ChainedSttPart[]> {
  chain.session.end();
  for (let ms = 0; ms < withinMs && !chain.isOver; ms += 20) await chain.clock.advance(20);
  if (!chain.isOver) throw new Error('the chain did not end');
  await chain.done;
  return chain.parts;
}

/** 32 words in 4 turns. */
export async function converse(chain: Chain, pauseMs = 1_000): Promise<ChainedSttPart[]> {
  await hear(chain, silence(300));
  for (const turn of TURNS) {
    await hear(chain, speak(turn));
    await hear(chain, silence(pauseMs));
  }
  return finish(chain);
}

/** The words of all finals. */
export function once(parts: readonly ChainedSttPart[]): string[] {
  return parts.flatMap((part) => (part.type === 'final' ? part.text.split(' ') : []));
}

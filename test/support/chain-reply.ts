// Speaks a reply through the text-to-speech chain on the fake clock and hears what the caller would.

import { decodeTones, type Word } from '../../fixtures/tones.ts';
import { joinSamples } from '../../src/audio/join-samples.ts';
import { Failover, type FailoverEvents, type Hedge, type Switch } from '../../src/failover/failover.ts';
import type { ProviderError } from '../../src/failover/provider-error.ts';
import { DEFAULT_FAILOVER } from '../../src/failover/settings.ts';
import { MemoryHealthBoard } from '../../src/health/memory-board.ts';
import { openTtsChain } from '../../src/tts/chain/chain.ts';
import type { TtsLink, TtsPart, TtsSession } from '../../src/tts/contract.ts';
import type { FakeClock } from './fake-clock.ts';
import type { ScriptedTts } from './scripted-tts.ts';

export const RATE_HZ = 16_000;

/** A chain with all events that it reported. */
export class TestChain {
  readonly clock: FakeClock;
  readonly board: MemoryHealthBoard;
  readonly failover: Failover<TtsLink>;
  readonly switches: Switch[] = [];
  readonly hedges: Hedge[] = [];
  readonly attempts: string[] = [];
  readonly failures: string[] = [];
  readonly exhausted: ProviderError[] = [];
  readonly served: string[] = [];

  constructor(clock: FakeClock, links: readonly ScriptedTts[], { hedgeShare = 0 } = {}) {
    this.clock = clock;
    const settings = { ...DEFAULT_FAILOVER, hedgeShare };
    this.board = new MemoryHealthBoard(settings, clock);
    const events: FailoverEvents = {
      onAttempt: (_stage, provider, outcome) => this.attempts.push(`${provider} ${outcome}`),
      onFailure: (_stage, provider, error) => this.failures.push(`${provider} ${error.kind}`),
      onSwitch: (event) => this.switches.push(event),
      onServes: (_stage, provider) => this.served.push(provider),
      onHedge: (event) => this.hedges.push(event),
      onExhausted: (_stage, error) => this.exhausted.push(error),
    };
    const options = { ...events, clock, board: this.board, settings, random: () => 0.5 };
    this.failover = new Failover<TtsLink>(
      'tts',
      links.map(({ link }) => link),
      options,
    );
  }

  open(signal = new AbortController().signal): Reply {
    const session = openTtsChain(this.failover, { language: 'en-US', signal, sampleRateHz: RATE_HZ });
    return new Reply(session, this.clock);
  }

  /** Speaks a whole reply, and advances the clock by the time that it needs. */
  async say(text: string, ms = 10_000): Promise<Reply> {
    const reply = this.open();
    reply.session.write(text);
    reply.session.end();
    await this.clock.advance(ms);
    return reply;
  }
}

export class Reply {
  readonly session: TtsSession;
  readonly parts: TtsPart[] = [];
  /** When each part arrived. */
  readonly atMs: number[] = [];
  ended = false;
  error: unknown;

  constructor(session: TtsSession, clock: FakeClock) {
    this.session = session;
    void (async () => {
      try {
        for await (const part of session.parts) {
          this.parts.push(part);
          this.atMs.push(clock.now());
        }
      } catch (error) {
        this.error = error;
      }
      this.ended = true;
    })();
  }

  get samples(): Int16Array {
    return joinSamples(this.parts.flatMap((part) => (part.type === 'audio' ? [part.samples] : [])));
  }

  /** The words decoded from the sound, with their places. */
  get heard(): Word[] {
    return decodeTones(this.samples, RATE_HZ);
  }

  get tones(): number[] {
    return this.heard.map(({ index }) => index);
  }

  get words(): Extract<TtsPart, { type: 'word' }>[] {
    return this.parts.filter((part) => part.type === 'word');
  }

  get segmentEnds(): number {
    return this.parts.filter(({ type }) => type === 'segment-end').length;
  }

  get firstAudioMs(): number | undefined {
    return this.atMs[this.parts.findIndex(({ type }) => type === 'audio')];
  }

  /** The longest pause within the reply that the caller heard. */
  get longestGapMs(): number {
    let [dryAtMs, longest] = [Number.POSITIVE_INFINITY, 0];
    this.parts.forEach((part, at) => {
      if (part.type !== 'audio') return;
      const nowMs = this.atMs[at] as number;
      longest = Math.max(longest, nowMs - dryAtMs);
      dryAtMs = Math.max(dryAtMs === Number.POSITIVE_INFINITY ? nowMs : dryAtMs, nowMs) + part.samples.length / 16;
    });
    return longest;
  }
}

/** 'w0 w1 …' with a full stop after every sixth word. */
export function numbered(from: number, to: number): string {
  const words: string[] = [];
  for (let i = from; i < to; i += 1) words.push(`w${i}${(i - from) % 6 === 5 ? '.' : ''}`);
  return words.join(' ');
}

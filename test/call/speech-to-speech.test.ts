import { inference, initializeLogger, llm } from '@livekit/agents';
import { beforeAll, describe, expect, it } from 'vitest';
import { createSpeechToSpeechSession } from '../../src/call/speech-to-speech.ts';
import type { Links } from '../../src/chains/links.ts';
import { MemoryHealthBoard } from '../../src/health/memory-board.ts';
import type { RealtimeModelWish } from '../../src/realtime/contract.ts';
import { RealtimeChain } from '../../src/realtime/livekit/realtime-chain.ts';
import { eventually } from '../support/eventually.ts';
import { testResources } from '../support/test-resources.ts';

beforeAll(() => initializeLogger({ pretty: false, level: 'silent' }));

function scene() {
  const wishes: (RealtimeModelWish | undefined)[] = [];
  let closed = 0;
  const links: Links = {
    stt: [],
    llm: [],
    tts: [],
    realtime: [
      {
        id: 'vendor',
        traits: { languages: 'any' },
        // Others that come before it are left out.
        priority: 5,
        voices: { 'en-US': 'Ann', es: 'Eva' },
        client: {
          model: (wish) => {
            wishes.push(wish);
            return Promise.reject(new llm.RealtimeError('not in this test'));
          },
          close: async () => {
            closed += 1;
          },
        },
      },
    ],
  };
  const { personas } = testResources({ links });
  const persona = personas.get('test');
  if (!persona) throw new Error('no persona');
  const create = (language: string) =>
    createSpeechToSpeechSession({
      links,
      persona,
      language,
      turns: { minDelayMs: 250, maxDelayMs: 900, interruptionMs: 250 },
      vad: new inference.VAD(),
      failover: { board: new MemoryHealthBoard() },
      returnToRealtime: false,
      onAnswer: () => undefined,
    });
  return { create, wishes, closed: () => closed };
}

describe('createSpeechToSpeechSession', () => {
  it('has one realtime model and nothing beside it', () => {
    const session = scene().create('en-US');
    expect(session.llm).toBeInstanceOf(RealtimeChain);
    expect([session.stt, session.tts, session.vad]).toEqual([undefined, undefined, undefined]);
  });

  it('asks the pipeline last, wherever the others stand in their chain', () => {
    expect((scene().create('en-US').llm as RealtimeChain).provider).toBe('vendor');
  });

  it('asks for the voice of the language, and leaves the process’s clients open', async () => {
    const { create, wishes, closed } = scene();
    for (const language of ['en-GB', 'es-MX', 'fr']) {
      const chain = create(language).llm as RealtimeChain;
      const count = wishes.length;
      const session = chain.session();
      await eventually('the model is asked for', () => wishes.length > count);
      await session.close();
      await chain.close();
    }
    const first = wishes.filter((wish, place) => wish?.language !== wishes[place - 1]?.language);
    expect(first).toEqual([
      { language: 'en-GB', voice: 'Ann' },
      { language: 'es-MX', voice: 'Eva' },
      { language: 'fr' },
    ]);
    expect(closed()).toBe(0);
  });
});

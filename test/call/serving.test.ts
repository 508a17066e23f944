import { describe, expect, it } from 'vitest';
import { Serving } from '../../src/call/serving.ts';
import type { Links } from '../../src/chains/links.ts';

const links = Object.fromEntries(
  Object.entries({ stt: ['a', 'b'], llm: ['c'], tts: ['d'], realtime: ['e', 'f'] }).map(([stage, ids]) => [
    stage,
    ids.map((id) => ({ id, title: id.toUpperCase() })),
  ]),
) as unknown as Links;

function watched(mode: 'pipeline' | 'speech-to-speech') {
  const told: string[][] = [];
  const serving: Serving = new Serving(links, mode, () => told.push(shown()));
  const shown = () => serving.now.map(({ stage, provider }) => `${stage} ${provider}`);
  return { serving, told, shown };
}

describe('Serving', () => {
  it('shows the three stages of a pipeline, and each change of them', () => {
    const { serving, told, shown } = watched('pipeline');
    expect(shown()).toEqual(['stt a', 'llm c', 'tts d']);
    serving.serves('stt', 'a');
    serving.serves('stt', 'b');
    serving.serves('realtime', 'f');
    expect(told).toEqual([['stt b', 'llm c', 'tts d']]);
    expect(serving.now[0]?.title).toBe('B');
  });

  it('tells that a last resort serves, until a better one does again', () => {
    const { serving } = watched('pipeline');
    const state = () => serving.now[1]?.state;
    expect(state()).toBe('active');
    serving.serves('llm', 'free', true);
    expect(state()).toBe('last resort');
    serving.serves('llm', 'c', false);
    expect(state()).toBe('active');
  });

  it('shows the realtime provider, and the stages once the pipeline serves', () => {
    const { serving, told, shown } = watched('speech-to-speech');
    expect(shown()).toEqual(['realtime e']);
    serving.serves('stt', 'b');
    serving.serves('realtime', 'f');
    serving.serves('realtime', 'pipeline');
    expect(told).toEqual([['realtime f'], ['realtime pipeline', 'stt b', 'llm c', 'tts d']]);
    expect(serving.now[0]?.title).toBe('Recognition, model and voice');
  });
});

// The small pure parts of the page: headline, messages of the agent, times, the link.
import { describe, expect, it } from 'vitest';
import { readNotice, readStages, readTurn, stagesToShow } from '../../src/http/page/agent-messages.ts';
import { headline, idleCall, readAgentState } from '../../src/http/page/call-state.ts';
import { readLink, writeLink } from '../../src/http/page/link.ts';
import { clockText, median, secondsText } from '../../src/http/page/median.ts';

describe('the stages', () => {
  const report = (stage: string, provider: string, state = 'active') => ({ stage, provider, state });

  it('come in the order of the data, one each, the active one first', () => {
    const stages = [report('tts', 'c'), report('stt', 'a', 'failed'), report('stt', 'b'), report('llm', 'd', 'failed')];
    expect(readStages(JSON.stringify(stages)).map(({ provider }) => provider)).toEqual(['b', 'd', 'c']);
  });

  it('are those that the call uses', () => {
    expect(stagesToShow([])).toEqual(['stt', 'llm', 'tts']);
    expect(stagesToShow([], 'speech-to-speech')).toEqual(['realtime']);
    const told = (...stages: string[]) => readStages(JSON.stringify(stages.map((stage) => report(stage, 'x'))));
    expect(stagesToShow(told('llm'))).toEqual(['stt', 'llm', 'tts']);
    expect(stagesToShow(told('realtime'))).toEqual(['realtime']);
    expect(stagesToShow(told('stt', 'llm', 'tts', 'realtime'))).toEqual(['realtime', 'stt', 'llm', 'tts']);
  });

  it('ignore what does not fit', () => {
    for (const text of [undefined, '', '{', '5', '[{"stage":"other"}]', '[{"stage":"stt"}]', '[null]']) {
      expect(readStages(text)).toEqual([]);
    }
    expect(readStages('[{"stage":"toString","provider":"x","state":"active"}]')).toEqual([]);
  });
});

it('reads turns and notices, and nothing else', () => {
  expect(readTurn('{"turn":1,"voiceToVoiceMs":640}')).toBe(640);
  expect(readTurn('{"voiceToVoiceMs":-1}')).toBeUndefined();
  expect(readTurn('null')).toBeUndefined();
  expect(readNotice('{"level":"warning","text":" Slow. "}')).toEqual({ level: 'warning', text: 'Slow.' });
  expect(readNotice('{"text":"Hello"}')).toEqual({ level: 'info', text: 'Hello' });
  expect(readNotice('{"level":"info","text":""}')).toBeUndefined();
});

it('says in a headline where the call is', () => {
  const live = { ...idleCall, phase: 'live', agent: 'listening' } as const;
  expect(headline(idleCall).title).toBe('Ready when you are');
  expect(headline({ ...idleCall, ended: true }).title).toBe('Call ended');
  expect(headline(live).title).toBe('Listening');
  expect(headline({ ...live, muted: true }).title).toBe('You are muted');
  expect(headline({ ...live, microphone: false }).title).toBe('Waiting for you');
  expect(headline({ ...live, phase: 'reconnecting' }).title).toBe('Reconnecting');
  expect(headline({ ...live, agent: 'speaking', microphone: false }).hint).not.toContain('Interrupt');
});

it('takes a state that it does not know for listening', () => {
  expect(readAgentState(undefined)).toBe('initializing');
  expect(readAgentState('speaking')).toBe('speaking');
  expect(readAgentState('idle')).toBe('listening');
});

it('finds the median', () => {
  expect(median([])).toBeUndefined();
  expect(median([700, 500, 600])).toBe(600);
  expect(median([700, 500, 600, 900])).toBe(650);
});

it('writes times', () => {
  expect(secondsText(640)).toBe('0.64 s');
  expect(clockText(134_900)).toBe('2:14');
});

it('keeps the choice in the link, and the rest of the link as it is', () => {
  expect(readLink('?persona=sales&language=en-GB')).toEqual({ persona: 'sales', language: 'en-GB' });
  expect(readLink('?mode=speech-to-speech')).toEqual({ mode: 'speech-to-speech' });
  expect(readLink('?mode=telepathy')).toEqual({});
  expect(readLink('')).toEqual({});
  expect(writeLink('?utm=x&language=en-GB', { persona: 'support' })).toBe('?utm=x&persona=support');
  expect(writeLink('', {})).toBe('');
});

// What the page says of a provider's health and of a switch.
import { describe, expect, it } from 'vitest';
import { readSwitch } from '../../src/http/page/agent-messages.ts';
import { healthText, modeText, switchedText, switchText } from '../../src/http/page/provider-words.ts';

const SWITCH = {
  stage: 'llm',
  from: 'openrouter',
  to: 'openai',
  kind: 'quota',
  status: 402,
  tookMs: 34.4,
  wordsKept: 12,
};
const provider = { id: 'openrouter', title: 'OpenRouter' };
const clock = (iso: string) => iso.slice(11, 19);

describe('readSwitch', () => {
  it('takes what the worker sends, and nothing else of it', () => {
    expect(readSwitch(JSON.stringify({ ...SWITCH, message: 'Payment required.', audioReplayedMs: null }))).toEqual(
      SWITCH,
    );
    expect(readSwitch(JSON.stringify({ ...SWITCH, status: undefined, wordsKept: 'many' }))).toEqual({
      stage: 'llm',
      from: 'openrouter',
      to: 'openai',
      kind: 'quota',
      tookMs: 34.4,
    });
  });

  it.each([
    '',
    'null',
    '{}',
    JSON.stringify({ ...SWITCH, stage: 'toString' }),
    JSON.stringify({ ...SWITCH, tookMs: -1 }),
    JSON.stringify({ ...SWITCH, to: 7 }),
  ])('ignores %j', (json) => expect(readSwitch(json)).toBeUndefined());
});

describe('switchText', () => {
  it.each([
    [SWITCH, 'quota (402), 34 ms, 12 words kept'],
    [{ ...SWITCH, kind: 'timeout', status: undefined, tookMs: 1_260, wordsKept: 1 }, 'time-out, 1.3 s, 1 word kept'],
    [
      { ...SWITCH, kind: 'unreachable', status: 1006, wordsKept: 0, audioReplayedMs: 2_100 },
      'connection lost (1006), 34 ms, 2.1 s heard again',
    ],
    [{ ...SWITCH, kind: 'of a newer worker', status: undefined, wordsKept: undefined }, 'of a newer worker, 34 ms'],
  ])('%j', (change, words) => {
    const read = readSwitch(JSON.stringify(change));
    expect(read && switchText(read)).toBe(words);
  });
});

describe('healthText', () => {
  const cause = { kind: 'quota', status: 402 };
  const until = '2026-01-01T12:03:04.000Z';
  it.each([
    [{ state: 'active' }, 'well, asked first'],
    [{ state: 'well' }, 'well'],
    [{ state: 'suspect', cause: { kind: 'timeout' } }, 'suspect: time-out, tried again by the next turn'],
    [
      { state: 'suspect', cause: { kind: 'timeout' }, until },
      'suspect: time-out, tried at 12:03:04 or when a check passes',
    ],
    [{ state: 'left-alone', cause, until }, 'left alone until 12:03:04: quota (402)'],
    [
      { state: 'left-alone', cause: { kind: 'auth', status: 401 } },
      'left alone until a check passes: key refused (401)',
    ],
    [{ state: 'left-out', reason: 'X_KEY not set' }, 'left out: X_KEY not set'],
  ] as const)('%j', (health, words) => {
    expect(healthText({ ...provider, ...health }, clock)).toBe(words);
  });
});

describe('speech to speech in words', () => {
  it('names who would serve, and says what is missing', () => {
    const link = (id: string, title: string, state: 'active' | 'left-out') => ({ id, title, state });
    const chain = (...providers: ReturnType<typeof link>[]) => [{ stage: 'realtime', providers } as const];
    const pipeline = link('pipeline', 'Recognition, model and voice', 'active');
    expect(modeText(chain(link('gemini-live', 'Gemini Live', 'active'), pipeline))).toBe(
      'One model hears and speaks: Gemini Live, then the three stages.',
    );
    expect(modeText(chain(link('gemini-live', 'Gemini Live', 'left-out'), pipeline))).toMatch(/^Needs a key/);
    expect(modeText([])).toMatch(/^Needs a key/);
  });

  it('tells a new session of the same provider from another provider', () => {
    expect(switchedText('Gemini Live', 'OpenAI Realtime')).toBe('Gemini Live → OpenAI Realtime');
    expect(switchedText('Gemini Live', 'Gemini Live')).toBe('Gemini Live, connected again');
  });
});

// The small readers behind the providers that speak chat completions.
import { describe, expect, it } from 'vitest';
import { ToolCallAssembly } from '../../../src/llm/providers/openai-compatible/tool-call-assembly.ts';
import { isWholeReply } from '../../../src/text/continuation-prompt.ts';
import { durationMs, rateLimitWaitMs } from '../../../src/vendors/rate-limit-reset.ts';
import { withoutKeys } from '../../../src/vendors/without-keys.ts';

describe('durationMs', () => {
  it.each([
    ['6m0s', 360_000],
    ['8.64s', 8640],
    ['20ms', 20],
    ['1h2m3s', 3_723_000],
    ['2', 2000],
    ['', undefined],
    ['soon', undefined],
    ['5s later', undefined],
  ])('"%s"', (text, ms) => expect(durationMs(text)).toBe(ms));
});

describe('rateLimitWaitMs', () => {
  const waitOf = (headers: Record<string, string>) => rateLimitWaitMs(new Headers(headers), 1_700_000_000_000);
  it.each([
    ['the limit that is used up', { requests: '1s', tokens: '9s' }, { requests: '0', tokens: '50' }, 1000],
    ['the later of two that are used up', { requests: '1s', tokens: '9s' }, { requests: '0', tokens: '0' }, 9000],
    ['the later where none is at zero', { requests: '1s', tokens: '9s' }, { requests: '3', tokens: '50' }, 9000],
  ])('waits for %s', (_, reset, remaining, ms) => {
    const headers = Object.fromEntries([
      ...Object.entries(reset).map(([what, value]) => [`x-ratelimit-reset-${what}`, value]),
      ...Object.entries(remaining).map(([what, value]) => [`x-ratelimit-remaining-${what}`, value]),
    ]);
    expect(waitOf(headers)).toBe(ms);
  });

  it('reads a time since 1970, in milliseconds or seconds', () => {
    expect(waitOf({ 'X-RateLimit-Reset': '1700000042000' })).toBe(42_000);
    expect(waitOf({ 'X-RateLimit-Reset': '1700000042' })).toBe(42_000);
    expect(waitOf({ 'X-RateLimit-Reset': '1600000000' })).toBe(0);
    expect(waitOf({})).toBeUndefined();
  });
});

describe('ToolCallAssembly', () => {
  it('tells calls apart by their ids where a server leaves the index out', () => {
    const calls = new ToolCallAssembly();
    calls.add({ id: 'a', function: { name: 'one', arguments: '{"n":' } });
    calls.add({ function: { arguments: '1}' } });
    calls.add({ id: 'b', function: { name: 'two', arguments: '' } });
    expect(calls.finish('local')).toEqual([
      { id: 'a', name: 'one', arguments: '{"n":1}' },
      { id: 'b', name: 'two', arguments: '{}' },
    ]);
  });

  it.each(['[1]', 'null', '"a"', '{"a"'])('refuses %s as arguments', (json) => {
    const calls = new ToolCallAssembly();
    calls.add({ index: 0, id: 'a', function: { name: 'one', arguments: json } });
    expect(() => calls.finish('local')).toThrow('no JSON object');
  });
});

describe('withoutKeys', () => {
  it.each([
    ['Incorrect API key provided: sk-proj-abc***xyz.', undefined],
    ['Bad key my-own-secret here.', 'my-own-secret'],
    ['Consumer api_key:AIzaSyABC-def_123 is suspended.', undefined],
  ])('takes the key out of "%s"', (text, key) => {
    expect(withoutKeys(text, key)).not.toMatch(/abc|secret|AIza/i);
    expect(withoutKeys(text, key)).toContain('(key)');
  });
});

it.each([
  ['All is well.', true],
  ['Is it? ”', true],
  ['All is', false],
  ['', false],
])('isWholeReply("%s")', (text, isWhole) => expect(isWholeReply(text)).toBe(isWhole));

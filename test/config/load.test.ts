import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadConfig, parseConfig } from '../../src/config/load.ts';
import { UserError } from '../../src/config/user-error.ts';

const shipped = readFileSync(new URL('../../agents/providers.yaml', import.meta.url), 'utf8');

describe('parseConfig', () => {
  it('accepts the file that is shipped', () => {
    const config = parseConfig(shipped, 'providers.yaml');
    expect(config.chains.llm).toContain('free-llm');
    expect(config.turns.maxDelayMs).toBeGreaterThan(config.turns.minDelayMs);
  });

  it('names line and column of a value of the wrong type', () => {
    const broken = shipped.replace(/maxCalls: \d+/, 'maxCalls: many');
    const line = broken.split('\n').findIndex((text) => text.includes('maxCalls')) + 1;
    expect(() => parseConfig(broken, 'providers.yaml')).toThrow(`providers.yaml:${line}:13: worker.maxCalls`);
  });

  it('refuses a key that would do nothing', () => {
    const broken = shipped.replace('turns:', 'turns:\n  patience: 3');
    expect(() => parseConfig(broken, 'providers.yaml')).toThrow(/turns\.patience/);
  });

  it('puts the pipeline at the end of speech to speech, and nowhere else', () => {
    const chainOf = (line: string) =>
      parseConfig(shipped.replace(/ {2}realtime: \[.*\]\n/, line), 'providers.yaml').chains.realtime;
    const usual = ['gemini-live', 'openai-realtime', 'pipeline'];
    expect(chainOf('')).toEqual(usual);
    expect(parseConfig(shipped, 'providers.yaml').chains.realtime).toEqual(usual);
    expect(chainOf('  realtime: [openai-realtime]\n')).toEqual(['openai-realtime', 'pipeline']);
    expect(chainOf('  realtime: [pipeline]\n')).toEqual(['pipeline']);
    const refused = /providers\.yaml:\d+:\d+: chains\.realtime\.0: "pipeline" stands alone and last/;
    expect(() => chainOf('  realtime: [pipeline, gemini-live]\n')).toThrow(refused);
    expect(() => chainOf('  realtime: [[gemini-live, pipeline]]\n')).toThrow(refused);
  });

  it('names the place of broken YAML', () => {
    expect(() => parseConfig('chains: [a\n', 'providers.yaml')).toThrow(/^providers\.yaml:\d+:\d+: /);
  });

  it('says which file is missing', () => {
    expect(() => loadConfig('/nowhere/providers.yaml')).toThrow(UserError);
    expect(() => loadConfig('/nowhere/providers.yaml')).toThrow(/\/nowhere\/providers\.yaml/);
  });
});

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { planStages, settingsOf } from '../../src/call/stages.ts';
import { parseConfig } from '../../src/config/load.ts';

const config = parseConfig(
  readFileSync(new URL('../../agents/providers.yaml', import.meta.url), 'utf8'),
  'providers.yaml',
);

describe('planStages', () => {
  it('leaves out what has no address and lets the free provider serve', () => {
    expect(planStages(config, {}).llm.links).toEqual([
      { id: 'local', state: 'left-out', reason: 'LOCAL_LLM_BASE_URL not set' },
      { id: 'free-llm', state: 'active' },
    ]);
  });

  it('lets the first that is available serve, the rest stand by', () => {
    const plan = planStages(config, { LOCAL_LLM_BASE_URL: 'http://127.0.0.1:1' });
    expect(plan.llm.active.id).toBe('local');
    expect(plan.llm.links.map((link) => link.state)).toEqual(['active', 'available']);
  });

  it('names an unknown provider and the known ones', () => {
    const typo = { ...config, chains: { ...config.chains, tts: ['fre-tts'] } };
    expect(() => planStages(typo, {})).toThrow(/chains\.tts names "fre-tts", which is none of: .*free-tts/);
  });

  it('says what is missing when nobody can serve a stage', () => {
    const alone = { ...config, chains: { ...config.chains, llm: ['local'] } };
    expect(() => planStages(alone, {})).toThrow(/no provider can serve llm \(local: LOCAL_LLM_BASE_URL not set\)/);
  });
});

describe('settingsOf', () => {
  it('shows a provider its own variables only', () => {
    const provider = { id: 'x', env: { X_KEY: 'required' } };
    expect(settingsOf(provider, config, { X_KEY: 'mine', OTHER_KEY: 'not mine' }).env).toEqual({ X_KEY: 'mine' });
  });
});

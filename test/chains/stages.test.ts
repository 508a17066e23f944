import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { settingsOf } from '../../src/chains/keys.ts';
import { clientsOf, closeLeft, createLinks, type Links } from '../../src/chains/links.ts';
import { planStages } from '../../src/chains/plan.ts';
import { parseConfig } from '../../src/config/load.ts';

const config = parseConfig(
  readFileSync(new URL('../../agents/providers.yaml', import.meta.url), 'utf8'),
  'providers.yaml',
);

describe('planStages', () => {
  it('leaves out what has no key or address and lets the free provider serve', () => {
    const plan = planStages(config, {});
    expect(plan.llm.links).toEqual([
      { id: 'openrouter', state: 'left-out', reason: 'OPENROUTER_API_KEY not set' },
      { id: 'openai', state: 'left-out', reason: 'OPENAI_API_KEY not set' },
      { id: 'gemini', state: 'left-out', reason: 'GOOGLE_API_KEY or GEMINI_API_KEY not set' },
      { id: 'local', state: 'left-out', reason: 'LOCAL_LLM_BASE_URL not set' },
      { id: 'free-llm', state: 'active' },
    ]);
    expect([plan.stt, plan.tts].map(({ providers }) => providers.map(({ provider }) => provider.id))).toEqual([
      ['free-stt'],
      ['free-tts'],
    ]);
  });

  it('lets the first that is available serve, the rest stand by', () => {
    const plan = planStages(config, { LOCAL_LLM_BASE_URL: 'http://127.0.0.1:1', GEMINI_API_KEY: 'key' });
    expect(plan.llm.providers.map(({ provider }) => provider.id)).toEqual(['gemini', 'local', 'free-llm']);
    expect(plan.llm.links.map((link) => link.state)).toEqual([
      'left-out',
      'left-out',
      'active',
      'available',
      'available',
    ]);
  });

  it('gives equals the same rank', () => {
    const equals = { ...config, chains: { ...config.chains, llm: [['openai', 'gemini'], 'free-llm'] } };
    const { providers } = planStages(equals, { OPENAI_API_KEY: 'a', GOOGLE_API_KEY: 'b' }).llm;
    expect(providers.map(({ priority }) => priority)).toEqual([0, 0, 1]);
  });

  it('takes of two ways to one vendor the better that has what it needs', () => {
    const planned = (env: Record<string, string>) =>
      planStages(config, env).stt.providers.find(({ provider }) => provider.id === 'google')?.provider.traits;
    const key = { GOOGLE_API_KEY: 'key' };
    const account = { GOOGLE_APPLICATION_CREDENTIALS: '/account.json' };
    expect(planned(key)?.interimResults).toBe(false);
    expect(planned(account)?.interimResults).toBe(true);
    expect(planned({ ...key, ...account })?.interimResults).toBe(true);
    expect(planned({})).toBeUndefined();
  });

  it('plans speech to speech, which the pipeline may serve alone', () => {
    const alone = planStages(config, {}).realtime;
    expect(alone.providers).toEqual([]);
    expect(alone.links).toEqual([
      { id: 'gemini-live', state: 'left-out', reason: 'GOOGLE_API_KEY or GEMINI_API_KEY not set' },
      { id: 'openai-realtime', state: 'left-out', reason: 'OPENAI_API_KEY not set' },
      { id: 'pipeline', state: 'active' },
    ]);
    const { links, providers } = planStages(config, { OPENAI_API_KEY: 'a' }).realtime;
    expect(providers.map(({ provider }) => provider.id)).toEqual(['openai-realtime']);
    expect(links.map(({ state }) => state)).toEqual(['left-out', 'active', 'available']);
    const typo = { ...config, chains: { ...config.chains, realtime: ['gemini-life', 'pipeline'] } };
    expect(() => planStages(typo, {})).toThrow(/chains\.realtime names "gemini-life", which is none of: gemini-live/);
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

describe('createLinks', () => {
  it('makes a link for each of several keys, which names the key without telling it', async () => {
    const env = { OPENAI_API_KEY: 'sk-first, sk-second' };
    const links = createLinks(planStages(config, env), config, env).llm.filter(({ id }) => id === 'openai');
    expect(links).toHaveLength(2);
    expect(new Set(links.map(({ keyFingerprint }) => keyFingerprint)).size).toBe(2);
    expect(JSON.stringify(links)).not.toContain('sk-');
    expect(links[0]?.priority).toBe(links[1]?.priority);
    await Promise.all(links.map(({ client }) => client.close()));
  });
});

describe('createLinks for speech to speech', () => {
  it('makes one for each key, with its voices', () => {
    const env = { GOOGLE_API_KEY: 'one,two', OPENAI_API_KEY: 'three' };
    const voiced = { ...config, voices: { 'gemini-live': { 'en-GB': 'Puck' } } };
    const links = createLinks(planStages(voiced, env), voiced, env).realtime;
    expect(links.map(({ id, voices }) => [id, voices])).toEqual([
      ['gemini-live', { 'en-GB': 'Puck' }],
      ['gemini-live', { 'en-GB': 'Puck' }],
      ['openai-realtime', {}],
    ]);
    expect(new Set(links.map(({ keyFingerprint }) => keyFingerprint)).size).toBe(3);
  });
});

describe('settingsOf', () => {
  it('shows a provider its own variables only', () => {
    const provider = { id: 'x', stage: 'llm', env: { X_KEY: 'required' } };
    expect(settingsOf(provider, config, { X_KEY: 'mine', OTHER_KEY: 'not mine' }).env).toEqual({ X_KEY: 'mine' });
  });
});

describe('createLinks over former links', () => {
  it('keeps the clients for which nothing changed, and ends the others', async () => {
    const make = (env: Record<string, string>, former?: Links) =>
      createLinks(planStages(config, env), config, env, former);
    const before = make({ OPENROUTER_API_KEY: 'one,two', OPENAI_API_KEY: 'same' });
    const after = make({ OPENROUTER_API_KEY: 'two,three', OPENAI_API_KEY: 'same' }, before);
    const kept = after.llm.map(({ client }) => before.llm.findIndex((link) => link.client === client));
    expect(kept).toEqual([1, -1, 2, 3]);
    expect(after.tts.map(({ client }) => client)).toEqual(before.tts.map(({ client }) => client));
    await closeLeft(before, after);
    await Promise.all(clientsOf(after).map((client) => client.close()));
  });
});

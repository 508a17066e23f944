// What is told of each chain: from the plan, the keys and the board.
import { describe, expect, it } from 'vitest';
import { chainHealth } from '../../src/chains/health-report.ts';
import { createLinks, linksOfStage } from '../../src/chains/links.ts';
import { planStages } from '../../src/chains/plan.ts';
import { STAGES } from '../../src/chains/stages.ts';
import { loadConfig } from '../../src/config/load.ts';
import { configFile } from '../../src/config/paths.ts';
import { systemClock } from '../../src/failover/clock.ts';
import type { ProviderErrorKind } from '../../src/failover/provider-error.ts';
import { MemoryHealthBoard } from '../../src/health/memory-board.ts';

const config = loadConfig(configFile);

function scene(env: Record<string, string>) {
  const plan = planStages(config, env);
  const links = createLinks(plan, config, env);
  const board = new MemoryHealthBoard();
  const keys = links.llm.flatMap(({ id, keyFingerprint }) => (id === 'openrouter' ? [`#${keyFingerprint}`] : []));
  return {
    keys,
    fail: (id: string, kind: ProviderErrorKind, status?: number) =>
      board.report(id, {
        type: 'failure',
        trial: false,
        checkable: true,
        failure: { kind, message: 'failed', status },
      }),
    realtime: () => chainHealth(plan, links, board.all(), systemClock.now()).at(-1)?.providers ?? [],
    llm: () => {
      const chains = chainHealth(plan, links, board.all(), systemClock.now());
      expect(chains.map(({ stage }) => stage)).toEqual([...STAGES]);
      return chains[1]?.providers ?? [];
    },
    close: () => Promise.all(STAGES.flatMap((stage) => linksOfStage(links, stage).map(({ client }) => client.close()))),
  };
}

describe('chainHealth', () => {
  it('tells who comes first, who failed and until when, and who is left out and why', async () => {
    const { llm, fail, close } = scene({ OPENROUTER_API_KEY: 'a', OPENAI_API_KEY: 'b' });
    expect(llm().map(({ id, state }) => `${id} ${state}`)).toEqual([
      'openrouter active',
      'openai well',
      'gemini left-out',
      'local left-out',
      'free-llm well',
    ]);
    expect(llm()[2]?.reason).toMatch(/GEMINI_API_KEY not set/);
    fail('llm/openrouter', 'quota', 402);
    fail('llm/openai', 'timeout');
    expect(llm()).toMatchObject([
      { id: 'openrouter', title: 'OpenRouter', state: 'left-alone', cause: { kind: 'quota', status: 402 } },
      { id: 'openai', state: 'suspect', cause: { kind: 'timeout' } },
      { state: 'left-out' },
      { state: 'left-out' },
      { id: 'free-llm', state: 'active' },
    ]);
    expect(Date.parse(llm()[0]?.until ?? '')).toBeGreaterThan(Date.now());
    await close();
  });

  it('tells of the pipeline as of a provider', async () => {
    const { realtime, fail, close } = scene({ OPENAI_API_KEY: 'b' });
    expect(realtime().map(({ id, state }) => `${id} ${state}`)).toEqual([
      'gemini-live left-out',
      'openai-realtime active',
      'pipeline well',
    ]);
    fail('realtime/openai-realtime', 'quota', 429);
    fail('realtime/pipeline', 'timeout');
    expect(realtime().slice(1)).toMatchObject([
      { id: 'openai-realtime', state: 'left-alone' },
      { id: 'pipeline', title: 'Recognition, model and voice', state: 'suspect', cause: { kind: 'timeout' } },
    ]);
    await close();
  });

  it('takes a provider for well as long as one of its keys is', async () => {
    const { llm, fail, keys, close } = scene({ OPENROUTER_API_KEY: 'one,two' });
    expect(keys).toHaveLength(2);
    fail(`llm/openrouter${keys[0]}`, 'auth', 401);
    expect(llm()[0]).toMatchObject({ state: 'active' });
    fail(`llm/openrouter${keys[1]}`, 'auth', 401);
    expect(llm()[0]).toMatchObject({ state: 'left-alone', cause: { kind: 'auth', status: 401 } });
    expect(llm()[0]).not.toHaveProperty('until');
    await close();
  });
});

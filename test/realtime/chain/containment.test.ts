// What a plugin throws where nobody can catch it ends neither the process nor the call; errors of others end it as ever.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const child = fileURLToPath(new URL('../support/contained-call.ts', import.meta.url));

interface Ended {
  readonly exitCode: number | null;
  readonly told: { words: number[][]; heard: string[]; failures: string[]; errors: number } | undefined;
  readonly errors: string;
}

async function run(...args: readonly string[]): Promise<Ended> {
  const running = spawn(process.execPath, [child, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_ENV: 'production' },
    timeout: 60_000,
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    running[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  await once(running, 'close');
  const line = output.stdout.split('\n').find((candidate) => candidate.startsWith('{'));
  return { exitCode: running.exitCode, told: line ? JSON.parse(line) : undefined, errors: output.stderr };
}

/** A word broken in its middle may be said once more, whole. */
function withoutSeam(words: readonly number[] = []): readonly number[] {
  return words.filter((word, position) => word !== words[position - 1]);
}

function expectWholeCall({ told, errors }: Ended): void {
  expect(told, errors).toBeDefined();
  expect(told?.words.map(withoutSeam)).toEqual([
    [1, 2, 3, 21, 22, 23, 24],
    [4, 5, 21, 22, 23, 24],
  ]);
  expect(told?.heard).toEqual(['w1 w2 w3', 'w4 w5']);
  expect(told?.failures.length).toBeGreaterThan(0);
  expect(told?.errors).toBe(0);
}

describe.each(['openai', 'gemini'])('the plugin of %s', (vendor) => {
  it.each(['malformed-json', 'malformed-audio', 'refused (401)', 'reset'])(
    'meets %s: the process lives and the call goes on',
    async (fault) => {
      const ended = await run(vendor, fault, 'well');
      expectWholeCall(ended);
      expect(ended.exitCode).toBe(0);
    },
    90_000,
  );
});

describe('an error of others', () => {
  it.each(['throws', 'rejects'])(
    'that %s ends the process, also after one was contained',
    async (end) => {
      const ended = await run('openai', 'malformed-json', end);
      expectWholeCall(ended);
      expect(ended.exitCode).toBe(1);
      expect(ended.errors).toContain('an error of others');
    },
    90_000,
  );
});

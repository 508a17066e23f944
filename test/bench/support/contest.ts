// Our agent and a plain one side by side: the same server, the same providers, the same caller, in one run.
import '../../../src/livekit/quiet-rtc.ts';
import { type Caller, joinAsCaller } from '../../../src/livekit/caller.ts';
import { issueToken } from '../../../src/livekit/tokens.ts';
import { startTestServer, type TestServer } from '../../rooms/support/server.ts';
import { type SpawnedWorker, spawnWorker } from '../../support/spawn-worker.ts';

export const CONTESTANTS = ['plain', 'ours'] as const;
export type Contestant = (typeof CONTESTANTS)[number];

export interface Contest {
  readonly workers: Readonly<Record<Contestant, SpawnedWorker>>;
  /** A caller in a new room, after the greeting if the agent greets. */
  join(contestant: Contestant): Promise<Caller>;
  stop(): Promise<void>;
}

const JOBS: Readonly<Record<Contestant, URL>> = {
  plain: new URL('./plain-job.ts', import.meta.url),
  ours: new URL('./our-job.ts', import.meta.url),
};
const GREETED_WITHIN_MS = 8_000;

export async function startContest(): Promise<Contest> {
  const server: TestServer = await startTestServer();
  const [plain, ours] = await Promise.all(
    CONTESTANTS.map((agentName) => spawnWorker(JOBS[agentName], server, { agentName })),
  );
  if (!plain || !ours) throw new Error('no worker');
  const workers = { plain, ours };
  let calls = 0;
  return {
    workers,
    join: async (agentName) => {
      calls += 1;
      const token = await issueToken({ ...server, room: `${agentName}-${calls}`, identity: 'caller', agentName });
      const caller = await joinAsCaller({ url: server.url, token });
      if (!(await caller.waitForAgent(60_000))) {
        throw new Error(`the ${agentName} agent did not come; its worker said:\n${workers[agentName].output()}`);
      }
      await caller.waitForAgentToFinish({ sinceMs: 0, timeoutMs: GREETED_WITHIN_MS });
      return caller;
    },
    stop: async () => {
      await Promise.all([plain.stop(), ours.stop()]);
      await server.stop();
    },
  };
}

/** The value below which the given share (0 to 1) of the values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Rows as an aligned table; the first row is its head. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

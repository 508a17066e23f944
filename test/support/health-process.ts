// A call process of the health board's tests: does what it is told over Node's own channel and answers.
import type { Outcome } from '../../src/failover/health.ts';
import { connectHealthBoard } from '../../src/health/client.ts';

export type HealthCommand =
  | { readonly do: 'peek' | 'admit'; readonly id: string }
  | { readonly do: 'report'; readonly id: string; readonly outcome: Outcome }
  | { readonly do: 'send'; readonly event: string; readonly data: string };

/** `atMs` is since the epoch, so that it can be compared between processes of one machine. */
export type HealthNews =
  | { readonly told: 'ready'; readonly firstAdmission: string; readonly tookMs: number }
  | { readonly told: 'change'; readonly id: string; readonly failuresInRow: number; readonly atMs: number }
  | { readonly told: 'connected' | 'lost' }
  | { readonly told: 'done'; readonly result: string; readonly atMs: number };

const [socketPath = '', firstId = ''] = process.argv.slice(2);
const now = () => performance.timeOrigin + performance.now();
const tell = (news: HealthNews) => process.send?.(news);

const startedMs = now();
const board = connectHealthBoard({ socketPath });
board.onChange((id, { failuresInRow }) => tell({ told: 'change', id, failuresInRow, atMs: now() }));
await board.ready();
const firstAdmission = String(board.admit(firstId));
tell({ told: 'ready', firstAdmission, tookMs: now() - startedMs });

let wasConnected = board.isConnected;
setInterval(() => {
  if (board.isConnected === wasConnected) return;
  wasConnected = board.isConnected;
  tell({ told: wasConnected ? 'connected' : 'lost' });
}, 5);

process.on('message', (command: HealthCommand) => {
  const atMs = now();
  tell({ told: 'done', result: String(run(command)), atMs });
});
// The test process has ended.
process.on('disconnect', () => process.exit());

function run(command: HealthCommand): unknown {
  switch (command.do) {
    case 'peek':
      return board.peek(command.id);
    case 'admit':
      return board.admit(command.id);
    case 'report':
      return board.report(command.id, command.outcome);
    case 'send':
      return board.send({ type: 'event', event: command.event, data: command.data });
  }
}

// `pnpm call`: a caller at the terminal.
import '../livekit/quiet-rtc.ts';
import { writeFile } from 'node:fs/promises';
import { dispose } from '@livekit/rtc-node';
import { writeWav } from '../audio/wav.ts';
import { readEnvironment } from '../config/environment.ts';
import { describeError, UserError } from '../config/user-error.ts';
import { type Caller, joinAsCaller } from '../livekit/caller.ts';
import { CALL_HELP, type CallOptions, parseCallOptions } from './call-options.ts';
import { type CallOutcome, type CallReport, createJsonReport, createTextReport } from './call-report.ts';
import { requestRoom } from './call-room.ts';
import { loadTurns, type Turn } from './call-turns.ts';
import { type CallResult, holdCall } from './hold-call.ts';

const EXIT = { answered: 0, unanswered: 1, usage: 2, interrupted: 130 } as const;

async function main(args: readonly string[], signal: AbortSignal): Promise<number> {
  let options: CallOptions;
  let turns: Turn[];
  try {
    options = parseCallOptions(args);
    if (options.help) {
      process.stdout.write(`${CALL_HELP}\n`);
      return EXIT.answered;
    }
    turns = await loadTurns(options.turns, signal);
  } catch (error) {
    if (signal.aborted || !(error instanceof UserError)) throw error;
    process.stderr.write(`${describeError(error)}\n`);
    return EXIT.usage;
  }
  const report = options.json ? createJsonReport(process.stdout) : createTextReport(process.stdout);
  const result = await call(options, turns, report, signal);
  return result.turns.length === turns.length && result.turns.every(({ answered }) => answered)
    ? EXIT.answered
    : EXIT.unanswered;
}

/** Holds the call, leaves the room however it ends, and writes the recording of the agent. */
async function call(
  options: CallOptions,
  turns: readonly Turn[],
  report: CallReport,
  signal: AbortSignal,
): Promise<CallResult> {
  const access = await requestRoom(options, readEnvironment(process.cwd()), signal);
  const caller = await joinAsCaller({ ...access, signal });
  report.joined(caller);
  const result = await holdCall(caller, turns, report, { timeoutMs: options.timeoutMs, signal }).finally(() =>
    caller.leave(),
  );
  const recording = await writeRecording(caller, options.out ?? `call-${access.room}.wav`);
  const cut = signal.aborted ? 'interrupted' : caller.gone === 'left' ? undefined : `the room is gone (${caller.gone})`;
  report.ended(result, { room: access.room, planned: turns.length, recording, cut });
  return result;
}

async function writeRecording(caller: Caller, file: string): Promise<CallOutcome['recording']> {
  const { agent, sampleRateHz } = caller.recording();
  if (agent.length === 0) return undefined;
  try {
    await writeFile(file, writeWav(agent, sampleRateHz));
  } catch (error) {
    throw new UserError(
      `cannot write the recording to ${file}: ${(error as Error).message}`,
      'name another place with --out',
    );
  }
  return { file, durationMs: (agent.length * 1000) / sampleRateHz };
}

const interrupt = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => {
    // A second signal does not wait until the room is left.
    if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
    interrupt.abort();
  });
}
let code: number;
try {
  code = await main(process.argv.slice(2), interrupt.signal);
} catch (error) {
  if (!interrupt.signal.aborted) process.stderr.write(`${describeError(error)}\n`);
  code = EXIT.unanswered;
}
await dispose();
process.exitCode = interrupt.signal.aborted ? EXIT.interrupted : code;

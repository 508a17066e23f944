// `pnpm doctor`: what is set up, what is broken, and what to do about each.
import { parseArgs } from 'node:util';
import { agentsDirectory, projectDirectory } from '../config/paths.ts';
import { describeError, UserError } from '../config/user-error.ts';
import { formatTable } from './doctor/table.ts';

const HELP = `Checks what Bulletproof needs: Node, ports, the LiveKit server, keys and reachability of each provider, models,
and speech there and back without a microphone.

Usage: pnpm run doctor [--help]

✔ is right, – is not set up and need not be, ✖ is broken; → says what to do. Ends with 1 when anything is broken.
No key is shown.`;

/** The port that `pnpm dev:bulletproof` takes without --port. */
const HTTP_PORT = 3000;

async function main(args: readonly string[], signal: AbortSignal): Promise<number> {
  if (wantsHelp(args)) {
    process.stdout.write(`${HELP}\n`);
    return 0;
  }
  // Imported only here, so that the help text comes at once.
  const { diagnose } = await import('./doctor/diagnose.ts');
  const rows = await diagnose({ root: projectDirectory, agents: agentsDirectory, httpPort: HTTP_PORT, signal });
  const { columns, isTTY } = process.stdout;
  process.stdout.write(
    formatTable(rows, { width: columns ?? 120, colour: isTTY === true && process.stdout.hasColors() }),
  );
  const broken = rows.filter(({ state }) => state === 'broken').length;
  process.stdout.write(broken === 0 ? '\nAll that is needed works.\n' : `\n${broken} to mend.\n`);
  return broken === 0 ? 0 : 1;
}

function wantsHelp(args: readonly string[]): boolean {
  try {
    // pnpm passes "--" on.
    const given = args.filter((arg, index) => !(arg === '--' && index === 0));
    return parseArgs({ args: given, options: { help: { type: 'boolean' } } }).values.help ?? false;
  } catch (error) {
    throw new UserError((error as Error).message.split('. ')[0] as string, 'see pnpm run doctor --help');
  }
}

const ending = new AbortController();
process.once('SIGINT', () => ending.abort());
process.once('SIGTERM', () => ending.abort());
try {
  // Exits explicitly, as engines may still be at work in their threads.
  process.exit(await main(process.argv.slice(2), ending.signal));
} catch (error) {
  if (ending.signal.aborted) process.exit(130);
  process.stderr.write(`${describeError(error)}\n`);
  process.exit(1);
}

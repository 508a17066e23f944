// `pnpm link:call`: a link to the talk page for those who have no token, good for a while.
import { parseArgs } from 'node:util';
import { readEnvironment } from '../config/environment.ts';
import { describeError, UserError } from '../config/user-error.ts';
import { signLeave } from '../http/leave.ts';

const HELP = `Usage: pnpm link:call [--hours 24] [--persona sales]

Prints a link to the talk page that lets whoever has it call the public personas, signed with HTTP_TOKEN (.env) and good for
so many hours. The page is at PUBLIC_URL.`;
const MOST_HOURS = 24 * 366;

function main(args: readonly string[]): void {
  const { values } = parseArgs({
    args: args.filter((arg, index) => !(arg === '--' && index === 0)),
    options: { hours: { type: 'string' }, persona: { type: 'string' }, help: { type: 'boolean' } },
  });
  if (values.help) {
    process.stdout.write(`${HELP}\n`);
    return;
  }
  const { HTTP_TOKEN: token, PUBLIC_URL: url = 'http://localhost:3000' } = readEnvironment(process.cwd());
  if (!token) throw new UserError('HTTP_TOKEN is not set', 'set it in .env: openssl rand -base64 32');
  const hours = Number(values.hours ?? '24');
  if (!(hours > 0 && hours <= MOST_HOURS)) {
    throw new UserError(
      `--hours must be above 0 and at most ${MOST_HOURS}, got "${values.hours}"`,
      'such as --hours 24',
    );
  }
  const link = new URL(url);
  if (values.persona) link.searchParams.set('persona', values.persona);
  link.hash = `leave=${signLeave(token, Date.now() + hours * 3_600_000)}`;
  process.stdout.write(`${link}\n`);
}

try {
  main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${describeError(error)}\n`);
  process.exit(1);
}

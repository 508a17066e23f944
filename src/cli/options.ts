// The command line of `pnpm dev:bulletproof`.
import { parseArgs } from 'node:util';
import { UserError } from '../config/user-error.ts';

export const HELP = `Bulletproof: a voice agent in a LiveKit room, and a page to talk with it.

Usage: pnpm dev:bulletproof [options]

  --persona <id>   who answers where the caller chooses none (a file in agents/)
  --port <number>  port of the talk page, 3000 by default
  --demo           stand-ins for all vendors run on this machine, and the talk page has buttons that break them
  --no-open        do not open the talk page in the browser
  --help           show this text

Keys and addresses stand in .env (see .env.example); chains, voices and limits in agents/providers.yaml.
Without LIVEKIT_URL a LiveKit server is started on this machine. Ctrl-C ends everything.`;

export interface Options {
  readonly help: boolean;
  readonly persona: string | undefined;
  readonly port: number;
  readonly open: boolean;
  /** Whether stand-ins for the vendors run on this machine. */
  readonly demo: boolean;
}

/** @throws UserError for an unknown option or a port that is none */
export function parseOptions(args: readonly string[]): Options {
  // pnpm passes "--" on in `pnpm dev:bulletproof -- --port 3001`.
  const given = args.filter((arg, index) => !(arg === '--' && index === 0));
  let values: { help?: boolean; persona?: string; port?: string; open?: boolean; demo?: boolean };
  try {
    ({ values } = parseArgs({
      args: given,
      allowNegative: true,
      options: {
        help: { type: 'boolean' },
        persona: { type: 'string' },
        port: { type: 'string' },
        open: { type: 'boolean' },
        demo: { type: 'boolean' },
      },
    }));
  } catch (error) {
    throw new UserError((error as Error).message.split('. ')[0] as string, 'see pnpm dev:bulletproof --help');
  }
  return {
    help: values.help ?? false,
    persona: values.persona,
    port: values.port === undefined ? 3000 : parsePort(values.port),
    open: values.open ?? true,
    demo: values.demo ?? false,
  };
}

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new UserError(
    `--port must be a number from 1 to 65535, got "${text}"`,
    'give a free port, such as --port 3001',
  );
}

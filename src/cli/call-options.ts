// The command line of `pnpm call`.
import { parseArgs } from 'node:util';
import { CALL_MODES, type CallMode } from '../config/call-mode.ts';
import { UserError } from '../config/user-error.ts';

export const CALL_HELP = `A caller at the terminal: joins a room, speaks, and prints what was said and how fast the agent answered.

Usage: pnpm call [options] question.wav [more.wav …]

What the caller does, in the order given; the next turn comes when the agent has finished:
  <file.wav>        speak a recording
  --say <text>      speak a text (with the free voice)
  --text <message>  type a message

  --room <name>     room to join, a new one by default
  --persona <id>    who should answer
  --speech-to-speech
                    be answered by one model that hears and speaks
  --pipeline        by speech recognition, language model and voice; else as the persona says
  --url <address>   where pnpm dev:bulletproof runs, http://127.0.0.1:3000 by default
  --out <file.wav>  where to write what the agent said, call-<room>.wav by default
  --timeout <s>     how long to wait for the agent to come, and for each answer to begin, 30 by default
  --json            one JSON object per line instead of text
  --help            show this text

With LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET set and no --url, the caller joins that server directly.
Exit code: 0 every turn was answered; 1 the agent did not come or did not answer; 2 wrong usage; 130 Ctrl-C.`;

export type TurnRequest =
  | { readonly kind: 'wav'; readonly path: string }
  | { readonly kind: 'say'; readonly text: string }
  | { readonly kind: 'text'; readonly text: string };

export interface CallOptions {
  readonly help: boolean;
  readonly turns: readonly TurnRequest[];
  readonly room: string | undefined;
  readonly persona: string | undefined;
  /** Where undefined, the persona's own mode. */
  readonly mode: CallMode | undefined;
  /** Address of the talk page; undefined when not given. */
  readonly url: URL | undefined;
  readonly out: string | undefined;
  readonly timeoutMs: number;
  readonly json: boolean;
}

const SEE_HELP = 'see pnpm call --help';

/** @throws UserError for an unknown option, a wrong value or nothing to say */
export function parseCallOptions(args: readonly string[]): CallOptions {
  // pnpm passes "--" on in `pnpm call -- question.wav`.
  const { values, tokens } = parse(args.filter((arg, index) => !(arg === '--' && index === 0)));
  const turns = tokens.flatMap((token): TurnRequest[] => {
    if (token.kind === 'positional') return [{ kind: 'wav', path: token.value }];
    if (token.kind !== 'option' || (token.name !== 'say' && token.name !== 'text')) return [];
    const text = token.value?.trim() ?? '';
    if (text === '') throw new UserError(`--${token.name} is empty`, `give words, as in --${token.name} "hello"`);
    return [{ kind: token.name, text }];
  });
  if (turns.length === 0 && !values.help) {
    throw new UserError('nothing to say to the agent', 'give a WAV file, --say "text" or --text "message"');
  }
  return {
    help: values.help ?? false,
    turns,
    room: values.room === undefined ? undefined : roomName(values.room),
    persona: values.persona,
    mode: modeOf(values),
    url: values.url === undefined ? undefined : httpAddress(values.url),
    out: values.out,
    timeoutMs: seconds(values.timeout ?? '30') * 1000,
    json: values.json ?? false,
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      tokens: true,
      options: {
        room: { type: 'string' },
        persona: { type: 'string' },
        'speech-to-speech': { type: 'boolean' },
        pipeline: { type: 'boolean' },
        url: { type: 'string' },
        out: { type: 'string' },
        timeout: { type: 'string' },
        say: { type: 'string', multiple: true },
        text: { type: 'string', multiple: true },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new UserError((error as Error).message.split(/\. |\n/)[0] as string, SEE_HELP);
  }
}

function modeOf(values: Readonly<Partial<Record<CallMode, boolean>>>): CallMode | undefined {
  const [mode, other] = CALL_MODES.filter((one) => values[one]);
  if (other === undefined) return mode;
  throw new UserError(`--${mode} and --${other} exclude each other`, 'give one of them');
}

/** Checks a room name, which becomes part of a file name. */
function roomName(text: string): string {
  if (/^[\w.-]{1,64}$/.test(text)) return text;
  throw new UserError(
    `--room must be 1 to 64 letters, digits, "_", "-" or ".", got "${text}"`,
    'give a name such as --room test-1',
  );
}

function httpAddress(text: string): URL {
  const url = URL.parse(text);
  if (url && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  throw new UserError(`--url must be an http address, got "${text}"`, 'give for example --url http://127.0.0.1:3000');
}

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value > 0 && value <= 3600) return value;
  throw new UserError(
    `--timeout must be seconds above 0 and up to 3600, got "${text}"`,
    'give for example --timeout 30',
  );
}

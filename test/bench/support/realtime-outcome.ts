// What came of cases of the benchmark's realtime rows, each in a process of its own, and what a cell of the table says of them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { CASES, type VendorName } from './realtime-rows.ts';

export type RealtimeParty = 'plugin' | 'ours';

export interface RealtimeColumn {
  readonly title: string;
  readonly party: RealtimeParty;
  /** The vendors that the faults apply to. */
  readonly vendors: readonly VendorName[];
}

export const REALTIME_COLUMNS: readonly RealtimeColumn[] = [
  { title: 'OpenAI Realtime plugin', party: 'plugin', vendors: ['openai'] },
  { title: 'Gemini Live plugin', party: 'plugin', vendors: ['gemini'] },
  { title: 'Bulletproof over both, either first', party: 'ours', vendors: ['openai', 'gemini'] },
];

/** The outcome of one call, as its process reports it. */
export interface CaseOutcome {
  /** Words of the caller in the conversation. */
  readonly conversation: number[];
  /** Words that were played, by turn. */
  readonly said: number[][];
  toolRuns: number;
  isClosed: boolean;
  /** The last turn had no answer. */
  isMute: boolean;
  ownShareMs?: number;
}

export interface MeasuredCase extends CaseOutcome {
  readonly vendor: VendorName;
  readonly name: string;
  readonly hasTool: boolean;
  /** The process ended before the end of the call. */
  readonly isDead: boolean;
}

const child = fileURLToPath(new URL('./realtime-case.ts', import.meta.url));
const LONGEST_MS = 90_000;
/** Cases at once; they wait more than they work. */
const AT_ONCE = 3;
/** All the words that the caller says in a call. */
const CALLER_WORDS = [7, 8, 1, 2, 3, 4, 5, 6];
const TURNS = 3;
const TAIL_WORDS = 4;

async function runCase(party: RealtimeParty, vendor: VendorName, name: string): Promise<MeasuredCase> {
  const running = spawn(process.execPath, [child, party, vendor, name], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, NODE_ENV: 'production' },
  });
  const timer = setTimeout(() => running.kill('SIGKILL'), LONGEST_MS);
  let output = '';
  running.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await once(running, 'close');
  clearTimeout(timer);
  const line = output.trimEnd().split('\n').at(-1) ?? '';
  const told = line.startsWith('{') ? (JSON.parse(line) as CaseOutcome & { isComplete: boolean }) : undefined;
  const { isComplete = false, ...outcome } = told ?? {
    conversation: [],
    said: [],
    toolRuns: 0,
    isClosed: false,
    isMute: false,
  };
  const hasTool = CASES.find((one) => one.name === name)?.hasTool ?? false;
  return { ...outcome, vendor, name, hasTool, isDead: !isComplete };
}

/** The table's cell for the cases of one row and column. */
export function realtimeCell(cases: readonly MeasuredCase[]): string {
  const count = (is: (one: MeasuredCase) => boolean) => cases.filter(is).length;
  const of = (word: string, number: number) => (number === 0 ? [] : [`${word} ${number} of ${cases.length}`]);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const twice = sum(cases.map(wordsTwice));
  const shares = cases.flatMap(({ ownShareMs }) => ownShareMs ?? []);
  const runs = cases.filter(({ hasTool }) => hasTool).map(({ toolRuns }) => toolRuns);
  return [
    ...of(
      'process died',
      count(({ isDead }) => isDead),
    ),
    ...of(
      'session closed',
      count(({ isClosed, isDead }) => isClosed && !isDead),
    ),
    ...of(
      'mute',
      count(({ isMute, isClosed, isDead }) => isMute && !isClosed && !isDead),
    ),
    `${sum(cases.map(wordsLost))} of ${cases.length * (2 * CALLER_WORDS.length + TURNS * TAIL_WORDS)} words lost`,
    ...(twice > 0 ? [`${twice} twice`] : []),
    ...(runs.length > 0 && runs.some((times) => times !== 1) ? [`tool runs ${runs.join(', ')}`] : []),
    ...(shares.length > 0 ? [`asked on after ${Math.min(...shares)} to ${Math.max(...shares)} ms`] : []),
  ].join('; ');
}

/** Lost words of both sides: the caller's in the conversation, the agent's in the sound that was played. */
function wordsLost({ conversation, said }: CaseOutcome): number {
  const unheard = CALLER_WORDS.filter((word) => !conversation.includes(word)).length;
  const replies = [0, 1, 2].map((turn) => new Set(said[turn]));
  const due = [
    [7, 8],
    [1, 2, 3, 4],
    [5, 6],
  ].map((words) => [...words, 20, 21, 22, 23]);
  const unsaid = due.flatMap((words, turn) => words.filter((word) => !replies[turn]?.has(word)));
  return unheard + unsaid.length;
}

function wordsTwice({ conversation, said }: CaseOutcome): number {
  const repeated = (words: readonly number[]) => words.length - new Set(words).size;
  return repeated(conversation) + said.reduce((total, words) => total + repeated(words), 0);
}

/** Runs every case with every party, a few at once; calls `onRow` when all cases of a row are done. */
export async function measureRealtime(
  onRow: (column: RealtimeColumn, row: string, cases: readonly MeasuredCase[]) => void,
): Promise<void> {
  const rows = [...new Set(CASES.map(({ row }) => row))];
  const work = REALTIME_COLUMNS.flatMap((column) => rows.map((row) => ({ column, row })));
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let next = work.shift(); next; next = work.shift()) {
        const { column, row } = next;
        const measured: MeasuredCase[] = [];
        for (const { name } of CASES.filter((one) => one.row === row)) {
          for (const vendor of column.vendors) measured.push(await runCase(column.party, vendor, name));
        }
        onRow(column, row, measured);
      }
    }),
  );
}

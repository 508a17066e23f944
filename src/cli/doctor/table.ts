// How `pnpm doctor` prints its rows: aligned, wrapped to the terminal, the fix beneath what it mends.
import type { Row, RowState } from './check.ts';

const MARKS: Readonly<Record<RowState, string>> = { good: '✔', broken: '✖', unused: '–' };
const COLOURS: Readonly<Record<RowState, string>> = { good: '32', broken: '31', unused: '90' };

export interface TableOptions {
  /** Characters per line. */
  readonly width: number;
  readonly colour: boolean;
}

export function formatTable(rows: readonly Row[], { width, colour }: TableOptions): string {
  const nameWidth = Math.max(0, ...rows.map(({ name }) => name.length));
  const indent = nameWidth + 4;
  const textWidth = Math.max(30, width - indent);
  const paint = (text: string, state: RowState) => (colour ? `\u001b[${COLOURS[state]}m${text}\u001b[0m` : text);
  const lines = rows.flatMap((row) => {
    const text = [...wrap(row.found, textWidth), ...(row.fix ? wrap(`→ ${row.fix}`, textWidth) : [])];
    return text.map((line, index) => {
      if (index > 0) return `${' '.repeat(indent)}${line}`;
      return `${paint(MARKS[row.state], row.state)} ${row.name.padEnd(nameWidth)}  ${line}`;
    });
  });
  return `${lines.join('\n')}\n`;
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line ? `${line} ${word}` : word;
  }
  return [...lines, line];
}

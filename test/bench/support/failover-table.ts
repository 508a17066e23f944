// The table of the benchmark: one line per row, padded, as Markdown.

export interface TableLine {
  readonly title: string;
  /** In the order of the columns. */
  readonly cells: readonly string[];
}

export function markdownTable(head: TableLine, lines: readonly TableLine[]): string {
  const rows = [head, ...lines].map(({ title, cells }) => [title, ...cells]);
  const widths = [head.title, ...head.cells].map((_, place) => Math.max(...rows.map((row) => row[place]?.length ?? 0)));
  const lineOf = (row: readonly string[]) =>
    `| ${row.map((cell, place) => cell.padEnd(widths[place] ?? 0)).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [lineOf(rows[0] ?? []), rule, ...rows.slice(1).map(lineOf)].join('\n');
}

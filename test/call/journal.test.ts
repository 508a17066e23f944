import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openJournal } from '../../src/call/journal.ts';

describe('openJournal', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'bulletproof-journal-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const now = () => new Date('2026-03-04T05:06:07.008Z');
  const entry = (name: string) => ({ type: 'message', callId: 'c', room: 'r', persona: 'sales', data: { name } });

  it('keeps entries as lines in a file a day, readable by their owner only', async () => {
    const journal = openJournal(join(directory, 'new'), now);
    await journal.record(entry('Ada\nLovelace'));
    await journal.record(entry('Grace'));
    const file = join(directory, 'new', '2026-03-04.jsonl');
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).data.name)).toEqual(['Ada\nLovelace', 'Grace']);
    expect(JSON.parse(lines[0] as string).timestamp).toBe('2026-03-04T05:06:07.008Z');
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('keeps whole lines when several write at once', async () => {
    const journals = [openJournal(directory, now), openJournal(directory, now)];
    await Promise.all(Array.from({ length: 50 }, (_, i) => journals[i % 2]?.record(entry(`n${i}`))));
    const names = readFileSync(join(directory, '2026-03-04.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).data.name);
    expect(names.sort()).toEqual(Array.from({ length: 50 }, (_, i) => `n${i}`).sort());
  });
});

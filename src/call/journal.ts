// What calls leave behind on this machine: messages taken, tool results, one JSON object a line.
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makePrivateFolder } from '../config/private-folder.ts';

export interface JournalEntry {
  readonly type: string;
  readonly callId: string;
  readonly room: string;
  readonly persona: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface Journal {
  /** Resolves once the entry is on disk. */
  record(entry: JournalEntry): Promise<void>;
}

/** One file per day (UTC) in `directory`. Each append is a whole line, so several call processes may share a file. */
export function openJournal(directory: string, now: () => Date = () => new Date()): Journal {
  return {
    async record(entry) {
      const timestamp = now().toISOString();
      await makePrivateFolder(directory);
      const line = `${JSON.stringify({ timestamp, ...entry })}\n`;
      await appendFile(join(directory, `${timestamp.slice(0, 10)}.jsonl`), line, { mode: 0o600, flush: true });
    },
  };
}

// What tools could not hand over during a call, kept on this machine until it is handed over: one file each, for this user alone.
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { makePrivateFolder } from '../config/private-folder.ts';

const entry = z.strictObject({
  tool: z.string(),
  personaId: z.string(),
  args: z.unknown(),
  callId: z.string(),
  room: z.string(),
  caller: z.strictObject({ identity: z.string(), phoneNumber: z.string().exactOptional() }),
  idempotencyKey: z.string().regex(/^[\w-]{1,64}$/),
  /** Milliseconds since 1970. */
  sinceMs: z.number(),
  attempts: z.number().int().min(0),
  /** Milliseconds since 1970. */
  nextMs: z.number(),
});
export type OutboxEntry = z.infer<typeof entry>;

export interface Outbox {
  /** Resolves once the entry is on disk; it replaces an entry with the same key. */
  put(entry: OutboxEntry): Promise<void>;
  /** All entries; skips files that hold none. */
  all(): Promise<OutboxEntry[]>;
  remove(idempotencyKey: string): Promise<void>;
}

export function openOutbox(directory: string): Outbox {
  const fileOf = (key: string) => join(directory, `${key}.json`);
  return {
    put: async (given) => {
      await makePrivateFolder(directory);
      const file = fileOf(given.idempotencyKey);
      const written = `${file}.${process.pid}`;
      await writeFile(written, JSON.stringify(given), { mode: 0o600, flush: true });
      await rename(written, file);
    },
    all: async () => {
      const names = await readdir(directory).catch(() => []);
      const read = names
        .filter((name) => name.endsWith('.json'))
        .map(async (name) => {
          try {
            return [entry.parse(JSON.parse(await readFile(join(directory, name), 'utf8')))];
          } catch {
            return [];
          }
        });
      return (await Promise.all(read)).flat();
    },
    remove: (key) => rm(fileOf(key), { force: true }),
  };
}

// Where recorded messages are kept on this machine: WAV files in the state directory, beside the journal.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Sound, writeWav } from '../audio/wav.ts';
import { makePrivateFolder } from '../config/private-folder.ts';

export interface MessageStore {
  /** Resolves with the file's path once it is on disk. */
  keep(callId: string, message: Sound): Promise<string>;
}

export function openMessageStore(directory: string, now: () => Date = () => new Date()): MessageStore {
  return {
    async keep(callId, { samples, sampleRateHz }) {
      await makePrivateFolder(directory);
      const time = now().toISOString().replaceAll(/[:.]/g, '-');
      const file = join(directory, `${time}-${callId.replaceAll(/[^\w-]/g, '_')}.wav`);
      await writeFile(file, writeWav(samples, sampleRateHz), { mode: 0o600, flush: true });
      return file;
    },
  };
}

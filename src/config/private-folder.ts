// Folders that hold what callers said: for this user alone.
import { chmod, mkdir, stat } from 'node:fs/promises';

const OWNER_ONLY = 0o700;

/** Makes the folder when it is missing, and closes an existing one to other users. */
export async function makePrivateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: OWNER_ONLY });
  if (((await stat(path)).mode & 0o077) !== 0) await chmod(path, OWNER_ONLY);
}

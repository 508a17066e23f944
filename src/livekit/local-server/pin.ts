// Which LiveKit server this repository is made for: tools/livekit-server/go.mod says it, and nothing else.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../config/user-error.ts';

export interface ServerPin {
  /** Such as "1.11.0". */
  readonly version: string;
  /** The least Go that can build it, such as "1.25.0". */
  readonly goVersion: string;
  /** Directory of the Go module. */
  readonly moduleDirectory: string;
}

export const serverPackage = 'github.com/livekit/livekit-server/cmd/server';

/** The least server on PATH that is used: older ones have no agent dispatch by token as the SDKs of this repository send it. */
export const MIN_SERVER_VERSION = '1.9.0';

/** @throws UserError when the module is not where it belongs or pins nothing */
export async function readPin(root: string): Promise<ServerPin> {
  const moduleDirectory = join(root, 'tools', 'livekit-server');
  const file = join(moduleDirectory, 'go.mod');
  const text = await readFile(file, 'utf8').catch(() => {
    throw new UserError(`${file} is missing`, 'restore it: git checkout tools/livekit-server');
  });
  const version = /github\.com\/livekit\/livekit-server v(\d+\.\d+\.\d+)/.exec(text)?.[1];
  const goVersion = /^go (\d+\.\d+(?:\.\d+)?)/m.exec(text)?.[1];
  if (!version || !goVersion) {
    throw new UserError(
      `${file} names no version of the LiveKit server`,
      'restore it: git checkout tools/livekit-server',
    );
  }
  return { version, goVersion, moduleDirectory };
}

/** Negative when `a` is older than `b`; a missing part counts as 0. */
export function compareVersions(a: string, b: string): number {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let part = 0; part < 3; part += 1) {
    const difference = (left[part] ?? 0) - (right[part] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

// Which LiveKit server this repository is made for: tools/livekit-server/go.mod says it, and digests.json beside it what may be
// downloaded as that version.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../config/user-error.ts';

export interface ServerPin {
  /** Such as "1.11.0". */
  readonly version: string;
  /** Oldest Go that can build it, such as "1.25.0". */
  readonly goVersion: string;
  /** Directory of the Go module. */
  readonly moduleDirectory: string;
  /** Digest of the official image, "sha256:…". */
  readonly imageDigest: string;
  /** SHA-256 in hex by archive name; an archive that is not listed is checked against the release's own checksums. */
  readonly archives: Readonly<Record<string, string>>;
}

const digests = z.strictObject({
  image: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  archives: z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/)),
});

export const serverPackage = 'github.com/livekit/livekit-server/cmd/server';

/** Oldest server on PATH that is used: older ones lack agent dispatch by token as this repository's SDKs send it. */
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
  const { image: imageDigest, archives } = await readDigests(join(moduleDirectory, 'digests.json'));
  return { version, goVersion, moduleDirectory, imageDigest, archives };
}

async function readDigests(file: string): Promise<z.infer<typeof digests>> {
  try {
    return digests.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    throw new UserError(`${file} holds no digests`, 'restore it: git checkout tools/livekit-server');
  }
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

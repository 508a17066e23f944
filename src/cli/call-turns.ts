// What a caller at the terminal is to say, made ready before the call: files read, texts spoken.

import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { joinSamples } from '../audio/join-samples.ts';
import { readWav } from '../audio/wav.ts';
import { UserError } from '../config/user-error.ts';
import type { TurnRequest } from './call-options.ts';

export type Turn =
  | { readonly kind: 'speech'; readonly label: string; readonly samples: Int16Array; readonly sampleRateHz: number }
  | { readonly kind: 'text'; readonly label: string; readonly text: string };

/** @throws UserError for a file that can't be read or is no WAV */
export async function loadTurns(requests: readonly TurnRequest[], signal: AbortSignal): Promise<Turn[]> {
  const turns: Turn[] = [];
  for (const request of requests) turns.push(await loadTurn(request, signal));
  return turns;
}

async function loadTurn(request: TurnRequest, signal: AbortSignal): Promise<Turn> {
  switch (request.kind) {
    case 'text':
      return { kind: 'text', label: `"${request.text}"`, text: request.text };
    case 'say':
      return { kind: 'speech', label: `"${request.text}"`, ...(await speak(request.text, signal)) };
    case 'wav':
      return { kind: 'speech', label: basename(request.path), ...(await readClip(request.path)) };
  }
}

async function readClip(path: string): Promise<{ samples: Int16Array; sampleRateHz: number }> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a directory' : code;
    throw new UserError(`cannot read ${path}: ${reason}`, 'give the path of a WAV file');
  }
  let clip: ReturnType<typeof readWav>;
  try {
    clip = readWav(bytes);
  } catch (error) {
    throw new UserError(
      `${path} is no WAV file that can be played: ${(error as Error).message}`,
      'give a WAV file with PCM samples',
    );
  }
  if (clip.samples.length === 0) throw new UserError(`${path} holds no sound`, 'give a WAV file with speech in it');
  return clip;
}

/** Loads the free voice only when it is needed, as most calls bring recordings. */
async function speak(text: string, signal: AbortSignal): Promise<{ samples: Int16Array; sampleRateHz: number }> {
  const { freeTts } = await import('../tts/providers/free-tts.ts');
  const client = freeTts.create({ env: {} });
  try {
    const [language, voice] = Object.entries(freeTts.traits.defaultVoices)[0] ?? ['en', ''];
    const session = client.open({ voice, language, signal });
    session.write(text);
    session.end();
    const parts: Int16Array[] = [];
    for await (const part of session.parts) if (part.type === 'audio') parts.push(part.samples);
    return { samples: joinSamples(parts), sampleRateHz: freeTts.traits.sampleRateHz };
  } finally {
    await client.close();
  }
}

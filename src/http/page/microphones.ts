// Which microphones there are, and the one that was chosen the last time.
import { recall, remember } from './memory.ts';

export interface Microphone {
  readonly id: string;
  readonly label: string;
}

/** Empty until the visitor has allowed a microphone once: before that, browsers give no names. */
export async function listMicrophones(): Promise<Microphone[]> {
  const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  return devices
    .filter(
      ({ kind, label, deviceId }) => kind === 'audioinput' && label !== '' && deviceId !== '' && deviceId !== 'default',
    )
    .map(({ deviceId, label }) => ({ id: deviceId, label }));
}

/** Asks for the microphone, only to learn the names. @throws what getUserMedia throws */
export async function allowMicrophone(): Promise<void> {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  for (const track of stream.getTracks()) track.stop();
}

export function rememberMicrophone(id: string): void {
  remember('microphone', id);
}

/** Device id; empty for the browser's default. */
export function rememberedMicrophone(): string {
  return recall('microphone') ?? '';
}

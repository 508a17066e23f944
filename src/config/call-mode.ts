// How a call is held: by three stages, or by one model that hears and speaks.

export const CALL_MODES = ['pipeline', 'speech-to-speech'] as const;

export type CallMode = (typeof CALL_MODES)[number];

export function isCallMode(text: string): text is CallMode {
  return (CALL_MODES as readonly string[]).includes(text);
}

// How a call is held: as room metadata says, then the caller's token attribute, then the persona; by three stages where none does.
import { CALL_MODES, type CallMode, isCallMode } from '../config/call-mode.ts';
import type { Persona } from '../config/persona.ts';
import { callerWish } from './caller-wish.ts';

export interface ModeChoice {
  readonly mode: CallMode;
  /** Text for the caller, when the wish can't be met. */
  readonly notice?: string;
}

const NO_PROVIDER =
  'Speech to speech needs a key of Gemini or OpenAI (see .env.example); this call is held by speech recognition, ' +
  'language model and voice.';

/** @param isAvailable whether any speech-to-speech provider is */
export function chooseMode(
  persona: Pick<Persona, 'mode'>,
  roomMetadata: string,
  attributes: Readonly<Record<string, string>>,
  isAvailable: boolean,
): ModeChoice {
  const wish = callerWish('mode', roomMetadata, attributes);
  const isKnown = wish === undefined || isCallMode(wish);
  const mode = wish !== undefined && isCallMode(wish) ? wish : (persona.mode ?? 'pipeline');
  if (mode === 'speech-to-speech' && !isAvailable) return { mode: 'pipeline', notice: NO_PROVIDER };
  return isKnown ? { mode } : { mode, notice: `“${wish}” is no mode of a call: ${CALL_MODES.join(' or ')}.` };
}

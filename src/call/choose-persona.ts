// Which persona answers a call: room metadata, then the caller's token attribute, then the default.
import type { Persona } from '../config/persona.ts';
import { callerWish } from './caller-wish.ts';

export interface PersonaChoice {
  readonly persona: Persona;
  /** The wished id, when no persona has it. */
  readonly unknown?: string;
}

/** @throws RangeError when `defaultId` is none of `personas` */
export function choosePersona(
  personas: ReadonlyMap<string, Persona>,
  defaultId: string,
  roomMetadata: string,
  attributes: Readonly<Record<string, string>>,
): PersonaChoice {
  const wish = callerWish('persona', roomMetadata, attributes);
  const wished = wish === undefined ? undefined : personas.get(wish);
  if (wished) return { persona: wished };
  const persona = personas.get(defaultId);
  if (!persona) throw new RangeError(`no persona "${defaultId}"`);
  return wish === undefined ? { persona } : { persona, unknown: wish };
}

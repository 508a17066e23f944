// Which persona answers a call: room metadata, then the caller's token attribute, then the default.
import type { Persona } from '../config/persona.ts';

export interface PersonaChoice {
  readonly persona: Persona;
  /** Names a wish that no persona fits. */
  readonly unknown?: string;
}

/** @throws RangeError when `defaultId` is none of `personas` */
export function choosePersona(
  personas: ReadonlyMap<string, Persona>,
  defaultId: string,
  roomMetadata: string,
  attributes: Readonly<Record<string, string>>,
): PersonaChoice {
  const wish = wishOf(roomMetadata) ?? attributes.persona;
  const wished = wish === undefined ? undefined : personas.get(wish);
  if (wished) return { persona: wished };
  const persona = personas.get(defaultId);
  if (!persona) throw new RangeError(`no persona "${defaultId}"`);
  return wish === undefined ? { persona } : { persona, unknown: wish };
}

/** Room metadata is the application's own text, so anything but an object with a persona says nothing. */
function wishOf(roomMetadata: string): string | undefined {
  try {
    const { persona } = JSON.parse(roomMetadata) as { persona?: unknown };
    return typeof persona === 'string' ? persona : undefined;
  } catch {
    return undefined;
  }
}

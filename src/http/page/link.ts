// Persona, language and mode in the page's address, so that a link opens the same; and the leave of an invitation.
import type { CallMode } from './api.ts';

export interface LinkChoice {
  readonly persona?: string;
  readonly language?: string;
  /** How the call is held; any other word in the address is ignored. */
  readonly mode?: CallMode;
}

export function readLink(search: string): LinkChoice {
  const query = new URLSearchParams(search);
  const persona = query.get('persona');
  const language = query.get('language');
  const mode = query.get('mode');
  const isMode = mode === 'pipeline' || mode === 'speech-to-speech';
  return { ...(persona && { persona }), ...(language && { language }), ...(isMode && { mode }) };
}

/** The leave of a signed link. It stands behind the "#", which browsers send to no server. */
export function readLeave(hash: string): string | undefined {
  return new URLSearchParams(hash.replace(/^#/, '')).get('leave') ?? undefined;
}

/** The query for a choice; keeps the other parameters. */
export function writeLink(search: string, { persona, language, mode }: LinkChoice): string {
  const query = new URLSearchParams(search);
  for (const [name, value] of Object.entries({ persona, language, mode })) {
    if (value) query.set(name, value);
    else query.delete(name);
  }
  const text = query.toString();
  return text ? `?${text}` : '';
}

// Persona and language in the page's address, so that a link opens the same.

export interface LinkChoice {
  readonly persona?: string;
  readonly language?: string;
}

export function readLink(search: string): LinkChoice {
  const query = new URLSearchParams(search);
  const persona = query.get('persona');
  const language = query.get('language');
  return { ...(persona && { persona }), ...(language && { language }) };
}

/** The query for a choice, keeping what else stands there. */
export function writeLink(search: string, { persona, language }: LinkChoice): string {
  const query = new URLSearchParams(search);
  for (const [name, value] of Object.entries({ persona, language })) {
    if (value) query.set(name, value);
    else query.delete(name);
  }
  const text = query.toString();
  return text ? `?${text}` : '';
}

// Whether a caller was shown to be a contact of the CRM: only then is anything of the contact told or added to.
import type { GivenContact } from './contact-fields.ts';
import { toE164 } from './contact-fields.ts';
import type { GhlContact } from './gohighlevel-client.ts';

/**
 * Shown by the number that the caller calls from, as the telephone network tells it, or by knowing the contact's name together
 * with its number or e-mail address.
 */
export function isShownToBe(
  contact: GhlContact,
  given: { readonly [field in keyof GivenContact]?: string | undefined },
  callerNumber: string | undefined,
): boolean {
  if (contact.phone && callerNumber && toE164(callerNumber) === toE164(contact.phone)) return true;
  const name = wordsOf([contact.firstName, contact.lastName].filter(Boolean).join(' '));
  const givenName = wordsOf(given.name ?? '');
  const knowsName = name.length > 0 && name.every((word) => givenName.includes(word));
  const knowsPhone = Boolean(contact.phone && given.phone && toE164(given.phone) === toE164(contact.phone));
  const knowsEmail = Boolean(contact.email && given.email?.trim().toLowerCase() === contact.email.toLowerCase());
  return knowsName && (knowsPhone || knowsEmail);
}

function wordsOf(name: string): string[] {
  return (
    name
      .normalize('NFKD')
      .replace(/\p{M}/gu, '')
      .toLowerCase()
      .match(/[\p{L}\d]+/gu) ?? []
  );
}

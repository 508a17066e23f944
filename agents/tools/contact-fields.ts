// Contacts as callers give them and as the CRM takes them.
import type { ContactFields, GhlContact } from './gohighlevel-client.ts';

export interface GivenContact {
  readonly name: string;
  readonly phone?: string | undefined;
  readonly email?: string | undefined;
  readonly company?: string | undefined;
}

/** "555 010 4477" → "+15550104477": ten digits count as a North American number, anything else is left to the CRM. */
export function toE164(phone: string): string {
  const digits = phone.replace(/\D/g, '');
  if (phone.trim().startsWith('+')) return `+${digits}`;
  if (digits.length === 10) return `+1${digits}`;
  return digits.length === 11 && digits.startsWith('1') ? `+${digits}` : digits;
}

export function toContactFields({ name, phone, email, company }: GivenContact): ContactFields {
  const [firstName = '', ...rest] = name.trim().split(/\s+/);
  const lastName = rest.join(' ');
  // Text without digits, such as "not given", is not a number.
  const hasDigits = phone !== undefined && /\d/.test(phone);
  return {
    firstName,
    ...(lastName && { lastName }),
    ...(hasDigits && { phone: toE164(phone) }),
    ...(email && { email }),
    ...(company && { companyName: company }),
  };
}

/** Only what a model needs of a contact: everything that it sees may be spoken. */
export function toShortContact(contact: GhlContact): Record<string, unknown> {
  const name = [contact.firstName, contact.lastName].filter(Boolean).join(' ');
  const { id, phone, email, companyName, tags } = contact;
  return {
    contactId: id,
    name,
    ...(phone && { phone }),
    ...(email && { email }),
    ...(companyName && { company: companyName }),
    ...(tags?.length && { tags }),
  };
}

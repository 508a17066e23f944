// Contacts as callers give them and as the CRM takes them.
import type { ContactFields, GhlContact } from './gohighlevel-client.ts';

export interface GivenContact {
  readonly name: string;
  readonly phone?: string | undefined;
  readonly email?: string | undefined;
  readonly company?: string | undefined;
}

/** "555 010 4477" → "+15550104477": ten digits are taken for North American, anything else is left to the CRM. */
export function toE164(phone: string): string {
  const digits = phone.replace(/\D/g, '');
  if (phone.trim().startsWith('+')) return `+${digits}`;
  if (digits.length === 10) return `+1${digits}`;
  return digits.length === 11 && digits.startsWith('1') ? `+${digits}` : digits;
}

export function toContactFields({ name, phone, email, company }: GivenContact): ContactFields {
  const [firstName = '', ...rest] = name.trim().split(/\s+/);
  const lastName = rest.join(' ');
  // "not given", or anything else that holds no digits, is no number.
  const hasDigits = phone !== undefined && /\d/.test(phone);
  return {
    firstName,
    ...(lastName && { lastName }),
    ...(hasDigits && { phone: toE164(phone) }),
    ...(email && { email }),
    ...(company && { companyName: company }),
  };
}

/** What a model needs of a contact, and no more: everything that it sees may be spoken. */
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

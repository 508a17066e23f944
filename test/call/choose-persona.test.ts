import { describe, expect, it } from 'vitest';
import { choosePersona } from '../../src/call/choose-persona.ts';
import type { Persona } from '../../src/config/persona.ts';

const personas = new Map(['sales', 'support'].map((id) => [id, { id } as Persona]));
const choose = (metadata: string, attributes: Record<string, string> = {}) => {
  const { persona, unknown } = choosePersona(personas, 'sales', metadata, attributes);
  return unknown === undefined ? persona.id : `${persona.id}, not ${unknown}`;
};

describe('choosePersona', () => {
  it('follows room metadata before the caller’s attribute', () => {
    expect(choose('{"persona":"support"}', { persona: 'sales' })).toBe('support');
  });

  it('follows the caller’s attribute where the room says nothing', () => {
    expect(choose('', { persona: 'support' })).toBe('support');
    expect(choose('{"other":1}', { persona: 'support' })).toBe('support');
  });

  it('takes metadata of another application for saying nothing', () => {
    for (const metadata of ['not json', '42', 'null', '{"persona":7}']) expect(choose(metadata)).toBe('sales');
  });

  it('answers with the default where the wish is unknown, and says so', () => {
    expect(choose('{"persona":"pirate"}')).toBe('sales, not pirate');
  });
});

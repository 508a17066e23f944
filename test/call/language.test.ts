import { describe, expect, it } from 'vitest';
import { chooseLanguage } from '../../src/call/language.ts';
import type { Links } from '../../src/chains/links.ts';

const links = (...languages: (readonly string[] | 'any')[]) =>
  Object.fromEntries(
    (['stt', 'llm', 'tts'] as const).map((stage, i) => [
      stage,
      [{ id: `${stage}-x`, traits: { languages: languages[i] } }],
    ]),
  ) as unknown as Links;

describe('chooseLanguage', () => {
  it('takes a wish that every stage serves', () => {
    expect(chooseLanguage('es-ES', links('any', 'any', ['en-US', 'es']))).toEqual({ language: 'es-ES' });
  });

  it('is English where there is no wish', () => {
    expect(chooseLanguage(undefined, links(['en-US'], ['en-US'], ['en-US']))).toEqual({ language: 'en-US' });
  });

  it('is English with a clear notice where a stage can not serve the wish', () => {
    const choice = chooseLanguage('fr', links(['en-US'], 'any', ['en-US']));
    expect(choice.language).toBe('en-US');
    expect(choice.notice).toMatch(/^French is not spoken by stt-x, tts-x; this call is held in English/);
  });

  it.each(['', 'x', 'english please', '--', 'en_US', '\u0000', 'e'.repeat(10_000), '🙂', '../../etc'])(
    'is English with a clear notice where the wish is no language: %j',
    (wish) => {
      const choice = chooseLanguage(wish, links('any', 'any', 'any'));
      expect(choice.language).toBe('en-US');
      expect(choice.notice).toContain('is no language tag');
      expect(choice.notice?.length).toBeLessThan(150);
    },
  );

  it('takes a wish as it should have been written', () => {
    expect(chooseLanguage('es-es', links('any', 'any', 'any'))).toEqual({ language: 'es-ES' });
  });
});

// What the caller's words mean as the answer to a question of the script, and how it is read back.
import type { ScriptQuestion } from '../../../config/persona.ts';
import { commandIn, isBareYesOrNo, yesOrNo } from './commands.ts';
import { bestPhrase } from './intents.ts';
import { nameIn, spell } from './names.ts';
import { digitsIn, speakDigits } from './numbers.ts';
import { asSentence, wordsOf } from './text.ts';

export interface Answer {
  readonly value: string;
  /** The caller spelt it, so it is spelt back. */
  readonly spelt?: boolean;
}

export type Understood =
  | { readonly kind: 'answer'; readonly answer: Answer }
  /** Digits that are only the beginning of a number. */
  | { readonly kind: 'part'; readonly digits: string }
  | { readonly kind: 'nothing' };

/** What a tool receives for a question that the caller declined to answer, or whose answer was not understood. */
export const NOT_GIVEN = 'not given';
const NOTHING = { kind: 'nothing' } as const;
const DIGITS_AT_MOST = 15;
const READ_BACK_WORDS = 40;

/** @param earlier the digits of a number that were said before, where only a part was heard */
export function understand(question: ScriptQuestion, text: string, earlier = ''): Understood {
  switch (question.expect.kind) {
    case 'digits':
      return understandDigits(digitsIn(text), earlier, question.expect.minDigits ?? 1, question.expect.maxDigits);
    case 'spelling': {
      const heard = nameIn(text);
      return heard ? { kind: 'answer', answer: { value: heard.name, spelt: heard.spelt } } : NOTHING;
    }
    case 'yes-no':
      return answer(yesOrNo(text) ?? '');
    case 'phrases':
      return answer(bestPhrase(question.expect.phrases, text).phrase);
    case 'open':
      return isBareYesOrNo(text) || (commandIn(text) !== undefined && !isDictation(text))
        ? NOTHING
        : answer(tidy(text));
  }
}

function answer(value: string): Understood {
  return value === '' ? NOTHING : { kind: 'answer', answer: { value } };
}

function understandDigits(digits: string, earlier: string, min: number, max = DIGITS_AT_MOST): Understood {
  if (digits === '') return NOTHING;
  // The caller said the whole number again, or only the missing digits.
  const all = digits.length >= min ? digits : earlier + digits;
  if (all.length > max) return NOTHING;
  return all.length < min ? { kind: 'part', digits: all } : answer(all);
}

/** The answer that is kept when three attempts did not lead to one. */
export function asHeard(question: ScriptQuestion, text: string, earlier = ''): Answer {
  const understood = understand(question, text, earlier);
  if (understood.kind === 'answer') return understood.answer;
  if (question.expect.kind === 'digits') return { value: earlier + digitsIn(text) || NOT_GIVEN };
  if (question.expect.kind === 'phrases' || question.expect.kind === 'yes-no') return { value: NOT_GIVEN };
  return { value: tidy(text) || NOT_GIVEN };
}

/** Repeats what was understood, as a statement: "I have 5 5 5, 0 1 4 2." */
export function readBack(question: ScriptQuestion, { value, spelt }: Answer): string {
  switch (question.expect.kind) {
    case 'digits':
      return `I have ${/^\d+$/.test(value) ? speakDigits(value) : value}.`;
    case 'spelling':
      return spelt ? `I have ${value}, spelled ${spell(value)}.` : `I have ${value}.`;
    case 'open': {
      const words = value.split(' ');
      const shown = words.length > READ_BACK_WORDS ? `${words.slice(0, READ_BACK_WORDS).join(' ')}, and so on` : value;
      return `I understood: ${asSentence(shown)}`;
    }
    default:
      return `I have ${value}.`;
  }
}

/** Whether the text is long enough to be an answer, even if it contains words of a command such as "speak to someone". */
export function isDictation(text: string): boolean {
  return wordsOf(text).length > 7;
}

/** Removes lead-in words such as "um" or "yes" from dictated text. */
function tidy(text: string): string {
  const trimmed = text.trim().replace(/\s+/g, ' ');
  const bare = trimmed.replace(/^(?:(?:uh|um|er|erm|well|so|yes|yeah|okay|ok|sure|it's|it is)\b[\s,.]*)+/i, '');
  return wordsOf(bare).length > 0 ? bare : trimmed;
}

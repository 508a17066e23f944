// Filling in a form: asking, reading back, asking again after a "no", and what is said when the tool has run.
import type { ScriptQuestion } from '../../../config/persona.ts';
import { type Answer, asHeard, NOT_GIVEN, readBack, understand } from './answers.ts';
import { afterNo, yesOrNo } from './commands.ts';
import { digitsIn } from './numbers.ts';
import { type Form, questionOf, type Reply, type Step } from './state.ts';
import { asSentence, wordsOf } from './text.ts';

const LAST_ATTEMPT = 3;
const THANKS = ['Thank you.', 'Great.', 'Got it.'];
/** Said before a tool call, to cover the time that the tool takes. */
export const WAITING = 'One moment, please.';
export const ANYTHING_ELSE = 'Is there anything else I can help you with?';

export function startForm(action: Form['action'], before = ''): Reply {
  return ask({ action, index: 0, attempt: 1, answers: {} }, before);
}

/** Asks the open question, or requests the tool call when no question is left. */
function ask(form: Form, before = ''): Reply {
  const question = questionOf(form);
  if (!question) return { step: { kind: 'call', form }, text: join(before, WAITING) };
  const text = form.attempt >= LAST_ATTEMPT ? slowly(question) : question.question;
  return { step: { kind: 'ask', form }, text: join(before, text), core: text };
}

function slowly(question: ScriptQuestion): string {
  switch (question.expect.kind) {
    case 'digits':
      return `Let's take it slowly. Please say ${question.label} digit by digit.`;
    case 'spelling':
      return `Let's take it slowly. Please spell ${question.label}, letter by letter.`;
    case 'phrases':
      return `${question.question} You can say ${listed(question.expect.phrases)}.`;
    default:
      return `${question.question} A few words are enough.`;
  }
}

function listed(phrases: readonly string[]): string {
  return phrases.length < 2 ? phrases.join() : `${phrases.slice(0, -1).join(', ')} or ${phrases.at(-1)}`;
}

/** Asks the open question of this step again, for example after the caller asked something else. */
export function askAgain(step: Step, before: string): Reply | undefined {
  if (step.kind === 'ask') return ask(step.form, before);
  if (step.kind === 'confirm') return confirm(step.form, step.answer, before);
  if (step.kind === 'offer') return { step, text: join(before, step.action.offer), core: step.action.offer };
  return undefined;
}

/** The reply to the caller's answer to a question. */
export function answered(form: Form, text: string): Reply {
  const question = questionOf(form);
  if (!question) return ask(form);
  const understood = understand(question, text, form.part);
  if (understood.kind === 'answer') {
    return form.attempt >= LAST_ATTEMPT ? accept(form, question, understood.answer) : confirm(form, understood.answer);
  }
  if (form.attempt >= LAST_ATTEMPT) return accept(form, question, asHeard(question, text, form.part));
  if (understood.kind === 'part') {
    const part = readBack(question, { value: understood.digits }).slice(0, -1);
    return {
      step: { kind: 'ask', form: { ...form, part: understood.digits } },
      text: `${part} so far. What comes next?`,
    };
  }
  return ask({ ...form, attempt: form.attempt + 1, part: undefined }, `Sorry, I didn't get ${question.label}.`);
}

function confirm(form: Form, answer: Answer, before = ''): Reply {
  const question = questionOf(form);
  if (!question) return ask(form, before);
  // A yes or a no is either understood or not: there is nothing to read back.
  if (question.expect.kind === 'yes-no') return next(form, answer, before);
  const text = `${readBack(question, answer)} Is that right?`;
  return { step: { kind: 'confirm', form, answer }, text: join(before, text), core: text };
}

/**
 * The reply to what the caller said after the read-back.
 * @param cut the read-back was interrupted, so these words may be the rest of the answer
 */
export function confirmed(form: Form, answer: Answer, text: string, cut: boolean): Reply {
  const question = questionOf(form);
  if (!question) return ask(form);
  const said = yesOrNo(text);
  const correction = afterNo(text);
  const corrected = understand(question, correction);
  const isNew =
    corrected.kind === 'answer' &&
    corrected.answer.value !== answer.value &&
    (question.expect.kind !== 'open' || wordsOf(correction).length > 2);
  if (said === 'yes' && !(isNew && question.expect.kind === 'digits')) return next(form, answer);
  if (said === 'no' && (!isNew || correction === text)) return again(form);
  const rest = said === undefined ? restOf(question, answer, text, cut) : undefined;
  if (rest) return confirm(form, rest);
  if (corrected.kind === 'answer' && corrected.answer.value === answer.value) return next(form, answer);
  if (!isNew || (said === undefined && question.expect.kind === 'open')) {
    return confirm(form, answer, 'Sorry, please say yes or no.');
  }
  const retried = { ...form, attempt: form.attempt + 1 };
  return retried.attempt >= LAST_ATTEMPT
    ? accept(retried, question, corrected.answer)
    : confirm(retried, corrected.answer);
}

/** The whole answer, if the caller gave its second part during the read-back or after it. */
function restOf(question: ScriptQuestion, answer: Answer, text: string, cut: boolean): Answer | undefined {
  if (question.expect.kind === 'digits') {
    const { minDigits = 1, maxDigits = 15 } = question.expect;
    const digits = digitsIn(text);
    const value = answer.value + digits;
    const isRest = digits.length > 0 && digits.length < (cut ? answer.value.length : minDigits);
    return isRest && !digits.startsWith(answer.value) && value.length <= maxDigits ? { value } : undefined;
  }
  const more = cut ? understand(question, text) : undefined;
  if (more?.kind !== 'answer' || question.expect.kind === 'phrases') return undefined;
  return more.answer.spelt ? more.answer : { value: `${answer.value} ${more.answer.value}` };
}

function again(form: Form): Reply {
  const retried = { ...form, attempt: form.attempt + 1, part: undefined };
  return ask(retried, retried.attempt >= LAST_ATTEMPT ? 'Sorry about that.' : 'Sorry, let me ask again.');
}

/** Takes the answer without another confirmation, and tells the caller so. */
function accept(form: Form, question: ScriptQuestion, answer: Answer): Reply {
  if (answer.value === NOT_GIVEN) return next(form, answer, `All right, I'll leave out ${question.label}.`);
  return next(form, answer, `Thank you. ${readBack(question, answer)} I'll pass it on as I heard it.`);
}

function next(form: Form, { value }: Answer, before = THANKS[form.index % THANKS.length] ?? ''): Reply {
  const question = questionOf(form);
  const answers = question ? { ...form.answers, [question.id]: value } : form.answers;
  return ask({ action: form.action, index: form.index + 1, attempt: 1, answers }, before);
}

/** The reply when the caller does not want to answer this question. */
export function skipped(form: Form): Reply {
  return next(form, { value: NOT_GIVEN }, "That's fine.");
}

/** The reply when the tool has run or failed: it says only what is true of the result. */
export function report(form: Form, failed: boolean, output: string): Reply {
  const idle: Step = { kind: 'idle', more: true };
  if (failed) return { step: idle, text: join(form.action.failed, ANYTHING_ELSE) };
  const result = asRecord(output);
  const special = form.action.doneWhen?.find(({ result: fields }) =>
    Object.entries(fields).every(([name, value]) => result[name] === value),
  );
  const text = fillIn(special?.say ?? form.action.done, { ...form.answers, ...result });
  return { step: idle, text: join(text, ANYTHING_ELSE) };
}

function fillIn(template: string, fields: Readonly<Record<string, unknown>>): string {
  const sentences = template.match(/[^.!?]+[.!?]*\s*/g) ?? [template];
  const filled = sentences.map((sentence) => {
    let complete = true;
    const text = sentence.replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = fields[name];
      if (typeof value === 'string' || typeof value === 'number') return String(value);
      complete = false;
      return '';
    });
    return complete ? text : '';
  });
  return asSentence(filled.join('')) || "That's done.";
}

function asRecord(output: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(output);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

export function join(...texts: readonly string[]): string {
  return texts.filter((text) => text !== '').join(' ');
}

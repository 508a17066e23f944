// Where a scripted conversation stands, and what one reply of it consists of.
import type { SpeechExpectation } from '../../../config/expectation.ts';
import type { AssistantScript, ScriptAction, ScriptQuestion } from '../../../config/persona.ts';
import type { Answer } from './answers.ts';

/** A form that is being filled in: an action, what was answered, and the question that is open. */
export interface Form {
  readonly action: ScriptAction;
  readonly index: number;
  /** 1 at first; the answer to the third attempt is taken as it is heard. */
  readonly attempt: number;
  readonly answers: Readonly<Record<string, string>>;
  /** Digits of a number that were heard before the rest. */
  readonly part?: string | undefined;
}

export type Step =
  /** `more`: the caller was asked whether there is anything else. */
  | { readonly kind: 'idle'; readonly more: boolean }
  | { readonly kind: 'offer'; readonly action: ScriptAction }
  | { readonly kind: 'ask'; readonly form: Form }
  | { readonly kind: 'confirm'; readonly form: Form; readonly answer: Answer }
  /** All questions are answered; the tool must be called. */
  | { readonly kind: 'call'; readonly form: Form }
  /** The tool was called and its result has not come yet. */
  | { readonly kind: 'running'; readonly form: Form; readonly callId: string }
  /** The result came and the caller was not told yet. */
  | { readonly kind: 'report'; readonly form: Form; readonly failed: boolean; readonly output: string };

export interface Reply {
  /** Where the conversation stands once this is said. */
  readonly step: Step;
  readonly text: string;
  /** The part of `text` that "say that again" repeats, if not all of it. */
  readonly core?: string;
}

export const IDLE: Step = { kind: 'idle', more: false };

export function questionOf(form: Form): ScriptQuestion | undefined {
  return form.action.questions[form.index];
}

/** What the agent expects to hear at a step; open only where the caller may say anything. */
export function expectationAt(step: Step, script: AssistantScript): SpeechExpectation {
  switch (step.kind) {
    case 'offer':
    case 'confirm':
      return { kind: 'yes-no' };
    case 'ask':
      return questionOf(step.form)?.expect ?? { kind: 'open' };
    default:
      return {
        kind: 'phrases',
        phrases: [...script.facts, ...script.actions].flatMap((intent) => intent.when),
      };
  }
}

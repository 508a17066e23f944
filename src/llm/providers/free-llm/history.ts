// Where a conversation stands, derived from its messages alone: they may be cut, doubled or from another model.
import type { AssistantScript } from '../../../config/persona.ts';
import type { LlmMessage } from '../../contract.ts';
import { report, WAITING } from './form.ts';
import { bestPhrase } from './intents.ts';
import { type Form, IDLE, type Reply, type Step } from './state.ts';
import { type Situation, takeTurn } from './take-turn.ts';
import { contentWords, wordsOf } from './text.ts';

export interface Outlook {
  readonly situation: Situation;
  /** What the caller said since the agent last spoke: several messages in a row are one turn. */
  readonly heard: string;
  /** Counts the caller's turns, so that the tool calls of two turns have different ids. */
  readonly turn: number;
  /** The rest of a reply that was begun and that the caller did not interrupt. */
  readonly remainder?: Reply;
}

/** Replays the conversation: recognises our own replies, even if cut short, and looks for a question in another model's replies. */
export function replay(messages: readonly LlmMessage[], script: AssistantScript): Outlook {
  const walk = new Walk(script);
  for (const message of messages) walk.take(message);
  return walk.outlook();
}

class Walk {
  readonly #script: AssistantScript;
  #step: Step = IDLE;
  #said = '';
  #cut = false;
  #heard = '';
  #turn = 0;
  /** The reply that we gave or would give to what the caller said last; `#spoken` is the part of it that was said so far. */
  #expected: Reply | undefined;
  #spoken = '';
  readonly #calls = new Map<string, Form>();
  /** What we said while the tool ran; its message may stand before or after the call and its result. */
  #filler = '';

  constructor(script: AssistantScript) {
    this.#script = script;
  }

  take(message: LlmMessage): void {
    switch (message.role) {
      case 'user':
        if (message.text.trim() === '') return;
        if (this.#heard === '') this.#turn++;
        this.#heard = `${this.#heard} ${message.text}`.trim();
        return;
      case 'assistant':
        if (message.text.trim() !== '') this.#assistant(message.text, message.interrupted === true);
        return;
      case 'tool-call':
        this.#answerHeard();
        this.#toolCall(message.call.id, message.call.name);
        return;
      case 'tool-result':
        this.#toolResult(message.callId, message.isError, message.output);
        return;
    }
  }

  outlook(): Outlook {
    const situation: Situation = { script: this.#script, step: this.#step, said: this.#said, cut: this.#cut };
    const base = { situation, heard: this.#heard, turn: this.#turn };
    const left =
      this.#expected && this.#heard === '' && !this.#cut ? remainderOf(this.#expected, this.#spoken) : undefined;
    return left ? { ...base, remainder: left } : base;
  }

  /** The next message answers what the caller said: computes our own reply, to compare the message with it. */
  #answerHeard(): void {
    if (this.#step.kind === 'report') {
      this.#expected = report(this.#step.form, this.#step.failed, this.#step.output);
    } else if (this.#heard !== '') {
      this.#expected = takeTurn(
        { script: this.#script, step: this.#step, said: this.#said, cut: this.#cut },
        this.#heard,
      );
    } else return;
    this.#heard = '';
    this.#spoken = '';
  }

  #assistant(text: string, interrupted: boolean): void {
    if ((this.#step.kind === 'running' || this.#step.kind === 'report') && isBeginningOf(text, this.#filler)) return;
    this.#answerHeard();
    const spoken = `${this.#spoken} ${text}`.trim();
    if (this.#expected && isBeginningOf(spoken, this.#expected.text)) {
      this.#step = this.#expected.step;
      this.#said = this.#expected.core ?? this.#expected.text;
      this.#spoken = spoken;
    } else {
      this.#step = stepFromForeign(text, this.#step, this.#script);
      this.#said = text;
      this.#expected = undefined;
      this.#spoken = '';
    }
    this.#cut = interrupted;
  }

  #toolCall(callId: string, name: string): void {
    const wanted = this.#expected?.step.kind === 'call' ? this.#expected.step : this.#step;
    const ours = wanted.kind === 'call' && wanted.form.action.tool === name ? wanted.form : undefined;
    const action = ours?.action ?? this.#script.actions.find((candidate) => candidate.tool === name);
    if (!action) return;
    const form = ours ?? { action, index: action.questions.length, attempt: 1, answers: {} };
    this.#calls.set(callId, form);
    this.#filler = ours ? (this.#expected?.text ?? WAITING) : '';
    this.#step = { kind: 'running', form, callId };
  }

  #toolResult(callId: string, failed: boolean, output: string): void {
    const form = this.#calls.get(callId);
    if (!form) return;
    this.#expected = undefined;
    this.#step = { kind: 'report', form, failed, output };
  }
}

/** Whether `text` is the reply or its beginning, compared by words. */
function isBeginningOf(text: string, reply: string): boolean {
  const [said, whole] = [wordsOf(text), wordsOf(reply)];
  return said.length <= whole.length && said.every((word, index) => word === whole[index]);
}

function remainderOf(reply: Reply, spoken: string): Reply | undefined {
  const count = wordsOf(spoken).length;
  if (count === 0 || count >= wordsOf(reply.text).length) return undefined;
  // Counts along the written text, where a piece between blanks may hold several words, as "555-0142" does.
  const pieces = reply.text.match(/\S+\s*/g) ?? [];
  let passed = 0;
  const from = pieces.findIndex((piece) => {
    const begins = passed >= count;
    passed += wordsOf(piece).length;
    return begins;
  });
  return from === -1 ? undefined : { ...reply, text: pieces.slice(from).join('') };
}

/** The step after another model spoke: if it asked a question of the script, the caller's next words answer that question. */
function stepFromForeign(text: string, before: Step, script: AssistantScript): Step {
  const asked = text.match(/[^.!?]*\?/g)?.at(-1);
  if (asked === undefined) return before.kind === 'idle' || before.kind === 'offer' ? IDLE : settle(before);
  const known = 'form' in before ? [before.form.action, ...script.actions] : script.actions;
  for (const action of known) {
    const index = action.questions.findIndex((question) => asksFor(asked, question.question, question.label));
    if (index === -1) continue;
    const answers = 'form' in before && before.form.action.id === action.id ? before.form.answers : {};
    return { kind: 'ask', form: { action, index, attempt: 1, answers } };
  }
  return /\banything else\b/i.test(asked) ? { kind: 'idle', more: true } : settle(before);
}

function settle(step: Step): Step {
  return step.kind === 'running' || step.kind === 'call' ? step : IDLE;
}

function asksFor(asked: string, question: string, label: string): boolean {
  const words = wordsOf(asked);
  const same = wordsOf(question).filter((word) => words.includes(word)).length >= wordsOf(question).length * 0.8;
  return same || (words.length <= 14 && bestPhrase([contentWords(wordsOf(label)).join(' ')], asked).score > 0);
}

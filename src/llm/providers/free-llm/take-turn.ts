// One turn of a scripted conversation: from where it stands and what the caller said to the reply. Pure.
import type { AssistantScript, ScriptAction } from '../../../config/persona.ts';
import { isDictation, understand } from './answers.ts';
import { afterNo, type Command, commandIn, isBareYesOrNo, yesOrNo } from './commands.ts';
import { ANYTHING_ELSE, answered, askAgain, confirmed, join, skipped, startForm, WAITING } from './form.ts';
import { type Intent, intentOf } from './intents.ts';
import { IDLE, questionOf, type Reply, type Step } from './state.ts';
import { soundsLikeQuestion, wordsOf } from './text.ts';

export interface Situation {
  readonly script: AssistantScript;
  readonly step: Step;
  /** What the agent said last, for "say that again". */
  readonly said: string;
  /** The caller interrupted what the agent said last. */
  readonly cut: boolean;
}

const HOW_CAN_I_HELP = 'How can I help you?';

export function takeTurn(situation: Situation, text: string): Reply {
  const { script, step, cut } = situation;
  if (wordsOf(text).length === 0) return nothingHeard(situation);
  const command = commandIn(text);
  if (command !== undefined && !isAnswer(step, text, command)) {
    const reply = obey(situation, command);
    if (reply) return reply;
  }
  const aside = asideOf(situation, text);
  if (aside) return aside;
  switch (step.kind) {
    case 'ask':
      return isRefusal(step, text) ? skipped(step.form) : answered(step.form, text);
    case 'confirm':
      return confirmed(step.form, step.answer, text, cut);
    case 'call':
      return { step, text: WAITING };
    case 'running':
      return { step, text: "I'm still working on it. One moment, please." };
    default:
      return openTurn(script, step, text);
  }
}

function nothingHeard({ step }: Situation): Reply {
  return askAgain(step, '') ?? { step, text: step.kind === 'call' ? WAITING : HOW_CAN_I_HELP };
}

/** Whether a text that looks like a command answers the open question, as "okay, thanks" answers a yes-or-no question. */
function isAnswer(step: Step, text: string, command: Command): boolean {
  if (command === 'repeat' || command === 'cancel' || command === 'human') return false;
  if (step.kind === 'confirm' || step.kind === 'offer') return yesOrNo(text) !== undefined;
  if (step.kind !== 'ask') return false;
  const kind = questionOf(step.form)?.expect.kind;
  if (kind === 'open') return isDictation(text);
  const question = questionOf(step.form);
  return (
    (command === 'hello' || command === 'thanks') &&
    question !== undefined &&
    understand(question, text).kind === 'answer' &&
    kind !== 'spelling'
  );
}

/** Whether the caller declines to answer: "No, thank you" to "What number can we reach you at?". A name is asked for again. */
function isRefusal(step: Extract<Step, { kind: 'ask' }>, text: string): boolean {
  const kind = questionOf(step.form)?.expect.kind;
  return (kind === 'digits' || kind === 'phrases') && isBareYesOrNo(text) && yesOrNo(text) === 'no';
}

function obey({ script, step, said }: Situation, command: Command): Reply | undefined {
  const inForm = step.kind === 'ask' || step.kind === 'confirm' || step.kind === 'call';
  switch (command) {
    case 'repeat':
      return said === '' ? nothing(step, HOW_CAN_I_HELP) : { step, text: join('Of course.', said), core: said };
    case 'wait':
      return { step, text: 'Of course, take your time.', core: said };
    case 'cancel':
      return nothing(
        IDLE,
        inForm ? "All right, I've dropped that. What else can I do for you?" : `No problem. ${HOW_CAN_I_HELP}`,
      );
    case 'skip':
      return step.kind === 'ask' ? skipped(step.form) : undefined;
    case 'human':
      return inForm
        ? askAgain(step, "I'll make sure that a person gets this.")
        : startForm(fallbackOf(script), script.human);
    case 'help':
      return inForm ? askAgain(step, script.help) : nothing(IDLE, script.help);
    case 'thanks':
      return inForm
        ? askAgain(step, "You're welcome.")
        : nothing({ kind: 'idle', more: true }, `You're welcome. ${ANYTHING_ELSE}`);
    case 'hello':
      return inForm ? askAgain(step, "I'm here.") : nothing(IDLE, `Hello! ${HOW_CAN_I_HELP}`);
    case 'goodbye':
      return nothing(IDLE, inForm ? join("All right, I've dropped that.", script.goodbye) : script.goodbye);
  }
}

function nothing(step: Step, text: string): Reply {
  return { step, text };
}

export function fallbackOf(script: AssistantScript): ScriptAction {
  const action = script.actions.find((candidate) => candidate.id === script.fallbackAction);
  // definePersona has checked it.
  if (!action) throw new RangeError(`script.fallbackAction "${script.fallbackAction}" is none of its actions`);
  return action;
}

/** Another request in the middle of a form: a fact is answered and the form goes on; another action replaces the form. */
function asideOf({ script, step }: Situation, text: string): Reply | undefined {
  if (step.kind !== 'ask' && step.kind !== 'confirm') return undefined;
  if (isBareYesOrNo(text) || !mayBeAside(step, text)) return undefined;
  const intent = intentOf(script, text);
  if (intent?.kind === 'fact') return askAgain(step, intent.fact.answer);
  if (intent?.kind === 'action' && intent.action.id !== step.form.action.id) return startForm(intent.action, 'Sure.');
  return undefined;
}

function mayBeAside(step: Extract<Step, { kind: 'ask' | 'confirm' }>, text: string): boolean {
  const question = questionOf(step.form);
  if (!question) return false;
  const words = wordsOf(text).length;
  switch (question.expect.kind) {
    // Any words may answer an open question, so only a plain short question counts as another request.
    case 'open':
      return soundsLikeQuestion(text) && words <= 10;
    case 'spelling':
      return soundsLikeQuestion(text) || words > 4;
    default:
      return understand(question, afterNo(text)).kind !== 'answer';
  }
}

function openTurn(script: AssistantScript, step: Step, text: string): Reply {
  const intent = intentOf(script, text);
  if (intent) return serve(intent);
  const said = yesOrNo(text);
  const bare = isBareYesOrNo(text);
  if (step.kind === 'offer' && said === 'yes') return startForm(step.action, 'Of course.');
  if (step.kind === 'offer' && said === 'no') return nothing(IDLE, `All right. ${HOW_CAN_I_HELP}`);
  if (step.kind === 'offer') return nothing(step, join(script.notUnderstood, script.help, step.action.offer));
  if (step.kind === 'idle' && step.more && bare && said === 'no') return nothing(IDLE, script.goodbye);
  if (bare && said === 'yes') return nothing(IDLE, 'What can I do for you?');
  if (bare && said === 'no') return nothing(IDLE, `All right. ${HOW_CAN_I_HELP}`);
  const action = fallbackOf(script);
  return { step: { kind: 'offer', action }, text: join(script.notUnderstood, action.offer) };
}

function serve(intent: Intent): Reply {
  if (intent.kind === 'action') return startForm(intent.action, 'Of course.');
  return nothing({ kind: 'idle', more: true }, join(intent.fact.answer, ANYTHING_ELSE));
}

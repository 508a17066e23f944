// Who talks: a persona's instructions, greeting, tools and the script that serves when no model can be reached.
import { CALL_MODES, type CallMode, isCallMode } from './call-mode.ts';
import type { SpeechExpectation } from './expectation.ts';
import type { AnyTool } from './tool.ts';

/** A question of the scripted assistant to the caller, and how it listens to the answer. */
export interface ScriptQuestion {
  /** Name of the answer in the arguments of the tool that receives it. */
  readonly id: string;
  /** Spoken word for word. */
  readonly question: string;
  /** Also says how to treat the answer: digits are read back in groups, a name may be spelt, `open` is kept as heard. */
  readonly expect: SpeechExpectation;
  /** Name of the answer for when it was not understood: "I didn't get your number". */
  readonly label: string;
}

/** A request of the caller that a tool carries out. */
export interface ScriptAction {
  readonly id: string;
  /** Key phrases that ask for it; their words may come in any order within an utterance. */
  readonly when: readonly string[];
  /** Offers it, as a yes-or-no question: "Shall I take a message for a colleague?" */
  readonly offer: string;
  /** Asked one by one, each repeated for confirmation, before the tool is called. */
  readonly questions: readonly ScriptQuestion[];
  /** The persona's tool that receives the answers by their ids. */
  readonly tool: string;
  /** Arguments that are the same in every call. */
  readonly arguments?: Readonly<Record<string, string | number | boolean>>;
  /**
   * Said when the tool succeeded: what happens next. `{field}` stands for a field of the tool's result or an answer; a
   * sentence whose field is absent is left out.
   */
  readonly done: string;
  /** Said instead of `done` when the tool's result has all of the given fields; the first entry that fits is used. */
  readonly doneWhen?: readonly { readonly result: Readonly<Record<string, unknown>>; readonly say: string }[];
  /** Said when the tool failed. */
  readonly failed: string;
}

/** A fact that the scripted assistant can tell. */
export interface ScriptFact {
  /** Key phrases that ask for it; their words may come in any order within an utterance. */
  readonly when: readonly string[];
  readonly answer: string;
}

/** What the scripted assistant (free-llm) works from. */
export interface AssistantScript {
  /** Answers that it can give by itself. */
  readonly facts: readonly ScriptFact[];
  readonly actions: readonly ScriptAction[];
  /** The action that is offered when nothing else fits: taking a message. */
  readonly fallbackAction: string;
  /** Says what the assistant can help with. */
  readonly help: string;
  /** Said when nothing fits, before the fallback is offered. */
  readonly notUnderstood: string;
  /** Said when the caller asks for a person, before the fallback begins. */
  readonly human: string;
  readonly goodbye: string;
}

/** Sentences for when no provider can serve: there is a problem, leave a message, thanks for it, no message possible. */
export type RecordedName = 'waiting' | 'message' | 'thanks' | 'goodbye';

export interface RecordedSentence {
  /** What the file says, word for word. */
  readonly text: string;
  /** A WAV file; `message` ends with the tone after which the caller speaks. */
  readonly file: URL;
}

export interface Persona {
  /** Kebab case; chosen by room metadata or token attribute `persona`. */
  readonly id: string;
  /** Shown on the talk page. */
  readonly title: string;
  readonly description: string;
  /** BCP 47 tags, the first is the default. */
  readonly languages: readonly string[];
  readonly instructions: string;
  /** Spoken when the caller joins. */
  readonly greeting: string;
  readonly tools: readonly AnyTool[];
  readonly script: AssistantScript;
  /** Mode of its calls when room and token don't name one; 'pipeline' where absent. */
  readonly mode?: CallMode;
  /** Modes in which anybody may call it on a talk page that others reach; where absent, only with the operator's token. */
  readonly publicModes?: readonly CallMode[];
  /** Words that a recogniser should know: names of products, of the company. */
  readonly keyPhrases?: readonly string[];
  /** Recorded sentences by language (`es`, `es-MX`), instead of the English ones, for when every provider of a stage failed. */
  readonly recordings?: Readonly<Record<string, Readonly<Partial<Record<RecordedName, RecordedSentence>>>>>;
}

/** @throws RangeError naming the persona and what is missing */
export function definePersona(persona: Persona): Persona {
  const fail = (what: string): never => {
    throw new RangeError(`persona "${persona.id}": ${what}`);
  };
  if (!/^[a-z][a-z0-9-]*$/.test(persona.id)) fail('id must be kebab case, such as "front-desk"');
  if (persona.languages.length === 0) fail('languages must name at least one, such as "en-US"');
  if (!(persona.publicModes ?? []).every(isCallMode)) fail(`publicModes must be of ${CALL_MODES.join(', ')}`);
  if (persona.mode !== undefined && !isCallMode(persona.mode)) fail(`mode must be ${CALL_MODES.join(' or ')}`);
  if (new Set(persona.tools.map((tool) => tool.name)).size !== persona.tools.length) {
    fail('two tools have the same name');
  }
  const { actions, facts, fallbackAction } = persona.script;
  for (const action of actions) checkAction(action, persona.tools, fail);
  if (new Set(actions.map((action) => action.id)).size !== actions.length) fail('two script actions have the same id');
  if (!actions.some((action) => action.id === fallbackAction)) {
    fail(`script.fallbackAction "${fallbackAction}" is none of its actions`);
  }
  const silent = facts.find((fact) => fact.when.length === 0);
  if (silent) fail(`the script fact "${silent.answer}" has no phrase that asks for it`);
  return persona;
}

/** The answers of an action must be what its tool takes: a mismatch would fail in the middle of a call. */
function checkAction(action: ScriptAction, tools: readonly AnyTool[], fail: (what: string) => never): void {
  const tool = tools.find((candidate) => candidate.name === action.tool);
  if (!tool) {
    fail(`script action "${action.id}" needs the tool "${action.tool}", which is not among its tools`);
    return;
  }
  const given = [...action.questions.map((question) => question.id), ...Object.keys(action.arguments ?? {})];
  if (new Set(given).size !== given.length) fail(`script action "${action.id}" gives one argument twice`);
  const shape: Readonly<Record<string, { safeParse(value: unknown): { success: boolean } }>> = tool.parameters.shape;
  const unknown = given.find((name) => !(name in shape));
  if (unknown !== undefined) {
    fail(`script action "${action.id}" gives "${unknown}", which the tool "${tool.name}" does not take`);
  }
  const missing = Object.keys(shape).find(
    (name) => !given.includes(name) && !shape[name]?.safeParse(undefined).success,
  );
  if (missing !== undefined)
    fail(`script action "${action.id}" does not ask for "${missing}" of the tool "${tool.name}"`);
}

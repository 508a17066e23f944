// Who talks: a persona's instructions, greeting, tools and the script that serves when no model can be reached.
import type { SpeechExpectation } from './expectation.ts';
import type { AnyTool } from './tool.ts';

/** One thing that the scripted assistant asks the caller, and how it listens to the answer. */
export interface ScriptQuestion {
  /** Names the answer in the arguments of the tool that receives it. */
  readonly id: string;
  /** Spoken as it stands. */
  readonly question: string;
  readonly expect: SpeechExpectation;
  /** What the answer is called when it is repeated: "your number is …". */
  readonly label: string;
}

/** Something the caller may ask for that a tool does. */
export interface ScriptAction {
  readonly id: string;
  /** Key phrases that ask for it; words in any order within an utterance. */
  readonly when: readonly string[];
  /** Asked one by one, each repeated for confirmation, before the tool is called. */
  readonly questions: readonly ScriptQuestion[];
  /** The persona's tool that receives the answers by their ids. */
  readonly tool: string;
  /** Said when the tool succeeded: what happens next. */
  readonly done: string;
  /** Said when the tool failed. */
  readonly failed: string;
}

/** What the scripted assistant (free-llm) works from. */
export interface AssistantScript {
  /** Answers that it can give by itself. */
  readonly facts: readonly { readonly when: readonly string[]; readonly answer: string }[];
  readonly actions: readonly ScriptAction[];
  /** The action that is offered when nothing else fits: taking a message. */
  readonly fallbackAction: string;
  /** Said when nothing fits, before the fallback is offered. */
  readonly notUnderstood: string;
  readonly goodbye: string;
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
  /** Words that a recogniser should know: names of products, of the company. */
  readonly keyPhrases?: readonly string[];
}

/** @throws RangeError naming the persona and what is missing */
export function definePersona(persona: Persona): Persona {
  const fail = (what: string) => {
    throw new RangeError(`persona "${persona.id}": ${what}`);
  };
  if (!/^[a-z][a-z0-9-]*$/.test(persona.id)) fail('id must be kebab case, such as "front-desk"');
  if (persona.languages.length === 0) fail('languages must name at least one, such as "en-US"');
  const tools = new Set(persona.tools.map((tool) => tool.name));
  if (tools.size !== persona.tools.length) fail('two tools have the same name');
  for (const action of persona.script.actions) {
    if (!tools.has(action.tool))
      fail(`script action "${action.id}" needs the tool "${action.tool}", which is not among its tools`);
  }
  if (!persona.script.actions.some((action) => action.id === persona.script.fallbackAction)) {
    fail(`script.fallbackAction "${persona.script.fallbackAction}" is none of its actions`);
  }
  return persona;
}

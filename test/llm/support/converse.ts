// A call without audio: plays the session's part around an LLM provider, so that tests read as dialogues.
import { z } from 'zod';
import type { SpeechExpectation } from '../../../src/config/expectation.ts';
import type { Persona } from '../../../src/config/persona.ts';
import type { LlmClient, LlmMessage, LlmPart, LlmRequest, LlmToolCall } from '../../../src/llm/contract.ts';

export interface Said {
  readonly text: string;
  readonly expect: SpeechExpectation | undefined;
  readonly calls: readonly LlmToolCall[];
}

export interface ToolRun {
  readonly name: string;
  readonly args: Record<string, unknown>;
}

/** What a tool answers; throwing makes an error result. */
export type RunTool = (name: string, args: Record<string, unknown>) => unknown;

export class Conversation {
  readonly messages: LlmMessage[];
  readonly runs: ToolRun[] = [];
  readonly #client: LlmClient;
  readonly #persona: Persona;
  readonly #runTool: RunTool;

  constructor(client: LlmClient, persona: Persona, runTool: RunTool = () => ({ status: 'stored' })) {
    this.#client = client;
    this.#persona = persona;
    this.#runTool = runTool;
    this.messages = [
      { role: 'system', text: persona.instructions },
      { role: 'assistant', text: persona.greeting },
    ];
  }

  request(changes: Partial<LlmRequest> = {}): LlmRequest {
    return {
      messages: this.messages,
      tools: this.#persona.tools.map(({ name, description, parameters }) => ({
        name,
        description,
        parameters: z.toJSONSchema(parameters) as Record<string, unknown>,
      })),
      toolChoice: 'auto',
      language: 'en-US',
      script: this.#persona.script,
      signal: new AbortController().signal,
      ...changes,
    };
  }

  /** What would be replied now, without keeping it. */
  async peek(): Promise<LlmPart[]> {
    return await partsOf(this.#client.reply(this.request()));
  }

  /** The caller says something; the reply, tools run, is kept and returned as one text. */
  async say(text: string): Promise<Said> {
    this.messages.push({ role: 'user', text });
    return await this.reply();
  }

  async reply(): Promise<Said> {
    const said = summarise(await this.peek());
    if (said.text !== '') this.messages.push({ role: 'assistant', text: said.text });
    if (said.calls.length === 0) return said;
    for (const call of said.calls) this.#run(call);
    const after = await this.reply();
    return { ...after, text: `${said.text} ${after.text}`, calls: [...said.calls, ...after.calls] };
  }

  /** The caller interrupts: only the first words of the last reply were heard. */
  cutTo(words: number): void {
    const last = this.messages.pop();
    if (last?.role !== 'assistant') throw new Error('the last message is not the assistant’s');
    const text = (last.text.match(/\S+\s*/g) ?? []).slice(0, words).join('').trim();
    if (text !== '') this.messages.push({ role: 'assistant', text, interrupted: true });
  }

  #run(call: LlmToolCall): void {
    const args = JSON.parse(call.arguments) as Record<string, unknown>;
    this.runs.push({ name: call.name, args });
    this.messages.push({ role: 'tool-call', call });
    let output: string;
    let isError = false;
    try {
      output = JSON.stringify(this.#runTool(call.name, args));
    } catch (error) {
      output = error instanceof Error ? error.message : String(error);
      isError = true;
    }
    this.messages.push({ role: 'tool-result', callId: call.id, name: call.name, output, isError });
  }
}

export async function partsOf(reply: AsyncIterable<LlmPart>): Promise<LlmPart[]> {
  const parts: LlmPart[] = [];
  for await (const part of reply) parts.push(part);
  return parts;
}

export function summarise(parts: readonly LlmPart[]): Said {
  const text = parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
  const expect = parts.find((part) => part.type === 'expect');
  return {
    text: text.trim(),
    expect: expect?.type === 'expect' ? expect.expectation : undefined,
    calls: parts.flatMap((part) => (part.type === 'tool-call' ? [part.call] : [])),
  };
}

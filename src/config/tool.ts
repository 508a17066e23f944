// Tools that a persona gives to the language model.
import type { z } from 'zod';

/** What a tool may use of the call that runs it. */
export interface ToolContext {
  /** The call's id; the same in every log line and journal entry. */
  readonly callId: string;
  readonly room: string;
  readonly personaId: string;
  /** The caller's participant identity, and the telephone number of a SIP caller. */
  readonly caller: { readonly identity: string; readonly phoneNumber?: string };
  /** Same value for a repeated run of the same tool call, so that a server can refuse the second. */
  readonly idempotencyKey: string;
  /** Aborted when the call ends. */
  readonly signal: AbortSignal;
  /** The environment variables that the tool declares. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The call is over: the tool runs again because it called `retryLater`, and nobody is told its result. */
  readonly isLater?: boolean;
  /** Runs the tool again after the call, with the same arguments and key, until a run no longer asks for another. */
  retryLater(): Promise<void>;
  /** Keeps a result in the local journal of this worker. */
  record(type: string, data: Readonly<Record<string, unknown>>): Promise<void>;
  log(level: 'info' | 'warn' | 'error', event: string, fields?: Readonly<Record<string, unknown>>): void;
}

export interface ToolDefinition<Schema extends z.ZodObject = z.ZodObject> {
  /** Snake case, unique within the persona; shown to the model. */
  readonly name: string;
  /** Tells the model when to call it. */
  readonly description: string;
  readonly parameters: Schema;
  /** The environment variables that it may read, such as `GHL_API_KEY`; it is given no others. */
  readonly env?: readonly string[];
  /** Returns a JSON-serialisable result; a thrown error is told to the model as text. */
  execute(args: z.output<Schema>, context: ToolContext): Promise<unknown>;
}

/** A tool with any parameters, as personas list them. */
// biome-ignore lint/suspicious/noExplicitAny: `execute` is contravariant in its schema, so no narrower element type fits a mixed list.
export type AnyTool = ToolDefinition<any>;

const TOOL_NAME = /^[a-z][a-z0-9_]{0,63}$/;

/** @throws RangeError when the name is not snake case of at most 64 characters */
export function defineTool<Schema extends z.ZodObject>(tool: ToolDefinition<Schema>): ToolDefinition<Schema> {
  if (!TOOL_NAME.test(tool.name)) {
    throw new RangeError(
      `tool name must be snake case of 1 to 64 characters (such as book_appointment), got "${tool.name}"`,
    );
  }
  return tool;
}

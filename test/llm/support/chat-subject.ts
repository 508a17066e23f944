// What the tests of all providers that speak chat completions have in common: what is said, and how it fails.
import type { Fault } from '../../../fixtures/faults.ts';
import type { ChatFixture, ChatRequest } from '../../../fixtures/vendors/chat-completions.ts';
import type { ScriptedReply } from '../../../fixtures/vendors/scripted-reply.ts';
import type { ProviderErrorKind } from '../../../src/failover/provider-error.ts';
import type { LlmMessage, LlmRequest } from '../../../src/llm/contract.ts';

/** Looks like one, so that what takes keys out of messages sees it. */
export const KEY = 'sk-secret-0123456789';
export const tool = {
  name: 'take_message',
  description: 'Stores a message.',
  parameters: { type: 'object', properties: { name: { type: 'string' } } },
};
export const conversation = {
  hello: [{ role: 'user', text: 'hello there my friend' }],
  leaveMessage: [{ role: 'user', text: 'please leave a message' }],
} satisfies Record<string, LlmMessage[]>;

export function requestOf(messages: readonly LlmMessage[], changes: Partial<LlmRequest> = {}): LlmRequest {
  return {
    messages,
    tools: [tool],
    toolChoice: 'auto',
    language: 'en-US',
    signal: new AbortController().signal,
    ...changes,
  };
}

/** Takes a message where one is wanted, and otherwise greets. */
export function chatReply({ messages }: ChatRequest): ScriptedReply {
  const last = messages.at(-1);
  return replyTo(last?.role === 'tool', last?.content ?? '');
}

export function replyTo(isResult: boolean, words: string): ScriptedReply {
  if (isResult) return { text: ['It ', 'is ', 'stored.'] };
  if (!words.includes('message')) return { text: ['Hello ', 'to ', 'you ', 'too.'] };
  return {
    text: ['One ', 'moment.'],
    toolCalls: [{ id: 'call_1', name: 'take_message', arguments: '{"name":"Ann"}' }],
  };
}

type Faulty = Pick<ChatFixture, 'faults' | 'close'>;

export function failure(name: string, kind: ProviderErrorKind, fault: Fault) {
  return { name, kind, arrange: ({ server }: { server: Faulty }) => server.faults.fail(fault) };
}

/** Each fault before the first words and after some, as every one of these vendors shows it. */
export function chatFailures() {
  return [
    failure('wrong key', 'auth', { kind: 'status', status: 401, message: `Incorrect API key provided: ${KEY}.` }),
    failure('no access', 'forbidden', { kind: 'status', status: 403, message: `Not for ${KEY}.` }),
    failure('payment required', 'quota', { kind: 'status', status: 402 }),
    failure('quota spent', 'quota', { kind: 'status', status: 429, code: 'insufficient_quota' }),
    failure('too many requests', 'rate-limit', { kind: 'status', status: 429, code: 'rate_limit_exceeded' }),
    failure('bad request', 'invalid-request', { kind: 'status', status: 400 }),
    failure('no such model', 'invalid-request', { kind: 'status', status: 404, code: 'model_not_found' }),
    failure('unprocessable', 'invalid-request', { kind: 'status', status: 422 }),
    failure('broken inside', 'server', { kind: 'status', status: 500, message: `Died with ${KEY.slice(0, 12)}***.` }),
    failure('overloaded', 'server', { kind: 'status', status: 503 }),
    failure('overloaded, as some say it', 'server', { kind: 'status', status: 529 }),
    failure('refused', 'unreachable', { kind: 'refuse' }),
    failure('key refused after the status', 'auth', { kind: 'late-auth' }),
    ...[0, 2].flatMap((after) => [
      failure(`error event after ${after}`, 'server', { kind: 'error-event', after, message: 'engine died' }),
      failure(`connection lost after ${after}`, 'unreachable', { kind: 'drop', after }),
      failure(`end after ${after}`, 'unreachable', { kind: 'end-early', after }),
      failure(`broken JSON after ${after}`, 'malformed', { kind: 'malformed-json', after }),
      failure(`quota spent after ${after}`, 'quota', { kind: 'error-event', after, code: 'insufficient_quota' }),
    ]),
    {
      name: 'nobody listens',
      kind: 'unreachable' as const,
      arrange: ({ server }: { server: Faulty }) => server.close(),
    },
  ];
}

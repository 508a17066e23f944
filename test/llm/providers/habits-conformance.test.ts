// The conformance of the providers whose vendors cut and order their replies as they like: over fixture servers with habits, by seed.
import { describe } from 'vitest';
import { Habits } from '../../../fixtures/habits.ts';
import type { ChatRequest } from '../../../fixtures/vendors/chat-completions.ts';
import { startGemini } from '../../../fixtures/vendors/gemini.ts';
import type { GeminiRequest } from '../../../fixtures/vendors/gemini-protocol.ts';
import { startOpenAi } from '../../../fixtures/vendors/openai.ts';
import { startOpenRouter } from '../../../fixtures/vendors/openrouter.ts';
import { gemini } from '../../../src/llm/providers/gemini/gemini.ts';
import { openai } from '../../../src/llm/providers/openai.ts';
import { openrouter } from '../../../src/llm/providers/openrouter.ts';
import { describeLlm } from '../../conformance/llm.ts';
import { chatFailures, conversation, failure, KEY, replyTo, tool } from '../support/chat-subject.ts';

const SEEDS = Array.from({ length: 6 }, (_, index) => 20_261_300 + index);
/** Only order and shape are looked at here. */
const SPEED = 50;
const LONG = Array.from({ length: 60 }, (_, index) => `word${index} `);

/** Long enough for several pieces, whatever their length. */
function reply(isResult: boolean, words: string) {
  const scripted = replyTo(isResult, words);
  return isResult || words.includes('message') ? scripted : { text: [...LONG, 'done.'] };
}

const chatReply = ({ messages }: ChatRequest) =>
  reply(messages.at(-1)?.role === 'tool', messages.at(-1)?.content ?? '');

function geminiReply({ contents }: GeminiRequest) {
  const last = contents.at(-1)?.parts ?? [];
  return reply(
    last.some(({ functionResponse }) => functionResponse),
    last.map(({ text }) => text ?? '').join(''),
  );
}

const shared = {
  talk: conversation.hello,
  callingTalk: conversation.leaveMessage,
  tool,
  expectedArguments: { name: 'Ann' },
};
const broken = [1, 2, 5].flatMap((after) => [
  failure(`error event after ${after}`, 'server', { kind: 'error-event', after, status: 503 }),
  failure(`connection lost after ${after}`, 'unreachable', { kind: 'drop', after }),
  failure(`end after ${after}`, 'unreachable', { kind: 'end-early', after }),
]);

describe.each(SEEDS)('with the habits of seed %i', (seed) => {
  const options = () => ({ apiKey: KEY, speed: SPEED, habits: new Habits(seed) });

  describeLlm({
    ...shared,
    provider: openai,
    open: async () => {
      const server = await startOpenAi({ ...options(), reply: chatReply, models: ['gpt-test'] });
      const env = { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: server.url };
      return { client: openai.create({ env, model: 'gpt-test' }), server, close: () => server.close() };
    },
    arrangeEmpty: ({ server }) => server.faults.fail({ kind: 'empty' }),
    failures: chatFailures(),
  });

  describeLlm({
    ...shared,
    provider: openrouter,
    open: async () => {
      const server = await startOpenRouter({ ...options(), reply: chatReply });
      const env = { OPENROUTER_API_KEY: KEY, OPENROUTER_BASE_URL: server.url };
      return { client: openrouter.create({ env, model: 'vendor/model' }), server, close: () => server.close() };
    },
    arrangeEmpty: ({ server }) => server.faults.fail({ kind: 'empty' }),
    failures: broken,
  });

  describeLlm({
    ...shared,
    provider: gemini,
    open: async () => {
      const server = await startGemini({ ...options(), reply: geminiReply });
      const env = { GEMINI_API_KEY: KEY, GEMINI_BASE_URL: server.url };
      return { client: gemini.create({ env }), server, close: () => server.close() };
    },
    arrangeEmpty: ({ server }) => server.faults.fail({ kind: 'empty' }),
    failures: broken,
  });
});

// free-llm: a scripted assistant that needs no model, no key and no network. It answers from the persona's facts, runs
// the persona's tools and takes messages; the conversation's state is derived from its messages at each reply.
import { ProviderError } from '../../../failover/provider-error.ts';
import { defineLlm, type LlmClient, type LlmPart, type LlmRequest, type LlmTool } from '../../contract.ts';
import { NOT_GIVEN } from './answers.ts';
import { join, report } from './form.ts';
import { replay } from './history.ts';
import { expectationAt, type Reply } from './state.ts';
import { takeTurn } from './take-turn.ts';

const ID = 'free-llm';

export const freeLlm = defineLlm({
  id: ID,
  title: 'Scripted assistant on this machine',
  env: {},
  traits: {
    languages: ['en'],
    usdPerMinute: 0,
    isReserve: true,
    quality: 0.1,
    regions: ['local'],
    typicalFirstMs: 5,
  },
  create: (): LlmClient => ({ reply, close: async () => {} }),
});

async function* reply(request: LlmRequest): AsyncGenerator<LlmPart> {
  if (request.signal.aborted) return;
  const parts = partsOf(request);
  request.onOpen?.();
  for (const part of parts) {
    if (request.signal.aborted) return;
    yield part;
  }
}

/** @throws ProviderError `invalid-request` for other languages than English and where the persona has no script */
function partsOf(request: LlmRequest): LlmPart[] {
  const { script, language, messages } = request;
  if (!/^en\b/i.test(language)) {
    throw invalid(`free-llm speaks English only and this call is in ${language}: set up another LLM provider for it`);
  }
  if (!script) throw invalid('free-llm works from a script and this persona has none');
  const { situation, heard, turn, remainder } = replay(messages, script);
  let next = remainder ?? nextReply(situation, heard);
  const parts: LlmPart[] = [];
  if (next.step.kind === 'call') {
    const { form } = next.step;
    const tool = request.tools.find((candidate) => candidate.name === form.action.tool);
    if (request.toolChoice !== 'none' && tool) {
      parts.push({
        type: 'tool-call',
        call: {
          // The id is made from the turn, so that a reply that is requested twice has the same call.
          id: `free-${turn}-${form.action.tool}`,
          name: form.action.tool,
          arguments: JSON.stringify({ ...form.action.arguments, ...givenAnswers(form.answers, tool) }),
        },
      });
    } else {
      next = report(form, true, '');
    }
  }
  for (const word of next.text.match(/\S+\s*/g) ?? []) parts.push({ type: 'text', text: word });
  if (next.step.kind !== 'call') parts.push({ type: 'expect', expectation: expectationAt(next.step, script) });
  // Speech comes before the call: it covers the time that the tool takes.
  return parts.sort((a, b) => Number(a.type === 'tool-call') - Number(b.type === 'tool-call'));
}

/** Leaves out answers that the caller did not give, unless the tool requires them. */
function givenAnswers(answers: Readonly<Record<string, string>>, tool: LlmTool): Record<string, string> {
  const required = Array.isArray(tool.parameters.required) ? tool.parameters.required : [];
  return Object.fromEntries(
    Object.entries(answers).filter(([name, value]) => value !== NOT_GIVEN || required.includes(name)),
  );
}

function nextReply(situation: Parameters<typeof takeTurn>[0], heard: string): Reply {
  const { step } = situation;
  if (step.kind !== 'report') return takeTurn(situation, heard);
  const told = report(step.form, step.failed, step.output);
  if (heard === '') return told;
  // The caller spoke while the tool ran: the reply tells the tool's result first, then answers them.
  const then = takeTurn({ ...situation, step: told.step, said: told.text }, heard);
  return then.step.kind === 'offer' ? told : { ...then, text: join(told.text, then.text) };
}

function invalid(message: string): ProviderError {
  return new ProviderError({ kind: 'invalid-request', provider: ID, message });
}

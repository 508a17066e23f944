// One case of the benchmark in a process of its own, for it may end it: `node realtime-case.ts <party> <vendor> <case>` writes
// one line of JSON when it ends, however it ends.

import { writeSync } from 'node:fs';
import { initializeLogger, llm, voice } from '@livekit/agents';
import { realtime as google } from '@livekit/agents-plugin-google';
import { realtime as openai } from '@livekit/agents-plugin-openai';
import { z } from 'zod';
import { withToldHistory } from '../../../fixtures/told-history.ts';
import { startGeminiLive } from '../../../fixtures/vendors/gemini-live.ts';
import type { GeminiContent } from '../../../fixtures/vendors/gemini-protocol.ts';
import { startOpenAiRealtime } from '../../../fixtures/vendors/openai-realtime.ts';
import type { ScriptedReply } from '../../../fixtures/vendors/scripted-reply.ts';
import { MemoryHealthBoard } from '../../../src/health/memory-board.ts';
import { RealtimeChain } from '../../../src/realtime/livekit/realtime-chain.ts';
import { FastMicrophone, InstantLoudspeaker } from './realtime-call.ts';
import type { CaseOutcome, RealtimeParty } from './realtime-outcome.ts';
import { CASES, type RealtimeCase, type VendorName } from './realtime-rows.ts';

const TURNS = [
  [7, 8],
  [1, 2, 3, 4],
  [5, 6],
] as const;
const TAIL = [20, 21, 22, 23];
/** Time limit for the first sound of a reply; later sound is not waited for. */
const PATIENCE_MS = 7_000;
/** A reply is over after this time without sound. */
const QUIET_MS = 1_400;
const TOOL_MS = 400;

const [party, vendorName, caseName] = process.argv.slice(2) as [RealtimeParty, VendorName, string];
const broken = CASES.find(({ name }) => name === caseName) as RealtimeCase;

const outcome: CaseOutcome = { conversation: [], said: [], toolRuns: 0, isClosed: false, isMute: false };
let isOver = false;
initializeLogger({ pretty: false, level: 'silent' });
const loudspeaker = new InstantLoudspeaker();
process.on('exit', () => {
  if (!isOver && outcome.said.length > 0) outcome.said[outcome.said.length - 1] = loudspeaker.takeWords();
  writeSync(1, `${JSON.stringify({ ...outcome, isComplete: isOver })}\n`);
});

let turn = -1;
const [openaiVendor, geminiVendor] = await Promise.all([
  startOpenAiRealtime({
    speed: 4,
    reply: ({ lastUserText, items }) =>
      script(
        lastUserText,
        items.some(({ type }) => type === 'function_call_output'),
      ),
  }),
  startGeminiLive({
    speed: 4,
    reply: ({ turns, instructions }) => scriptOfGemini(withToldHistory(instructions, turns)),
  }),
]);
const vendor = vendorName === 'openai' ? openaiVendor : geminiVendor;
const vendors = [openaiVendor, geminiVendor];

function script(heard: string, hasResult: boolean): ScriptedReply {
  const words = (heard.match(/w\d+/g) ?? []).join(' ');
  const isToolTurn = broken.hasTool && words.includes('w1');
  if (isToolTurn && !hasResult) return { toolCalls: [{ id: 'call_1', name: 'look_up', arguments: '{"what":"1"}' }] };
  return { text: `${words} ${TAIL.map((word) => `w${word}`).join(' ')}`.split(/(?<=\s)/) };
}

function scriptOfGemini(turns: readonly GeminiContent[]): ScriptedReply {
  const parts = turns.flatMap(({ role, parts: all = [] }) => all.map((part) => ({ role, ...part })));
  const hasResult = parts.some(({ functionResponse, text }) => functionResponse || text?.includes(' result: '));
  const heard = parts.findLast(({ role, text }) => role === 'user' && /^\s*w\d/.test(text ?? ''));
  return script(heard?.text ?? '', hasResult);
}

const models = {
  openai: () =>
    new openai.RealtimeModel({
      apiKey: 'sk-test',
      baseURL: openaiVendor.url,
      turnDetection: { type: 'server_vad', silence_duration_ms: 400 },
    }),
  gemini: () =>
    new google.RealtimeModel({
      apiKey: 'AIza-test',
      instructions: 'Answer.',
      httpOptions: { baseUrl: geminiVendor.url },
    }),
};
const other = vendorName === 'openai' ? 'gemini' : 'openai';
const model =
  party === 'plugin'
    ? models[vendorName]()
    : new RealtimeChain([models[vendorName](), models[other]()], { board: new MemoryHealthBoard() });

const lookUp = llm.tool({
  name: 'look_up',
  description: 'Looks something up.',
  parameters: z.object({ what: z.string() }),
  execute: async () => {
    outcome.toolRuns += 1;
    await new Promise((resolve) => setTimeout(resolve, TOOL_MS));
    return 'done';
  },
});
const session = new voice.AgentSession({ llm: model, aecWarmupDuration: null, userAwayTimeout: null });
session.on(voice.AgentSessionEventTypes.ConversationItemAdded, ({ item }) => {
  if (item.type === 'message' && item.role === 'user') {
    for (const [, word] of (item.textContent ?? '').matchAll(/w(\d+)/g)) outcome.conversation.push(Number(word));
  }
});
session.on(voice.AgentSessionEventTypes.Close, () => {
  outcome.isClosed = true;
});
const microphone = new FastMicrophone();
session.input.audio = microphone;
session.output.audio = loudspeaker;

broken.before?.(vendor);
await session.start({ agent: new voice.Agent({ instructions: 'Answer.', tools: [lookUp] }) });
for (const words of TURNS) {
  turn += 1;
  await talk(words);
}
outcome.isMute = outcome.said.at(-1)?.length === 0;
isOver = true;
process.exit();

async function talk(words: readonly number[]): Promise<void> {
  outcome.said.push([]);
  const replies = countReplies();
  if (turn === 1) {
    broken.atTurn?.(vendor);
    if (broken.isTimed && party === 'ours') watchOwnShare();
  }
  microphone.say(words);
  await until(() => !microphone.isSpeaking, 10_000);
  if (turn === 1 && broken.inReply) {
    await until(() => countReplies() > replies, PATIENCE_MS);
    await new Promise((resolve) => setTimeout(resolve, 100));
    broken.inReply(vendor);
  }
  const since = performance.now();
  const heardOnce = () => loudspeaker.lastFrameMs > since || performance.now() - since > PATIENCE_MS;
  await until(heardOnce, 2 * PATIENCE_MS);
  await until(() => performance.now() - loudspeaker.lastFrameMs > QUIET_MS, 2 * PATIENCE_MS);
  outcome.said[turn] = loudspeaker.takeWords();
}

function countReplies(): number {
  const begun = vendors.flatMap(({ sessions }) =>
    sessions.map((each) => ('replies' in each ? each.replies.length : each.responses.length)),
  );
  return begun.reduce((sum, count) => sum + count, 0);
}

/** Measures the time from the fault to the request for the rest of the reply, at any session. */
function watchOwnShare(): void {
  let struckMs: number | undefined;
  let replies = 0;
  const timer = setInterval(() => {
    if (struckMs === undefined) {
      if (!vendor.sessions.some(({ struck }) => struck.length > 0)) return;
      struckMs = performance.now();
      replies = countReplies();
    } else if (countReplies() > replies) {
      outcome.ownShareMs = Math.round(performance.now() - struckMs);
      clearInterval(timer);
    }
  }, 1);
}

async function until(isSo: () => boolean, timeoutMs: number): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while (!isSo() && performance.now() < endMs) await new Promise((resolve) => setTimeout(resolve, 10));
}

// A process with one call over both plugins, of which one meets a fault that would end the process: `node contained-call.ts
// <vendor> <fault> <end>` writes what was said and heard as one line of JSON, then ends as it is told.
import { writeSync } from 'node:fs';
import { initializeLogger } from '@livekit/agents';
import { realtime as google } from '@livekit/agents-plugin-google';
import { realtime as openai } from '@livekit/agents-plugin-openai';
import type { Fault } from '../../../fixtures/faults.ts';
import { withToldHistory } from '../../../fixtures/told-history.ts';
import { startGeminiLive } from '../../../fixtures/vendors/gemini-live.ts';
import { startOpenAiRealtime } from '../../../fixtures/vendors/openai-realtime.ts';
import { MemoryHealthBoard } from '../../../src/health/memory-board.ts';
import { RealtimeChain } from '../../../src/realtime/livekit/realtime-chain.ts';
import { RealtimeCaller } from './caller.ts';

const REFUSALS: Readonly<Record<string, Fault>> = {
  'refused (401)': { kind: 'status', status: 401 },
  reset: { kind: 'refuse' },
};
const [vendorName, faultName, end] = process.argv.slice(2) as ['openai' | 'gemini', string, string];

initializeLogger({ pretty: false, level: 'silent' });
const sayAgain = (heard: string) => ({ text: `${heard} w21 w22 w23 w24`.split(/(?<=\s)/) });
const [openaiVendor, geminiVendor] = await Promise.all([
  startOpenAiRealtime({ reply: ({ lastUserText }) => sayAgain(lastUserText) }),
  startGeminiLive({
    reply: ({ turns, instructions }) => {
      const said = withToldHistory(instructions, turns).flatMap(({ role, parts = [] }) =>
        role === 'user' ? parts.map(({ text }) => text ?? '') : [],
      );
      return sayAgain(said.findLast((text) => /^\s*w\d/.test(text))?.trim() ?? '');
    },
  }),
]);
const models = {
  openai: new openai.RealtimeModel({
    apiKey: 'sk-test',
    baseURL: openaiVendor.url,
    turnDetection: { type: 'server_vad', silence_duration_ms: 400 },
  }),
  gemini: new google.RealtimeModel({ apiKey: 'AIza-test', httpOptions: { baseUrl: geminiVendor.url } }),
};
const [vendor, other] =
  vendorName === 'openai' ? ([openaiVendor, 'gemini'] as const) : ([geminiVendor, 'openai'] as const);

const refusal = REFUSALS[faultName];
if (refusal) vendor.faults.fail(refusal, Number.POSITIVE_INFINITY);
else vendor.breakWhen('speaking', { kind: faultName as 'malformed-json' | 'malformed-audio', after: 5 });

const failures: string[] = [];
const chain = new RealtimeChain([models[vendorName], models[other]], {
  board: new MemoryHealthBoard(),
  onFailure: (_stage, _provider, { kind }) => failures.push(kind),
});
const session = chain.session();
await session._updateSession('Be brief.');
const caller = new RealtimeCaller(session);
const words: (readonly number[])[] = [];
for (const said of [
  [1, 2, 3],
  [4, 5],
]) {
  await caller.say(said);
  words.push((await caller.reply(words.length)).words);
}
writeSync(1, `${JSON.stringify({ words, heard: caller.heard, failures, errors: caller.errors.length })}\n`);

if (end === 'throws')
  setTimeout(() => {
    throw new Error('an error of others');
  }, 10);
else if (end === 'rejects') setTimeout(() => void Promise.reject(new Error('an error of others')), 10);
else {
  await caller.end();
  await chain.close();
  await Promise.all([openaiVendor.close(), geminiVendor.close()]);
  process.exit(0);
}

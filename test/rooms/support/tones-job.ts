// A call process whose agent answers every turn with 24 words that are tones, and writes what it believes was heard.
import { appendFileSync } from 'node:fs';
import { defineAgent } from '@livekit/agents';
import { speakTones } from '../../../fixtures/tones.ts';
import { AsyncQueue } from '../../../src/audio/async-queue.ts';
import { type CallResources, runCall } from '../../../src/call/run-call.ts';
import { llmLinkFromPlugin } from '../../../src/llm/livekit/llm-chain.ts';
import { sttLinkFromPlugin } from '../../../src/stt/livekit/plugin-link.ts';
import type { TtsLink, TtsPart, TtsSession } from '../../../src/tts/contract.ts';
import { InstantLlm, InstantStt } from '../../support/instant-providers.ts';
import { testResources } from '../../support/test-resources.ts';

const RATE_HZ = 24_000;
const REPLY = Array.from({ length: 24 }, (_, index) => `w${index}`).join(' ');

const tones: TtsLink = {
  id: 'tones',
  traits: { languages: 'any', sampleRateHz: RATE_HZ, wordTimes: 'exact', defaultVoices: {} },
  client: { close: async () => undefined, open: openTones },
};

/** Each word w0, w1, … becomes its tone at once; other words are silent. */
function openTones(): TtsSession {
  const parts = new AsyncQueue<TtsPart>();
  let pending = '';
  let spokenMs = 0;
  const speak = (text: string) => {
    const index = /^w(\d+)/.exec(text)?.[1];
    if (index === undefined) return;
    const samples = speakTones([Number(index)], RATE_HZ);
    const lengthMs = (samples.length * 1_000) / RATE_HZ;
    parts.push({ type: 'word', text, startMs: spokenMs, endMs: spokenMs + lengthMs });
    parts.push({ type: 'audio', samples });
    spokenMs += lengthMs;
  };
  const flush = () => {
    if (pending !== '') speak(pending);
    pending = '';
    parts.push({ type: 'segment-end' });
  };
  return {
    parts,
    write: (text) => {
      const words = `${pending}${text}`.match(/\S+\s*/g) ?? [];
      pending = /\s$/.test(words.at(-1) ?? ' ') ? '' : (words.pop() as string);
      words.forEach(speak);
    },
    flush,
    end: () => {
      if (pending !== '') flush();
      parts.end();
    },
  };
}

export default defineAgent<{ resources?: CallResources }>({
  prewarm: (proc) => {
    proc.userData.resources = testResources({
      greeting: 'w30 w31',
      links: {
        stt: [sttLinkFromPlugin(new InstantStt())],
        llm: [llmLinkFromPlugin(new InstantLlm(REPLY))],
        tts: [tones],
        realtime: [],
      },
      onHeard: (heard) => appendFileSync(process.env.HEARD_FILE as string, `${JSON.stringify(heard)}\n`),
    });
  },
  entry: async (context) => {
    await runCall(context, context.proc.userData.resources as CallResources);
  },
});

// A call process whose chains have one fixture vendor each and nothing free behind it; its recorded sentences are tones.
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { defineAgent } from '@livekit/agents';
import { openJournal } from '../../../src/call/journal.ts';
import { openMessageStore } from '../../../src/call/messages.ts';
import { type CallResources, runCall } from '../../../src/call/run-call.ts';
import { createLinks } from '../../../src/chains/links.ts';
import { planStages } from '../../../src/chains/plan.ts';
import { readEnvironment } from '../../../src/config/environment.ts';
import type { Persona } from '../../../src/config/persona.ts';
import { testResources } from '../../support/test-resources.ts';

const CHAINS = { stt: ['deepgram'], llm: ['openrouter'], tts: ['cartesia'] };

export default defineAgent<{ resources?: CallResources }>({
  prewarm: (proc) => {
    const directory = process.env.TEST_DIRECTORY as string;
    const sentence = (name: string) => ({
      text: process.env[`TEXT_${name}`] as string,
      file: pathToFileURL(join(directory, `${name}.wav`)),
    });
    const env = readEnvironment('/nowhere');
    const { config, personas } = testResources({
      links: { stt: [], llm: [], tts: [], realtime: [] },
      greeting: 'w30 w31.',
    });
    const lastResort = { repeatMs: 2_000, giveUpMs: 12_000, takeMessage: true };
    const changed = { ...config, chains: { ...config.chains, ...CHAINS }, lastResort };
    const persona: Persona = {
      ...(personas.get('test') as Persona),
      recordings: {
        en: {
          waiting: sentence('waiting'),
          message: sentence('message'),
          thanks: sentence('thanks'),
          goodbye: sentence('goodbye'),
        },
      },
    };
    proc.userData.resources = testResources({
      config: changed,
      personas: new Map([['test', persona]]),
      links: createLinks(planStages(changed, env), changed, env),
      journal: openJournal(join(directory, 'journal')),
      messages: openMessageStore(join(directory, 'messages')),
      onHeard: (heard) => appendFileSync(join(directory, 'heard.jsonl'), `${JSON.stringify(heard)}\n`),
    });
  },
  entry: async (context) => {
    await runCall(context, context.proc.userData.resources as CallResources);
  },
});

// What a call process of a test holds: the shipped configuration, a persona of its own, and the links that it is given.
import { fileURLToPath } from 'node:url';
import { inference } from '@livekit/agents';
import type { CallResources } from '../../src/call/run-call.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Persona } from '../../src/config/persona.ts';
import { createLogger } from '../../src/telemetry/log.ts';

const config = loadConfig(fileURLToPath(new URL('../../agents/providers.yaml', import.meta.url)));

const persona: Persona = {
  id: 'test',
  title: 'Test',
  description: 'Answers in tests.',
  languages: ['en-US'],
  instructions: 'Answer.',
  greeting: 'Hello.',
  tools: [],
  script: { facts: [], actions: [], fallbackAction: '', notUnderstood: '', help: '', human: '', goodbye: '' },
};

export function testResources(
  given: Pick<CallResources, 'links'> & Partial<CallResources> & { readonly greeting?: string },
): CallResources {
  return {
    config: { ...config, persona: { default: 'test' } },
    env: {},
    personas: new Map([['test', { ...persona, greeting: given.greeting ?? persona.greeting }]]),
    vad: new inference.VAD(),
    journal: { record: () => Promise.resolve() },
    outbox: { put: () => Promise.resolve() },
    log: createLogger({ level: 'warn' }),
    ...given,
  };
}

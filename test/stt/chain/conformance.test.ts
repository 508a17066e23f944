// The chain is itself what a provider must be: over a link that streams words, over whole utterances, over a real recogniser, and
// while the first link of the chain is dead.
import { loadClip } from '../../../fixtures/audio/clips.ts';
import { Failover } from '../../../src/failover/failover.ts';
import { ProviderError } from '../../../src/failover/provider-error.ts';
import { MemoryHealthBoard } from '../../../src/health/memory-board.ts';
import { openSttChain } from '../../../src/stt/chain/chain.ts';
import type { SttClient, SttLink } from '../../../src/stt/contract.ts';
import { freeStt } from '../../../src/stt/providers/free-stt.ts';
import { sttConformance } from '../../conformance/stt.ts';

const free = (): SttLink => ({ id: 'free-stt', traits: freeStt.traits, client: freeStt.create({ env: {} }) });

const dead: SttLink = {
  id: 'dead',
  traits: { ...freeStt.traits, needsVoiceActivity: false },
  client: {
    open: () => ({
      parts: (async function* () {
        yield* [];
        throw new ProviderError({ kind: 'unreachable', provider: 'dead', message: 'dead: gone' });
      })(),
      write: () => undefined,
      flush: () => undefined,
      end: () => undefined,
    }),
    close: async () => undefined,
  },
};

function chainOf(links: readonly SttLink[]): SttClient {
  return {
    open: (options) => openSttChain(new Failover('stt', links, { board: new MemoryHealthBoard() }), options),
    warm: async () => {
      for (const { client } of links) await client.warm?.();
    },
    close: async () => {
      for (const { client } of links) await client.close();
    },
  };
}

const { samples } = loadClip('please-hold');
const subject = { traits: freeStt.traits, speech: samples, heard: /hold.*connect you/ };

sttConformance('a chain', () => chainOf([free()]), subject);
sttConformance('a chain whose first link is dead', () => chainOf([dead, free()]), subject);

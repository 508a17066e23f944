// The chain is a provider like any other: it passes their suite, also while its links fail.
import { Failover } from '../../../src/failover/failover.ts';
import { MemoryHealthBoard } from '../../../src/health/memory-board.ts';
import { openTtsChain } from '../../../src/tts/chain/chain.ts';
import type { TtsClient, TtsLink, TtsTraits } from '../../../src/tts/contract.ts';
import { ttsConformance } from '../../conformance/tts.ts';
import { ScriptedTts, type ScriptedTtsOptions, type TtsFault } from '../../support/scripted-tts.ts';

const traits: TtsTraits = { languages: 'any', sampleRateHz: 16_000, wordTimes: 'estimated', defaultVoices: {} };
/** Many times as fast as it is heard, on the real clock. */
const QUICK = { firstMs: 1, chunkMs: 400, everyMs: 1 };

function chainClient(links: readonly ScriptedTts[]): TtsClient {
  const board = new MemoryHealthBoard();
  const failover = new Failover<TtsLink>(
    'tts',
    links.map(({ link }) => link),
    { board },
  );
  const closed = new AbortController();
  return {
    open: ({ language, signal }) =>
      openTtsChain(failover, {
        language,
        signal: AbortSignal.any([signal, closed.signal]),
        sampleRateHz: traits.sampleRateHz,
      }),
    close: async () => closed.abort(),
  };
}

function scripted(id: string, options: ScriptedTtsOptions, always?: TtsFault): ScriptedTts {
  const voice = new ScriptedTts(id, undefined, { ...QUICK, ...options });
  voice.always = always;
  return voice;
}

ttsConformance('a chain', () => chainClient([scripted('a', {})]), { traits });
ttsConformance(
  'a chain without word times',
  () => chainClient([scripted('a', { wordTimes: 'none', sampleRateHz: 24_000 })]),
  { traits },
);
ttsConformance(
  'a chain whose first link always breaks',
  () => chainClient([scripted('a', {}, { does: 'fail', kind: 'unreachable', afterMs: 1_000 }), scripted('b', {})]),
  { traits },
);

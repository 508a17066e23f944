// What "go on" means for text to speech: what was not yet spoken is spoken by a provider that can.
import type { Failover } from '../../failover/failover.ts';
import type { TtsChainOpenOptions, TtsLink, TtsSession } from '../contract.ts';
import { ChainReply } from './reply.ts';

/**
 * Opens a session for one reply over the chain's links, each with the voice that the configuration names for it. Words always carry
 * times, estimated where a link has none. Nothing throws: when all links keep failing, the rest of the text is dropped, after the
 * failover has called `onExhausted`.
 */
export function openTtsChain(failover: Failover<TtsLink>, options: TtsChainOpenOptions): TtsSession {
  return new ChainReply(failover, options);
}

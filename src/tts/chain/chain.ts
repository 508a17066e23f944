// What "go on" means for text to speech: what was not yet spoken is spoken by a provider that can.
import type { Failover } from '../../failover/failover.ts';
import type { TtsChainOpenOptions, TtsLink, TtsSession } from '../contract.ts';
import { ChainReply } from './reply.ts';

/**
 * One reply over the chain's links, each in the voice that the configuration names for it. Words always carry times, estimated
 * where a link has none. Nothing is thrown: when every link fails again and again, the rest of the text is given up and
 * `onExhausted` of the failover has told so.
 */
export function openTtsChain(failover: Failover<TtsLink>, options: TtsChainOpenOptions): TtsSession {
  return new ChainReply(failover, options);
}

// What "go on" means for text to speech: what was not yet spoken is spoken by a provider that can.
import type { Failover, FailoverLink } from '../failover/failover.ts';
import { ChainReply } from './chain-reply.ts';
import type { TtsClient, TtsOpenOptions, TtsSession, TtsTraits } from './contract.ts';

export interface TtsLink extends FailoverLink {
  readonly traits: TtsTraits;
  readonly client: TtsClient;
  /** The voice of each language at this provider; its default voice where absent. */
  readonly voices?: Readonly<Record<string, string>>;
}

export interface TtsChainOpenOptions extends Omit<TtsOpenOptions, 'voice'> {
  /** Of the audio parts, whoever speaks. */
  readonly sampleRateHz: number;
}

/**
 * One reply over the chain's links, each in the voice that the configuration names for it. Words always carry times, estimated
 * where a link has none. Nothing is thrown: when every link fails again and again, the rest of the text is given up and
 * `onExhausted` of the failover has told so.
 */
export function openTtsChain(failover: Failover<TtsLink>, options: TtsChainOpenOptions): TtsSession {
  return new ChainReply(failover, options);
}

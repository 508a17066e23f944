// A client over pooled websockets, whichever vendor's: replies, warming and closing.

import { SocketPool, type SocketVendor } from '../../../vendors/socket-pool.ts';
import type { TtsClient, TtsOpenOptions, TtsSession } from '../../contract.ts';
import { ContextSession } from './session.ts';
import type { VoiceProtocol } from './voice-protocol.ts';

export type Voicing = Pick<TtsOpenOptions, 'voice' | 'language'>;

export interface ContextClientOptions {
  readonly vendor: SocketVendor;
  readonly sampleRateHz: number;
  /** Default voice, for which `warm` opens a socket before any reply. */
  readonly first: Voicing;
  readonly expiresAfterMs?: number;
  urlOf(voicing: Voicing): string;
  protocol(voicing: Voicing): VoiceProtocol;
  /** Rejects with a ProviderError. */
  check(signal: AbortSignal): Promise<void>;
}

export function createContextClient(options: ContextClientOptions): TtsClient {
  const pool = new SocketPool(options.vendor);
  const sessions = new Set<ContextSession>();
  let last = options.first;
  const open = (reply: TtsOpenOptions): TtsSession => {
    const voicing = { voice: reply.voice || options.first.voice, language: reply.language };
    last = voicing;
    const session: ContextSession = new ContextSession({
      ...reply,
      provider: options.vendor.id,
      pool,
      url: options.urlOf(voicing),
      sampleRateHz: options.sampleRateHz,
      expiresAfterMs: options.expiresAfterMs,
      protocol: () => options.protocol(voicing),
      // A reply may end within its constructor, before `session` is assigned.
      onOver: () => queueMicrotask(() => sessions.delete(session)),
    });
    sessions.add(session);
    return session;
  };
  return {
    open,
    warm: (voicing) => pool.warm(options.urlOf(voicing?.voice ? voicing : last)),
    check: (signal) => options.check(signal),
    async close() {
      for (const session of [...sessions]) session.cancel();
      await pool.close();
    },
  };
}

// What a vendor's messages are to a reply, whatever they look like on its websocket.
import type { ProviderError } from '../../../failover/provider-error.ts';
import type { TimedWord } from '../../../text/align-words.ts';
import type { VendorMessage } from '../../../vendors/socket-pool.ts';

export type VoiceEvent =
  | { readonly type: 'audio'; readonly base64: string }
  /** Milliseconds on the vendor's clock: since the context's first sample, or since what it generated last. */
  | { readonly type: 'words'; readonly words: readonly TimedWord[] }
  | { readonly type: 'done' }
  /** The context is no more, as it had nothing to say for too long. */
  | { readonly type: 'expired' }
  | { readonly type: 'error'; readonly error: ProviderError };

/** What a vendor's messages are; made anew for each context. */
export interface VoiceProtocol {
  begin(contextId: string): readonly VendorMessage[];
  speak(contextId: string, text: string): readonly VendorMessage[];
  /** No more text; the rest is spoken and `done` follows. */
  finish(contextId: string): readonly VendorMessage[];
  /** Sent once all has sounded, where the vendor ends no context by itself: sooner it would lose what was not yet spoken. */
  close?(contextId: string): readonly VendorMessage[];
  cancel(contextId: string): readonly VendorMessage[];
  read(message: VendorMessage): readonly VoiceEvent[];
}

/** Little endian, mono; undefined where it is no base64 or has half a sample. */
export function decodePcm16(base64: string): Int16Array | undefined {
  const bytes = Buffer.from(base64, 'base64');
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
  // Letters that are none are skipped by the decoder, so the length tells.
  if (bytes.length !== (base64.length / 4) * 3 - padding || bytes.length % 2 !== 0) return undefined;
  const samples = new Int16Array(bytes.length / 2);
  for (let at = 0; at < samples.length; at++) samples[at] = bytes.readInt16LE(at * 2);
  return samples;
}

// What a vendor's messages are to a reply, whatever they look like on its websocket.
import type { ProviderError } from '../../../failover/provider-error.ts';
import type { TimedWord } from '../../../text/align-words.ts';
import type { VendorMessage } from '../../../vendors/socket-pool.ts';

export type VoiceEvent =
  | { readonly type: 'audio'; readonly base64: string }
  /** Times in milliseconds since the context's first sample, or since the start of the piece that the vendor generated last. */
  | { readonly type: 'words'; readonly words: readonly TimedWord[] }
  | { readonly type: 'done' }
  /** The vendor dropped the context, as it had nothing to say for too long. */
  | { readonly type: 'expired' }
  | { readonly type: 'error'; readonly error: ProviderError };

/** Builds and reads a vendor's messages; a new one is made for each context. */
export interface VoiceProtocol {
  begin(contextId: string): readonly VendorMessage[];
  speak(contextId: string, text: string): readonly VendorMessage[];
  /** Tells the vendor that no more text comes; it speaks the rest, and `done` follows. */
  finish(contextId: string): readonly VendorMessage[];
  /** For a vendor that ends no context by itself. Sent once all sound has come: sooner, unspoken text would be lost. */
  close?(contextId: string): readonly VendorMessage[];
  cancel(contextId: string): readonly VendorMessage[];
  read(message: VendorMessage): readonly VoiceEvent[];
}

/** Decodes little-endian mono PCM16; undefined if the text is not base64 or holds half a sample. */
export function decodePcm16(base64: string): Int16Array | undefined {
  const bytes = Buffer.from(base64, 'base64');
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
  // The decoder skips invalid characters, so only the length reveals them.
  if (bytes.length !== (base64.length / 4) * 3 - padding || bytes.length % 2 !== 0) return undefined;
  const samples = new Int16Array(bytes.length / 2);
  for (let at = 0; at < samples.length; at++) samples[at] = bytes.readInt16LE(at * 2);
  return samples;
}

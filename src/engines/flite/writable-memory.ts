// Where a WebAssembly program's memory begins to be writable, read from its binary.

const HEADER_BYTES = 8;
const DATA_SECTION = 11;
/** Opcode i32.const: an active segment's address is written as i32.const, the number and end. */
const CONST = 0x41;

/**
 * The address of the last data segment. The linker places constants first and variables after them, so that the
 * memory below never changes: 17 of Flite's 17.2 MB are its voices.
 * @returns 0 when the binary has no such segment: all of the memory may change
 */
export function firstWritableAddress(wasm: Uint8Array): number {
  const reader = new Reader(wasm, HEADER_BYTES);
  while (reader.at < wasm.length) {
    const section = reader.byte();
    const lengthBytes = reader.unsigned();
    const end = reader.at + lengthBytes;
    if (section === DATA_SECTION) return lastSegmentAddress(reader);
    reader.at = end;
  }
  return 0;
}

function lastSegmentAddress(reader: Reader): number {
  let address = 0;
  for (let left = reader.unsigned(); left > 0; left--) {
    const active = reader.unsigned() === 0 && reader.byte() === CONST;
    if (!active) return 0;
    address = reader.unsigned();
    reader.byte();
    const lengthBytes = reader.unsigned();
    reader.at += lengthBytes;
  }
  return address;
}

class Reader {
  at: number;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  byte(): number {
    return this.#bytes[this.at++] ?? 0;
  }

  /** Reads a LEB128 number. Addresses are below 2^31, so their signed form reads the same. */
  unsigned(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if ((byte & 0x80) === 0) break;
    }
    return value >>> 0;
  }
}

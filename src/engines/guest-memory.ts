// Reading and writing the memory of a WebAssembly program from outside.

const decoder = new TextDecoder();

/** The program's memory, little-endian. Views are renewed when it grows, as growth detaches the old buffer. */
export class GuestMemory {
  #memory: WebAssembly.Memory | undefined;
  #view = new DataView(new ArrayBuffer(0));

  bind(instance: WebAssembly.Instance): void {
    this.#memory = instance.exports.memory as WebAssembly.Memory;
  }

  bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.#current().buffer, address, length);
  }

  text(address: number, length: number): string {
    return decoder.decode(this.bytes(address, length));
  }

  zero(address: number, length: number): void {
    this.bytes(address, length).fill(0);
  }

  setByte(address: number, value: number): void {
    this.#current().setUint8(address, value);
  }

  setU32(address: number, value: number): void {
    this.#current().setUint32(address, value, true);
  }

  setU64(address: number, value: bigint): void {
    this.#current().setBigUint64(address, value, true);
  }

  /** Calls `each` for the vectors until one is not used up. Returns the sum of the results. */
  forEachVector(vectors: number, count: number, each: (part: Uint8Array) => number): number {
    let total = 0;
    for (let index = 0; index < count; index++) {
      const view = this.#current();
      const length = view.getUint32(vectors + 8 * index + 4, true);
      const used = each(this.bytes(view.getUint32(vectors + 8 * index, true), length));
      total += used;
      if (used < length) break;
    }
    return total;
  }

  #current(): DataView {
    if (!this.#memory) throw new Error('WASI is not bound: call bind(instance) before the first export');
    if (this.#view.buffer !== this.#memory.buffer) this.#view = new DataView(this.#memory.buffer);
    return this.#view;
  }
}

// Files that live in memory, with a position each: what the WASI of the engines reads from and writes to.

const FIRST_CAPACITY_BYTES = 1 << 17;

/** An open file. Given contents are shared, and copied only at the first write. */
export class MemoryFile {
  position = 0;
  length: number;
  #bytes: Uint8Array;
  #owned: boolean;

  constructor(contents?: Uint8Array) {
    this.#bytes = contents ?? new Uint8Array(FIRST_CAPACITY_BYTES);
    this.#owned = contents === undefined;
    this.length = contents?.length ?? 0;
  }

  /** Copies bytes from `position` on into `target`; returns their number, which is 0 at the end. */
  readAt(position: number, target: Uint8Array): number {
    const count = Math.max(0, Math.min(target.length, this.length - position));
    target.set(this.#bytes.subarray(position, position + count));
    return count;
  }

  read(target: Uint8Array): number {
    const count = this.readAt(this.position, target);
    this.position += count;
    return count;
  }

  write(source: Uint8Array): number {
    const end = this.position + source.length;
    this.#reserve(end);
    // A gap left by a seek past the end reads as zeros, also where older, longer content was.
    if (this.position > this.length) this.#bytes.fill(0, this.length, this.position);
    this.#bytes.set(source, this.position);
    this.position = end;
    this.length = Math.max(this.length, end);
    return source.length;
  }

  /** The contents; a view, valid until the next write. */
  contents(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  #reserve(size: number): void {
    if (this.#owned && size <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(size, this.#bytes.length * (this.#owned ? 2 : 1)));
    grown.set(this.contents());
    this.#bytes = grown;
    this.#owned = true;
  }
}

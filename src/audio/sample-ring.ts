// The last samples of a stream, in a fixed amount of memory.

export class SampleRing {
  readonly #samples: Int16Array;
  #written = 0;

  /** @throws RangeError when `capacity` is not a positive whole number */
  constructor(capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new RangeError(`a ring needs a capacity of at least 1 sample, got ${capacity}`);
    }
    this.#samples = new Int16Array(capacity);
  }

  /** Number of samples written so far, including overwritten ones. */
  get written(): number {
    return this.#written;
  }

  /** Stream position of the oldest sample that is kept. */
  get oldest(): number {
    return Math.max(0, this.#written - this.#samples.length);
  }

  write(samples: Int16Array): void {
    const capacity = this.#samples.length;
    const kept = samples.length > capacity ? samples.subarray(samples.length - capacity) : samples;
    const at = (this.#written + samples.length - kept.length) % capacity;
    const untilEdge = Math.min(kept.length, capacity - at);
    if (untilEdge === kept.length) {
      this.#samples.set(kept, at);
    } else {
      this.#samples.set(kept.subarray(0, untilEdge), at);
      this.#samples.set(kept.subarray(untilEdge), 0);
    }
    this.#written += samples.length;
  }

  /**
   * Returns at most `most` samples from stream position `from` on, as far as they are contiguous in memory. The view is no copy, so it
   * is valid only until they are overwritten. Empty if `from` is not kept.
   */
  view(from: number, most: number): Int16Array {
    const capacity = this.#samples.length;
    if (from < this.oldest || from >= this.#written) return this.#samples.subarray(0, 0);
    const at = from % capacity;
    return this.#samples.subarray(at, at + Math.min(most, this.#written - from, capacity - at));
  }

  /** Copies the samples kept from stream position `from` on; the copy begins later if older samples are already overwritten. */
  since(from: number): Int16Array {
    const capacity = this.#samples.length;
    const start = Math.min(this.#written, Math.max(from, this.#written - capacity, 0));
    const copy = new Int16Array(this.#written - start);
    const at = start % capacity;
    const untilEdge = Math.min(copy.length, capacity - at);
    copy.set(this.#samples.subarray(at, at + untilEdge));
    copy.set(this.#samples.subarray(0, copy.length - untilEdge), untilEdge);
    return copy;
  }
}

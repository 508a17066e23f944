// A web stream that one side writes at will, as LiveKit reads generations.
import { ReadableStream, type ReadableStreamDefaultController } from 'node:stream/web';

/** Unbounded; values written after its end, or after its reader gave up, are dropped. */
export class OpenStream<T> {
  readonly readable: ReadableStream<T>;
  #controller!: ReadableStreamDefaultController<T>;
  #isClosed = false;

  constructor() {
    this.readable = new ReadableStream<T>({
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: () => {
        this.#isClosed = true;
      },
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  write(value: T): void {
    if (!this.#isClosed) this.#controller.enqueue(value);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#controller.close();
  }
}

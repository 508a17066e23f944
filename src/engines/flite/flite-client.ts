// Flite from outside its worker thread: requests queue here, so that what is no longer wanted is never spoken.
import { Worker } from 'node:worker_threads';
import type { FliteRequest, FliteResponse } from './flite-worker.ts';

export interface FliteClientOptions {
  /** After this time a synthesis counts as hung and the thread is replaced; 10,000 by default. A clause takes 20 to 200 ms. */
  readonly timeoutMs?: number;
  /** Another worker program with the same messages; for tests. */
  readonly workerUrl?: URL;
}

interface Job extends FliteRequest {
  readonly signal: AbortSignal;
  readonly resolve: (samples: Int16Array) => void;
  readonly reject: (reason: unknown) => void;
  /** Removes the listener from the signal. */
  readonly detach: () => void;
}

const DEFAULT_WORKER_URL = new URL(`./flite-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/** One thread, started on the first request and again after a crash. It doesn't keep the process alive while idle. */
export class FliteClient {
  readonly #timeoutMs: number;
  readonly #workerUrl: URL;
  readonly #waiting: Job[] = [];
  #current: Job | undefined;
  #worker: Worker | undefined;
  #timer: NodeJS.Timeout | undefined;
  #nextId = 1;
  #closed = false;

  constructor({ timeoutMs = 10_000, workerUrl = DEFAULT_WORKER_URL }: FliteClientOptions = {}) {
    this.#timeoutMs = timeoutMs;
    this.#workerUrl = workerUrl;
  }

  /**
   * Mono PCM16 at 16 kHz. Requests are served in order.
   * @param voice one of FLITE_VOICES
   * @throws the signal's reason once it aborts; an Error when Flite fails, crashes, hangs or was closed
   */
  synthesize(text: string, voice: string, signal: AbortSignal): Promise<Int16Array> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      if (this.#closed) throw new Error('Flite was closed');
      const onAbort = () => this.#abandon(job);
      const detach = () => signal.removeEventListener('abort', onAbort);
      const job: Job = { id: this.#nextId++, text, voice, signal, resolve, reject, detach };
      signal.addEventListener('abort', onAbort);
      this.#waiting.push(job);
      this.#sendNext();
    });
  }

  /** Ends the thread; requests under way are rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    const worker = this.#worker;
    for (const job of this.#waiting.splice(0)) this.#settle(job, new Error('Flite was closed'));
    this.#lose(worker, new Error('Flite was closed'));
    await worker?.terminate();
  }

  #sendNext(): void {
    if (this.#current) return;
    const job = this.#waiting.shift();
    if (!job) {
      this.#worker?.unref();
      return;
    }
    this.#current = job;
    this.#worker ??= this.#startWorker();
    this.#worker.ref();
    this.#timer = setTimeout(() => {
      const hung = this.#worker;
      this.#lose(hung, new Error(`Flite took more than ${this.#timeoutMs} ms for ${job.text.length} characters`));
      void hung?.terminate();
    }, this.#timeoutMs);
    const request: FliteRequest = { id: job.id, text: job.text, voice: job.voice };
    this.#worker.postMessage(request);
  }

  #startWorker(): Worker {
    const worker = new Worker(this.#workerUrl);
    worker.on('message', (response: FliteResponse) => {
      if (worker !== this.#worker || response.id !== this.#current?.id) return;
      this.#finish('error' in response ? new Error(`Flite failed: ${response.error}`) : response.samples);
    });
    worker.on('error', (cause) => this.#lose(worker, new Error(`Flite's thread crashed: ${cause}`, { cause })));
    worker.on('exit', (code) => this.#lose(worker, new Error(`Flite's thread ended with code ${code}`)));
    return worker;
  }

  /** Call when the thread is gone: its request fails, and the waiting ones get a new thread. */
  #lose(worker: Worker | undefined, error: Error): void {
    if (worker === undefined || worker !== this.#worker) return;
    this.#worker = undefined;
    if (this.#current) this.#finish(error);
  }

  #finish(outcome: Int16Array | Error): void {
    clearTimeout(this.#timer);
    const job = this.#current;
    this.#current = undefined;
    if (job) this.#settle(job, outcome);
    this.#sendNext();
  }

  #settle(job: Job, outcome: Int16Array | Error): void {
    job.detach();
    if (outcome instanceof Error) job.reject(outcome);
    else job.resolve(outcome);
  }

  /** A request in the thread can't be stopped and is soon done; its result is then dropped. */
  #abandon(job: Job): void {
    const index = this.#waiting.indexOf(job);
    if (index !== -1) this.#waiting.splice(index, 1);
    job.detach();
    job.reject(job.signal.reason);
  }
}

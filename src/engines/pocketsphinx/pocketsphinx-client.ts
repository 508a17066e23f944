// PocketSphinx from outside its worker thread.
import { Worker } from 'node:worker_threads';
import type { SpeechExpectation } from '../../config/expectation.ts';
import type { HeardText, PocketSphinxRequest, PocketSphinxResponse } from './messages.ts';

export interface PocketSphinxClientOptions {
  /** After this time without an answer to an ended utterance the thread counts as hung and is replaced; 15,000 by default. */
  readonly timeoutMs?: number;
  /** Another worker program with the same messages; for tests. */
  readonly workerUrl?: URL;
}

export interface UtteranceEvents {
  onInterim(heard: HeardText): void;
  /** The last event, unless `onFailure` is. */
  onFinal(heard: HeardText): void;
  onFailure(error: PocketSphinxFailure): void;
}

export class PocketSphinxFailure extends Error {
  override readonly name = 'PocketSphinxFailure';
  readonly isTimeout: boolean;

  constructor(message: string, isTimeout = false, options?: ErrorOptions) {
    super(message, options);
    this.isTimeout = isTimeout;
  }
}

/** What the caller says from the beginning to the end of speech. */
export interface Utterance {
  /** Mono PCM16 at 16 kHz; the array is not kept. */
  write(samples: Int16Array): void;
  end(): void;
  /** Drops the utterance: no further event comes. */
  drop(): void;
}

interface Running {
  readonly events: UtteranceEvents;
  timer: NodeJS.Timeout | undefined;
}

interface Ready {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

const DEFAULT_WORKER_URL = new URL(
  `./pocketsphinx-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`,
  import.meta.url,
);
/** Loading takes 0.5 to 3 s. */
const LOAD_TIMEOUT_MS = 60_000;

/** One thread for all callers of the process, started when first needed and again after a crash. */
export class PocketSphinxClient {
  readonly #timeoutMs: number;
  readonly #workerUrl: URL;
  readonly #running = new Map<number, Running>();
  readonly #keyPhrases = new Set<string>();
  #worker: Worker | undefined;
  #ready: Ready | undefined;
  #nextId = 1;
  #closed = false;

  constructor({ timeoutMs = 15_000, workerUrl = DEFAULT_WORKER_URL }: PocketSphinxClientOptions = {}) {
    this.#timeoutMs = timeoutMs;
    this.#workerUrl = workerUrl;
  }

  /** Loads the model. @throws PocketSphinxFailure */
  async warm(): Promise<void> {
    this.#start();
    await this.#ready?.promise;
  }

  /** A number for one caller, whose voice is learnt; `forget` discards it. */
  newCaller(): number {
    return this.#nextId++;
  }

  forget(caller: number): void {
    this.#worker?.postMessage({ type: 'forget', caller } satisfies PocketSphinxRequest);
  }

  /** Adds words for all callers, from the next utterance on. */
  addKeyPhrases(phrases: readonly string[]): void {
    const fresh = phrases.filter((phrase) => !this.#keyPhrases.has(phrase));
    for (const phrase of fresh) this.#keyPhrases.add(phrase);
    if (fresh.length > 0)
      this.#worker?.postMessage({ type: 'key-phrases', phrases: fresh } satisfies PocketSphinxRequest);
  }

  /** Failures come later, through `events.onFailure`. */
  begin(caller: number, expectation: SpeechExpectation, events: UtteranceEvents): Utterance {
    const utterance = this.#nextId++;
    const running: Running = { events, timer: undefined };
    if (this.#closed) {
      queueMicrotask(() => events.onFailure(new PocketSphinxFailure('PocketSphinx was closed')));
      return { write: () => undefined, end: () => undefined, drop: () => undefined };
    }
    const worker = this.#start();
    this.#running.set(utterance, running);
    worker.ref();
    const send = (request: PocketSphinxRequest, transfer?: ArrayBuffer[]) => {
      if (this.#running.has(utterance)) worker.postMessage(request, transfer ?? []);
    };
    send({ type: 'begin', utterance, caller, expectation });
    return {
      write: (samples) => {
        const copy = samples.slice();
        send({ type: 'audio', utterance, samples: copy }, [copy.buffer as ArrayBuffer]);
      },
      end: () => {
        send({ type: 'end', utterance });
        running.timer ??= setTimeout(() => this.#hung(worker), this.#timeoutMs);
      },
      drop: () => {
        send({ type: 'drop', utterance });
        this.#settle(utterance);
      },
    };
  }

  /** Ends the thread; utterances under way fail. */
  async close(): Promise<void> {
    this.#closed = true;
    const worker = this.#worker;
    this.#lose(worker, new PocketSphinxFailure('PocketSphinx was closed'));
    await worker?.terminate();
  }

  #start(): Worker {
    if (this.#worker) return this.#worker;
    if (this.#closed) throw new PocketSphinxFailure('PocketSphinx was closed');
    const worker = new Worker(this.#workerUrl);
    this.#worker = worker;
    this.#ready = Promise.withResolvers<void>();
    this.#ready.promise.catch(() => undefined);
    const loading = setTimeout(() => this.#hung(worker), LOAD_TIMEOUT_MS);
    void this.#ready.promise.then(
      () => clearTimeout(loading),
      () => clearTimeout(loading),
    );
    worker.on('message', (response: PocketSphinxResponse) => {
      if (worker === this.#worker) this.#receive(response);
    });
    worker.on('error', (cause) => {
      this.#lose(worker, new PocketSphinxFailure(`PocketSphinx's thread crashed: ${cause}`, false, { cause }));
    });
    worker.on('exit', (code) => {
      this.#lose(worker, new PocketSphinxFailure(`PocketSphinx's thread ended with code ${code}`));
    });
    if (this.#keyPhrases.size > 0) worker.postMessage({ type: 'key-phrases', phrases: [...this.#keyPhrases] });
    return worker;
  }

  #receive(response: PocketSphinxResponse): void {
    if (response.type === 'ready') {
      this.#ready?.resolve();
      // Once loaded, the thread keeps the process alive only during utterances.
      if (this.#running.size === 0) this.#worker?.unref();
      return;
    }
    const running = this.#running.get(response.utterance);
    if (response.type === 'interim') running?.events.onInterim(response.heard);
    else {
      this.#settle(response.utterance);
      running?.events.onFinal(response.heard);
    }
  }

  #settle(utterance: number): void {
    clearTimeout(this.#running.get(utterance)?.timer);
    this.#running.delete(utterance);
    if (this.#running.size === 0) this.#worker?.unref();
  }

  #hung(worker: Worker): void {
    this.#lose(worker, new PocketSphinxFailure(`PocketSphinx gave no answer for ${this.#timeoutMs} ms`, true));
    void worker.terminate();
  }

  /** Call when the thread is gone: its utterances fail, and the next one gets a new thread. */
  #lose(worker: Worker | undefined, error: PocketSphinxFailure): void {
    if (worker === undefined || worker !== this.#worker) return;
    this.#worker = undefined;
    this.#ready?.reject(error);
    const lost = [...this.#running];
    for (const [utterance] of lost) this.#settle(utterance);
    for (const [, { events }] of lost) events.onFailure(error);
  }
}

// Whether a call would be answered now: the worker is connected to the LiveKit server, and a process that is loaded waits for the call.
import type { ChildProcess } from 'node:child_process';
import { channel } from 'node:diagnostics_channel';
import type { Clock } from '../failover/clock.ts';

export interface ReadinessOptions {
  readonly clock: Clock;
  /** Number of calls whose processes run now. */
  readonly running: () => number;
  /** Called when a call process ended before it was loaded; `inRow` counts such ends in a row. */
  readonly onLoadFailed: (inRow: number, how: string) => void;
}

/** While it is connected, the worker reports its load every 2.5 s (agents 1.9.0, UPDATE_LOAD_INTERVAL). */
const SILENT_MS = 6_000;
/** Node reports every started process on this channel (documented: diagnostics channel `child_process`). */
const STARTED = 'child_process';
/** LiveKit's program for a call process, which sends a message when it is loaded. */
const CALL_PROCESS = /job_proc_lazy_main/;
const LOADED = 'initializeResponse';

export class Readiness {
  /** Resolves when the first call process is loaded. */
  readonly loaded: Promise<void>;
  readonly #options: ReadinessOptions;
  readonly #loaded = new Set<ChildProcess>();
  #isRegistered = false;
  #heardMs = Number.NEGATIVE_INFINITY;
  #failedInRow = 0;
  #tellLoaded: () => void = () => undefined;

  constructor(options: ReadinessOptions) {
    this.#options = options;
    this.loaded = new Promise((resolve) => {
      this.#tellLoaded = resolve;
    });
    channel(STARTED).subscribe(this.#started);
  }

  registered(): void {
    this.#isRegistered = true;
    this.heard();
  }

  /** Call when the worker reports its load. */
  heard(): void {
    this.#heardMs = this.#options.clock.now();
  }

  /** Reasons why no call would be answered now; empty when one would. */
  troubles(): string[] {
    if (!this.#isRegistered) return ['the worker is not registered with the LiveKit server'];
    const isSilent = this.#options.clock.now() - this.#heardMs > SILENT_MS;
    return [
      ...(isSilent ? ['the worker has lost the LiveKit server, and connects again'] : []),
      ...(this.#loaded.size > this.#options.running() ? [] : ['no call process is loaded yet']),
    ];
  }

  close(): void {
    channel(STARTED).unsubscribe(this.#started);
  }

  readonly #started = (message: unknown): void => {
    const child = (message as { process?: ChildProcess }).process;
    // The command line of a process is known only once it runs.
    child?.once('spawn', () => CALL_PROCESS.test(child.spawnargs.join(' ')) && this.#watch(child));
  };

  #watch(child: ChildProcess): void {
    child.on('message', (told: unknown) => {
      if ((told as { case?: unknown } | null)?.case !== LOADED) return;
      this.#loaded.add(child);
      this.#failedInRow = 0;
      this.#tellLoaded();
    });
    child.on('exit', (code, signal) => {
      if (this.#loaded.delete(child)) return;
      this.#failedInRow += 1;
      this.#options.onLoadFailed(this.#failedInRow, signal ?? `code ${code}`);
    });
  }
}

// Google's Speech-to-Text v1 as a stream over gRPC, by a service account.
import type { FinalWait, SttClient, SttOpenOptions, SttSession } from '../../contract.ts';
import { GoogleAccount, type GoogleAccountOptions } from './account.ts';
import { googleGrpcError } from './errors.ts';
import { GoogleSession, type StreamLimits } from './session.ts';

/** 99 of 100 finals come within 1.6 s of the end of the audio, of the Chirp models 2.4 s (measured by third parties). */
const FINALS: FinalWait = { helpMs: 1_600, ms: 2_500 };
const FINALS_OF_CHIRP: FinalWait = { helpMs: 2_400, ms: 3_600 };

export interface GoogleStreamingOptions extends GoogleAccountOptions {
  /** latest_long where absent. */
  readonly model?: string | undefined;
  /** Google's own limits, with a margin, where absent. */
  readonly limits?: Partial<StreamLimits>;
}

export function createGoogleStreaming(options: GoogleStreamingOptions): SttClient {
  return new GoogleStreamingClient(options);
}

class GoogleStreamingClient implements SttClient {
  readonly finals: FinalWait;
  readonly #options: GoogleStreamingOptions;
  readonly #closed = new AbortController();
  #account: Promise<GoogleAccount> | undefined;

  constructor(options: GoogleStreamingOptions) {
    this.#options = options;
    this.finals = options.model?.startsWith('chirp') ? FINALS_OF_CHIRP : FINALS;
  }

  open(options: SttOpenOptions): SttSession {
    const { model, limits } = this.#options;
    const signal = AbortSignal.any([options.signal, this.#closed.signal]);
    return new GoogleSession({ ...options, signal, model, limits, connect: () => this.#connect() });
  }

  /** Loads the SDK, which takes half a second, and connects: a connection costs nothing. */
  async warm(): Promise<void> {
    await this.#connect();
  }

  async check(signal: AbortSignal): Promise<void> {
    const account = await this.#load();
    await account.check(signal);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    const account = await this.#account?.catch(() => undefined);
    await account?.close();
  }

  async #connect(): Promise<GoogleAccount> {
    const account = await this.#load();
    await account.connect();
    return account;
  }

  /** A load that failed is tried again at the next use: the key file may have been corrected. */
  #load(): Promise<GoogleAccount> {
    this.#account ??= GoogleAccount.load(this.#options).catch((error: unknown) => {
      this.#account = undefined;
      throw googleGrpcError(error);
    });
    return this.#account;
  }
}

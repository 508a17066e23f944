// A service account's connection to Google's Speech-to-Text: the SDK, the account's tokens, and where the service is.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { v1 } from '@google-cloud/speech';
import { googleFailure, googleGrpcError } from './errors.ts';
import { GOOGLE_BASE_URL } from './request.ts';

type SpeechClient = InstanceType<typeof v1.SpeechClient>;
type Gax = Extract<NonNullable<ConstructorParameters<typeof v1.SpeechClient>[1]>, { grpc: unknown }>;
type Channel = ReturnType<InstanceType<Gax['grpc']['Client']>['getChannel']>;
type JwtClient = InstanceType<Gax['googleAuthLibrary']['JWT']>;
/** What is written are requests, what is read are responses; ends by 'end' or 'error'. */
export type RecognizeCall = ReturnType<SpeechClient['_streamingRecognize']>;

export interface GoogleAccountOptions {
  /** Path of the key file that Google hands out, a JSON. */
  readonly credentialsFile: string;
  /** `https://speech.googleapis.com` where absent; `http://` on loopback only. */
  readonly baseUrl?: string | undefined;
}

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
/** Longer than any deadline of a chain: only a bound, so that nothing waits for ever. */
const CONNECT_MS = 10_000;
const CHECK_MS = 30_000;
/** Longer than any stream may be. */
const STREAM_MS = 600_000;
/** What a service that stands and took the token may say to a list that it doesn't have. */
const NO_SUCH_LIST: ReadonlySet<unknown> = new Set([400, 404, 501]);

/** There are no retries but gRPC's own of what the server never saw, as it was just going away. */
const CHANNEL = {
  // By default it grows to two minutes, and a vendor that is back would be taken for one that is not.
  'grpc.max_reconnect_backoff_ms': 1_000,
} as const;

export class GoogleAccount {
  readonly #client: SpeechClient;
  readonly #tokens: JwtClient;
  readonly #channel: Channel;
  readonly #ready: number;
  #isClosed = false;

  private constructor(client: SpeechClient, tokens: JwtClient, channel: Channel, ready: number) {
    this.#client = client;
    this.#tokens = tokens;
    this.#channel = channel;
    this.#ready = ready;
  }

  /** Nothing is sent yet. @throws ProviderError where file or address can't be used */
  static async load({ credentialsFile, baseUrl = GOOGLE_BASE_URL }: GoogleAccountOptions): Promise<GoogleAccount> {
    const { host, port, isPlain } = endpointOf(baseUrl);
    const { email, key, keyId } = await readKeyFile(credentialsFile);
    // Half of the SDK is enough, and loads in half the time.
    const { SpeechClient: Sdk } = await import('@google-cloud/speech/build/src/v1/speech_client.js');
    // gRPC and the tokens are the SDK's own, which alone can load them.
    const gax = createRequire(fileURLToPath(import.meta.resolve('@google-cloud/speech')))('google-gax') as Gax;
    const { grpc, GoogleAuth, googleAuthLibrary } = gax;
    const tokens = new googleAuthLibrary.JWT({ email, key, ...(keyId !== undefined && { keyId }), scopes: [SCOPE] });
    // As the SDK does by itself: it signs its tokens and asks nobody for them.
    tokens.useJWTAccessWithScope = true;
    const client = new Sdk({
      servicePath: host,
      port,
      auth: new GoogleAuth({ authClient: tokens }),
      sslCreds: isPlain ? grpc.credentials.createInsecure() : grpc.credentials.createSsl(),
      ...CHANNEL,
    });
    const stub = (await client.initialize()) as unknown as { getChannel(): Channel };
    return new GoogleAccount(client, tokens, stub.getChannel(), grpc.connectivityState.READY);
  }

  /** Until the connection stands. @throws ProviderError where it can't be made */
  async connect(): Promise<void> {
    const until = Date.now() + CONNECT_MS;
    const { TRANSIENT_FAILURE } = CONNECTIVITY;
    let state = this.#channel.getConnectivityState(true);
    while (state !== this.#ready) {
      await new Promise<void>((resolve, reject) => {
        const late = () => reject(googleFailure('timeout', 'did not answer in time'));
        this.#channel.watchConnectivityState(state, until, (error) => (error ? late() : resolve()));
      });
      state = this.#channel.getConnectivityState(true);
      if (state === TRANSIENT_FAILURE) throw googleFailure('unreachable', 'the connection failed');
    }
  }

  /** A stream, to which nothing was written yet. */
  async recognize(): Promise<RecognizeCall> {
    const options = { ...(await this.#callOptions()), timeout: STREAM_MS };
    if (this.#isClosed) throw googleFailure('unreachable', 'was closed');
    return this.#client._streamingRecognize(options);
  }

  /**
   * Lists long-running operations, of which there are none: it costs nothing and tells a refused account and a dead
   * service.
   */
  async check(signal: AbortSignal): Promise<void> {
    const options = { ...(await this.#callOptions()), timeout: CHECK_MS, autoPaginate: false };
    const request = { name: '', filter: '', pageSize: 1, pageToken: '' };
    const listing = this.#client.operationsClient.listOperations(request as never, options);
    const cancel = () => (listing as unknown as { cancel(): void }).cancel();
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) cancel();
    try {
      await listing;
    } catch (error) {
      const failed = googleGrpcError(error);
      if (!NO_SUCH_LIST.has(failed.status)) throw failed;
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    // The SDK trips over streams that were cancelled before they began, unless they can begin.
    await new Promise((resolve) => setImmediate(resolve));
    await this.#client.close();
  }

  /** With the token, as the SDK would send none over a connection without TLS; retries are the chain's. */
  async #callOptions() {
    try {
      const headers = await this.#tokens.getRequestHeaders();
      return { retry: null, otherArgs: { headers: Object.fromEntries(headers) } };
    } catch {
      // What was thrown may hold the key.
      throw googleFailure('auth', 'the private key of the service account can’t be used');
    }
  }
}

/** As gRPC numbers the states of a connection. */
const CONNECTIVITY = { TRANSIENT_FAILURE: 3 } as const;

function endpointOf(baseUrl: string): { host: string; port: number; isPlain: boolean } {
  let url: URL;
  try {
    url = new URL(baseUrl);
  } catch {
    throw googleFailure('invalid-request', 'has an address that is none');
  }
  const isPlain = url.protocol === 'http:';
  const isLoopback = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (isPlain && !isLoopback) throw googleFailure('invalid-request', 'wants https: a token must not be seen');
  return { host: url.hostname, port: Number(url.port || (isPlain ? 80 : 443)), isPlain };
}

/** Nothing of the file stands in an error. */
async function readKeyFile(path: string): Promise<{ email: string; key: string; keyId: string | undefined }> {
  let account: Record<string, unknown>;
  try {
    account = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw googleFailure('auth', `the service account’s key file can’t be read (${code ?? 'no JSON'})`);
  }
  const { type, client_email: email, private_key: key, private_key_id: keyId } = account ?? {};
  if (type !== 'service_account' || typeof email !== 'string' || typeof key !== 'string') {
    throw googleFailure('auth', 'the file is no key of a service account');
  }
  return { email, key, keyId: typeof keyId === 'string' ? keyId : undefined };
}

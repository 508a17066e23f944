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
/** A duplex stream: it takes requests, gives responses, and ends by 'end' or 'error'. */
export type RecognizeCall = ReturnType<SpeechClient['_streamingRecognize']>;

export interface GoogleAccountOptions {
  /** Path of the service account's key file, a JSON file from Google. */
  readonly credentialsFile: string;
  /** `https://speech.googleapis.com` where absent; `http://` on loopback only. */
  readonly baseUrl?: string | undefined;
}

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
/** Upper bound, so that nothing waits for ever; longer than any deadline of a chain. */
const CONNECT_MS = 10_000;
const CHECK_MS = 30_000;
/** Deadline of a streaming call; longer than any stream may live. */
const STREAM_MS = 600_000;
/** HTTP statuses of a service that is up and accepted the token, but has no such list. */
const NO_SUCH_LIST: ReadonlySet<unknown> = new Set([400, 404, 501]);

/** The only retries are gRPC's own, of requests that the server never saw because it was just going away. */
const CHANNEL = {
  // By default the wait grows to two minutes, so that a vendor that is back would still seem unreachable.
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

  /** Loads the SDK and the key file; sends nothing yet. @throws ProviderError where file or address can't be used */
  static async load({ credentialsFile, baseUrl = GOOGLE_BASE_URL }: GoogleAccountOptions): Promise<GoogleAccount> {
    const { host, port, isPlain } = endpointOf(baseUrl);
    const { email, key, keyId } = await readKeyFile(credentialsFile);
    // This half of the SDK is enough and loads in half the time.
    const { SpeechClient: Sdk } = await import('@google-cloud/speech/build/src/v1/speech_client.js');
    // gRPC and the token library are dependencies of the SDK, so only the SDK can resolve them.
    const gax = createRequire(fileURLToPath(import.meta.resolve('@google-cloud/speech')))('google-gax') as Gax;
    const { grpc, GoogleAuth, googleAuthLibrary } = gax;
    const tokens = new googleAuthLibrary.JWT({ email, key, ...(keyId !== undefined && { keyId }), scopes: [SCOPE] });
    // Same as the SDK by default: it signs its tokens itself and requests none from a server.
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

  /** Resolves once the connection is open. @throws ProviderError where it can't be made */
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

  /** Opens a stream; nothing is written to it yet. */
  async recognize(): Promise<RecognizeCall> {
    const options = { ...(await this.#callOptions()), timeout: STREAM_MS };
    if (this.#isClosed) throw googleFailure('unreachable', 'was closed');
    return this.#client._streamingRecognize(options);
  }

  /**
   * Lists long-running operations, of which there are none: that costs nothing and reveals a refused account or a dead
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
    // The SDK fails on streams that were cancelled before they began, unless they get the time to begin.
    await new Promise((resolve) => setImmediate(resolve));
    await this.#client.close();
  }

  /** Adds the token, as the SDK sends none over a connection without TLS; turns off retries, which are up to the chain. */
  async #callOptions() {
    try {
      const headers = await this.#tokens.getRequestHeaders();
      return { retry: null, otherArgs: { headers: Object.fromEntries(headers) } };
    } catch {
      // The thrown error may contain the key.
      throw googleFailure('auth', 'the private key of the service account can’t be used');
    }
  }
}

/** gRPC's numbers for the states of a connection. */
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

/** Errors contain nothing of the file. */
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

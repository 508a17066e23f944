// OpenAI's plugin (1.9.0): its websocket has no listener for errors, parses without a guard, and it reconnects without the tools' items.
import { llm } from '@livekit/agents';
import type { realtime } from '@livekit/agents-plugin-openai';
import { WebSocket } from 'ws';
import type { AdapterEvents, RealtimeAdapter, ReplySign } from '../adapter-contract.ts';
import { currentHandshakes } from '../handshakes.ts';
import { BusyError } from '../session-errors.ts';
import { shortId, withShortIds } from './openai-ids.ts';
import { isPcm16 } from './pcm16.ts';

/** Private parts of the plugin's session that this adapter uses. */
interface Internals {
  _options: {
    apiKey?: string;
    baseURL: string;
    model: string;
    isAzure: boolean;
    maxSessionDuration: number;
    turnDetection?: { type: string; silence_duration_ms?: number; eagerness?: string } | null;
    connOptions: { timeoutMs: number };
  };
  createWsConn(): Promise<WebSocket>;
}

interface ServerEvent {
  readonly type?: string;
  readonly delta?: string;
  readonly item_id?: string;
  readonly error?: { readonly code?: string | null; event_id?: string | null };
  readonly session?: { readonly expires_at?: number };
  readonly response?: { readonly status?: string; readonly status_details?: { readonly reason?: string } | null };
}

const TRANSCRIPTION = 'conversation.item.input_audio_transcription.delta';
const TRANSCRIPTION_FAILED = 'conversation.item.input_audio_transcription.failed';
const BUSY = 'conversation_already_has_active_response';

/** Longest wait of semantic turn detection, by eagerness: https://platform.openai.com/docs/guides/realtime-vad */
const SEMANTIC_MS: Readonly<Record<string, number>> = { low: 8_000, medium: 4_000, auto: 4_000, high: 2_000 };
/** Longest delay that setTimeout takes; it disables the plugin's own reconnection, which forgets items. */
const NEVER_MS = 2 ** 31 - 1;

export const openaiAdapter: RealtimeAdapter = {
  setsUp: false,
  tellsSpeech: true,
  turnEndMs(model) {
    const detection = (model as unknown as Internals)._options?.turnDetection;
    if (detection?.type === 'server_vad') return detection.silence_duration_ms ?? 500;
    return SEMANTIC_MS[detection?.eagerness ?? 'medium'] ?? 4_000;
  },
  connects: true,
  async open(model, _setup, events) {
    const { realtime } = await import('@livekit/agents-plugin-openai');
    if (!(model instanceof realtime.RealtimeModel)) return model.session();
    const session = new (guardedSession(realtime))(model);
    const partial = new Set<string>();
    session.on('openai_server_event_received', (event: ServerEvent) => {
      const sign = signOf(event);
      if (sign) events.onSign(sign);
      if (event.type === 'session.created') expiry(event.session?.expires_at, events);
      // Where a part was transcribed, the plugin reports that part as the whole.
      if (event.type === TRANSCRIPTION && event.item_id) partial.add(event.item_id);
      if (event.type === TRANSCRIPTION_FAILED && !partial.has(event.item_id ?? '')) events.onWordless();
      // The plugin ignores audio that it can't decode.
      const isAudio = event.type === 'response.output_audio.delta' || event.type === 'response.audio.delta';
      if (isAudio && !isPcm16(event.delta ?? '')) events.onMalformed(new RangeError('audio that is no PCM16'));
    });
    return session;
  },
  async close(session) {
    await session.close();
    // The plugin checks whether it is closed only when it has something to send: the connection would stay open.
    (session as realtime.RealtimeSession).sendEvent?.({ type: 'input_audio_buffer.clear' });
  },
  toHistory: withShortIds,
  toId: shortId,
  confirmsItems: true,
  inWords: ({ id, name, output, createdAt }) =>
    llm.ChatMessage.create({ id, role: 'user', content: `(The result of your tool ${name}: ${output})`, createdAt }),
};

/** https://platform.openai.com/docs/api-reference/realtime-server-events */
function signOf({ type, response }: ServerEvent): ReplySign | undefined {
  switch (type) {
    case 'response.output_item.added':
    case 'response.function_call_arguments.delta':
      return { type: 'progress' };
    case 'response.output_audio.done':
    case 'response.audio.done':
      return { type: 'generated' };
    case 'response.done':
      if (response?.status === 'failed') return { type: 'cut' };
      if (response?.status !== 'incomplete') return undefined;
      return response.status_details?.reason === 'content_filter'
        ? { type: 'refused', reason: 'content_filter' }
        : { type: 'cut' };
    default:
      return undefined;
  }
}

function expiry(expiresAtS: number | undefined, events: AdapterEvents): void {
  if (expiresAtS) events.onExpiring(expiresAtS * 1000 - Date.now());
}

type Plugin = typeof realtime;
let guarded: typeof realtime.RealtimeSession | undefined;

/** The plugin's session with a websocket that throws nothing and is opened only once. */
function guardedSession({ RealtimeSession, processBaseURL }: Plugin): typeof realtime.RealtimeSession {
  if (guarded) return guarded;
  class GuardedSession extends RealtimeSession {
    #isAnswering = false;
    #isBusy = false;
    #asked: string | undefined;
    #onIdle: (() => void)[] = [];

    constructor(...given: ConstructorParameters<typeof RealtimeSession>) {
      super(...given);
      this.on('openai_client_event_queued', ({ type, event_id }: { type?: string; event_id?: string }) => {
        if (type === 'response.create') this.#asked = event_id;
      });
      this.on('openai_server_event_received', (event: ServerEvent) => this.#follow(event));
    }

    /** The vendor refuses a request while server VAD answers a turn: this throws BusyError when that answer is over, to ask again. */
    override async generateReply(...given: Parameters<realtime.RealtimeSession['generateReply']>) {
      try {
        return await super.generateReply(...given);
      } catch (error) {
        if (!this.#isBusy) throw error;
        this.#isBusy = false;
        if (this.#isAnswering) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
        throw new BusyError('another reply was under way');
      }
    }

    #follow({ type, error }: ServerEvent): void {
      if (type === 'response.created') this.#isAnswering = true;
      if (type === 'response.done') {
        this.#isAnswering = false;
        for (const resolve of this.#onIdle.splice(0)) resolve();
      }
      if (type !== 'error' || error?.code !== BUSY) return;
      this.#isBusy = true;
      // The vendor does not always say which request it refused; the plugin would wait for 10 s.
      error.event_id ??= this.#asked ?? null;
    }
  }
  const connected = new WeakSet<object>();
  const original = (RealtimeSession.prototype as unknown as Internals).createWsConn;
  Object.defineProperty(GuardedSession.prototype, 'createWsConn', {
    value(this: Internals): Promise<WebSocket> {
      if (connected.has(this)) return Promise.reject(new llm.RealtimeError('the chain opens the next session'));
      connected.add(this);
      this._options.maxSessionDuration = NEVER_MS;
      if (this._options.isAzure) return original.call(this);
      const { apiKey, baseURL, model, connOptions } = this._options;
      const url = processBaseURL({ baseURL, model, isAzure: false });
      return openSocket(url, apiKey ?? '', connOptions.timeoutMs);
    },
  });
  guarded = GuardedSession as typeof realtime.RealtimeSession;
  return guarded;
}

function openSocket(url: string, apiKey: string, timeoutMs: number): Promise<WebSocket> {
  const handshakes = currentHandshakes();
  const socket = new GuardedSocket(url, {
    headers: { Authorization: `Bearer ${apiKey}`, 'User-Agent': 'Bulletproof' },
    perMessageDeflate: false,
    handshakeTimeout: timeoutMs,
  });
  socket.onBroken = (cause) => handshakes?.onMalformed(cause);
  return new Promise((resolve, reject) => {
    socket.on('open', () => resolve(socket));
    // The handshake's own events report the error; without a listener it would end the process.
    socket.on('error', () => undefined);
    socket.on('close', (code, reason) => {
      handshakes?.onClosed(code, reason.toString());
      reject(new llm.RealtimeError('the connection was closed'));
    });
  });
}

/** A websocket whose message handler can't throw into the event loop and misses no message that comes with the handshake. */
class GuardedSocket extends WebSocket {
  onBroken: (cause: unknown) => void = () => undefined;
  #early: unknown[][] | undefined = [];

  override emit(event: string | symbol, ...values: unknown[]): boolean {
    if (event !== 'message') return super.emit(event, ...values);
    if (this.#early && (this.#early.length > 0 || this.listenerCount('message') === 0)) {
      if (this.#early.length === 0) this.once('newListener', () => setImmediate(() => this.#flush()));
      this.#early.push(values);
      return true;
    }
    try {
      return super.emit(event, ...values);
    } catch (cause) {
      this.onBroken(cause);
      return true;
    }
  }

  #flush(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const values of early) this.emit('message', ...values);
  }
}

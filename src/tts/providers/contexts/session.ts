// One reply over a vendor's websocket: clauses go out as they are written, each segment in a context of its own, and the
// sound comes back behind the words that it speaks.
import { AsyncQueue } from '../../../audio/async-queue.ts';
import { ProviderError, type ProviderErrorKind, serverError } from '../../../failover/provider-error.ts';
import { type SpokenText, WrittenText } from '../../../text/clause-text.ts';
import type { PooledSocket, SocketPool, VendorMessage } from '../../../vendors/socket-pool.ts';
import type { TtsOpenOptions, TtsPart, TtsSession } from '../../contract.ts';
import { untilAborted } from '../../until-aborted.ts';
import { ContextAudio } from './audio.ts';
import { decodePcm16, type VoiceEvent, type VoiceProtocol } from './voice-protocol.ts';

export interface ContextSessionOptions extends TtsOpenOptions {
  readonly provider: string;
  readonly pool: SocketPool;
  readonly url: string;
  readonly sampleRateHz: number;
  /** A context whose text is all spoken gets no more text after this long without sound. */
  readonly expiresAfterMs?: number | undefined;
  readonly protocol: () => VoiceProtocol;
  readonly onOver: () => void;
}

/** Time without sound after which a context is closed: with all words spoken except for rounded times, and with words left. */
const QUIET_MS = { said: 300, unsaid: 2_000 } as const;
/** Wait before a vendor that had too much to do is asked again. */
const BUSY_MS = 250;

/** Errors that another socket would get as well. */
const LASTING: ReadonlySet<ProviderErrorKind> = new Set(['auth', 'forbidden', 'quota']);

type Task = { readonly type: 'speak'; readonly text: SpokenText } | { readonly type: 'segment-end' | 'end' };

interface Context {
  readonly id: string;
  readonly socket: PooledSocket;
  readonly protocol: VoiceProtocol;
  readonly audio: ContextAudio;
  /** All text sent; if the context turns out to be expired, text sent after the last sound is spoken again. */
  readonly sent: { readonly text: SpokenText; readonly atMs: number }[];
  finished: boolean;
  /** Whether the vendor was told to close the context, as all sound has come. */
  isClosing: boolean;
  quiet: NodeJS.Timeout | undefined;
  sentAtMs: number;
  heardAtMs: number | undefined;
}

export class ContextSession implements TtsSession {
  readonly parts: AsyncIterable<TtsPart>;
  readonly #queue = new AsyncQueue<TtsPart>();
  readonly #options: ContextSessionOptions;
  readonly #written = new WrittenText();
  readonly #tasks: Task[] = [];
  #socket: PooledSocket | undefined;
  #openedAtMs = performance.now();
  #context: Context | undefined;
  /** Time of the current context's first sample since the session's first sample. */
  #playedMs = 0;
  #isSegmentOpen = true;
  #ended = false;
  /** Whether text that the vendor lost or refused was sent again already; this is done once per reply. */
  #hasAskedAgain = false;
  #isWaiting = false;
  readonly #over = new AbortController();

  constructor(options: ContextSessionOptions) {
    this.#options = options;
    const { signal } = options;
    this.parts = untilAborted(this.#queue, signal);
    if (signal.aborted) {
      this.#queue.end();
      options.onOver();
      return;
    }
    signal.addEventListener('abort', () => this.cancel(), { once: true, signal: this.#over.signal });
    this.#guard(() => {
      const socket = this.#enter();
      socket.opened.then(
        () => {
          if (!this.#queue.ended) this.#options.onOpen?.();
        },
        (error: unknown) => this.#fail(error),
      );
    });
  }

  write(text: string): void {
    if (this.#isOver) return;
    if (text.trim() !== '') this.#isSegmentOpen = true;
    this.#speak(this.#written.push(text));
  }

  flush(): void {
    if (this.#isOver) return;
    this.#speak(this.#written.flush());
    this.#isSegmentOpen = false;
    this.#do({ type: 'segment-end' });
  }

  end(): void {
    if (this.#isOver) return;
    if (this.#isSegmentOpen) this.flush();
    this.#ended = true;
    this.#do({ type: 'end' });
  }

  /** Ends without an error; the vendor is told to stop. */
  cancel(): void {
    if (this.#queue.ended) return;
    const context = this.#context;
    const socket = this.#socket;
    this.#queue.end();
    if (socket && context) {
      for (const message of context.protocol.cancel(context.id)) socket.send(message);
      socket.drop(context.id, false);
    }
    this.#leave(this.#owesAnswer(context) && (socket?.isSuspect(context?.sentAtMs ?? this.#openedAtMs) ?? false));
  }

  /** Whether the vendor still owes something: the opening of the connection, or sound. */
  #owesAnswer(context: Context | undefined): boolean {
    return context ? context.audio.isPending || context.finished : this.#socket?.isOpen === false;
  }

  get #isOver(): boolean {
    return this.#ended || this.#queue.ended;
  }

  #speak(texts: readonly SpokenText[]): void {
    for (const text of texts) this.#do({ type: 'speak', text });
  }

  #do(task: Task): void {
    this.#tasks.push(task);
    this.#guard(() => this.#work());
  }

  /** Runs the tasks that can run now; the next context begins only after a finished one has ended. */
  #work(): void {
    while (!this.#isWaiting && !this.#context?.finished && !this.#queue.ended) {
      const task = this.#tasks.shift();
      if (!task) return;
      if (task.type === 'speak') this.#say(task.text);
      else if (task.type === 'end') {
        this.#queue.end();
        this.#leave(false);
      } else if (this.#context) this.#finishContext(this.#context);
      else this.#queue.push({ type: 'segment-end' });
    }
  }

  #say(text: SpokenText): void {
    if (this.#context && this.#isStale(this.#context)) this.#endContext(false);
    this.#context ??= this.#beginContext();
    const context = this.#context;
    context.audio.write(text);
    context.sentAtMs = performance.now();
    context.sent.push({ text, atMs: context.sentAtMs });
    this.#send(context.protocol.speak(context.id, text.spoken));
  }

  /** Whether the vendor would drop the context, or has done so already. */
  #isStale({ heardAtMs, audio }: Context): boolean {
    const { expiresAfterMs } = this.#options;
    if (expiresAfterMs === undefined || heardAtMs === undefined) return false;
    return performance.now() - heardAtMs > expiresAfterMs && !audio.isPending;
  }

  #beginContext(): Context {
    const socket = this.#enter();
    const protocol = this.#options.protocol();
    const context: Context = {
      id: crypto.randomUUID(),
      socket,
      protocol,
      audio: new ContextAudio(this.#options.sampleRateHz, this.#playedMs, (part) => this.#queue.push(part)),
      sent: [],
      finished: false,
      isClosing: false,
      quiet: undefined,
      sentAtMs: performance.now(),
      heardAtMs: undefined,
    };
    socket.begin(context.id, {
      message: (message) => this.#guard(() => this.#read(context, message)),
      failed: (error) => this.#fail(error),
    });
    this.#context = context;
    this.#send(protocol.begin(context.id));
    return context;
  }

  #finishContext(context: Context): void {
    context.finished = true;
    context.sentAtMs = performance.now();
    this.#send(context.protocol.finish(context.id));
    this.#closeOnceSpoken(context);
  }

  #closeOnceSpoken(context: Context): void {
    const { protocol, audio, finished, isClosing } = context;
    if (!finished || isClosing || !protocol.close || audio.durationMs === 0) return;
    clearTimeout(context.quiet);
    if (audio.isSpoken) this.#close(context);
    else {
      const quietMs = audio.isPending ? QUIET_MS.unsaid : QUIET_MS.said;
      context.quiet = setTimeout(() => this.#close(context), quietMs).unref();
    }
  }

  #close(context: Context): void {
    if (this.#context !== context || context.isClosing) return;
    context.isClosing = true;
    this.#send(context.protocol.close?.(context.id) ?? []);
  }

  #read(context: Context, message: VendorMessage): void {
    for (const event of context.protocol.read(message)) {
      if (this.#context !== context || this.#queue.ended) return;
      this.#take(context, event);
    }
    if (this.#context === context) this.#closeOnceSpoken(context);
  }

  #take(context: Context, event: VoiceEvent): void {
    switch (event.type) {
      case 'words':
        context.audio.hear(event.words);
        return;
      case 'audio':
        context.heardAtMs = performance.now();
        context.audio.push(this.#samplesOf(event.base64));
        return;
      case 'error':
        // The vendor may still generate replies that were cancelled a moment ago, and they count against its limit.
        if (event.error.kind === 'rate-limit' && context.audio.durationMs === 0 && !this.#hasAskedAgain) {
          this.#askAgain(context, BUSY_MS);
          return;
        }
        throw event.error;
      case 'expired':
        this.#sayAgain(context);
        return;
      case 'done':
        this.#done(context);
    }
  }

  #done(context: Context): void {
    context.audio.finish();
    if (context.audio.durationMs === 0) {
      if (this.#hasAskedAgain || context.sent.length === 0) throw this.#error('malformed', 'sent no sound for a text');
      this.#askAgain(context, 0);
      return;
    }
    if (context.audio.isPending) throw this.#error('unreachable', 'ended before all was spoken');
    const { finished } = context;
    this.#endContext(true);
    if (finished) this.#queue.push({ type: 'segment-end' });
    this.#work();
  }

  /** Speaks in a new context what the expired one didn't take; only prosody is lost. */
  #sayAgain({ heardAtMs, sent, finished }: Context): void {
    if (heardAtMs === undefined) throw this.#error('server', 'forgot a text');
    this.#endContext(true);
    if (finished) this.#tasks.unshift({ type: 'segment-end' });
    const left = sent.filter(({ atMs }) => atMs > heardAtMs);
    this.#tasks.unshift(...left.map(({ text }) => ({ type: 'speak', text }) as const));
    this.#work();
  }

  /** Speaks the whole context again in a new one, once per reply. */
  #askAgain({ sent, finished }: Context, afterMs: number): void {
    this.#hasAskedAgain = true;
    this.#endContext(true);
    if (finished) this.#tasks.unshift({ type: 'segment-end' });
    this.#tasks.unshift(...sent.map(({ text }) => ({ type: 'speak', text }) as const));
    if (afterMs === 0) {
      this.#work();
      return;
    }
    this.#isWaiting = true;
    const timer = setTimeout(() => {
      this.#isWaiting = false;
      this.#guard(() => this.#work());
    }, afterMs);
    this.#over.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  }

  /** @param ended whether the vendor ended it */
  #endContext(ended: boolean): void {
    const context = this.#context;
    if (!context) return;
    clearTimeout(context.quiet);
    if (!ended) this.#send(context.protocol.cancel(context.id));
    context.socket.drop(context.id, ended);
    context.audio.release();
    this.#playedMs += context.audio.durationMs;
    this.#context = undefined;
  }

  /** Returns the socket of this reply, or a new one if the old one failed while nothing was asked of it. */
  #enter(): PooledSocket {
    const error = this.#socket?.error;
    if (error && LASTING.has(error.kind)) throw error;
    if (error) this.#leave(false);
    if (!this.#socket) {
      this.#openedAtMs = performance.now();
      this.#socket = this.#options.pool.enter(this.#options.url);
    }
    return this.#socket;
  }

  #leave(failed: boolean): void {
    const socket = this.#socket;
    clearTimeout(this.#context?.quiet);
    this.#context?.audio.drop();
    this.#socket = undefined;
    this.#context = undefined;
    if (failed) socket?.abandon();
    else socket?.leave();
    if (!this.#queue.ended) return;
    this.#over.abort();
    this.#options.onOver();
  }

  #send(messages: readonly VendorMessage[]): void {
    for (const message of messages) this.#socket?.send(message);
  }

  #samplesOf(base64: string): Int16Array {
    const samples = decodePcm16(base64);
    if (!samples) throw this.#error('malformed', 'sent sound that can’t be decoded');
    return samples;
  }

  #error(kind: ProviderErrorKind, words: string): ProviderError {
    const { provider } = this.#options;
    return new ProviderError({ kind, provider, message: `${provider}: ${words}` });
  }

  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#queue.ended) return;
    const context = this.#context;
    if (context) {
      context.audio.release();
      this.#send(context.protocol.cancel(context.id));
      context.socket.drop(context.id, false);
    }
    this.#queue.fail(serverError(this.#options.provider, error));
    this.#leave(true);
  }
}

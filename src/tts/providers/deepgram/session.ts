// One reply over a socket of Deepgram: sentences are flushed as they are complete, and each flush is accounted for.
import { AsyncQueue } from '../../../audio/async-queue.ts';
import { ProviderError, type ProviderErrorKind } from '../../../failover/provider-error.ts';
import { ClauseSplitter } from '../../../text/clauses.ts';
import { spellCodes } from '../../../text/spell-codes.ts';
import type { TtsOpenOptions, TtsPart, TtsSession } from '../../contract.ts';
import { untilAborted } from '../../until-aborted.ts';
import type { DeepgramPool } from './pool.ts';
import type { DeepgramSocket } from './socket.ts';

export interface DeepgramReplyOptions extends Omit<TtsOpenOptions, 'language'> {
  readonly provider: string;
  readonly pool: DeepgramPool;
  kindOfWords(words: string): ProviderErrorKind | undefined;
}

/** A text sent or to be sent, and what is still owed for it; a piece with an empty text is not sent. */
interface Piece {
  readonly text: string;
  readonly endsSegment: boolean;
  isSent: boolean;
  hasAudio: boolean;
}

/** The first sentence is sent at once; each next flush takes twice as much text, as flushes are limited and cost prosody. */
const LATER_CHARS = { least: 120, most: 480 } as const;
/** Pause at the end of a sentence. A flush after a comma would sound like such an end. */
const SENTENCE_PAUSE_MS = 300;
/** Text of this length is flushed even without the end of a sentence. */
const MAX_CHARS = 600;
/** Wait after too many flushes: "one minute" in the vendor's message. */
const FLUSH_WAIT_MS = 60_000;

export class DeepgramReply implements TtsSession {
  readonly parts: AsyncIterable<TtsPart>;
  readonly #queue = new AsyncQueue<TtsPart>();
  readonly #options: DeepgramReplyOptions;
  readonly #clauses = new ClauseSplitter();
  readonly #pieces: Piece[] = [];
  #socket: DeepgramSocket | undefined;
  #text = '';
  #leastChars = 0;
  #isSegmentOpen = true;
  #wasOpened = false;
  #ended = false;
  readonly #cancel = () => this.#finish();

  constructor(options: DeepgramReplyOptions) {
    this.#options = options;
    this.parts = untilAborted(this.#queue, options.signal);
    if (options.signal.aborted) {
      this.#queue.end();
      return;
    }
    options.signal.addEventListener('abort', this.#cancel, { once: true });
    this.#connect();
  }

  write(text: string): void {
    if (this.#isClosed) return;
    this.#isSegmentOpen = true;
    for (const clause of this.#clauses.push(text)) {
      this.#text += plain(clause.text);
      const isSentence = clause.pauseMs >= SENTENCE_PAUSE_MS && this.#text.length >= this.#leastChars;
      if (isSentence || this.#text.length >= MAX_CHARS) this.#put(false);
    }
  }

  flush(): void {
    if (this.#isClosed) return;
    for (const clause of this.#clauses.flush()) this.#text += plain(clause.text);
    this.#isSegmentOpen = false;
    this.#put(true);
  }

  end(): void {
    if (this.#isClosed) return;
    if (this.#isSegmentOpen) this.flush();
    this.#ended = true;
    this.#settle();
  }

  get #isClosed(): boolean {
    return this.#ended || this.#queue.ended;
  }

  #connect(): void {
    const socket = this.#options.pool.acquire(this.#options.voice);
    this.#socket = socket;
    socket.own({
      opened: () => this.#opened(),
      audio: (bytes) => this.#hear(bytes),
      flushed: () => this.#flushed(),
      refused: (words) => this.#refused(words),
      flushIgnored: () => this.#fail('rate-limit', 'takes no more flushes for now', FLUSH_WAIT_MS),
      ended: (error) => this.#lost(error),
    });
    // Deferred, so that the caller of the constructor has this reply before `onOpen` is called.
    if (socket.isOpen) queueMicrotask(() => this.#opened());
  }

  #opened(): void {
    if (this.#queue.ended) return;
    if (!this.#wasOpened) this.#options.onOpen?.();
    this.#wasOpened = true;
    this.#sendPieces();
  }

  #put(endsSegment: boolean): void {
    const text = /[\p{L}\p{N}]/u.test(this.#text) ? this.#text : '';
    this.#text = '';
    if (text === '' && !endsSegment) return;
    this.#leastChars = Math.min(LATER_CHARS.most, Math.max(LATER_CHARS.least, 2 * this.#leastChars));
    this.#pieces.push({ text, endsSegment, isSent: text === '', hasAudio: false });
    if (text !== '' && !this.#socket) this.#connect();
    this.#sendPieces();
    this.#settle();
  }

  #sendPieces(): void {
    if (!this.#socket?.isOpen) return;
    for (const piece of this.#pieces) {
      if (piece.isSent) continue;
      piece.isSent = true;
      this.#socket.speak(piece.text);
    }
  }

  #hear(bytes: Buffer): void {
    if (this.#queue.ended) return;
    const piece = this.#pieces[0];
    if (bytes.length % 2 === 1) this.#fail('malformed', 'sent half a sample');
    // Audio that comes before this reply wrote anything can only belong to an earlier reply.
    else if (bytes.length > 0 && piece) {
      piece.hasAudio = true;
      const samples = new Int16Array(bytes.length / 2);
      new Uint8Array(samples.buffer).set(bytes);
      this.#queue.push({ type: 'audio', samples });
    }
  }

  #flushed(): void {
    if (this.#queue.ended) return;
    const piece = this.#pieces.shift();
    if (!piece) return;
    if (!piece.hasAudio) {
      this.#fail('malformed', 'sent no audio for a text');
      return;
    }
    if (piece.endsSegment) this.#queue.push({ type: 'segment-end' });
    this.#settle();
  }

  /** Ends segments with nothing to speak when it is their turn, and the reply after its last segment. */
  #settle(): void {
    while (this.#pieces[0]?.text === '') {
      this.#pieces.shift();
      this.#queue.push({ type: 'segment-end' });
    }
    if (this.#ended && this.#pieces.length === 0) this.#finish();
  }

  #refused(words: string | undefined): void {
    if (words === undefined) this.#fail('malformed', 'sent a message that can’t be read');
    else this.#fail(this.#options.kindOfWords(words) ?? 'server', 'told an error on the open socket');
  }

  /** The loss of an idle socket is no error, because the next text opens another; a refusal (auth, quota) still is one. */
  #lost(error: ProviderError): void {
    this.#socket = undefined;
    const wasIdle = this.#wasOpened && this.#pieces.length === 0;
    if (!wasIdle || error.kind === 'auth' || error.kind === 'quota') this.#finish(error);
  }

  #fail(kind: ProviderErrorKind, words: string, retryAfterMs?: number): void {
    const { provider } = this.#options;
    this.#finish(new ProviderError({ kind, provider, message: `${provider}: ${words}`, retryAfterMs }));
  }

  #finish(error?: ProviderError): void {
    if (this.#queue.ended) return;
    if (error) this.#queue.fail(error);
    else this.#queue.end();
    const { signal, pool, voice } = this.#options;
    signal.removeEventListener('abort', this.#cancel);
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.own(undefined);
    const isUnderWay = this.#pieces.some(({ isSent, text }) => isSent && text !== '');
    if (error) socket.close();
    else if (isUnderWay) socket.clear(() => pool.release(socket, voice));
    else pool.release(socket, voice);
  }
}

/** Removes markup, which nobody sees, and spells codes letter by letter, as Aura leaves out letters of an unspaced code. */
function plain(text: string): string {
  return `${spellCodes(text.replace(/[*_`#~|]+/g, ' ')).trim()} `;
}

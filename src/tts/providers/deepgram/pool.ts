// Sockets of Deepgram's synthesis between two replies: opening one costs a round trip or two before the first sound.
import { DeepgramSocket, type DeepgramSocketOptions } from './socket.ts';

/** One for the next reply and one for another caller; more would count against the vendor's limit of sockets. */
const MAX_IDLE = 2;
/** Replies of a conversation are closer together than this; an older socket may be dead without notice. */
const MAX_IDLE_MS = 60_000;

export class DeepgramPool {
  readonly #idle = new Map<DeepgramSocket, { readonly voice: string; readonly timer: NodeJS.Timeout }>();
  readonly #all = new Set<DeepgramSocket>();
  readonly #optionsFor: (voice: string) => DeepgramSocketOptions;
  #closed = false;

  constructor(optionsFor: (voice: string) => DeepgramSocketOptions) {
    this.#optionsFor = optionsFor;
  }

  /** Opens a socket of the voice to wait for a reply, unless there is one already. */
  warm(voice: string): void {
    if (this.#closed || [...this.#idle].some(([socket, idle]) => idle.voice === voice && socket.isReusable)) return;
    this.release(this.acquire(voice), voice);
  }

  acquire(voice: string): DeepgramSocket {
    for (const [socket, { voice: spoken, timer }] of this.#idle) {
      if (spoken !== voice) continue;
      clearTimeout(timer);
      this.#idle.delete(socket);
      if (socket.isReusable) return socket;
      socket.close();
    }
    const socket: DeepgramSocket = new DeepgramSocket(this.#optionsFor(voice), () => this.#forget(socket));
    this.#all.add(socket);
    return socket;
  }

  /** Call when no work is under way on the socket any more. */
  release(socket: DeepgramSocket, voice: string): void {
    socket.own(undefined);
    if (this.#closed || !this.#all.has(socket)) return;
    if (!socket.isReusable || this.#idle.size >= MAX_IDLE) {
      socket.close();
      return;
    }
    const timer = setTimeout(() => socket.close(), MAX_IDLE_MS);
    timer.unref();
    this.#idle.set(socket, { voice, timer });
  }

  close(): void {
    this.#closed = true;
    for (const socket of [...this.#all]) socket.close();
  }

  #forget(socket: DeepgramSocket): void {
    clearTimeout(this.#idle.get(socket)?.timer);
    this.#idle.delete(socket);
    this.#all.delete(socket);
  }
}

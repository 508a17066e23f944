// Sockets of Deepgram's synthesis between two replies: opening one costs a round trip or two before the first sound.
import { DeepgramSocket, type DeepgramSocketOptions } from './socket.ts';

/** One for the reply that follows and one for a caller besides; more would count against the vendor's limit of sockets. */
const MAX_IDLE = 2;
/** Replies of a conversation are closer together; an old one may be dead without having said so. */
const MAX_IDLE_MS = 60_000;

export class DeepgramPool {
  readonly #idle = new Map<DeepgramSocket, { readonly voice: string; readonly timer: NodeJS.Timeout }>();
  readonly #all = new Set<DeepgramSocket>();
  readonly #optionsFor: (voice: string) => DeepgramSocketOptions;
  #closed = false;

  constructor(optionsFor: (voice: string) => DeepgramSocketOptions) {
    this.#optionsFor = optionsFor;
  }

  /** One that waits for a reply, opened where there is none. */
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

  /** Nothing of it is under way any more. */
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

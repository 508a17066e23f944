// Back to a better link at a turn boundary: it is opened while the other still serves, and takes over once it stands.

import type { SttLink } from '../contract.ts';
import type { Conducting } from './conducting.ts';
import type { SttLinkSession } from './link-session.ts';

export class ReturnToBetter {
  readonly #chain: Conducting;
  /** Whether nobody speaks, no answer is pending and no link is suspect. */
  readonly #isQuiet: () => boolean;
  readonly #onReturn: ((from: string, to: string) => void) | undefined;
  /** Links that this stream left because of a failure. */
  readonly #left = new Set<SttLink>();
  #standby: SttLinkSession | undefined;
  #isLooking = false;

  constructor(chain: Conducting, isQuiet: () => boolean, onReturn: ((from: string, to: string) => void) | undefined) {
    this.#chain = chain;
    this.#isQuiet = isQuiet;
    this.#onReturn = onReturn;
  }

  get standby(): SttLinkSession | undefined {
    return this.#standby;
  }

  left(link: SttLink): void {
    this.#left.add(link);
  }

  /** Opens a standby session at a better link if there is one and the stream is quiet. */
  look(): void {
    if (this.#isLooking || this.#standby) return;
    this.#isLooking = true;
    try {
      this.#look();
    } finally {
      this.#isLooking = false;
    }
  }

  /** Drops the standby session, as after words, when this is no longer a turn boundary. */
  giveUp(): void {
    const session = this.#standby;
    this.#standby = undefined;
    this.#chain.drop(session);
  }

  handOver(session: SttLinkSession): void {
    const old = this.#chain.serving;
    this.#standby = undefined;
    if (!old || !this.#isQuiet()) {
      this.#chain.drop(session);
      return;
    }
    this.#chain.serve(session);
    this.#chain.failover.serves(session.link);
    this.#left.delete(session.link);
    if (old.attempt.hasResult) old.attempt.succeed();
    this.#chain.drop(old);
    this.#onReturn?.(old.link.id, session.link.id);
  }

  #look(): void {
    const { serving, failover } = this.#chain;
    if (!serving?.isOpen || serving.attempt.isSettled || this.#chain.hasEnded || !this.#isQuiet()) return;
    if (!this.#isBetter(failover.upNext, serving.link)) return;
    const attempt = failover.next(new Set());
    if (!attempt) return;
    if (!this.#isBetter(attempt.link, serving.link)) {
      attempt.release();
      return;
    }
    const session = this.#chain.open(attempt);
    this.#standby = session;
    this.#chain.start(session);
  }

  /** Links of equal priority take turns, so such a link is worth the change only if it was left because of a failure. */
  #isBetter(link: SttLink | undefined, serving: SttLink): boolean {
    if (!link || link === serving) return false;
    const { links } = this.#chain.failover;
    const [its, ours] = [link.priority ?? links.indexOf(link), serving.priority ?? links.indexOf(serving)];
    return its < ours || (its === ours && this.#left.has(link));
  }
}

// Finds out in the background whether links that failed are well again, while others serve.
import { backoffMs, MAX_ATTEMPTS } from '../../failover/backoff.ts';
import { DISPOSITIONS } from '../../failover/disposition.ts';
import type { Failover } from '../../failover/failover.ts';
import { ProviderError } from '../../failover/provider-error.ts';
import type { SttLink } from '../contract.ts';

/** The events connection.reconnecting, connection.reconnected and connection.failed. */
export interface RecoveryEvents {
  /** Attempt number `attempt` (from 1) will be made in `waitMs` milliseconds. */
  onReconnecting?(link: SttLink, attempt: number, waitMs: number): void;
  onReconnected?(link: SttLink, attempts: number): void;
  /** The last attempt failed; the link is tried again when the board allows it. */
  onReconnectFailed?(link: SttLink, attempts: number): void;
}

const CHECK_MS = 5_000;

export class Recovery {
  readonly #failover: Failover<SttLink>;
  readonly #events: RecoveryEvents;
  readonly #onWell: () => void;
  /** Cancels the pending wait or check, for each link that is not well. */
  readonly #waits = new Map<SttLink, () => void>();

  /** @param onWell somebody may serve again */
  constructor(failover: Failover<SttLink>, events: RecoveryEvents, onWell: () => void) {
    this.#failover = failover;
    this.#events = events;
    this.#onWell = onWell;
  }

  watch(link: SttLink, { kind, retryAfterMs }: ProviderError): void {
    if (this.#waits.has(link)) return;
    const { coolDown } = DISPOSITIONS[kind];
    const isFull = kind === 'rate-limit' && typeof coolDown === 'object';
    this.#try(link, 1, retryAfterMs ?? (isFull ? coolDown.ms : 0));
  }

  close(): void {
    for (const cancel of this.#waits.values()) cancel();
    this.#waits.clear();
  }

  #try(link: SttLink, attempt: number, notBeforeMs: number): void {
    const { clock, random } = this.#failover;
    const waitMs = Math.max(notBeforeMs, backoffMs(attempt, random));
    const run = () => void this.#check(link, attempt);
    this.#waits.set(link, clock.setTimeout(run, waitMs));
    this.#events.onReconnecting?.(link, attempt, waitMs);
  }

  async #check(link: SttLink, attempt: number): Promise<void> {
    let notBeforeMs = 0;
    if (!this.#failover.mayServe(link)) {
      const abort = new AbortController();
      const cancelTimeout = this.#failover.clock.setTimeout(() => abort.abort(), CHECK_MS);
      const cancel = () => {
        cancelTimeout();
        abort.abort();
      };
      this.#waits.set(link, cancel);
      const error = await this.#outcome(link, abort.signal);
      cancelTimeout();
      if (this.#waits.get(link) !== cancel) return;
      if (!error) this.#failover.checkPassed(link);
      notBeforeMs = error?.retryAfterMs ?? 0;
    }
    this.#waits.delete(link);
    if (this.#failover.mayServe(link)) {
      this.#events.onReconnected?.(link, attempt);
      this.#onWell();
    } else if (attempt < MAX_ATTEMPTS) this.#try(link, attempt + 1, notBeforeMs);
    else this.#events.onReconnectFailed?.(link, attempt);
  }

  /** Never rejects, and does not wait for a check that hangs. A link without a check is left to the board's own timing. */
  #outcome({ id, client }: SttLink, signal: AbortSignal): Promise<ProviderError | undefined> {
    const failed = (message: string, cause?: unknown) =>
      cause instanceof ProviderError ? cause : new ProviderError({ kind: 'server', provider: id, message, cause });
    return new Promise((resolve) => {
      if (!client.check) {
        resolve(failed(`${id}: there is no check`));
        return;
      }
      signal.addEventListener('abort', () => resolve(failed(`${id}: no answer to the check`)), { once: true });
      const checked = async () => client.check?.(signal);
      checked().then(
        () => resolve(undefined),
        (cause: unknown) => resolve(failed(`${id}: the check failed`, cause)),
      );
    });
  }
}

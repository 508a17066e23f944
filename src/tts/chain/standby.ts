// A voice beside one that is late in mid-reply: it has what is left ready, should the late one stay silent.
import type { Failover } from '../../failover/failover.ts';
import { type ProviderError, serverError } from '../../failover/provider-error.ts';
import type { TtsLink } from '../contract.ts';
import type { TtsLinkSession } from './link-session.ts';
import type { ResumePoint } from './resume-point.ts';

export interface StandbyOptions {
  readonly failover: Failover<TtsLink>;
  readonly late: TtsLinkSession;
  /** Where the standby session starts to speak. */
  readonly point: ResumePoint;
  readonly source: TtsLinkSession;
  /** Called once the standby session's first sound has come. */
  readonly onReady: () => void;
  readonly onFailed: (error: ProviderError) => void;
}

export class Standby {
  readonly source: TtsLinkSession;
  readonly late: TtsLinkSession;
  readonly point: ResumePoint;
  readonly #failover: Failover<TtsLink>;
  #isReady = false;
  #isOver = false;

  constructor({ failover, late, point, source, onReady, onFailed }: StandbyOptions) {
    this.#failover = failover;
    this.late = late;
    this.point = point;
    this.source = source;
    source.first.then(
      () => {
        this.#isReady = true;
        if (!this.#isOver) onReady();
      },
      (cause: unknown) => {
        const error = serverError(source.link.id, cause);
        source.attempt.fail(error);
        if (!this.#isOver) onFailed(error);
      },
    );
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** Call when the standby session serves from now on. */
  won(): void {
    this.#end('won');
  }

  /** Call when the late link session speaks again, or no standby session is needed any more. */
  drop(): void {
    if (this.#isOver) return;
    this.#end('lost');
    this.source.cancel();
    this.source.attempt.release();
  }

  #end(outcome: 'won' | 'lost'): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { stage, events } = this.#failover;
    events.onHedge?.({ stage, late: this.late.link.id, beside: this.source.link.id, outcome });
  }
}

/**
 * Gives an overtaken link session its verdict although it is not used any more: it was only late if it speaks before its deadline,
 * else it has failed.
 */
export function awaitOvertaken(late: TtsLinkSession, withinMs: number, onFailed: (error: ProviderError) => void): void {
  late.onChange = () => {
    late.onChange = () => undefined;
    if (late.error) {
      late.attempt.fail(late.error);
      onFailed(late.error);
    } else {
      late.attempt.release();
      late.cancel();
    }
  };
  if (late.error) late.onChange();
  else late.attempt.expectNext(withinMs);
}

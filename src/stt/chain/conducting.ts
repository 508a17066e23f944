// What the parts of the chain need of it: who serves, and how links are opened and left.
import type { Attempt } from '../../failover/attempt.ts';
import type { Failover, Switch } from '../../failover/failover.ts';
import type { ProviderError } from '../../failover/provider-error.ts';
import type { TurnOpenings } from '../../failover/turn-openings.ts';
import type { SttLink, SttPart } from '../contract.ts';
import type { HeardAudio } from './heard-audio.ts';
import type { SttLinkSession } from './link-session.ts';
import type { Transcript } from './transcript.ts';

export interface Conducting {
  readonly failover: Failover<SttLink>;
  readonly heard: HeardAudio;
  readonly transcript: Transcript;
  readonly serving: SttLinkSession | undefined;
  readonly hasEnded: boolean;
  /** Links that failed since the last words. */
  readonly tried: ReadonlySet<SttLink>;
  /** Failures and openings of links since the last final. */
  readonly turn: TurnOpenings<SttLink>;
  open(attempt: Attempt<SttLink>): SttLinkSession;
  /** Call after the session is registered: it may emit events synchronously. */
  start(session: SttLinkSession): void;
  /** Checks how long the session's answer is overdue, now or in `inMs` milliseconds. */
  review(session: SttLinkSession, inMs?: number): void;
  /** Makes this session the serving one. */
  serve(session: SttLinkSession): void;
  /** Handles a part of the serving session. */
  take(session: SttLinkSession, part: SttPart): void;
  fail(session: SttLinkSession, error: ProviderError): void;
  /** Closes the session without a verdict. */
  drop(session: SttLinkSession | undefined): void;
  /** Call after `end()` when no words come for the last audio. */
  endedWithout(session: SttLinkSession): void;
}

/** Emits `onSwitch`: one link took over from another. */
export function tellSwitch(
  { events, stage }: Failover<SttLink>,
  from: SttLink,
  to: SttLink,
  { kind, status, message }: ProviderError,
  kept: Required<Pick<Switch, 'tookMs' | 'wordsKept' | 'audioReplayedMs'>>,
): void {
  events.onSwitch?.({ stage, from: from.id, to: to.id, kind, status, message, ...kept });
}

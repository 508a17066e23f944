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
  /** Failed since the last words. */
  readonly tried: ReadonlySet<SttLink>;
  /** What the turn has cost since the last final. */
  readonly turn: TurnOpenings<SttLink>;
  open(attempt: Attempt<SttLink>): SttLinkSession;
  /** Once the session has its place: it may tell something at once. */
  start(session: SttLinkSession): void;
  /** Looks at how long the session has owed an answer, now or in so many milliseconds. */
  review(session: SttLinkSession, inMs?: number): void;
  /** It serves from now on. */
  serve(session: SttLinkSession): void;
  /** A part of the session that serves. */
  take(session: SttLinkSession, part: SttPart): void;
  fail(session: SttLinkSession, error: ProviderError): void;
  /** Without a verdict. */
  drop(session: SttLinkSession | undefined): void;
  /** At the end: nobody made words of what was heard last. */
  endedWithout(session: SttLinkSession): void;
}

/** Tells that one link took over from another. */
export function tellSwitch(
  { events, stage }: Failover<SttLink>,
  from: SttLink,
  to: SttLink,
  { kind, status, message }: ProviderError,
  kept: Required<Pick<Switch, 'tookMs' | 'wordsKept' | 'audioReplayedMs'>>,
): void {
  events.onSwitch?.({ stage, from: from.id, to: to.id, kind, status, message, ...kept });
}

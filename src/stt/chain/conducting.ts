// What the parts of the chain need of it: who serves, and how links are opened and left.
import type { Attempt } from '../../failover/attempt.ts';
import type { Failover, Switch } from '../../failover/failover.ts';
import type { ProviderError } from '../../failover/provider-error.ts';
import type { TurnOpenings } from '../../failover/turn-openings.ts';
import type { SttLink, SttPart } from '../contract.ts';
import type { HeardAudio } from './heard-audio.ts';
import type { Ear } from './link-session.ts';
import type { Transcript } from './transcript.ts';

export interface Conducting {
  readonly failover: Failover<SttLink>;
  readonly heard: HeardAudio;
  readonly transcript: Transcript;
  readonly serving: Ear | undefined;
  readonly hasEnded: boolean;
  /** Failed since the last words. */
  readonly tried: ReadonlySet<SttLink>;
  /** What the turn has cost since the last final. */
  readonly turn: TurnOpenings<SttLink>;
  open(attempt: Attempt<SttLink>): Ear;
  /** Once the ear has its place: it may tell something at once. */
  start(ear: Ear): void;
  /** Looks at how long the ear has owed an answer, now or in so many milliseconds. */
  review(ear: Ear, inMs?: number): void;
  /** It serves from now on. */
  serve(ear: Ear): void;
  /** A part of the ear that serves. */
  take(ear: Ear, part: SttPart): void;
  fail(ear: Ear, error: ProviderError): void;
  /** Without a verdict. */
  drop(ear: Ear | undefined): void;
  /** At the end: nobody made words of what was heard last. */
  endedWithout(ear: Ear): void;
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

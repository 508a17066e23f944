// Tells a link that went silent from noise that nobody could make words of.
import type { Attempt } from '../../failover/attempt.ts';
import { ProviderError } from '../../failover/provider-error.ts';
import type { SttLink, SttPart } from '../contract.ts';
import { type Conducting, tellSwitch } from './conducting.ts';
import type { SttLinkSession } from './link-session.ts';
import { reachesBeyond, type SttWords } from './words.ts';

/** With no other link to compare with, a link gets this multiple of its wait before it is opened again. */
const ALONE_FACTOR = 1.5;
/** Pauses before the next check, after each noise in a row; words start again from the first. */
const NOISE_PAUSES_MS = [2_000, 4_000, 8_000, 16_000];
/** Audio taken for noise that is replayed with the next words: two links may have missed words at once. */
const NOISE_KEPT_MS = 20_000;

/** Share of the failure deadline after which a link counts as very late: interims that come once a second are seldom so late. */
const VERY_LATE = 0.66;
/** Share of the failure deadline by which help comes at the latest, even for a link that is usually late. */
const LATEST_HELP = 0.9;

interface Beside {
  readonly session: SttLinkSession;
  readonly sinceMs: number;
  /** A link of a worse class may listen too: the suspect is not merely late. */
  readonly mayBeReserve: boolean;
  /** Interim of the suspect when the second session began. */
  readonly interim: SttWords | undefined;
  /** Finals of the second session from before it serves. */
  readonly finals: SttWords[];
}

interface ListenBeside {
  readonly after?: SttLink;
  readonly sinceMs?: number;
  readonly mayBeReserve?: boolean;
}

/** What is known of a late session when another link had words first; it no longer serves, and its verdict is pending. */
interface Suspect {
  readonly to: SttLink;
  readonly tookMs: number;
  readonly wordsKept: number;
  readonly audioReplayedMs: number;
}

/**
 * Lateness alone is no failure: when a link is late, a second one listens beside it to the same audio, and the first with
 * words serves. The suspect then has the rest of its own wait. With words in that time it was only late, and serves again
 * from the next turn on; without, it has failed. If neither link has words the sound was noise, and no link gets a failure.
 */
export class SilenceCheck {
  readonly #chain: Conducting;
  readonly #suspects = new Map<SttLinkSession, Suspect>();
  readonly #heardNoise = new Set<SttLink>();
  /** A session that was late but had words after all. */
  #onlyLate: SttLinkSession | undefined;
  #beside: Beside | undefined;
  #noises = 0;
  #noiseUntilMs = 0;
  /** Whether a final was asked of the serving session since its last words. */
  #isFinalAsked = false;
  /** The hedge budget allowed no help: overdue time in milliseconds at which to try again. */
  #lookAgainMs: number | undefined;

  constructor(chain: Conducting) {
    this.#chain = chain;
  }

  get isBusy(): boolean {
    return this.#isOpen || this.#onlyLate !== undefined;
  }

  get sessions(): SttLinkSession[] {
    const others = [this.#beside?.session, this.#onlyLate].filter((session) => session !== undefined);
    return [...others, ...this.#suspects.keys()];
  }

  isBeside(session: SttLinkSession): boolean {
    return session === this.#beside?.session;
  }

  feed(samples: Int16Array): void {
    this.#beside?.session.feed(samples);
    this.#onlyLate?.feed(samples);
    if (this.#suspects.size > 0) for (const session of this.#suspects.keys()) session.feed(samples);
  }

  /** Overdue time in milliseconds after which `late` is due for the session. */
  limitOf(session: SttLinkSession): number {
    const { helpMs, ms } = session.wait;
    if (session !== this.#chain.serving) return ms;
    if (this.#beside) {
      if (!this.#isFinalAsked) return ms * LATEST_HELP;
      return this.#isSurelyLate(session) ? ms : Number.POSITIVE_INFINITY;
    }
    const pauseMs = this.#noiseUntilMs - this.#chain.failover.clock.now();
    if (pauseMs > 0) return Math.max(ms, (session.waitedMs() ?? 0) + pauseMs);
    return Math.min(this.#lookAgainMs ?? helpMs, ms);
  }

  /** Handles a session whose answer is overdue by that limit. */
  late(session: SttLinkSession, waitedMs: number): void {
    const isSure = waitedMs >= session.wait.ms && this.#isSurelyLate(session);
    if (session === this.#onlyLate) this.#chain.drop(session);
    else if (this.#suspects.has(session) || isSure) this.#chain.fail(session, timeout(session, waitedMs));
    else if (this.isBeside(session)) this.noise();
    else if (session === this.#chain.serving) this.#suspect(session, waitedMs);
  }

  /** Handles a part of a session that does not serve. */
  onPart(session: SttLinkSession, part: SttPart): void {
    if (this.isBeside(session)) this.#compare(session, part);
    else if (this.#suspects.has(session) && 'text' in part && part.text !== '') this.#answeredLate(session);
    else if (session === this.#onlyLate) this.giveBack();
  }

  /** Drops the second session if this part shows that the suspect answered first. */
  onServingPart(session: SttLinkSession, part: SttPart): void {
    const beside = this.#beside;
    if (!beside) return;
    const isNew = 'text' in part && reachesBeyond(part, beside.interim);
    if (part.type !== 'final' && session.hasPendingSpeech && !isNew) return;
    this.#tellHedge(session, beside.session, 'lost');
    this.#chain.drop(beside.session);
  }

  onWords(): void {
    this.#noises = 0;
    this.#heardNoise.clear();
    this.#lookAgainMs = undefined;
    this.#isFinalAsked = false;
  }

  /** The serving link's connection is late: opens a second link beside it; the late one may still win. */
  connectIsLate(session: SttLinkSession): void {
    if (!this.#beside && this.#chain.failover.mayHedge(session.attempt)) this.#help(session);
  }

  /** The late connection opened: the second session is needed only while speech is pending. */
  onServingOpen(session: SttLinkSession): void {
    const beside = this.#beside?.session;
    if (!beside || session.hasPendingSpeech) return;
    this.#tellHedge(session, beside, 'lost');
    this.#chain.drop(beside);
  }

  /** At the end of a turn the late session serves again: one won race does not change the order of the links. */
  giveBack(): void {
    const session = this.#onlyLate;
    const { serving, heard, transcript, failover } = this.#chain;
    if (
      !session ||
      !serving ||
      this.#isOpen ||
      heard.isSpeech ||
      transcript.hasUnconfirmed ||
      serving.hasPendingSpeech ||
      session.hasPendingSpeech
    )
      return;
    this.#onlyLate = undefined;
    this.#chain.serve(session);
    failover.serves(session.link);
    if (serving.attempt.hasResult) serving.attempt.succeed();
    this.#chain.drop(serving);
  }

  /** @returns whether the failed session was one that did not serve */
  onFailure(session: SttLinkSession, error: ProviderError): boolean {
    const suspect = this.#suspects.get(session);
    if (suspect) {
      this.#suspects.delete(session);
      const { to, ...kept } = suspect;
      tellSwitch(this.#chain.failover, session.link, to, error, kept);
      return true;
    }
    if (session === this.#onlyLate) {
      this.#onlyLate = undefined;
      return true;
    }
    const beside = this.#beside;
    if (session !== beside?.session) return false;
    this.#beside = undefined;
    const { serving } = this.#chain;
    if (serving)
      this.listenBeside(serving, { after: session.link, sinceMs: beside.sinceMs, mayBeReserve: beside.mayBeReserve });
    return true;
  }

  /** The session beside the suspect has received all audio, and serves now. @returns whether there is somebody */
  serveBeside(): boolean {
    const beside = this.#beside;
    this.#beside = undefined;
    if (!beside) return false;
    this.#chain.serve(beside.session);
    for (const final of beside.finals) this.#chain.take(beside.session, final);
    return true;
  }

  forget(session: SttLinkSession): void {
    this.#suspects.delete(session);
    if (this.isBeside(session)) this.#beside = undefined;
    if (session === this.#onlyLate) this.#onlyLate = undefined;
  }

  /** @returns whether another link may be called, or listens already */
  listenBeside(
    suspect: SttLinkSession,
    { after = suspect.link, sinceMs, mayBeReserve = true }: ListenBeside = {},
  ): boolean {
    if (this.#beside) return true;
    const { failover, turn } = this.#chain;
    const tried = new Set([...this.#chain.tried, suspect.link]);
    const how = { after, turn, ...(!mayBeReserve && { beside: suspect.link }) };
    const attempt = failover.next(new Set([...tried, ...this.#heardNoise]), how) ?? failover.next(tried, how);
    if (attempt) this.#openBeside(attempt, suspect, mayBeReserve, sinceMs);
    return attempt !== undefined;
  }

  /** Neither the suspect nor the session beside it transcribed any words: the sound was noise. */
  noise(): void {
    const { serving, heard, failover, transcript, turn } = this.#chain;
    const link = this.#beside?.session.link;
    if (!link) return;
    turn.startOver();
    this.#chain.drop(this.#beside?.session);
    // This link may have missed words too, so the next check asks another link.
    if (this.#heardNoise.has(link)) this.#heardNoise.clear();
    this.#heardNoise.add(link);
    const pauseMs = NOISE_PAUSES_MS[Math.min(this.#noises, NOISE_PAUSES_MS.length - 1)] as number;
    this.#noiseUntilMs = failover.clock.now() + pauseMs;
    this.#noises += 1;
    const wasFinalAsked = this.#isFinalAsked;
    this.#isFinalAsked = false;
    if (!serving) return;
    if (!wasFinalAsked) serving.finalise();
    if (this.#chain.hasEnded) {
      this.#chain.endedWithout(serving);
      return;
    }
    serving.expectNothingSoFar();
    if (!serving.interim && !transcript.hasUnconfirmed) {
      heard.answeredUntil(heard.ring.written - heard.toSamples(NOISE_KEPT_MS));
    }
    this.#chain.review(serving);
  }

  /** Whether a check is undecided: a second session listens, or a suspect has no verdict yet. */
  get #isOpen(): boolean {
    return this.#beside !== undefined || this.#suspects.size > 0;
  }

  #suspect(session: SttLinkSession, waitedMs: number): void {
    const { failover, heard, turn } = this.#chain;
    const { ms } = session.wait;
    const veryLateMs = Math.max(ms * VERY_LATE, Math.min(session.slowestUsualMs, ms * LATEST_HELP));
    const isVeryLate = waitedMs >= veryLateMs;
    // In noise the link may have missed the end of speech. During speech a final would cut a word in two, which then comes twice.
    if (waitedMs >= ms * LATEST_HELP || !heard.isSpeech) {
      session.finalise();
      this.#isFinalAsked = true;
    }
    if (this.#beside) {
      this.#chain.review(session);
      return;
    }
    if (waitedMs < ms) {
      if (failover.mayHedge(session.attempt, isVeryLate) && this.#help(session)) return;
      this.#lookAgainMs = isVeryLate ? ms : veryLateMs;
      this.#chain.review(session);
      return;
    }
    if (this.listenBeside(session)) return;
    const aloneMs = ms * ALONE_FACTOR;
    if (waitedMs < aloneMs) {
      this.#chain.review(session, aloneMs - waitedMs);
      return;
    }
    const attempt = failover.next(new Set(), { isLastResort: true, turn });
    if (attempt) this.#openBeside(attempt, session, true);
    // The turn allows no more openings; the suspect may still answer.
    else this.#chain.review(session, aloneMs);
  }

  /** Starts a second link that is of no worse class, as the late one may be well. */
  #help(session: SttLinkSession): boolean {
    return this.listenBeside(session, { mayBeReserve: false });
  }

  #openBeside(
    attempt: Attempt<SttLink>,
    suspect: SttLinkSession,
    mayBeReserve: boolean,
    sinceMs = this.#chain.failover.clock.now(),
  ): void {
    // One extra session at a time is enough.
    if (this.#onlyLate) this.#chain.drop(this.#onlyLate);
    const session = this.#chain.open(attempt);
    this.#beside = { session, sinceMs, mayBeReserve, interim: suspect.interim, finals: [] };
    this.#chain.start(session);
  }

  #compare(session: SttLinkSession, part: SttPart): void {
    const { serving: suspect, heard, transcript, failover } = this.#chain;
    if (!('text' in part)) {
      const isAnswer = part.type === 'speech-end' && !(session.link.traits.clockLags && session.hasPendingSpeech);
      if (isAnswer && !session.hasWords) this.noise();
      return;
    }
    if (part.text === '' || !suspect) return;
    const isFinal = part.type === 'final' && !heard.isSpeech;
    if (!isFinal && !reachesBeyond(part, suspect.interim)) {
      if (part.type === 'final') this.#beside?.finals.push(part as SttWords);
      return;
    }
    const tookMs = failover.clock.now() - (this.#beside?.sinceMs ?? failover.clock.now());
    const wordsKept = transcript.keepUnconfirmed(suspect);
    if (suspect.link === session.link) this.#chain.drop(suspect);
    else this.#suspects.set(suspect, { to: session.link, tookMs, wordsKept, audioReplayedMs: session.replayedMs });
    this.serveBeside();
    this.#chain.review(suspect);
    this.#chain.take(session, part);
  }

  /** The suspect had words after all, only later than the other link. */
  #answeredLate(session: SttLinkSession): void {
    const { serving } = this.#chain;
    if (serving) this.#tellHedge(session, serving, 'won');
    this.#suspects.delete(session);
    this.#chain.drop(this.#onlyLate);
    this.#onlyLate = session;
    this.giveBack();
  }

  /** Whether a whole request has no answer, which noise does not explain, and another link can be asked. */
  #isSurelyLate(session: SttLinkSession): boolean {
    const { failover, tried } = this.#chain;
    const isOther = (link: SttLink) => link !== session.link && !tried.has(link) && failover.mayServe(link);
    return session.hasPendingRequest && failover.links.some(isOther);
  }

  #tellHedge(late: SttLinkSession, beside: SttLinkSession, outcome: 'won' | 'lost'): void {
    const { events, stage } = this.#chain.failover;
    events.onHedge?.({ stage, late: late.link.id, beside: beside.link.id, outcome });
  }
}

function timeout({ link: { id } }: SttLinkSession, waitedMs: number): ProviderError {
  const message = `${id}: no words for ${Math.round(waitedMs)} ms of speech`;
  return new ProviderError({ kind: 'timeout', provider: id, message });
}

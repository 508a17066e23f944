// Tells a link that went silent from noise that nobody could make words of.
import type { Attempt } from '../../failover/attempt.ts';
import { ProviderError } from '../../failover/provider-error.ts';
import type { SttLink, SttPart } from '../contract.ts';
import { type Conducting, tellSwitch } from './conducting.ts';
import type { SttLinkSession } from './link-session.ts';
import { reachesBeyond, type SttWords } from './words.ts';

/** With nobody to compare with, a link gets so many times its wait before it is opened anew. */
const ALONE_FACTOR = 1.5;
/** After noise the next suspicion waits so long, until words come. */
const NOISE_PAUSES_MS = [2_000, 4_000, 8_000, 16_000];
/** What was taken for noise is heard again with the next words: two links may have been deaf at once. */
const NOISE_KEPT_MS = 20_000;

/** Share of the failure deadline after which a link counts as very late: interims that come once a second are seldom so late. */
const VERY_LATE = 0.66;
/** Help for a link that is usually late comes no later than this part of that wait. */
const LATEST_HELP = 0.9;

interface Beside {
  readonly session: SttLinkSession;
  readonly sinceMs: number;
  /** Its suspect is not merely late. */
  readonly mayBeReserve: boolean;
  /** Of the suspect when the other began to listen. */
  readonly interim: SttWords | undefined;
  /** What it has said for good before it serves. */
  readonly finals: SttWords[];
}

interface ListenBeside {
  readonly after?: SttLink;
  readonly sinceMs?: number;
  readonly mayBeReserve?: boolean;
}

/** Lost to another that was quicker. */
interface Suspect {
  readonly to: SttLink;
  readonly tookMs: number;
  readonly wordsKept: number;
  readonly audioReplayedMs: number;
}

/**
 * Lateness alone is no failure: when a link is late, another one listens beside it to the same audio, and whoever has
 * words first serves. The suspect then has the rest of its own time: words from it and nothing was wrong, so that it serves
 * again from the next turn on; none and it failed. If neither has words it was noise, and nobody is marked down.
 */
export class SilenceCheck {
  readonly #chain: Conducting;
  readonly #suspects = new Map<SttLinkSession, Suspect>();
  readonly #heardNoise = new Set<SttLink>();
  /** Was late, and is well. */
  #acquitted: SttLinkSession | undefined;
  #beside: Beside | undefined;
  #noises = 0;
  #noiseUntilMs = 0;
  /** Of who serves, since its last words. */
  #isFinalAsked = false;
  /** The budget had no help: looked at again after such a wait. */
  #lookAgainMs: number | undefined;

  constructor(chain: Conducting) {
    this.#chain = chain;
  }

  get isBusy(): boolean {
    return this.#isOpen || this.#acquitted !== undefined;
  }

  get sessions(): SttLinkSession[] {
    const others = [this.#beside?.session, this.#acquitted].filter((session) => session !== undefined);
    return [...others, ...this.#suspects.keys()];
  }

  isBeside(session: SttLinkSession): boolean {
    return session === this.#beside?.session;
  }

  feed(samples: Int16Array): void {
    this.#beside?.session.feed(samples);
    this.#acquitted?.feed(samples);
    if (this.#suspects.size > 0) for (const session of this.#suspects.keys()) session.feed(samples);
  }

  /** After how long a wait something is done about the session. */
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

  /** That wait has passed. */
  late(session: SttLinkSession, waitedMs: number): void {
    const isSure = waitedMs >= session.wait.ms && this.#isSurelyLate(session);
    if (session === this.#acquitted) this.#chain.drop(session);
    else if (this.#suspects.has(session) || isSure) this.#chain.fail(session, timeout(session, waitedMs));
    else if (this.isBeside(session)) this.noise();
    else if (session === this.#chain.serving) this.#suspect(session, waitedMs);
  }

  /** A part of a session that does not serve. */
  onPart(session: SttLinkSession, part: SttPart): void {
    if (this.isBeside(session)) this.#compare(session, part);
    else if (this.#suspects.has(session) && 'text' in part && part.text !== '') this.#acquit(session);
    else if (session === this.#acquitted) this.giveBack();
  }

  /** The suspect answered first. */
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

  /** The link that serves is late with its connection: another is opened, and the late one may still win. */
  connectIsLate(session: SttLinkSession): void {
    if (!this.#beside && this.#chain.failover.mayHedge(session.attempt)) this.#help(session);
  }

  /** The connection came: who was opened because it was late is needed only where there is something to say. */
  onServingOpen(session: SttLinkSession): void {
    const beside = this.#beside?.session;
    if (!beside || session.hasPendingSpeech) return;
    this.#tellHedge(session, beside, 'lost');
    this.#chain.drop(beside);
  }

  /** At the end of a turn, who was late serves again: a won race changes nobody's place. */
  giveBack(): void {
    const session = this.#acquitted;
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
    this.#acquitted = undefined;
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
    if (session === this.#acquitted) {
      this.#acquitted = undefined;
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

  /** Who listens beside a suspect that failed has heard all, and serves. @returns whether there is somebody */
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
    if (session === this.#acquitted) this.#acquitted = undefined;
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

  /** Neither the suspect nor who listened beside it made words of what was heard. */
  noise(): void {
    const { serving, heard, failover, transcript, turn } = this.#chain;
    const link = this.#beside?.session.link;
    if (!link) return;
    turn.startOver();
    this.#chain.drop(this.#beside?.session);
    // Should it be deaf too, the next suspicion asks somebody else.
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
    serving.forgive();
    if (!serving.interim && !transcript.hasUnconfirmed) {
      heard.answeredUntil(heard.ring.written - heard.toSamples(NOISE_KEPT_MS));
    }
    this.#chain.review(serving);
  }

  /** Somebody's case is not decided. */
  get #isOpen(): boolean {
    return this.#beside !== undefined || this.#suspects.size > 0;
  }

  #suspect(session: SttLinkSession, waitedMs: number): void {
    const { failover, heard, turn } = this.#chain;
    const { ms } = session.wait;
    const veryLateMs = Math.max(ms * VERY_LATE, Math.min(session.slowestUsualMs, ms * LATEST_HELP));
    const isVeryLate = waitedMs >= veryLateMs;
    // In noise it may not have noticed the end of speech; in speech a final would cut a word in two, which then comes twice.
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
    // The turn has cost enough: it may still answer.
    else this.#chain.review(session, aloneMs);
  }

  /** By whom it would not be worse to be answered: the late one may be well. */
  #help(session: SttLinkSession): boolean {
    return this.listenBeside(session, { mayBeReserve: false });
  }

  #openBeside(
    attempt: Attempt<SttLink>,
    suspect: SttLinkSession,
    mayBeReserve: boolean,
    sinceMs = this.#chain.failover.clock.now(),
  ): void {
    // One at a time is enough.
    if (this.#acquitted) this.#chain.drop(this.#acquitted);
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

  /** The suspect had words after all, only later than the other. */
  #acquit(session: SttLinkSession): void {
    const { serving } = this.#chain;
    if (serving) this.#tellHedge(session, serving, 'won');
    this.#suspects.delete(session);
    this.#chain.drop(this.#acquitted);
    this.#acquitted = session;
    this.giveBack();
  }

  /** A request is answered or late, and another can be asked. */
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

// One reply of the chain: who speaks, who goes on where that one failed, and when the reply is over.
import { AsyncQueue } from '../../audio/async-queue.ts';
import { amplify, matchingGain } from '../../audio/loudness.ts';
import { MAX_ROUNDS, roundWaitMs } from '../../failover/backoff.ts';
import type { Failover } from '../../failover/failover.ts';
import type { ProviderError } from '../../failover/provider-error.ts';
import { raceForFirst, type Winner } from '../../failover/race.ts';
import { TurnOpenings } from '../../failover/turn-openings.ts';
import type { TtsChainOpenOptions, TtsLink, TtsPart, TtsSession } from '../contract.ts';
import { untilAborted } from '../until-aborted.ts';
import { TtsLinkSession } from './link-session.ts';
import { Playout } from './playout.ts';
import { ClauseScan, isSpeakable, ReplyText } from './reply-text.ts';
import { type HeldSound, type ResumePoint, resumePoint } from './resume-point.ts';
import type { SpokenUnit } from './spoken-unit.ts';
import { StallWatch } from './stall-watch.ts';
import { awaitOvertaken, Standby } from './standby.ts';
import { VoiceProfiles } from './voice-profile.ts';

/** Voice profiles are kept for the life of a chain. */
const profilesOf = new WeakMap<Failover<TtsLink>, VoiceProfiles<TtsLink>>();

/** Interval for warming fallbacks: shorter than the time after which vendors or their clients close idle sockets. */
const WARM_EVERY_MS = 45_000;
const warmedAtMs = new WeakMap<Failover<TtsLink>, number>();

interface Failed {
  readonly link: TtsLink;
  readonly error: ProviderError;
  readonly atMs: number;
  readonly wordsKept: number;
}

type RaceResult = Winner<TtsLink, TtsLinkSession> | undefined;

export class ChainReply implements TtsSession {
  readonly parts: AsyncIterable<TtsPart>;
  readonly #failover: Failover<TtsLink>;
  readonly #options: TtsChainOpenOptions;
  readonly #profiles: VoiceProfiles<TtsLink>;
  readonly #queue = new AsyncQueue<TtsPart>();
  readonly #reply = new ReplyText();
  readonly #playout: Playout;
  readonly #stall: StallWatch;
  readonly #cancelled = new AbortController();
  /** Aborted at the end of the reply to remove the listener from the caller's signal. */
  readonly #over = new AbortController();
  /** Link sessions that may still need text: serving, standby, in a race, or beaten in one and still without a verdict. */
  readonly #sources = new Set<TtsLinkSession>();
  /** Links that failed or were overtaken in this reply, until they serve again or a new round begins. */
  readonly #tried = new Set<TtsLink>();
  readonly #turn = new TurnOpenings<TtsLink>();
  /** Index up to which the text is spoken, and the number of segments that ended. */
  #spokenTo = 0;
  #segment = 0;
  #scan: ClauseScan;
  #serving: TtsLinkSession | undefined;
  /** Runs beside the serving link session while that is late. */
  #standby: Standby | undefined;
  #cancelOvertake: (() => void) | undefined;
  /** Where the serving link session's sound begins, in milliseconds since the reply's first sample. */
  #baseMs = 0;
  #gain = 1;
  #isRacing = false;
  #hasWork = false;
  #rounds = 0;
  #roundsAt = 0;
  #cancelRound: (() => void) | undefined;
  #failed: Failed | undefined;

  constructor(failover: Failover<TtsLink>, options: TtsChainOpenOptions) {
    this.#failover = failover;
    this.#options = options;
    this.parts = untilAborted(this.#queue, options.signal);
    let profiles = profilesOf.get(failover);
    if (!profiles) {
      profiles = new VoiceProfiles();
      profilesOf.set(failover, profiles);
    }
    this.#profiles = profiles;
    this.#playout = new Playout(this.#queue, options.sampleRateHz, failover.clock);
    this.#stall = new StallWatch(failover.clock, this.#playout);
    this.#scan = new ClauseScan(this.#reply, 0, 0);
    if (options.signal.aborted) this.#finish();
    else options.signal.addEventListener('abort', () => this.#cancel(), { once: true, signal: this.#over.signal });
  }

  write(text: string): void {
    if (this.#isClosed || text === '') return;
    this.#reply.write(text);
    this.#goOn();
  }

  flush(): void {
    if (this.#isClosed) return;
    this.#reply.flush();
    this.#goOn();
  }

  end(): void {
    if (this.#isClosed) return;
    this.#reply.end();
    this.#goOn();
  }

  get #isClosed(): boolean {
    return this.#reply.ended || this.#queue.ended;
  }

  /** Call after text was written and after every change of the serving link session. */
  #goOn(): void {
    for (const source of this.#sources) source.feed();
    if (this.#queue.ended) return;
    this.#endSegments();
    if (this.#serving) {
      this.#watch();
      return;
    }
    if (this.#isRacing || this.#standby || this.#cancelRound || this.#queue.ended) return;
    if (this.#scan.next().length > 0) this.#hasWork = true;
    if (this.#hasWork) void this.#race();
  }

  /** Ends each segment with nothing left to speak, and the reply after its last segment. */
  #endSegments(): void {
    for (;;) {
      const end = this.#reply.segmentEnd(this.#segment);
      if (end === undefined) break;
      if (this.#spokenTo < end && isSpeakable(this.#reply.text.slice(this.#spokenTo, end))) return;
      this.#playout.release();
      this.#queue.push({ type: 'segment-end' });
      this.#spokenTo = Math.max(this.#spokenTo, end);
      this.#segment += 1;
    }
    if (this.#reply.ended) this.#finish();
  }

  async #race(): Promise<void> {
    this.#isRacing = true;
    let winner: RaceResult;
    let exhausted = false;
    try {
      winner = await raceForFirst<TtsLink, TtsLinkSession>({
        failover: this.#failover,
        start: (attempt) => this.#start(attempt, this.#spokenTo),
        tried: new Set(this.#tried),
        after: this.#failed?.link,
        turn: this.#turn,
        mayHedge: true,
        signal: this.#cancelled.signal,
      });
    } catch {
      exhausted = true;
    }
    this.#isRacing = false;
    if (this.#queue.ended) return;
    if (winner) this.#serve(winner);
    else if (exhausted) this.#tryLater();
  }

  #start(attempt: TtsLinkSession['attempt'], from: number): TtsLinkSession {
    const { language, sampleRateHz } = this.#options;
    const { link } = attempt;
    const source = new TtsLinkSession({
      attempt,
      reply: this.#reply,
      ...this.#placeOf(from),
      voice: voiceOf(link, language),
      language,
      sampleRateHz,
      profile: this.#profiles.of(link),
    });
    this.#sources.add(source);
    source.first.catch(() => {
      this.#sources.delete(source);
      this.#tried.add(link);
    });
    return source;
  }

  /** Moves a place past segments with nothing left to speak. */
  #placeOf(from: number): { from: number; segment: number } {
    let place = { from, segment: this.#segment };
    for (;;) {
      const end = this.#reply.segmentEnd(place.segment);
      if (end === undefined || isSpeakable(this.#reply.text.slice(place.from, end))) return place;
      place = { from: Math.max(place.from, end), segment: place.segment + 1 };
    }
  }

  #serve({ run, failed }: Winner<TtsLink, TtsLinkSession>): void {
    this.#serving = run;
    // The link may have won on its second attempt: it may be asked again for what is left after this part.
    this.#tried.delete(run.link);
    this.#baseMs = this.#playout.handedMs;
    this.#gain = this.#gainFor(run.link);
    this.#failover.serves(run.link);
    warmFallbacks(this.#failover, run.link, this.#options.language);
    const from = this.#failed ?? (failed && { ...failed, wordsKept: 0 });
    this.#failed = undefined;
    if (from && from.link !== run.link) this.#tellSwitch(from, run.link);
    this.#stall.begin();
    run.attempt.onLate(() => this.#help(run));
    run.onChange = () => this.#take(run);
    this.#take(run);
  }

  #tellSwitch({ link, error, atMs, wordsKept }: Failed, to: TtsLink): void {
    const { clock, events, stage } = this.#failover;
    const { kind, status, message } = error;
    const tookMs = clock.now() - atMs;
    events.onSwitch?.({ stage, from: link.id, to: to.id, kind, status, message, tookMs, wordsKept });
  }

  #take(source: TtsLinkSession): void {
    if (source !== this.#serving || this.#queue.ended) return;
    for (const event of source.take()) {
      if (event.type === 'audio') {
        this.#dropStandby();
        this.#playout.push(this.#matched(event.samples, source.link));
        this.#stall.heard();
      } else if (event.type === 'word') {
        const { startMs, endMs } = event.word;
        this.#playout.word({ ...event.word, startMs: this.#baseMs + startMs, endMs: this.#baseMs + endMs });
      } else this.#spoken(event.to);
      if (this.#queue.ended) return;
    }
    if (source.error) this.#lost(source, source.error);
    else if (source.isOver) this.#done(source);
    else this.#watch();
  }

  #spoken(to: number): void {
    this.#playout.release();
    this.#spokenTo = to;
    this.#stall.spoken();
    this.#endSegments();
  }

  /** The link session takes no more text, and all its text is spoken. */
  #done(source: TtsLinkSession): void {
    this.#dropStandby();
    this.#leave(source);
    source.attempt.succeed();
    source.cancel();
    this.#begin();
  }

  #lost(source: TtsLinkSession, error: ProviderError): void {
    const { unit, link } = source;
    if (unit) this.#cutAt(this.#pointOf(source, unit));
    else this.#playout.release();
    this.#leave(source);
    source.attempt.fail(error);
    this.#turn.failed(link);
    this.#tried.add(link);
    const atMs = this.#failover.clock.now();
    this.#failed ??= { link, error, atMs, wordsKept: this.#playout.wordsTold };
    if (this.#standby && this.#standby.point.to !== this.#spokenTo) this.#dropStandby();
    if (this.#standby?.isReady) this.#promote(this.#standby);
    else if (!this.#standby) this.#begin();
  }

  #pointOf({ link }: TtsLinkSession, unit: SpokenUnit): ResumePoint {
    return resumePoint({ unit, wordTimes: link.traits.wordTimes, sound: this.#soundOf() });
  }

  #cutAt({ to, cutMs }: ResumePoint): void {
    this.#playout.cut(this.#baseMs + cutMs, to);
    this.#spokenTo = to;
  }

  /** The serving link session is late: starts a standby session beside it; the late one may still go on. */
  #help(late: TtsLinkSession): void {
    const { unit } = late;
    const isNeeded = late === this.#serving && !this.#standby && unit && !this.#queue.ended;
    if (!isNeeded) return;
    const point = this.#pointOf(late, unit);
    // A voice that only owes the end of its reply has no words left for another one.
    if (!isSpeakable(this.#reply.text.slice(point.to)) || !this.#failover.mayHedge(late.attempt)) return;
    const tried = new Set([...this.#tried, late.link]);
    const options = { after: late.link, beside: late.link, turn: this.#turn };
    const attempt = this.#failover.next(tried, options);
    if (!attempt) return;
    const source = this.#start(attempt, point.to);
    const standby: Standby = new Standby({
      failover: this.#failover,
      late,
      point,
      source,
      onReady: () => this.#standbyReady(standby),
      onFailed: () => this.#standbyFailed(standby),
    });
    this.#standby = standby;
  }

  /** The standby session takes over once the caller has no sound left to hear. */
  #standbyReady(standby: Standby): void {
    if (standby !== this.#standby) return;
    if (!this.#serving) {
      this.#promote(standby);
      return;
    }
    const waitMs = Math.max(0, this.#playout.goneAtMs - this.#failover.clock.now());
    this.#cancelOvertake = this.#failover.clock.setTimeout(() => this.#overtake(standby), waitMs);
  }

  #standbyFailed(standby: Standby): void {
    this.#turn.failed(standby.source.link);
    if (standby !== this.#standby) return;
    this.#standby = undefined;
    if (!this.#serving) this.#begin();
  }

  #overtake(standby: Standby): void {
    const { late, point } = standby;
    this.#cancelOvertake = undefined;
    if (standby !== this.#standby || late !== this.#serving) return;
    const leftMs = this.#stall.leftMs(late.attempt);
    this.#cutAt(point);
    this.#leave(late);
    this.#tried.add(late.link);
    const wordsKept = this.#playout.wordsTold;
    awaitOvertaken(late, leftMs, (error) => {
      this.#turn.failed(late.link);
      this.#tellSwitch({ link: late.link, error, atMs: this.#failover.clock.now(), wordsKept }, standby.source.link);
    });
    this.#promote(standby);
  }

  #promote(standby: Standby): void {
    this.#standby = undefined;
    standby.won();
    this.#endSegments();
    const { source } = standby;
    this.#scan = new ClauseScan(this.#reply, this.#spokenTo, this.#segment);
    this.#serve({ attempt: source.attempt, run: source, failed: undefined });
  }

  #dropStandby(): void {
    this.#cancelOvertake?.();
    this.#cancelOvertake = undefined;
    const standby = this.#standby;
    if (!standby) return;
    this.#standby = undefined;
    this.#sources.delete(standby.source);
    standby.drop();
  }

  /** The held sound, with times since the serving link session's first sample. */
  #soundOf(): HeldSound {
    const baseMs = this.#baseMs;
    const playout = this.#playout;
    return {
      handedMs: playout.handedMs - baseMs,
      receivedMs: playout.receivedMs - baseMs,
      isTorn: playout.isTorn,
      endsLoud: playout.endsLoud,
      pauseEnd: (which, fromMs, toMs, leastMs) => {
        const endMs = playout.pauseEnd(which, baseMs + fromMs, baseMs + toMs, leastMs);
        return endMs === undefined ? undefined : endMs - baseMs;
      },
    };
  }

  #leave(source: TtsLinkSession): void {
    this.#stall.end(source.attempt);
    source.onChange = () => undefined;
    this.#sources.delete(source);
    this.#serving = undefined;
  }

  /** Starts again with the text that is left to speak. */
  #begin(): void {
    this.#scan = new ClauseScan(this.#reply, this.#spokenTo, this.#segment);
    this.#hasWork = false;
    this.#goOn();
  }

  #watch(): void {
    if (this.#serving) this.#stall.watch(this.#serving);
  }

  /** All links failed: tries all of them again after a wait, and drops the rest of the text after MAX_ROUNDS rounds. */
  #tryLater(): void {
    if (this.#spokenTo > this.#roundsAt) this.#rounds = 0;
    this.#roundsAt = this.#spokenTo;
    this.#rounds += 1;
    this.#tried.clear();
    this.#turn.startOver();
    if (this.#rounds > MAX_ROUNDS) {
      this.#giveUp();
      return;
    }
    const { clock, random } = this.#failover;
    this.#cancelRound = clock.setTimeout(
      () => {
        this.#cancelRound = undefined;
        this.#goOn();
      },
      roundWaitMs(this.#rounds, random),
    );
  }

  /** Drops the text written so far; text written later is tried again. */
  #giveUp(): void {
    this.#rounds = 0;
    this.#spokenTo = this.#reply.text.length;
    this.#begin();
  }

  /** Gain that brings the link's level to that of the voice heard first. */
  #gainFor(link: TtsLink): number {
    const profile = this.#profiles.of(link);
    const level = profile.dbfs;
    if (level === undefined) return 1;
    const reference = this.#profiles.referenceFor(profile);
    const target = reference.dbfs;
    return reference === profile || target === undefined ? 1 : matchingGain(level, target);
  }

  /** An unknown voice is measured while it begins to speak; its gain changes gradually over a piece of sound, never at once. */
  #matched(samples: Int16Array, link: TtsLink): Int16Array {
    const before = this.#gain;
    this.#gain = this.#gainFor(link);
    return amplify(samples, before, this.#gain);
  }

  #cancel(): void {
    this.#dropStandby();
    this.#finish();
    this.#cancelled.abort();
    for (const source of this.#sources) {
      source.cancel();
      source.attempt.release();
    }
    this.#sources.clear();
  }

  #finish(): void {
    if (this.#queue.ended) return;
    this.#queue.end();
    this.#dropStandby();
    this.#playout.close();
    this.#cancelRound?.();
    const serving = this.#serving;
    if (serving && !this.#options.signal.aborted) {
      this.#leave(serving);
      serving.attempt.succeed();
      serving.cancel();
    }
    this.#over.abort();
  }
}

/** Keeps the fallback links' sockets open: a cold one would fail exactly when it is needed. */
function warmFallbacks(failover: Failover<TtsLink>, serving: TtsLink, language: string): void {
  const nowMs = failover.clock.now();
  if (nowMs - (warmedAtMs.get(failover) ?? Number.NEGATIVE_INFINITY) < WARM_EVERY_MS) return;
  warmedAtMs.set(failover, nowMs);
  for (const link of failover.links) {
    if (link === serving || link.traits.isReserve || !failover.mayServe(link)) continue;
    link.client.warm?.({ voice: voiceOf(link, language), language })?.catch(() => undefined);
  }
}

function voiceOf(link: TtsLink, language: string): string {
  const { defaultVoices } = link.traits;
  return link.voices?.[language] ?? defaultVoices[language] ?? Object.values(defaultVoices)[0] ?? '';
}

// Recognisers with real vendors' habits on a fake clock: slow handshakes, a slow rhythm of interims, finals that come late or only when
// asked for, requests of seconds, clocks that leave quiet out. Their numbers are those of the fixtures, which name the sources.
import type { Habits, Latency } from '../../fixtures/habits.ts';
import { AsyncQueue } from '../../src/audio/async-queue.ts';
import { ProviderError } from '../../src/failover/provider-error.ts';
import type { SttLink, SttOpenOptions, SttPart, SttSession, SttWord } from '../../src/stt/contract.ts';
import { ONE_REQUEST, UtteranceSession } from '../../src/stt/utterances.ts';
import type { FakeClock } from './fake-clock.ts';
import { RATE_HZ, WordRecogniser } from './scripted-stt.ts';

export const VENDORS = ['deepgram', 'deepgram plugin', 'google', 'chirp', 'whisper'] as const;
export type VendorName = (typeof VENDORS)[number];
export type Trouble = 'drops' | 'goes silent' | 'hangs at connect';

interface Manner {
  readonly handshake: Latency;
  readonly interimEveryMs: number;
  readonly interim: Latency;
  readonly final: Latency;
  /** Share of utterances whose end is noticed 3 to 20 s late. */
  readonly lateShare: number;
}

const DEEPGRAM: Manner = {
  handshake: { p50Ms: 350, p95Ms: 550, maxMs: 600 },
  interimEveryMs: 1_000,
  interim: { p50Ms: 150, p95Ms: 400, maxMs: 900 },
  final: { p50Ms: 150, p95Ms: 400, maxMs: 900 },
  lateShare: 0.2,
};
const GOOGLE: Manner = {
  handshake: { p50Ms: 100, p95Ms: 300, maxMs: 600 },
  interimEveryMs: 300,
  interim: { p50Ms: 200, p95Ms: 500, maxMs: 1_000 },
  final: { p50Ms: 600, p95Ms: 1_200, maxMs: 1_600 },
  lateShare: 0.1,
};
const MANNERS: Readonly<Record<Exclude<VendorName, 'whisper'>, Manner>> = {
  deepgram: DEEPGRAM,
  'deepgram plugin': DEEPGRAM,
  google: GOOGLE,
  chirp: { ...GOOGLE, final: { p50Ms: 1_000, p95Ms: 1_900, maxMs: 2_400 } },
};
const REQUEST: Latency = { p50Ms: 900, p95Ms: 2_200, maxMs: 3_800 };
const FINALS = { google: { helpMs: 1_600, ms: 2_500 }, chirp: { helpMs: 2_400, ms: 3_600 } } as const;
/** LiveKit's AudioEnergyFilter leaves out silence after this time. */
const LEFT_OUT_AFTER_MS = 1_000;

export interface HabitualStt {
  readonly link: SttLink;
  readonly opened: number;
  /** Applies the trouble to the open sessions; 'hangs at connect' applies to the next session. */
  trouble(what: Trouble): void;
}

export function habitualStt(vendor: VendorName, id: string, clock: FakeClock, habits: Habits): HabitualStt {
  const sessions: HabitualSession[] = [];
  let opened = 0;
  let hangs = false;
  let isBroken: Trouble | undefined;
  const open = (options: SttOpenOptions): SttSession => {
    opened += 1;
    const isHung = hangs;
    hangs = false;
    if (vendor === 'whisper') return openRequests(id, options, clock, habits, () => isBroken);
    const session = new HabitualSession(vendor, { id, options, clock, habits, isHung });
    sessions.push(session);
    return session;
  };
  const isStream = vendor !== 'whisper';
  return {
    link: {
      id,
      traits: {
        languages: 'any',
        sampleRateHz: RATE_HZ,
        interimResults: isStream,
        wordTimes: true,
        needsVoiceActivity: !isStream,
        clockLags: vendor === 'deepgram plugin',
        ...(isStream
          ? { typicalFirstMs: vendor === 'deepgram plugin' ? 600 : 900, deadlines: { stallHelpMs: 1_400 } }
          : { deadlines: ONE_REQUEST, typicalFirstMs: 1_000 }),
      },
      client: {
        open,
        close: async () => undefined,
        ...((vendor === 'google' || vendor === 'chirp') && { finals: FINALS[vendor] }),
      },
    },
    get opened() {
      return opened;
    },
    trouble(what) {
      if (what === 'hangs at connect') hangs = true;
      else if (isStream) for (const session of sessions) session.trouble(what);
      else isBroken = what;
    },
  };
}

interface SessionOptions {
  readonly id: string;
  readonly options: SttOpenOptions;
  readonly clock: FakeClock;
  readonly habits: Habits;
  readonly isHung: boolean;
}

class HabitualSession implements SttSession {
  readonly parts = new AsyncQueue<SttPart>();
  readonly #given: SessionOptions;
  readonly #vendor: VendorName;
  readonly #manner: Manner;
  readonly #recogniser = new WordRecogniser();
  readonly #timers = new Set<() => void>();
  #backlog: (Int16Array | 'flush')[] | undefined = [];
  #words: SttWord[] = [];
  /** Length of the audio that it received: the session's own clock. */
  #gotMs = 0;
  #quietMs = 0;
  #nextInterimMs = 0;
  #segmentMs: number;
  #isStale = false;
  #lateUntilMs: number | undefined;
  #lastDueMs = 0;
  #isSilent = false;
  #isOver = false;

  constructor(vendor: VendorName, given: SessionOptions) {
    this.#vendor = vendor;
    this.#given = given;
    this.#manner = MANNERS[vendor as Exclude<VendorName, 'whisper'>];
    const { habits, options, isHung } = given;
    this.#segmentMs = habits.between(3_000, 5_000);
    options.signal.addEventListener('abort', () => this.#end(), { once: true });
    if (this.#isPlugin) queueMicrotask(() => options.onOpen?.());
    if (isHung) this.#isSilent = true;
    else this.#after(habits.latency(this.#manner.handshake), () => this.#connected());
  }

  write(samples: Int16Array): void {
    if (this.#isOver) return;
    if (this.#isPlugin) {
      this.#quietMs = samples.every((sample) => sample === 0) ? this.#quietMs + (samples.length * 1_000) / RATE_HZ : 0;
      if (this.#quietMs > LEFT_OUT_AFTER_MS) return;
    }
    if (this.#backlog) this.#backlog.push(samples.slice());
    else this.#hear(samples);
  }

  flush(): void {
    if (this.#backlog) this.#backlog.push('flush');
    else this.#finalise(true);
  }

  end(): void {
    this.flush();
    this.#say(() => this.#end(), this.#manner.final);
  }

  trouble(what: Trouble): void {
    if (this.#isOver) return;
    // A plugin does not notice a lost connection: it goes silent.
    if (what === 'goes silent' || this.#isPlugin) {
      this.#isSilent = true;
      return;
    }
    const { id } = this.#given;
    this.#stop();
    this.parts.fail(new ProviderError({ kind: 'unreachable', provider: id, message: `${id}: gone` }));
  }

  get #isPlugin(): boolean {
    return this.#vendor === 'deepgram plugin';
  }

  #connected(): void {
    const backlog = this.#backlog ?? [];
    this.#backlog = undefined;
    if (!this.#isPlugin) this.#given.options.onOpen?.();
    for (const item of backlog) {
      if (item === 'flush') this.#finalise(true);
      else this.#hear(item);
    }
  }

  #hear(samples: Int16Array): void {
    const { habits } = this.#given;
    this.#gotMs += (samples.length * 1_000) / RATE_HZ;
    for (const event of this.#recogniser.hear(samples)) {
      if (event.type === 'quiet') this.#quiet();
      else {
        this.#words.push({ text: `w${event.word}`, startMs: event.startMs, endMs: event.endMs });
        this.#isStale = true;
      }
    }
    if (this.#lateUntilMs !== undefined && this.#gotMs >= this.#lateUntilMs) this.#finalise();
    const first = this.#words[0];
    if (first && this.#gotMs - first.startMs > this.#segmentMs) {
      this.#segmentMs = habits.between(3_000, 5_000);
      this.#finalise();
    }
    if (this.#gotMs < this.#nextInterimMs) return;
    this.#nextInterimMs = this.#gotMs + this.#manner.interimEveryMs * habits.between(0.95, 1.1);
    if (this.#isStale) this.#tell('interim');
  }

  #quiet(): void {
    const { habits } = this.#given;
    if (this.#words.length === 0) return;
    if (habits.chance(this.#manner.lateShare)) this.#lateUntilMs = this.#gotMs + habits.between(3_000, 20_000);
    else this.#finalise();
  }

  #finalise(isAsked = false): void {
    this.#lateUntilMs = undefined;
    if (this.#words.length > 0) this.#tell('final');
    else if (isAsked && this.#vendor === 'deepgram' && this.#given.habits.chance(0.5)) {
      const part = { type: 'speech-end' as const, atMs: this.#gotMs };
      this.#say(() => this.parts.push(part), this.#manner.final);
    }
  }

  #tell(type: 'interim' | 'final'): void {
    const words = [...this.#words];
    this.#isStale = false;
    if (type === 'final') this.#words = [];
    const part: SttPart = {
      type,
      text: words.map(({ text }) => text).join(' '),
      startMs: words[0]?.startMs ?? 0,
      endMs: words.at(-1)?.endMs ?? 0,
      confidence: 0.9,
      language: this.#given.options.language,
      words,
    };
    this.#say(() => this.parts.push(part), this.#manner[type]);
  }

  /** Runs a step after the latency; no step overtakes an earlier one. */
  #say(run: () => void, latency: Latency): void {
    const { clock, habits } = this.#given;
    this.#lastDueMs = Math.max(this.#lastDueMs, clock.now() + habits.latency(latency));
    this.#after(this.#lastDueMs - clock.now(), run);
  }

  #after(ms: number, run: () => void): void {
    if (this.#isOver) return;
    const cancel = this.#given.clock.setTimeout(() => {
      this.#timers.delete(cancel);
      if (!this.#isSilent) run();
    }, ms);
    this.#timers.add(cancel);
  }

  #end(): void {
    this.#stop();
    this.parts.end();
  }

  #stop(): void {
    this.#isOver = true;
    for (const cancel of this.#timers) cancel();
  }
}

function openRequests(
  provider: string,
  given: SttOpenOptions,
  clock: FakeClock,
  habits: Habits,
  trouble: () => Trouble | undefined,
): SttSession {
  return new UtteranceSession({
    ...given,
    provider,
    sampleRateHz: RATE_HZ,
    recognise: async ({ samples, signal }) => {
      if (trouble() === 'goes silent') await new Promise(() => undefined);
      if (trouble() === 'drops')
        throw new ProviderError({ kind: 'unreachable', provider, message: `${provider}: gone` });
      const words: SttWord[] = [];
      for (const event of new WordRecogniser().hear(samples)) {
        if (event.type === 'word') words.push({ text: `w${event.word}`, startMs: event.startMs, endMs: event.endMs });
      }
      await clock.sleep(habits.latency(REQUEST));
      signal.throwIfAborted();
      return { text: words.map(({ text }) => text).join(' '), confidence: 0.9, words };
    },
  });
}

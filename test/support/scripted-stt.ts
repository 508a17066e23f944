// Speech-to-text links that follow a script: their words are sample values, so that each can be counted, and they fail on command.
import { AsyncQueue } from '../../src/audio/async-queue.ts';
import type { SpeechExpectation } from '../../src/config/expectation.ts';
import { ProviderError, type ProviderErrorKind } from '../../src/failover/provider-error.ts';
import type { SttLink, SttOpenOptions, SttPart, SttSession, SttTraits, SttWord } from '../../src/stt/contract.ts';
import { UtteranceSession } from '../../src/stt/utterances.ts';
import type { FakeClock } from './fake-clock.ts';

export const RATE_HZ = 16_000;
export const FRAME_MS = 20;
const WORD_MS = 200;
const GAP_MS = 100;
/** A word is recognised from this much of it: a word cut in half is recognised from either half. */
const KNOWN_AFTER_MS = 80;
const FINAL_AFTER_MS = 300;

const samplesIn = (ms: number) => Math.round((ms * RATE_HZ) / 1000);
const toMs = (samples: number) => (samples * 1000) / RATE_HZ;
const levelOf = (word: number) => 2_000 + 10 * word;

/** Words as the scripted links recognise them: 200 ms each, and a gap of 100 ms. */
export function speak(words: readonly number[]): Int16Array {
  const samples = new Int16Array(samplesIn((WORD_MS + GAP_MS) * words.length));
  words.forEach((word, index) => {
    const from = index * samplesIn(WORD_MS + GAP_MS);
    samples.fill(levelOf(word), from, from + samplesIn(WORD_MS));
  });
  return samples;
}

export const silence = (ms: number) => new Int16Array(samplesIn(ms));

/** Loud noise that no scripted link takes for words; its silent moments keep it from being steady. */
export function noise(ms: number): Int16Array {
  return Int16Array.from({ length: samplesIn(ms) }, (_, at) =>
    at % samplesIn(400) > samplesIn(350) ? 0 : ((at * 7_919) % 3_000) - 6_000,
  );
}

export type Failing = ProviderErrorKind | 'ends' | 'silent' | 'not-an-error' | 'garbage';

type Due<At extends Fault['at']> = Extract<Fault, { readonly at: At }>;

export type Fault =
  /** `connect`: refused, thrown by `open` itself, no answer ever, ended, or open `takesMs` later; `opened`: right after it opened. */
  | {
      readonly at: 'connect';
      readonly does: ProviderErrorKind | 'throws' | 'hangs' | 'ends' | { readonly takesMs: number };
      /** The first session that the fault applies to, from 0. */
      readonly from?: number;
    }
  | { readonly at: 'opened'; readonly does: Failing }
  /** `word`: right before this word is reported; `final`: after the final that holds it. */
  | { readonly at: 'word'; readonly word: number; readonly does: Failing }
  | { readonly at: 'final'; readonly word: number; readonly does: Failing }
  | { readonly at: 'end'; readonly does: Failing };

export interface ScriptedOptions {
  readonly clock: FakeClock;
  readonly traits?: Partial<SttTraits>;
  /** Each applies once, or `times` times, to the first session that it fits; `times` may be `Infinity`. */
  readonly faults?: readonly (Fault & { readonly times?: number })[];
  /** Time from a word's audio to its transcript; 50 where absent. */
  readonly latencyMs?: number;
  readonly hasTimes?: boolean;
  readonly tellsSpeech?: boolean;
  readonly check?: (signal: AbortSignal) => Promise<void>;
}

export interface ScriptedStt {
  readonly link: SttLink;
  readonly sessions: ScriptedSession[];
  /** Faults that are left; tests may add more. */
  readonly faults: { fault: Fault; times: number }[];
  readonly opened: number;
}

export interface ScriptedSession {
  readonly expectations: SpeechExpectation[];
  readonly options: SttOpenOptions;
  flushes: number;
  samples: number;
  isOver: boolean;
}

export function scriptedStt(id: string, options: ScriptedOptions): ScriptedStt {
  const faults = (options.faults ?? []).map((fault) => ({ fault, times: fault.times ?? 1 }));
  const sessions: ScriptedSession[] = [];
  const traits: SttTraits = {
    languages: 'any',
    sampleRateHz: RATE_HZ,
    interimResults: true,
    wordTimes: options.hasTimes !== false,
    needsVoiceActivity: false,
    ...options.traits,
  };
  const take = (matches: (fault: Fault) => boolean) => {
    const due = faults.find(({ fault, times }) => times > 0 && matches(fault));
    if (due) due.times -= 1;
    return due?.fault;
  };
  const open = (given: SttOpenOptions): SttSession => {
    const session: ScriptedSession = { expectations: [], options: given, flushes: 0, samples: 0, isOver: false };
    sessions.push(session);
    if (traits.needsVoiceActivity) return openUtterances(id, given, options, take);
    return new Scripted(id, given, options, session, take, sessions.length - 1);
  };
  const client = { open, close: async () => undefined, ...(options.check && { check: options.check }) };
  return {
    link: { id, traits, client },
    sessions,
    faults,
    get opened() {
      return sessions.length;
    },
  };
}

type Take = (matches: (fault: Fault) => boolean) => Fault | undefined;

const errorOf = (provider: string, kind: ProviderErrorKind) =>
  new ProviderError({ kind, provider, message: `${provider}: ${kind} on command` });

class Scripted implements SttSession {
  readonly parts = new AsyncQueue<SttPart>();
  readonly #id: string;
  readonly #number: number;
  readonly #given: SttOpenOptions;
  readonly #options: ScriptedOptions;
  readonly #session: ScriptedSession;
  readonly #take: Take;
  readonly #recogniser = new WordRecogniser();
  readonly #timers = new Set<() => void>();
  #words: SttWord[] = [];
  #isSilent = false;
  #isSpeaking = false;
  #hasEnded = false;

  constructor(
    id: string,
    given: SttOpenOptions,
    options: ScriptedOptions,
    session: ScriptedSession,
    take: Take,
    number: number,
  ) {
    this.#id = id;
    this.#number = number;
    this.#given = given;
    this.#options = options;
    this.#session = session;
    this.#take = take;
    given.signal.addEventListener('abort', () => this.#over(() => this.parts.end()), { once: true });
    this.#connect();
  }

  write(samples: Int16Array): void {
    if (this.#session.isOver || this.#hasEnded) return;
    this.#session.samples += samples.length;
    for (const event of this.#recogniser.hear(samples)) {
      if (event.type === 'quiet') this.#finalise();
      else this.#heard(event.word, event.startMs, event.endMs);
    }
  }

  expect(expectation: SpeechExpectation): void {
    this.#session.expectations.push(expectation);
  }

  flush(): void {
    this.#session.flushes += 1;
    this.#finalise();
  }

  end(): void {
    if (this.#hasEnded) return;
    this.#finalise();
    this.#hasEnded = true;
    const fault = this.#take(({ at }) => at === 'end');
    this.#later(() => (fault ? this.#fail((fault as Due<'end'>).does) : this.#over(() => this.parts.end())));
  }

  #connect(): void {
    const fault = this.#take((due) => due.at === 'connect' && (due.from ?? 0) <= this.#number) as
      | Due<'connect'>
      | undefined;
    if (fault?.does === 'throws') throw new Error('thrown on command');
    if (fault?.does === 'hangs') {
      this.#isSilent = true;
      return;
    }
    const takesMs = typeof fault?.does === 'object' ? fault.does.takesMs : 0;
    this.#after(takesMs, () => {
      if (fault && typeof fault.does === 'string') {
        this.#fail(fault.does as Failing);
        return;
      }
      this.#given.onOpen?.();
      const late = this.#take(({ at }) => at === 'opened') as Due<'opened'> | undefined;
      if (late) this.#after(20, () => this.#fail(late.does));
    });
  }

  #heard(word: number, startMs: number, endMs: number): void {
    this.#words.push({ text: `w${word}`, startMs, endMs });
    const fault = this.#take((due) => due.at === 'word' && due.word === word) as
      | Extract<Fault, { at: 'word' }>
      | undefined;
    if (fault) {
      this.#later(() => this.#fail(fault.does));
      return;
    }
    if (this.#options.tellsSpeech && !this.#isSpeaking) {
      this.#isSpeaking = true;
      this.#say({ type: 'speech-start', atMs: startMs });
    }
    if (this.#options.traits?.interimResults !== false) this.#say(this.#part('interim'));
  }

  #finalise(): void {
    if (this.#words.length === 0) return;
    const words = this.#words;
    this.#say(this.#part('final'));
    this.#words = [];
    if (this.#isSpeaking) this.#say({ type: 'speech-end', atMs: words.at(-1)?.endMs ?? 0 });
    this.#isSpeaking = false;
    const fault = this.#take((due) => due.at === 'final' && words.some(({ text }) => text === `w${due.word}`)) as
      | Extract<Fault, { at: 'final' }>
      | undefined;
    if (fault) this.#later(() => this.#fail(fault.does));
  }

  #part(type: 'interim' | 'final'): SttPart {
    return partOf(type, this.#words, this.#options.hasTimes !== false, this.#given.language);
  }

  #say(part: SttPart): void {
    this.#later(() => {
      if (!this.#isSilent) this.parts.push(part);
    });
  }

  #fail(does: Failing): void {
    if (does === 'silent') this.#isSilent = true;
    else if (does === 'garbage') this.parts.push({ type: 'interim', text: '' } as unknown as SttPart);
    else if (does === 'ends') this.#over(() => this.parts.end());
    else if (does === 'not-an-error') this.#over(() => this.parts.fail('not even an error'));
    else this.#over(() => this.parts.fail(errorOf(this.#id, does)));
  }

  #later(run: () => void): void {
    this.#after(this.#options.latencyMs ?? 50, run);
  }

  #after(ms: number, run: () => void): void {
    if (this.#session.isOver) return;
    const cancel = this.#options.clock.setTimeout(() => {
      this.#timers.delete(cancel);
      if (!this.#session.isOver) run();
    }, ms);
    this.#timers.add(cancel);
  }

  #over(end: () => void): void {
    if (this.#session.isOver) return;
    this.#session.isOver = true;
    for (const cancel of this.#timers) cancel();
    end();
  }
}

function partOf(type: 'interim' | 'final', words: readonly SttWord[], hasTimes: boolean, language: string): SttPart {
  return {
    type,
    text: words.map(({ text }) => text).join(' '),
    startMs: hasTimes ? (words[0]?.startMs ?? 0) : 0,
    endMs: hasTimes ? (words.at(-1)?.endMs ?? 0) : 0,
    confidence: 0.9,
    language,
    words: hasTimes ? [...words] : [],
  };
}

type Heard = { type: 'word'; word: number; startMs: number; endMs: number } | { type: 'quiet' };

/** Reads words back from samples. */
export class WordRecogniser {
  #at = 0;
  #level = 0;
  #run = 0;

  *hear(samples: Int16Array): Generator<Heard> {
    for (const level of samples) {
      if (level !== this.#level) {
        this.#level = level;
        this.#run = 0;
      }
      this.#run += 1;
      this.#at += 1;
      const word = (level - levelOf(0)) / 10;
      if (this.#run === samplesIn(KNOWN_AFTER_MS) && Number.isInteger(word) && word >= 0 && level !== 0) {
        const startMs = toMs(this.#at - this.#run);
        yield { type: 'word', word, startMs, endMs: startMs + WORD_MS };
      } else if (level === 0 && this.#run === samplesIn(FINAL_AFTER_MS)) yield { type: 'quiet' };
    }
  }
}

/** Makes one request for each utterance, as Whisper does. */
function openUtterances(provider: string, given: SttOpenOptions, options: ScriptedOptions, take: Take): SttSession {
  return new UtteranceSession({
    ...given,
    provider,
    sampleRateHz: RATE_HZ,
    recognise: async ({ samples, signal }) => {
      const words: SttWord[] = [];
      for (const event of new WordRecogniser().hear(samples)) {
        if (event.type === 'word') words.push({ text: `w${event.word}`, startMs: event.startMs, endMs: event.endMs });
      }
      const fault = take((due) => due.at === 'word' && words.some(({ text }) => text === `w${due.word}`));
      if (fault?.at === 'word') {
        if (fault.does === 'silent') await new Promise(() => undefined);
        throw fault.does === 'not-an-error' ? 'not even an error' : errorOf(provider, fault.does as ProviderErrorKind);
      }
      await options.clock.sleep(options.latencyMs ?? 50);
      signal.throwIfAborted();
      return { text: words.map(({ text }) => text).join(' '), confidence: 0.9, words };
    },
  });
}

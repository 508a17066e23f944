// Voices for tests of the chain: w0, w1, … as tones, on any clock, that fail as they are told.
import type { Habits } from '../../fixtures/habits.ts';
import { SpeechHabits } from '../../fixtures/speech-habits.ts';
import { speakTones } from '../../fixtures/tones.ts';
import { AsyncQueue } from '../../src/audio/async-queue.ts';
import { type Clock, systemClock } from '../../src/failover/clock.ts';
import { ProviderError, type ProviderErrorKind } from '../../src/failover/provider-error.ts';
import { ClauseSplitter } from '../../src/text/clauses.ts';
import type { TtsLink, TtsOpenOptions, TtsPart, TtsSession } from '../../src/tts/contract.ts';

/** `afterMs`: how much sound the session has handed out when the fault happens. */
export type TtsFault =
  | { readonly does: 'throw-at-open' }
  | { readonly does: 'throw-at-write' }
  | { readonly does: 'fail'; readonly kind: ProviderErrorKind; readonly afterMs: number }
  | { readonly does: 'throw-odd'; readonly afterMs: number }
  | { readonly does: 'hang'; readonly afterMs: number }
  /** From there on, a chunk comes only every `everyMs`. */
  | { readonly does: 'trickle'; readonly afterMs: number; readonly everyMs: number }
  | { readonly does: 'end-early'; readonly afterMs: number }
  /** Reports the end of the segment, and sends nothing after it. */
  | { readonly does: 'segment-end-early'; readonly afterMs: number }
  | { readonly does: 'empty' }
  | { readonly does: 'never-end' }
  | { readonly does: 'parts-after-end' }
  | { readonly does: 'slow-first'; readonly byMs: number };

export interface ScriptedTtsOptions {
  readonly sampleRateHz?: number;
  readonly wordTimes?: 'exact' | 'estimated' | 'none';
  readonly gain?: number;
  /** Time to the first sound. */
  readonly firstMs?: number;
  /** Length of the sound in a chunk, and the time between two chunks. */
  readonly chunkMs?: number;
  readonly everyMs?: number;
  /** When a word ends by the reported times, since its start; its sound ends after 240 ms. */
  readonly wordEndsMs?: number;
  readonly priority?: number;
  /** Replaces the first sound, chunks and pace by those of a real vendor, with handshakes. */
  readonly habits?: Habits;
}

/** Times on the slow side of normal; fixtures/vendors name the source of each. */
const NORMAL = { first: { p50Ms: 250, p95Ms: 450, maxMs: 600 }, pieceMs: [40, 500] } as const;
const HANDSHAKE = { p50Ms: 300, p95Ms: 500, maxMs: 600 };

export class ScriptedTts {
  readonly link: TtsLink;
  /** Faults of the next sessions, in order. */
  readonly faults: TtsFault[] = [];
  /** The fault of all other sessions. */
  always: TtsFault | undefined;
  readonly opened: TtsOpenOptions[] = [];
  /** The text that each session was given, with | for a flush and ] for the end. */
  readonly written: string[] = [];
  readonly clock: Clock;
  readonly options: Required<Omit<ScriptedTtsOptions, 'priority' | 'habits'>>;
  readonly habits: Habits | undefined;
  closed = 0;
  readonly #sessions: ScriptedSession[] = [];

  constructor(id: string, clock: Clock = systemClock, options: ScriptedTtsOptions = {}) {
    const { sampleRateHz = 16_000, wordTimes = 'exact', gain = 1, firstMs = 80, chunkMs = 40 } = options;
    const { everyMs = 10, wordEndsMs = 240 } = options;
    this.clock = clock;
    this.habits = options.habits;
    this.options = { sampleRateHz, wordTimes, gain, firstMs, chunkMs, everyMs, wordEndsMs };
    this.link = {
      id,
      traits: { languages: 'any', sampleRateHz, wordTimes, defaultVoices: { 'en-US': 'v' } },
      ...(options.priority !== undefined && { priority: options.priority }),
      client: {
        open: (opened) => this.#open(opened),
        close: async () => {
          this.closed += 1;
        },
      },
    };
  }

  #open(options: TtsOpenOptions): TtsSession {
    this.opened.push(options);
    const fault = this.faults.shift() ?? this.always;
    if (fault?.does === 'throw-at-open') throw new Error('cannot open');
    const at = this.written.push('') - 1;
    const note = (text: string) => {
      this.written[at] += text;
    };
    const session = new ScriptedSession(this, options, fault, note);
    this.#sessions.push(session);
    return session;
  }

  /** Ends the parts of every session, as a vendor that closes idle connections. */
  endAll(): void {
    for (const { parts } of this.#sessions) parts.end();
  }
}

interface Step {
  readonly type: 'clause' | 'segment-end' | 'end';
  readonly text: string;
}

class ScriptedSession implements TtsSession {
  readonly parts = new AsyncQueue<TtsPart>();
  readonly #owner: ScriptedTts;
  readonly #fault: TtsFault | undefined;
  readonly #note: (text: string) => void;
  readonly #clauses = new ClauseSplitter();
  readonly #steps: Step[] = [];
  #text = '';
  #placed = 0;
  #soundMs = 0;
  #isOpen = true;
  #isWorking = false;
  #hasBegun = false;
  #pace: SpeechHabits | undefined;
  #opened: Promise<void> | undefined;
  #cancel: (() => void) | undefined;

  constructor(owner: ScriptedTts, options: TtsOpenOptions, fault: TtsFault | undefined, note: (text: string) => void) {
    this.#owner = owner;
    this.#fault = fault;
    this.#note = note;
    options.signal.addEventListener('abort', () => {
      this.#cancel?.();
      this.parts.end();
    });
    const { habits, clock } = owner;
    if (habits) this.#pace = new SpeechHabits(habits, NORMAL, () => clock.now());
    // Most replies find an open socket.
    if (!habits?.chance(0.3)) queueMicrotask(() => options.onOpen?.());
    else {
      this.#opened = this.#sleep(habits.latency(HANDSHAKE)).then(() => options.onOpen?.());
    }
  }

  write(text: string): void {
    if (this.#fault?.does === 'throw-at-write') throw new Error('cannot write');
    this.#note(text);
    this.#text += text;
    this.#isOpen = true;
    this.#say(this.#clauses.push(text));
  }

  flush(): void {
    this.#note('|');
    this.#say(this.#clauses.flush());
    this.#isOpen = false;
    this.#do({ type: 'segment-end', text: '' });
  }

  end(): void {
    if (this.#isOpen) this.flush();
    this.#note(']');
    this.#do({ type: 'end', text: '' });
  }

  #say(clauses: readonly { readonly text: string }[]): void {
    for (const { text } of clauses) {
      const at = this.#text.indexOf(text, this.#placed);
      const verbatim = /^\s*/.exec(this.#text.slice(at + text.length))?.[0] ?? '';
      this.#placed = at + text.length + verbatim.length;
      this.#do({ type: 'clause', text: text + verbatim });
    }
  }

  #do(step: Step): void {
    this.#steps.push(step);
    if (!this.#isWorking) void this.#work();
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    await this.#opened;
    for (let step = this.#steps.shift(); step; step = this.#steps.shift()) {
      if (this.parts.ended) return;
      if (step.type === 'clause') await this.#speak(step.text);
      else if (step.type === 'segment-end') this.#endSegment();
      else this.#end();
    }
    this.#isWorking = false;
  }

  #endSegment(): void {
    if (this.#fault?.does !== 'never-end') this.parts.push({ type: 'segment-end' });
  }

  #end(): void {
    if (this.#fault?.does === 'never-end') return;
    if (this.#fault?.does === 'parts-after-end') {
      this.parts.push({ type: 'segment-end' });
      this.parts.push({ type: 'audio', samples: speakTones([9], this.#owner.options.sampleRateHz) });
    }
    this.parts.end();
  }

  async #speak(clause: string): Promise<void> {
    const { sampleRateHz, wordTimes, chunkMs, everyMs, firstMs, gain, wordEndsMs } = this.#owner.options;
    const pace = this.#fault?.does === 'slow-first' || this.#fault?.does === 'trickle' ? undefined : this.#pace;
    if (!this.#hasBegun && !pace) await this.#sleep(this.#fault?.does === 'slow-first' ? this.#fault.byMs : firstMs);
    this.#hasBegun = true;
    if (this.parts.ended) return;
    if (this.#fault?.does === 'empty') return;
    const words = (clause.match(/\S+\s*/g) ?? []).filter((word) => /\w/.test(word));
    const fromMs = this.#soundMs;
    const spoken = spokenTones(words.map(toneOf), sampleRateHz);
    const samples = gain === 1 ? spoken : spoken.map((sample) => Math.round(sample * gain));
    let told = 0;
    for (let at = 0; at < samples.length; ) {
      const lengthMs = Math.min(pace?.pieceMs() ?? chunkMs, ((samples.length - at) * 1000) / sampleRateHz);
      if (pace) await this.#sleep(pace.waitMs(lengthMs));
      if (this.parts.ended) return;
      const chunk = Math.max(1, Math.round((lengthMs * sampleRateHz) / 1000));
      const piece = samples.slice(at, this.#cutAt(at, Math.min(samples.length, at + chunk)));
      const untilMs = this.#soundMs + (piece.length * 1000) / sampleRateHz;
      for (; wordTimes !== 'none' && told < words.length && fromMs + told * 300 < untilMs; told += 1) {
        const startMs = fromMs + told * 300;
        this.parts.push({ type: 'word', text: words[told] as string, startMs, endMs: startMs + wordEndsMs });
      }
      if (piece.length > 0) this.parts.push({ type: 'audio', samples: piece });
      this.#soundMs = untilMs;
      if (await this.#befalls()) return;
      at += chunk;
      if (pace) continue;
      await this.#sleep(
        this.#fault?.does === 'trickle' && untilMs >= this.#fault.afterMs ? this.#fault.everyMs : everyMs,
      );
      if (this.parts.ended) return;
    }
  }

  /** Ends the chunk where a fault is due within it. */
  #cutAt(from: number, to: number): number {
    const fault = this.#fault;
    if (!fault || !('afterMs' in fault) || fault.does === 'trickle') return to;
    const left = Math.round(((fault.afterMs - this.#soundMs) * this.#owner.options.sampleRateHz) / 1000);
    return Math.max(from, Math.min(to, from + left));
  }

  async #befalls(): Promise<boolean> {
    const fault = this.#fault;
    if (!fault || !('afterMs' in fault) || fault.does === 'trickle' || this.#soundMs < fault.afterMs - 0.1)
      return false;
    if (fault.does === 'hang') await new Promise(() => undefined);
    if (fault.does === 'segment-end-early') this.parts.push({ type: 'segment-end' });
    if (fault.does === 'segment-end-early') await new Promise(() => undefined);
    const provider = this.#owner.link.id;
    if (fault.does === 'fail') this.parts.fail(new ProviderError({ kind: fault.kind, provider, message: fault.kind }));
    if (fault.does === 'throw-odd') this.parts.fail('not even an error');
    this.parts.end();
    return true;
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.#owner.clock.setTimeout(resolve, ms);
      this.#cancel = () => {
        stop();
        resolve();
      };
    });
  }
}

/** Every word has a tone: w7 its own, other words one by their length. */
function toneOf(word: string): number {
  return Number(/w(\d+)/.exec(word)?.[1] ?? word.trim().length % 20);
}

const tones = new Map<string, Int16Array>();

/** As `speakTones`, but makes each tone only once, because a test speaks thousands. */
function spokenTones(indices: readonly number[], sampleRateHz: number): Int16Array {
  const samples = new Int16Array(Math.round(indices.length * 0.3 * sampleRateHz));
  indices.forEach((index, position) => {
    const key = `${index} at ${sampleRateHz}`;
    const tone = tones.get(key) ?? speakTones([index], sampleRateHz);
    tones.set(key, tone);
    samples.set(tone, Math.round(position * 0.3 * sampleRateHz));
  });
  return samples;
}

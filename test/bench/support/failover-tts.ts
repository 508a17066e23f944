// A scripted voice that speaks 18 tone words, and a listener that counts which of them were whole.
import { setTimeout as sleep } from 'node:timers/promises';
import { tts, voice } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';
import { decodeTones, speakTones } from '../../../fixtures/tones.ts';
import { countWords, type Outcome, type ScriptedProvider, silence, untilAborted } from './failover-child.ts';

const RATE_HZ = 24_000;
const WORD_MS = 300;
const FRAME_MS = 20;
const FIRST_AUDIO_MS = 120;
/** Five times faster than it plays. */
const PACE = 5;
/** Shorter tones are words that were cut: a whole one is 240 ms. */
const WHOLE_MS = 200;
/** Time between two words that the model writes. */
const TEXT_WORD_MS = 30;
const BEFORE_FIRST_MS = 40_000;
const PATIENCE_MS = 25_000;
const DEFAULT_CONN = { maxRetry: 3, retryIntervalMs: 2_000, timeoutMs: 10_000 };
const WORDS = Array.from({ length: 18 }, (_, index) => `w${index}`);

export class ScriptedTts extends tts.TTS {
  override label: string;
  readonly provided: ScriptedProvider;

  constructor(provided: ScriptedProvider, wordTimes = false) {
    super(RATE_HZ, 1, { streaming: true, alignedTranscript: wordTimes });
    this.provided = provided;
    this.label = provided.id;
  }

  override stream(options?: { connOptions?: typeof DEFAULT_CONN }): tts.SynthesizeStream {
    return new ScriptedVoice(this, options?.connOptions ?? DEFAULT_CONN);
  }

  override synthesize(text: string, conn = DEFAULT_CONN, signal?: AbortSignal): tts.ChunkedStream {
    return new ScriptedClip(text, this, conn, signal);
  }
}

class ScriptedVoice extends tts.SynthesizeStream {
  override label: string;
  readonly #owner: ScriptedTts;
  #spoken = 0;
  #inSegment = 0;

  constructor(owner: ScriptedTts, conn: typeof DEFAULT_CONN) {
    super(owner, conn);
    this.#owner = owner;
    this.label = owner.label;
  }

  protected override async run(): Promise<void> {
    await untilAborted(this.abortSignal, () => this.#work());
  }

  async #work(): Promise<void> {
    await this.#owner.provided.connect(this.connOptions.timeoutMs, this.abortSignal);
    let pending = '';
    for await (const input of this.input) {
      const isFlush = typeof input === 'symbol';
      if (!isFlush) this.markStarted();
      pending += isFlush ? ' ' : input;
      const words = pending.match(/\S+\s+/g) ?? [];
      pending = pending.slice(words.join('').length).trimStart();
      for (const word of words) if (!(await this.#speak(word))) return;
      if (isFlush) this.#endSegment();
    }
    if (pending !== '' && !(await this.#speak(pending))) return;
    this.#endSegment();
    if (!this.queue.closed) this.queue.put(tts.SynthesizeStream.END_OF_STREAM);
  }

  /** Speaks one word; false if the reply ends here. */
  async #speak(word: string): Promise<boolean> {
    if (this.#spoken === 0) await sleep(FIRST_AUDIO_MS, undefined, { signal: this.abortSignal });
    const samples = toneOf(word);
    // A provider fails in the middle of a word, not between two.
    const isLast = this.#next(1) !== 'goes on';
    const startTime = (this.#spoken * WORD_MS) / 1000;
    const timed = voice.createTimedString({ text: word, startTime, endTime: startTime + (WORD_MS - 60) / 1000 });
    this.#put(samples.slice(0, samples.length / 2), this.#owner.capabilities.alignedTranscript ? [timed] : []);
    if (isLast) {
      const next = this.#owner.provided.after(this.#spoken + 1);
      if (next === 'is silent') await silence(this.abortSignal);
      return false;
    }
    this.#put(samples.slice(samples.length / 2));
    this.#spoken += 1;
    this.#inSegment += 1;
    await sleep(WORD_MS / PACE, undefined, { signal: this.abortSignal });
    return true;
  }

  #next(words: number): string {
    try {
      return this.#owner.provided.after(this.#spoken + words);
    } catch {
      return 'breaks';
    }
  }

  #put(samples: Int16Array, timedTranscripts: voice.TimedString[] = [], final = false): void {
    const perFrame = (RATE_HZ * FRAME_MS) / 1000;
    for (let at = 0; at < samples.length && !this.queue.closed; at += perFrame) {
      const piece = samples.slice(at, at + perFrame);
      const frame = new AudioFrame(piece, RATE_HZ, 1, piece.length);
      const words = at === 0 && timedTranscripts.length > 0 ? { timedTranscripts } : {};
      this.queue.put({ requestId: this.label, segmentId: this.label, frame, final, ...words });
    }
  }

  #endSegment(): void {
    if (this.#inSegment > 0) this.#put(new Int16Array((RATE_HZ * FRAME_MS) / 1000), [], true);
    this.#inSegment = 0;
  }
}

/** The stream that LiveKit's adapter requests from a failed voice. */
class ScriptedClip extends tts.ChunkedStream {
  override label: string;
  readonly #owner: ScriptedTts;
  readonly #timeoutMs: number;

  constructor(text: string, owner: ScriptedTts, conn: typeof DEFAULT_CONN, signal?: AbortSignal) {
    super(text, owner, conn, signal);
    this.#owner = owner;
    this.#timeoutMs = conn.timeoutMs;
    this.label = owner.label;
  }

  protected override async run(): Promise<void> {
    await untilAborted(this.abortSignal, async () => {
      const { provided } = this.#owner;
      await provided.connect(this.#timeoutMs, this.abortSignal);
      const next = provided.after(1);
      if (next === 'is silent') await silence(this.abortSignal);
      if (next === 'ends') return;
      const samples = toneOf('w0');
      const frame = new AudioFrame(samples, RATE_HZ, 1, samples.length);
      if (!this.queue.closed) this.queue.put({ requestId: this.label, segmentId: this.label, frame, final: true });
    });
  }
}

function toneOf(word: string): Int16Array {
  const index = /w(\d+)/.exec(word)?.[1];
  return index === undefined ? new Int16Array((RATE_HZ * WORD_MS) / 1000) : speakTones([Number(index)], RATE_HZ);
}

/** Listens to one reply of `subject`, until it ends or nothing came for 25 s (40 s before the first sound). */
export async function listenToReply(subject: tts.TTS, connOptions?: typeof DEFAULT_CONN): Promise<Outcome> {
  const startedMs = performance.now();
  const stream = subject.stream(connOptions && { connOptions });
  const frames: Int16Array[] = [];
  let [playedUntilMs, gapMs, isSilent]: [number, number, boolean] = [0, 0, false];
  let firstMs: number | undefined;
  const giveUp = () => {
    isSilent = true;
    stream.close();
  };
  let patience = setTimeout(giveUp, BEFORE_FIRST_MS);
  const written = write(stream);
  for await (const audio of stream) {
    if (audio === tts.SynthesizeStream.END_OF_STREAM) break;
    const { data, sampleRate } = (audio as tts.SynthesizedAudio).frame;
    const atMs = performance.now() - startedMs;
    if (firstMs !== undefined) gapMs = Math.max(gapMs, atMs - playedUntilMs);
    firstMs ??= atMs;
    playedUntilMs = Math.max(playedUntilMs, atMs) + (data.length * 1000) / sampleRate;
    frames.push(data.slice());
    clearTimeout(patience);
    patience = setTimeout(giveUp, PATIENCE_MS);
  }
  clearTimeout(patience);
  stream.close();
  await written;
  return { ...countTones(frames, subject.sampleRate), firstMs, gapMs, isSilent };
}

function countTones(frames: readonly Int16Array[], sampleRateHz: number) {
  const samples = new Int16Array(frames.reduce((sum, frame) => sum + frame.length, 0));
  let at = 0;
  for (const frame of frames) {
    samples.set(frame, at);
    at += frame.length;
  }
  const tones = decodeTones(samples, sampleRateHz);
  const whole = tones.filter(({ startMs, endMs }) => endMs - startMs >= WHOLE_MS);
  const came = whole.map(({ index }) => `w${index}`);
  return { ...countWords(WORDS, came), clipped: tones.length - whole.length };
}

async function write(stream: tts.SynthesizeStream): Promise<void> {
  for (const [index, word] of WORDS.entries()) {
    const mark = index === WORDS.length - 1 ? '.' : index % 6 === 5 ? ', ' : ' ';
    stream.pushText(`${word}${mark}`);
    await sleep(TEXT_WORD_MS);
  }
  stream.endInput();
}

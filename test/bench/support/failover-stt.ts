// A scripted recogniser that hears 32 marked words above human speech, and a caller who says them in real time.
import { setTimeout as sleep } from 'node:timers/promises';
import { stt, voice } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';
import { loadClip } from '../../../fixtures/audio/clips.ts';
import { decodeMarks, markWords, type Word } from '../../../fixtures/tones.ts';
import { countWords, type Outcome, type ScriptedProvider, silence, untilAborted } from './failover-child.ts';

const RATE_HZ = 16_000;
const FRAME_MS = 20;
const WORD_MS = 300;
const WORD_COUNT = 32;
const SPEECH_MS = WORD_COUNT * WORD_MS;
const PATIENCE_MS = 25_000;
const WORDS_PER_FINAL = 8;
/** Audio without a word after which a segment is final. */
const FINAL_AFTER_MS = 600;
/** Without a result in the caller's last two seconds, the recogniser counts as silent for good. */
const DEAF_MS = 2_000;
const DECODE_EVERY_MS = 100;
/** A word has two marks, because there are only 20: the word's number divided by 16, and the remainder. */
const SECOND_MARKS = 16;
const LOOK_BACK_MS = 600;
const DEFAULT_CONN = { maxRetry: 3, retryIntervalMs: 2_000, timeoutMs: 10_000 };
const WORDS = Array.from({ length: WORD_COUNT }, (_, index) => `w${index}`);

const samplesOf = (ms: number) => Math.round((ms * RATE_HZ) / 1000);

export class ScriptedStt extends stt.STT {
  override label: string;
  readonly provided: ScriptedProvider;

  constructor(provided: ScriptedProvider) {
    super({ streaming: true, interimResults: true, alignedTranscript: 'word' });
    this.provided = provided;
    this.label = provided.id;
  }

  override stream(options?: { connOptions?: typeof DEFAULT_CONN }): stt.SpeechStream {
    return new ScriptedStream(this, options?.connOptions ?? DEFAULT_CONN);
  }

  protected override _recognize(): Promise<stt.SpeechEvent> {
    return Promise.reject(new Error('streaming only'));
  }
}

class ScriptedStream extends stt.SpeechStream {
  override label: string;
  readonly #owner: ScriptedStt;
  readonly #timeoutMs: number;
  /** The latest audio in which no word was found yet, and its place in the stream. */
  #audio = new Int16Array();
  #audioAt = 0;
  #undecoded = 0;
  #heard = 0;
  #segment: Word[] = [];
  #lastWordAt = 0;

  constructor(owner: ScriptedStt, conn: typeof DEFAULT_CONN) {
    super(owner, RATE_HZ, conn);
    this.#owner = owner;
    this.#timeoutMs = conn.timeoutMs;
    this.label = owner.label;
  }

  protected override async run(): Promise<void> {
    await untilAborted(this.abortSignal, () => this.#listen());
  }

  async #listen(): Promise<void> {
    const { provided } = this.#owner;
    await provided.connect(this.#timeoutMs, this.abortSignal);
    for await (const frame of this.input) {
      if (typeof frame === 'symbol') this.#final();
      else this.#take(frame.data);
      const next = provided.after(this.#heard);
      if (next === 'is silent') await silence(this.abortSignal);
      if (next === 'ends') return;
    }
    this.#decode();
    this.#final();
  }

  #take(samples: Int16Array): void {
    const audio = new Int16Array(this.#audio.length + samples.length);
    audio.set(this.#audio);
    audio.set(samples, this.#audio.length);
    this.#audio = audio;
    this.#undecoded += samples.length;
    if (this.#undecoded >= samplesOf(DECODE_EVERY_MS)) this.#decode();
  }

  #decode(): void {
    this.#undecoded = 0;
    const marks = decodeMarks(this.#audio, RATE_HZ);
    let cut = Math.max(0, this.#audio.length - samplesOf(LOOK_BACK_MS));
    const now = this.#audioAt + this.#audio.length;
    marks.forEach((second, place) => {
      const first = marks[place - 1];
      // A mark at the end of the audio may go on in the next audio.
      if (!first || !isWord(first, second) || samplesOf(second.endMs + 30) > this.#audio.length) return;
      const atMs = (this.#audioAt * 1000) / RATE_HZ;
      const index = first.index * SECOND_MARKS + second.index - 2;
      this.#add({ index, startMs: atMs + first.startMs, endMs: atMs + second.endMs });
      this.#lastWordAt = now;
      cut = Math.max(cut, samplesOf(second.endMs + 20));
    });
    this.#audio = this.#audio.slice(cut);
    this.#audioAt += cut;
    if (now - this.#lastWordAt >= samplesOf(FINAL_AFTER_MS)) this.#final();
  }

  #add(word: Word): void {
    this.#heard += 1;
    this.#segment.push(word);
    this.#put(stt.SpeechEventType.INTERIM_TRANSCRIPT);
    if (this.#segment.length >= WORDS_PER_FINAL) this.#final();
  }

  #final(): void {
    if (this.#segment.length === 0) return;
    this.#put(stt.SpeechEventType.FINAL_TRANSCRIPT);
    this.#segment = [];
  }

  #put(type: stt.SpeechEventType): void {
    if (this.queue.closed) return;
    const words = this.#segment.map(({ index, startMs, endMs }) =>
      voice.createTimedString({
        text: `w${index}`,
        startTime: startMs / 1000 + this.startTimeOffset,
        endTime: endMs / 1000 + this.startTimeOffset,
      }),
    );
    const text = words.map((word) => word.text).join(' ');
    const [startTime, endTime] = [words[0]?.startTime ?? 0, words.at(-1)?.endTime ?? 0];
    const language = 'en' as stt.SpeechData['language'];
    this.queue.put({ type, alternatives: [{ text, language, startTime, endTime, confidence: 1, words }] });
  }
}

const isWord = (first: Word, second: Word) =>
  first.index < 2 && second.index >= 2 && second.startMs - first.endMs < 100;

function callerSpeech(): Int16Array {
  const { samples: clip } = loadClip('long');
  const speech = Int16Array.from({ length: samplesOf(SPEECH_MS) }, (_, i) => clip[i % clip.length] as number);
  const marks = WORDS.flatMap((_, word) => {
    const startMs = word * WORD_MS;
    const [first, second] = [Math.floor(word / SECOND_MARKS), 2 + (word % SECOND_MARKS)];
    return [
      // 10 ms between the marks of a word, and the usual pause of 60 ms between two words.
      { index: first, startMs, endMs: startMs + 115 },
      { index: second, startMs: startMs + 125, endMs: startMs + 240 },
    ];
  });
  return markWords(speech, RATE_HZ, marks);
}

const SPEECH = callerSpeech();

/** Speaks one turn of the caller, until all words are final, or for 25 s. */
export async function sayToRecogniser(subject: stt.STT, dead: ScriptedProvider, untilFirst: boolean): Promise<Outcome> {
  const stream = subject.stream();
  const startedMs = performance.now();
  const [came, stop] = [[] as string[], new AbortController()];
  let [firstMs, gapMs, lastMs]: (number | undefined)[] = [];
  const read = async () => {
    for await (const event of stream) {
      const text = event.alternatives?.[0]?.text;
      if (!text) continue;
      const nowMs = performance.now();
      firstMs ??= nowMs - startedMs;
      lastMs = nowMs - startedMs;
      if (dead.failedAtMs !== undefined && text.split(' ').some((word) => isAfter(word, dead)))
        gapMs ??= nowMs - dead.failedAtMs;
      if (event.type === stt.SpeechEventType.FINAL_TRANSCRIPT) came.push(...text.split(' '));
      if (untilFirst) stop.abort();
    }
  };
  const reading = read().finally(() => stop.abort());
  await speak(stream, startedMs, stop.signal, () => new Set(came).size === WORD_COUNT);
  stream.close();
  await reading;
  const counted = countWords(WORDS, came);
  const isSilent = counted.lost > 0 && (lastMs ?? 0) < SPEECH_MS - DEAF_MS;
  return { ...counted, firstMs, gapMs, isSilent };
}

/** Whether the failed provider had not given this word. */
function isAfter(word: string, dead: ScriptedProvider): boolean {
  return Number(word.slice(1)) >= dead.failedAfterWords;
}

/** Speaks, then is silent until all words came, and for a second more to see words that come twice. */
async function speak(
  stream: stt.SpeechStream,
  startedMs: number,
  signal: AbortSignal,
  isDone: () => boolean,
): Promise<void> {
  const perFrame = samplesOf(FRAME_MS);
  let doneMs = PATIENCE_MS;
  for (let frame = 0; !signal.aborted && frame * FRAME_MS < Math.min(doneMs, PATIENCE_MS); frame += 1) {
    const samples = new Int16Array(perFrame);
    samples.set(SPEECH.slice(frame * perFrame, (frame + 1) * perFrame));
    try {
      stream.pushFrame(new AudioFrame(samples, RATE_HZ, 1, perFrame));
    } catch {
      // The stream closed itself: nothing is heard after that.
      return;
    }
    if (doneMs === PATIENCE_MS && isDone()) doneMs = frame * FRAME_MS + 1_000;
    const aheadMs = startedMs + (frame + 1) * FRAME_MS - performance.now();
    if (aheadMs > 0) await sleep(aheadMs, undefined, { signal }).catch(() => undefined);
  }
}

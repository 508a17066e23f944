// A recogniser for fixtures that knows the words of `speak` by their level: cheap, so that many calls can be held at once.
import type { Recogniser, RecogniserEvents, RecogniserSession, SpokenWord } from '../../fixtures/speech.ts';
import { RATE_HZ, WordRecogniser } from './scripted-stt.ts';

/** @throws RangeError for another rate than that of `speak` */
export const levelRecogniser: Recogniser = {
  open(sampleRateHz, events) {
    if (sampleRateHz !== RATE_HZ) throw new RangeError(`words are spoken at ${RATE_HZ} Hz, got ${sampleRateHz}`);
    return new LevelRecogniserSession(events);
  },
};

class LevelRecogniserSession implements RecogniserSession {
  readonly #events: RecogniserEvents;
  readonly #recogniser = new WordRecogniser();
  #words: SpokenWord[] = [];

  constructor(events: RecogniserEvents) {
    this.#events = events;
  }

  write(samples: Int16Array): void {
    for (const event of this.#recogniser.hear(samples)) {
      if (event.type === 'quiet') this.finalize();
      else {
        this.#words.push({ text: `w${event.word}`, startMs: event.startMs, endMs: event.endMs });
        this.#events.interim(this.#segment());
      }
    }
  }

  finalize(): void {
    if (this.#words.length === 0) return;
    const segment = this.#segment();
    this.#words = [];
    this.#events.final(segment);
  }

  close(): void {
    this.#words = [];
  }

  #segment() {
    const [first, last] = [this.#words[0] as SpokenWord, this.#words.at(-1) as SpokenWord];
    return { startMs: first.startMs, endMs: last.endMs, words: [...this.#words] };
  }
}

// Utterances in the order in which they began: one is recognised at a time, what the others say meanwhile waits.
import type { SpeechExpectation } from '../../config/expectation.ts';
import { CepstralMeans } from './cepstral-means.ts';
import type { Segment } from './decoder.ts';
import { FRAME_MS, POCKETSPHINX_SAMPLE_RATE_HZ } from './format.ts';
import type { Heard } from './interpret.ts';
import type { HeardText, PocketSphinxRequest, PocketSphinxResponse } from './messages.ts';
import type { Recognizer } from './recognizer.ts';

/** The client must split longer utterances; samples beyond this are ignored. */
export const MAX_UTTERANCE_SAMPLES = 30 * POCKETSPHINX_SAMPLE_RATE_HZ;
/** Interims come at most five times a second of audio. */
const INTERIM_SAMPLES = POCKETSPHINX_SAMPLE_RATE_HZ / 5;

interface Waiting {
  readonly utterance: number;
  readonly caller: number;
  readonly expectation: SpeechExpectation;
  readonly audio: Int16Array[];
  ended: boolean;
}

export class UtteranceQueue {
  readonly #recognizer: Recognizer;
  readonly #respond: (response: PocketSphinxResponse) => void;
  readonly #callers = new Map<number, CepstralMeans>();
  readonly #waiting: Waiting[] = [];
  readonly #keyPhrases: string[] = [];
  #current: Waiting | undefined;
  #sinceInterim = 0;
  #lastText = '';

  constructor(recognizer: Recognizer, respond: (response: PocketSphinxResponse) => void) {
    this.#recognizer = recognizer;
    this.#respond = respond;
  }

  handle(request: PocketSphinxRequest): void {
    switch (request.type) {
      case 'begin':
        this.#waiting.push({ ...request, audio: [], ended: false });
        break;
      case 'audio':
        this.#find(request.utterance)?.audio.push(request.samples);
        break;
      case 'end': {
        const found = this.#find(request.utterance);
        if (found) found.ended = true;
        break;
      }
      case 'drop':
        this.#drop(request.utterance);
        break;
      case 'key-phrases':
        this.#keyPhrases.push(...request.phrases);
        break;
      case 'forget':
        this.#callers.delete(request.caller);
    }
    this.#work();
  }

  #work(): void {
    for (;;) {
      const current = this.#current ?? this.#next();
      if (!current) return;
      for (const samples of current.audio.splice(0)) this.#listen(current, samples);
      if (!current.ended) return;
      this.#current = undefined;
      this.#respond({ type: 'final', utterance: current.utterance, heard: toText(this.#recognizer.finish()) });
    }
  }

  #next(): Waiting | undefined {
    if (this.#keyPhrases.length > 0) this.#recognizer.addKeyPhrases(this.#keyPhrases.splice(0));
    const next = this.#waiting.shift();
    if (!next) return undefined;
    const means = this.#callers.get(next.caller) ?? new CepstralMeans();
    this.#callers.set(next.caller, means);
    this.#recognizer.begin(next.expectation, means, MAX_UTTERANCE_SAMPLES);
    this.#current = next;
    this.#sinceInterim = 0;
    this.#lastText = '';
    return next;
  }

  #listen({ utterance, ended }: Waiting, samples: Int16Array): void {
    this.#recognizer.process(samples);
    this.#sinceInterim += samples.length;
    if (ended || this.#sinceInterim < INTERIM_SAMPLES) return;
    this.#sinceInterim = 0;
    const heard = this.#recognizer.interim();
    if (heard.text === this.#lastText || heard.text === '') return;
    this.#lastText = heard.text;
    this.#respond({ type: 'interim', utterance, heard: toText(heard) });
  }

  #drop(utterance: number): void {
    if (this.#current?.utterance === utterance) {
      this.#current = undefined;
      this.#recognizer.abort();
      return;
    }
    const index = this.#waiting.findIndex((waiting) => waiting.utterance === utterance);
    if (index !== -1) this.#waiting.splice(index, 1);
  }

  #find(utterance: number): Waiting | undefined {
    if (this.#current?.utterance === utterance) return this.#current;
    return this.#waiting.find((waiting) => waiting.utterance === utterance);
  }
}

function toText({ text, confidence, words }: Heard): HeardText {
  return { text, confidence, words: words.map(toWord) };
}

function toWord({ word, firstFrame, lastFrame }: Segment) {
  const text = word.replace(/^letter_/, '').replace(/^i(?=$|')/, 'I');
  return { text, startMs: firstFrame * FRAME_MS, endMs: (lastFrame + 1) * FRAME_MS };
}

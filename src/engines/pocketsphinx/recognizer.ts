// Hears one utterance at a time: an open search, and beside it the grammar of what the agent expects.
import type { SpeechExpectation } from '../../config/expectation.ts';
import type { CepstralMeans } from './cepstral-means.ts';
import type { Decoder } from './decoder.ts';
import { POCKETSPHINX_SAMPLE_RATE_HZ } from './format.ts';
import { type Grammar, grammarFor, PHONE_PREFIX, PHONES } from './grammars.ts';
import { type Heard, interpret } from './interpret.ts';
import { Library } from './library.ts';
import { Pronunciations } from './pronunciations.ts';
import { spokenWords } from './spoken-words.ts';

/**
 * Measured on 437 words of recorded prompts: PocketSphinx's defaults get 16.7 % wrong, with 265 ms to the final and 0.32 CPU
 * seconds per second; without the second pass and with fewer hypotheses 17.2 %, 21 ms and 0.16. The third pass (bestpath)
 * stays: without it 24 % are wrong.
 */
const OPEN_SEARCH = { fwdflat: false, maxhmmpf: 6000, maxwpf: 10, bestpathlw: 11 };
/** The phones of a grammar make a dense lattice, on which the third pass takes seconds and gains nothing. */
const GRAMMAR_SEARCH = { bestpath: false, maxhmmpf: 2000, beam: 1e-40, pbeam: 1e-40 };

/** How much of a new caller is collected first, to normalise the rest by. */
const FIRST_LISTEN_SAMPLES = 0.9 * POCKETSPHINX_SAMPLE_RATE_HZ;

interface Utterance {
  readonly expectation: SpeechExpectation;
  readonly means: CepstralMeans;
  readonly grammar: Grammar | undefined;
  /** The whole utterance: the means are learnt from it. */
  readonly samples: Int16Array;
  length: number;
  /** Number of samples that the searches have processed; 0 until they began. */
  searched: number;
  begun: boolean;
}

export class Recognizer {
  readonly #open: Decoder;
  readonly #grammars: Decoder;
  readonly #pronunciations = new Pronunciations();
  readonly #added = new Set<string>();
  #utterance: Utterance | undefined;

  /** Takes about a second. @throws an error when the model can't be read */
  constructor() {
    const library = new Library();
    this.#open = library.openDecoder({ dict: 'en-us.dict', lm: 'en-us.lm.bin', ...OPEN_SEARCH });
    this.#grammars = library.openDecoder({ dict: 'few.dict', ...GRAMMAR_SEARCH });
    library.releaseFiles();
    for (const phone of PHONES) this.#grammars.addWord(PHONE_PREFIX + phone.toLowerCase(), [phone], false);
  }

  /** Call between utterances only. Teaches the open search words that it lacks. */
  addKeyPhrases(phrases: readonly string[]): void {
    const words = [...new Set(phrases.flatMap(spokenWords))].filter((word) => !this.#open.hasWord(word));
    const entries = [...this.#pronunciations.of(words)].filter(([, sounds]) => sounds.length > 0);
    entries.forEach(([word, sounds], index) => {
      this.#open.addWord(word, sounds, index === entries.length - 1);
    });
  }

  /** @param maxSamples as much as `process` will ever get */
  begin(expectation: SpeechExpectation, means: CepstralMeans, maxSamples: number): void {
    const grammar = grammarFor(expectation);
    if (grammar) this.#load(grammar);
    this.#utterance = {
      expectation,
      means,
      grammar,
      samples: new Int16Array(maxSamples),
      length: 0,
      searched: 0,
      begun: false,
    };
  }

  process(samples: Int16Array): void {
    const utterance = this.#current();
    utterance.samples.set(samples.subarray(0, utterance.samples.length - utterance.length), utterance.length);
    utterance.length = Math.min(utterance.samples.length, utterance.length + samples.length);
    if (!utterance.begun && utterance.means.isGuess && utterance.length < FIRST_LISTEN_SAMPLES) return;
    this.#search(utterance);
  }

  /** The result so far; it may change. */
  interim(): Heard {
    const { begun, expectation, grammar } = this.#current();
    return interpret(
      expectation,
      begun ? this.#open.segments() : [],
      begun && grammar ? this.#grammars.segments() : [],
    );
  }

  /** Ends the utterance and returns its result. */
  finish(): Heard {
    const utterance = this.#current();
    this.#search(utterance);
    this.#endSearches(utterance);
    const { expectation, grammar, means, samples, length } = utterance;
    const heard = interpret(expectation, this.#open.segments(), grammar ? this.#grammars.segments() : []);
    if (heard.text !== '') means.learn(samples.subarray(0, length), this.#open);
    this.#utterance = undefined;
    return heard;
  }

  /** Drops the utterance. */
  abort(): void {
    const utterance = this.#utterance;
    this.#utterance = undefined;
    if (utterance?.begun) this.#endSearches(utterance);
  }

  #current(): Utterance {
    if (!this.#utterance) throw new Error('no utterance was begun');
    return this.#utterance;
  }

  #search(utterance: Utterance): void {
    const { samples, length, means, grammar } = utterance;
    if (!utterance.begun) {
      const guess = means.isGuess ? means.with(samples.subarray(0, length), this.#open) : means.current;
      for (const decoder of this.#searching(grammar)) {
        decoder.setMeans(guess);
        decoder.start();
      }
      utterance.begun = true;
    }
    const fresh = samples.subarray(utterance.searched, length);
    for (const decoder of this.#searching(grammar)) decoder.process(fresh);
    utterance.searched = length;
  }

  #endSearches({ grammar }: Utterance): void {
    for (const decoder of this.#searching(grammar)) decoder.end();
  }

  #searching(grammar: Grammar | undefined): readonly Decoder[] {
    return grammar ? [this.#open, this.#grammars] : [this.#open];
  }

  #load({ name, jsgf, tokens }: Grammar): void {
    if (!this.#added.has(name)) {
      const unknown = [...tokens].filter(([token]) => !this.#grammars.hasWord(token));
      const sounds = this.#pronunciations.of(unknown.map(([, word]) => word));
      // The letter a is said "ay"; its dictionary entry begins with the article.
      for (const [token, word] of unknown) {
        const all = sounds.get(word) ?? [];
        this.#grammars.addWord(token, token === 'letter_a' ? ['EY'] : all, false);
      }
      this.#grammars.addGrammar(name, jsgf);
      this.#added.add(name);
    }
    this.#grammars.activate(name);
  }
}

// What the recogniser's thread and its client say to each other.
import type { SpeechExpectation } from '../../config/expectation.ts';

/** An utterance is named by a number that is never used again. */
export type PocketSphinxRequest =
  | {
      readonly type: 'begin';
      readonly utterance: number;
      readonly caller: number;
      readonly expectation: SpeechExpectation;
    }
  | { readonly type: 'audio'; readonly utterance: number; readonly samples: Int16Array }
  | { readonly type: 'end' | 'drop'; readonly utterance: number }
  | { readonly type: 'key-phrases'; readonly phrases: readonly string[] }
  /** Discards what was learnt about this caller's voice. */
  | { readonly type: 'forget'; readonly caller: number };

export interface HeardWord {
  readonly text: string;
  /** Milliseconds since the utterance's first sample. */
  readonly startMs: number;
  readonly endMs: number;
}

export interface HeardText {
  /** Empty where nothing was said. */
  readonly text: string;
  readonly confidence: number;
  readonly words: readonly HeardWord[];
}

export type PocketSphinxResponse =
  | { readonly type: 'ready' }
  | { readonly type: 'interim' | 'final'; readonly utterance: number; readonly heard: HeardText };

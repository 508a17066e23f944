// Deepgram's messages while it listens, made into parts.
import type { SttPart, SttWord } from '../../contract.ts';

/** The parts of a message used here; source: developers.deepgram.com/reference/speech-to-text/listen-streaming. */
export type DeepgramMessage =
  | {
      readonly type: 'words';
      readonly words: HeardWords;
      readonly isFinal: boolean;
      readonly endsSpeech: boolean;
      readonly isAsked: boolean;
    }
  | { readonly type: 'speech-start'; readonly atS: number }
  | { readonly type: 'speech-end' }
  /** Everything is transcribed; Deepgram received `audioS` seconds of audio. */
  | { readonly type: 'done'; readonly audioS: number }
  | { readonly type: 'error'; readonly words: string }
  | { readonly type: 'other' };

export interface HeardWords {
  readonly text: string;
  readonly confidence: number;
  readonly startS: number;
  readonly endS: number;
  readonly language: string | undefined;
  readonly words: readonly { readonly text: string; readonly startS: number; readonly endS: number }[];
}

/** Undefined for text that is no valid message of Deepgram. */
export function readMessage(text: string): DeepgramMessage | undefined {
  const message = parse(text);
  if (!isRecord(message)) return undefined;
  switch (message.type) {
    case 'Results':
      return readResults(message);
    case 'SpeechStarted':
      return { type: 'speech-start', atS: numberOr(message.timestamp, 0) };
    case 'UtteranceEnd':
      return { type: 'speech-end' };
    case 'Metadata':
      return { type: 'done', audioS: numberOr(message.duration, Number.POSITIVE_INFINITY) };
    case 'Error':
      return { type: 'error', words: wordsOfError(message) };
    default:
      return { type: 'other' };
  }
}

function readResults(message: Record<string, unknown>): DeepgramMessage | undefined {
  const { channel } = message;
  const best: unknown = isRecord(channel) && Array.isArray(channel.alternatives) ? channel.alternatives[0] : undefined;
  if (!isRecord(best) || typeof best.transcript !== 'string') return undefined;
  const words = (Array.isArray(best.words) ? best.words : []).filter(isRecord).map((word) => ({
    text: String(word.punctuated_word || word.word || ''),
    startS: numberOr(word.start, 0),
    endS: numberOr(word.end, 0),
  }));
  const startS = numberOr(message.start, 0);
  const [language] = Array.isArray(best.languages) ? best.languages : [];
  return {
    type: 'words',
    isFinal: message.is_final === true,
    endsSpeech: message.speech_final === true,
    isAsked: message.from_finalize === true,
    words: {
      text: best.transcript.trim(),
      confidence: Math.max(0, Math.min(1, numberOr(best.confidence, 1))),
      // The words' times are tighter than the segment's, which include the silence around the words.
      startS: words[0]?.startS ?? startS,
      endS: words.at(-1)?.endS ?? startS + numberOr(message.duration, 0),
      language: typeof language === 'string' ? language : undefined,
      words,
    },
  };
}

/** @param offsetMs what is to be added to Deepgram's times */
export function toPart(
  type: 'interim' | 'final',
  heard: HeardWords,
  { offsetMs, language }: { readonly offsetMs: number; readonly language: string },
): SttPart {
  const toMs = (seconds: number) => Math.max(0, seconds * 1000 + offsetMs);
  return {
    type,
    text: heard.text,
    startMs: toMs(heard.startS),
    endMs: toMs(heard.endS),
    confidence: heard.confidence,
    language: heard.language ?? language,
    words: heard.words.map(({ text, startS, endS }): SttWord => ({ text, startMs: toMs(startS), endMs: toMs(endS) })),
  };
}

function wordsOfError(message: Record<string, unknown>): string {
  return ['variant', 'err_code', 'code', 'description', 'err_msg', 'message']
    .map((field) => message[field])
    .filter((value) => typeof value === 'string')
    .join(' ');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : otherwise;
}

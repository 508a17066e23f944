// The transcript as a value: what was said, by whom, how far it is final. Pure, so that it is tested without a browser.

export type Side = 'caller' | 'agent';

export interface SpeechLine {
  readonly kind: 'speech';
  readonly id: string;
  readonly side: Side;
  readonly text: string;
  readonly final: boolean;
  /** Typed instead of spoken. */
  readonly typed: boolean;
  /** Milliseconds from the end of the caller's speech to the agent's first sound; only on an agent's line that answers. */
  readonly voiceToVoiceMs?: number;
}

export interface NoticeLine {
  readonly kind: 'notice';
  readonly id: string;
  readonly level: 'info' | 'warning';
  readonly text: string;
}

export type Line = SpeechLine | NoticeLine;

export interface Transcript {
  readonly lines: readonly Line[];
  /** The text stream that fills a segment, by segment: a newer stream replaces the text of the older one. */
  readonly streams: Readonly<Record<string, string>>;
  /** A time in ms that came before the line that it belongs to. */
  readonly waitingMs?: number;
  /** Every turn's time in ms, for the median. */
  readonly turnsMs: readonly number[];
}

export type TranscriptEvent =
  | {
      /** A text stream of a segment began: it carries the segment from its beginning. */
      readonly type: 'stream-opened';
      readonly segment: string;
      readonly stream: string;
      readonly side: Side;
      readonly final: boolean;
    }
  | { readonly type: 'stream-text'; readonly segment: string; readonly stream: string; readonly text: string }
  | { readonly type: 'stream-closed'; readonly segment: string; readonly stream: string }
  | { readonly type: 'typed'; readonly id: string; readonly text: string }
  | { readonly type: 'turn'; readonly voiceToVoiceMs: number }
  | { readonly type: 'notice'; readonly id: string; readonly level: 'info' | 'warning'; readonly text: string }
  | { readonly type: 'ended' };

export const emptyTranscript: Transcript = { lines: [], streams: {}, turnsMs: [] };

/** The lines as they are shown: a segment without words yet has no line. */
export function visibleLines({ lines }: Transcript): Line[] {
  return lines.filter((line) => line.kind === 'notice' || line.text.trim() !== '');
}

export function reduceTranscript(state: Transcript, event: TranscriptEvent): Transcript {
  switch (event.type) {
    case 'stream-opened':
      return open(state, event);
    case 'stream-text':
      if (state.streams[event.segment] !== event.stream) return state;
      return withSpeech(state, event.segment, (line) => ({ ...line, text: line.text + event.text }));
    case 'stream-closed':
      if (state.streams[event.segment] !== event.stream) return state;
      // The agent's words come as one growing stream, which ends when the words are complete. The caller's words come as
      // one stream per interim transcript, and all streams but the last are marked as not final.
      return withSpeech(state, event.segment, (line) => (line.side === 'agent' ? { ...line, final: true } : line));
    case 'typed': {
      const { id, text } = event;
      return {
        ...state,
        lines: [...state.lines, { kind: 'speech', id, side: 'caller', text, final: true, typed: true }],
      };
    }
    case 'turn':
      return timed(state, event.voiceToVoiceMs);
    case 'notice': {
      const { id, level, text } = event;
      return { ...state, lines: [...state.lines, { kind: 'notice', id, level, text }] };
    }
    case 'ended':
      return {
        ...state,
        streams: {},
        lines: state.lines.map((line) => (line.kind === 'speech' ? { ...line, final: true } : line)),
      };
  }
}

function open(state: Transcript, event: Extract<TranscriptEvent, { type: 'stream-opened' }>): Transcript {
  const { segment, stream, side, final } = event;
  const streams = { ...state.streams, [segment]: stream };
  if (state.lines.some(({ id }) => id === segment)) {
    return withSpeech({ ...state, streams }, segment, (line) => ({ ...line, text: '', final }));
  }
  const line: SpeechLine = { kind: 'speech', id: segment, side, text: '', final, typed: false };
  if (side !== 'agent' || state.waitingMs === undefined) return { ...state, streams, lines: [...state.lines, line] };
  const { waitingMs, ...rest } = state;
  return { ...rest, streams, lines: [...state.lines, { ...line, voiceToVoiceMs: waitingMs }] };
}

/** Puts the time on the first line that answers the caller's last line, or keeps it until that line comes. */
function timed(state: Transcript, voiceToVoiceMs: number): Transcript {
  const turnsMs = [...state.turnsMs, voiceToVoiceMs];
  const lastCaller = state.lines.findLastIndex((line) => line.kind === 'speech' && line.side === 'caller');
  const answer = state.lines.slice(lastCaller + 1).find((line) => line.kind === 'speech');
  if (lastCaller === -1 || !answer || ('voiceToVoiceMs' in answer && answer.voiceToVoiceMs !== undefined)) {
    return { ...state, turnsMs, waitingMs: voiceToVoiceMs };
  }
  return withSpeech({ ...state, turnsMs }, answer.id, (line) => ({ ...line, voiceToVoiceMs }));
}

function withSpeech(state: Transcript, id: string, change: (line: SpeechLine) => SpeechLine): Transcript {
  return {
    ...state,
    lines: state.lines.map((line) => (line.kind === 'speech' && line.id === id ? change(line) : line)),
  };
}

// What `pnpm call` prints: lines for people, or JSON lines for programs.
import type { Caller } from '../livekit/caller.ts';
import type { TranscriptEvent } from '../livekit/caller-transcripts.ts';
import { median } from '../livekit/voice-to-voice.ts';
import type { CallProgress, CallResult, TurnResult } from './hold-call.ts';

export interface CallReport extends CallProgress {
  joined(caller: Caller): void;
  ended(result: CallResult, outcome: CallOutcome): void;
}

export interface CallOutcome {
  readonly room: string;
  /** Number of turns that were planned. */
  readonly planned: number;
  /** Undefined when no agent came, as there is nothing to write. */
  readonly recording: { readonly file: string; readonly durationMs: number } | undefined;
  /** Why the call ended early; undefined when it did not. */
  readonly cut: string | undefined;
}

export interface ReportStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** One object per line; times in ms on the caller's clock. */
export function createJsonReport(out: ReportStream): CallReport {
  const whole = (key: string, value: unknown) => (key.endsWith('Ms') ? Math.round(Number(value)) : value);
  const print = (event: string, fields: object) => out.write(`${JSON.stringify({ event, ...fields }, whole)}\n`);
  return {
    joined: (caller) => {
      print('joined', { room: caller.roomName, startedAt: caller.startedAt.toISOString() });
      caller.on('transcript', (event) => print('transcript', { ...event }));
      caller.on('state', (event) => print('state', event));
      caller.on('stages', ({ stages, atMs }) => print('stages', { stages: parsed(stages), atMs }));
      caller.on('signal', ({ topic, text, atMs }) => print(topic, { value: parsed(text), atMs }));
    },
    agentCame: (atMs) => print('agent', { atMs }),
    turnBegins: (turn, label, atMs) => print('turn-begins', { turn, label, atMs }),
    turnEnded: (result) => print('turn-ended', result),
    ended: ({ agentCame, turns }, outcome) =>
      print('summary', { agentCame, turns, medianVoiceToVoiceMs: medianOf(turns), ...outcome }),
  };
}

/** Prints final words as lines; on a terminal also interim words, in a last line that is overwritten. */
export function createTextReport(out: ReportStream): CallReport {
  let live = false;
  const line = (text: string) => {
    out.write(`${live ? '\r\x1b[K' : ''}${text}\n`);
    live = false;
  };
  const transcript = ({ who, text, final, startedAtMs }: TranscriptEvent) => {
    const words = `${clock(startedAtMs)}  ${who.padEnd(6)}  ${text.trim().replaceAll(/\s+/g, ' ')}`;
    if (final) line(words);
    else if (out.isTTY) {
      out.write(`\r\x1b[K${fitted(words, (out.columns ?? 80) - 1)}`);
      live = true;
    }
  };
  return {
    joined: (caller) => {
      line(`${clock(caller.nowMs())}  joined room ${caller.roomName}`);
      caller.on('transcript', transcript);
      caller.on('stages', ({ stages, atMs }) => line(`${clock(atMs)}  served by ${stagesInWords(stages)}`));
      caller.on('signal', ({ topic, text, atMs }) => {
        if (topic === 'notice') line(`${clock(atMs)}  notice: ${noticeInWords(text)}`);
      });
    },
    agentCame: (atMs) => line(`${clock(atMs)}  the agent is here`),
    turnBegins: (turn, label, atMs) => line(`${clock(atMs)}  turn ${turn}: ${label}`),
    turnEnded: (result) => line(`${' '.repeat(8)}  ${turnInWords(result)}`),
    ended: (result, outcome) => {
      for (const text of summary(result, outcome)) line(text);
    },
  };
}

function turnInWords({ turn, kind, answered, voiceToVoiceMs, cutInMs, stoppedAfterMs }: TurnResult): string {
  const parts = [
    voiceToVoiceMs !== undefined && `${kind === 'text' ? 'text' : 'voice'} to voice ${Math.round(voiceToVoiceMs)} ms`,
    cutInMs !== undefined && `the agent cut in ${Math.round(cutInMs)} ms before the caller's end`,
    stoppedAfterMs !== undefined && `interrupted, the agent went on for ${Math.round(stoppedAfterMs)} ms`,
    !answered && 'no answer',
  ].filter((part) => part !== false);
  return `turn ${turn}: ${parts.join('; ')}`;
}

function summary({ agentCame, turns }: CallResult, { room, planned, recording, cut }: CallOutcome): string[] {
  const answered = turns.filter((turn) => turn.answered).length;
  const middle = medianOf(turns);
  const lines = cut === undefined ? [] : [`the call ended early: ${cut}`];
  if (!agentCame && cut === undefined) lines.push(`no agent came to room ${room}`);
  if (agentCame) {
    const speed = middle === undefined ? '' : `, median voice to voice ${Math.round(middle)} ms`;
    lines.push(`${answered} of ${planned} turns answered in room ${room}${speed}`);
  }
  if (recording) lines.push(`recording: ${recording.file} (${(recording.durationMs / 1000).toFixed(1)} s)`);
  return lines;
}

/** The median over spoken turns: a typed turn has no end of speech. */
function medianOf(turns: readonly TurnResult[]): number | undefined {
  return median(
    turns.flatMap(({ kind, voiceToVoiceMs }) =>
      kind === 'speech' && voiceToVoiceMs !== undefined ? [voiceToVoiceMs] : [],
    ),
  );
}

function clock(ms: number): string {
  return `${(ms / 1000).toFixed(1).padStart(6)} s`;
}

/** Shortens the text in its middle: its end is what is new. */
function fitted(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, 18)}…${text.slice(19 - columns)}`;
}

function stagesInWords(json: string): string {
  const stages = parsed(json);
  if (!Array.isArray(stages)) return json;
  return stages
    .map(({ stage, provider, state }: { stage?: string; provider?: string; state?: string }) =>
      state === undefined || state === 'active' ? `${stage} ${provider}` : `${stage} ${provider} (${state})`,
    )
    .join(', ');
}

function noticeInWords(json: string): string {
  const notice = parsed(json);
  return typeof notice === 'object' && notice !== null && 'text' in notice ? String(notice.text) : json;
}

/** The agent may send any text: what is not JSON stays text. */
function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}

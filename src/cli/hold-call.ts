// One call from the terminal: wait for the agent, hear its greeting, take turns, measure.
import type { Caller } from '../livekit/caller.ts';
import { measureTurn, type TurnTimes } from '../livekit/voice-to-voice.ts';
import type { Turn } from './call-turns.ts';

export interface TurnResult extends TurnTimes {
  /** Number of the turn, from 1. */
  readonly turn: number;
  readonly kind: Turn['kind'];
  readonly label: string;
  readonly answered: boolean;
}

export interface CallResult {
  readonly agentCame: boolean;
  /** Only the turns that were taken. */
  readonly turns: readonly TurnResult[];
}

export interface CallProgress {
  agentCame(atMs: number): void;
  turnBegins(turn: number, label: string, atMs: number): void;
  turnEnded(result: TurnResult): void;
}

/** An agent that listens and has said nothing for this long has no greeting. */
const NO_GREETING_MS = 4000;
/** Time limit for an answer to end: it may be long, but not endless. */
const LONGEST_ANSWER_MS = 120_000;

export interface CallLimits {
  /** Time limit for the agent to come, and for each answer to begin. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Ends early when the room is gone or `signal` aborts: the remaining turns are then missing in the result. */
export async function holdCall(
  caller: Caller,
  turns: readonly Turn[],
  progress: CallProgress,
  { timeoutMs, signal }: CallLimits,
): Promise<CallResult> {
  if (!(await caller.waitForAgent(timeoutMs, signal))) return { agentCame: false, turns: [] };
  progress.agentCame(caller.nowMs());
  await hearGreeting(caller, timeoutMs, signal);

  const results: TurnResult[] = [];
  for (const [position, turn] of turns.entries()) {
    if (signal.aborted || caller.gone !== undefined) break;
    progress.turnBegins(position + 1, turn.label, caller.nowMs());
    const said = await takeTurn(caller, turn);
    if (!said) break;
    await hearAnswer(caller, said.lastVoicedMs, timeoutMs, signal);
    if (signal.aborted) break;
    const times = measureTurn(said, caller.agentSpans(said.firstVoicedMs));
    const answered = times.voiceToVoiceMs !== undefined || times.cutInMs !== undefined;
    const result = { turn: position + 1, kind: turn.kind, label: turn.label, answered, ...times };
    results.push(result);
    progress.turnEnded(result);
  }
  return { agentCame: true, turns: results };
}

async function hearGreeting(caller: Caller, timeoutMs: number, signal: AbortSignal): Promise<void> {
  const cameAtMs = caller.nowMs();
  const silent = () => caller.agentState === 'listening' && caller.nowMs() - cameAtMs > NO_GREETING_MS;
  await caller.waitUntil(() => caller.agentLastVoicedMs !== undefined || silent(), timeoutMs, signal);
  if (caller.agentLastVoicedMs === undefined) return;
  await caller.waitForAgentToFinish({ sinceMs: 0, timeoutMs: LONGEST_ANSWER_MS }, signal);
}

/** When the caller was heard; undefined when the call ended before. A typed message is over as soon as it is sent. */
async function takeTurn(
  caller: Caller,
  turn: Turn,
): Promise<{ readonly firstVoicedMs: number; readonly lastVoicedMs: number } | undefined> {
  if (turn.kind === 'speech') return caller.speak(turn.samples, turn.sampleRateHz);
  await caller.sendText(turn.text);
  const atMs = caller.nowMs();
  return { firstVoicedMs: atMs, lastVoicedMs: atMs };
}

async function hearAnswer(caller: Caller, sinceMs: number, timeoutMs: number, signal: AbortSignal): Promise<void> {
  const heard = () => (caller.agentLastVoicedMs ?? 0) > sinceMs;
  if (!(await caller.waitUntil(heard, timeoutMs, signal))) return;
  await caller.waitForAgentToFinish({ sinceMs, timeoutMs: LONGEST_ANSWER_MS }, signal);
}

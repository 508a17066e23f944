// What vendors were asked for in a call, beside what a call in which nothing fails needs.
import type { CallPlan } from './call-plan.ts';

/** What one vendor was asked for. */
export interface Asked {
  readonly vendor: string;
  /** Websockets and streams that were asked for. */
  readonly connections: number;
  /** Requests for work over HTTP. */
  readonly requests: number;
}

export interface Extra {
  readonly connections: number;
  /** Requests to language models and for recognition, beyond one for each turn. */
  readonly requests: number;
}

/** One connection each: for the serving recogniser and voice, and for the backup voice, which is kept warm. */
const PIPELINE_CONNECTIONS: Readonly<Record<string, number>> = { deepgram: 1, cartesia: 1, elevenlabs: 1 };

/** @param answered turns that were to be answered */
export function extraOf({ mode, first }: Pick<CallPlan, 'mode' | 'first'>, answered: number, asked: readonly Asked[]) {
  const isPipeline = mode === 'pipeline';
  const needed = isPipeline ? PIPELINE_CONNECTIONS : { [first]: 1 };
  const connections = asked.reduce(
    (sum, { vendor, connections: count }) => sum + Math.max(0, count - (needed[vendor] ?? 0)),
    0,
  );
  const requests = asked.reduce((sum, { requests: count }) => sum + count, 0);
  return { connections, requests: Math.max(0, requests - (isPipeline ? answered : 0)) } satisfies Extra;
}

// What a call gives to a tool, with everything that the tool leaves behind kept for the test.
import type { ToolContext } from '../../src/config/tool.ts';

export interface Kept {
  readonly records: { readonly type: string; readonly data: Readonly<Record<string, unknown>> }[];
  readonly later: string[];
  readonly logs: { readonly level: string; readonly event: string; readonly fields: unknown }[];
}

let calls = 0;

/** A call with its own id; `idempotencyKey` is new at each one unless it is given. */
export function toolContext(changes: Partial<ToolContext> = {}): ToolContext & Kept {
  const kept: Kept = { records: [], later: [], logs: [] };
  calls++;
  return {
    callId: `call-${calls}`,
    room: 'room',
    personaId: 'sales',
    caller: { identity: 'caller' },
    idempotencyKey: `key-${String(calls).padStart(16, '0')}`,
    signal: new AbortController().signal,
    env: {},
    retryLater: async () => void kept.later.push('asked'),
    record: async (type, data) => {
      kept.records.push({ type, data });
    },
    log: (level, event, fields) => kept.logs.push({ level, event, fields }),
    ...kept,
    ...changes,
  };
}

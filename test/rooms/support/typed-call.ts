// A call of one typed turn at a running application, as a visitor of its page makes it.
import { expect } from 'vitest';
import { joinAsCaller } from '../../../src/livekit/caller.ts';

/** @returns what the agent said to it */
export async function typedCall(port: number, text: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/api/calls`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ persona: 'support' }),
  });
  const caller = await joinAsCaller((await response.json()) as { url: string; token: string });
  try {
    expect(await caller.waitForAgent(60_000)).toBe(true);
    expect(await caller.waitForAgentToFinish({ sinceMs: 0, quietMs: 700, timeoutMs: 40_000 })).toBe(true);
    const sinceMs = caller.nowMs();
    await caller.sendText(text);
    expect(await caller.waitForAgentToFinish({ sinceMs, quietMs: 700, timeoutMs: 40_000 })).toBe(true);
    const said = caller.transcripts.filter(({ who, atMs }) => who === 'agent' && atMs >= sinceMs);
    return said.map(({ text: words }) => words).join(' ');
  } finally {
    await caller.leave();
  }
}

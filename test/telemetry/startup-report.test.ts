import { describe, expect, it } from 'vitest';
import { startupReport } from '../../src/telemetry/startup-report.ts';

describe('startupReport', () => {
  it('shows each chain: who serves, who stands by, who is left out and why', () => {
    const lines = startupReport([
      {
        stage: 'llm',
        links: [
          { id: 'openai', state: 'left-out', reason: 'OPENAI_API_KEY not set' },
          { id: 'local', state: 'active' },
          { id: 'free-llm', state: 'available' },
        ],
      },
    ]);
    expect(lines).toEqual([
      'Language model      – openai (left out: OPENAI_API_KEY not set)  →  ● local (active)  →  ○ free-llm (available)',
    ]);
  });
});

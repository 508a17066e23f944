// What a person at the terminal sees at start: each chain with who is active, who stands by, who is left out and why.

export interface ReportedStage {
  readonly stage: string;
  readonly links: readonly {
    readonly id: string;
    readonly state: 'active' | 'available' | 'left-out';
    readonly reason?: string;
  }[];
}

const NAMES: Readonly<Record<string, string>> = {
  stt: 'Speech recognition',
  llm: 'Language model',
  tts: 'Voice',
  realtime: 'Speech to speech',
};
const MARKS = { active: '●', available: '○', 'left-out': '–' } as const;

/** One line per stage, such as `Voice               ● free-tts active`. */
export function startupReport(stages: readonly ReportedStage[]): string[] {
  const width = Math.max(...Object.values(NAMES).map((name) => name.length));
  return stages.map(({ stage, links }) => {
    const described = links.map(({ id, state, reason }) => {
      const note = state === 'left-out' ? `left out: ${reason}` : state;
      return `${MARKS[state]} ${id} (${note})`;
    });
    return `${(NAMES[stage] ?? stage).padEnd(width)}  ${described.join('  →  ')}`;
  });
}

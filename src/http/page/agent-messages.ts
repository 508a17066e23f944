// Reads what the worker tells the page beside the speech: stages, times, notices. What doesn't fit is ignored, so that
// an older page gets along with a newer worker.

export const stageNames = {
  realtime: 'Speech to speech',
  stt: 'Speech recognition',
  llm: 'Language model',
  tts: 'Voice',
} as const;

export type StageId = keyof typeof stageNames;

export interface StageReport {
  readonly stage: StageId;
  readonly provider: string;
  /** Name for people, such as "PocketSphinx, on this machine"; where absent, the provider's id is shown. */
  readonly title?: string;
  /** "active" when it serves; otherwise its state in words. */
  readonly state: string;
}

export interface NoticeMessage {
  readonly level: 'info' | 'warning';
  readonly text: string;
}

/** One provider took over from another. */
export interface SwitchMessage {
  readonly stage: StageId;
  readonly from: string;
  readonly to: string;
  /** Reason for the switch: one of the worker's kinds of failure. */
  readonly kind: string;
  readonly status?: number;
  /** Milliseconds from the failure to the next provider's first result. */
  readonly tookMs: number;
  readonly wordsKept?: number;
  readonly audioReplayedMs?: number;
}

/** Reads the attribute `bulletproof.stages`: one report per stage, the active one when there are several. */
export function readStages(json: string | undefined): StageReport[] {
  const parsed = parse(json);
  if (!Array.isArray(parsed)) return [];
  const reports = parsed.flatMap((item) => (isStageReport(item) ? [item] : []));
  return Object.keys(stageNames).flatMap((stage) => {
    const ofStage = reports.filter((report) => report.stage === stage);
    return ofStage.find(({ state }) => state === 'active') ?? ofStage[0] ?? [];
  });
}

/** Speech to speech shows the three stages only when they serve it; a stage without a report is shown as unknown. */
export function stagesToShow(reports: readonly StageReport[], mode?: string): StageId[] {
  const told = reports.map(({ stage }) => stage);
  if (told.includes('realtime')) return told;
  return told.length === 0 && mode === 'speech-to-speech' ? ['realtime'] : ['stt', 'llm', 'tts'];
}

/** Reads a message of the topic `bulletproof.turn`: the time in milliseconds; undefined when it does not fit. */
export function readTurn(json: string): number | undefined {
  const parsed = parse(json);
  if (!isRecord(parsed)) return undefined;
  const { voiceToVoiceMs } = parsed;
  return typeof voiceToVoiceMs === 'number' && Number.isFinite(voiceToVoiceMs) && voiceToVoiceMs >= 0
    ? voiceToVoiceMs
    : undefined;
}

/** Reads a message of the topic `bulletproof.notice`; undefined when it does not fit. */
export function readNotice(json: string): NoticeMessage | undefined {
  const parsed = parse(json);
  if (!isRecord(parsed) || typeof parsed.text !== 'string' || parsed.text.trim() === '') return undefined;
  return { level: parsed.level === 'warning' ? 'warning' : 'info', text: parsed.text.trim() };
}

/** Reads a message of the topic `bulletproof.switch`; undefined when it does not fit. */
export function readSwitch(json: string): SwitchMessage | undefined {
  const parsed = parse(json);
  if (!isRecord(parsed)) return undefined;
  const { stage, from, to, kind, tookMs } = parsed;
  if (typeof stage !== 'string' || !isStageId(stage)) return undefined;
  if (typeof from !== 'string' || typeof to !== 'string' || typeof kind !== 'string') return undefined;
  if (!isAmount(tookMs)) return undefined;
  const amounts = ['status', 'wordsKept', 'audioReplayedMs'].flatMap((name) => {
    const amount = parsed[name];
    return isAmount(amount) ? [[name, amount]] : [];
  });
  return { stage, from, to, kind, tookMs, ...Object.fromEntries(amounts) };
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isStageId(value: string): value is StageId {
  return Object.hasOwn(stageNames, value);
}

function isStageReport(value: unknown): value is StageReport {
  return (
    isRecord(value) &&
    typeof value.stage === 'string' &&
    value.stage in stageNames &&
    ['provider', 'state'].every((name) => typeof value[name] === 'string') &&
    (value.title === undefined || typeof value.title === 'string')
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function parse(json: string | undefined): unknown {
  try {
    return json === undefined ? undefined : JSON.parse(json);
  } catch {
    return undefined;
  }
}

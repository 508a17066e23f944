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
  /** In words, such as "PocketSphinx, on this machine"; the provider's id serves when it is left out. */
  readonly title?: string;
  /** "active" when it serves; else how it is, in words. */
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
  /** Why, as one of the worker's kinds of failure. */
  readonly kind: string;
  readonly status?: number;
  /** From the failure to the next provider's first result. */
  readonly tookMs: number;
  readonly wordsKept?: number;
  readonly audioReplayedMs?: number;
}

/** The attribute `bulletproof.stages`, one report a stage: the active one where several are told. */
export function readStages(json: string | undefined): StageReport[] {
  const parsed = parse(json);
  if (!Array.isArray(parsed)) return [];
  const reports = parsed.flatMap((item) => (isStageReport(item) ? [item] : []));
  return Object.keys(stageNames).flatMap((stage) => {
    const ofStage = reports.filter((report) => report.stage === stage);
    return ofStage.find(({ state }) => state === 'active') ?? ofStage[0] ?? [];
  });
}

/** Speech to speech needs no other stage, unless the three serve it; what is not told of the three is shown as unknown. */
export function stagesToShow(reports: readonly StageReport[], mode?: string): StageId[] {
  const told = reports.map(({ stage }) => stage);
  if (told.includes('realtime')) return told;
  return told.length === 0 && mode === 'speech-to-speech' ? ['realtime'] : ['stt', 'llm', 'tts'];
}

/** A message of the topic `bulletproof.turn`: its time in milliseconds. */
export function readTurn(json: string): number | undefined {
  const parsed = parse(json);
  if (!isRecord(parsed)) return undefined;
  const { voiceToVoiceMs } = parsed;
  return typeof voiceToVoiceMs === 'number' && Number.isFinite(voiceToVoiceMs) && voiceToVoiceMs >= 0
    ? voiceToVoiceMs
    : undefined;
}

/** A message of the topic `bulletproof.notice`. */
export function readNotice(json: string): NoticeMessage | undefined {
  const parsed = parse(json);
  if (!isRecord(parsed) || typeof parsed.text !== 'string' || parsed.text.trim() === '') return undefined;
  return { level: parsed.level === 'warning' ? 'warning' : 'info', text: parsed.text.trim() };
}

/** A message of the topic `bulletproof.switch`. */
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

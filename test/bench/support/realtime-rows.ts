// What befalls a speech-to-speech vendor in the benchmark, and at which moment of a call of three turns.
import type { Fault } from '../../../fixtures/faults.ts';
import type { GeminiLiveFixture } from '../../../fixtures/vendors/gemini-live.ts';
import type { OpenAiRealtimeFixture } from '../../../fixtures/vendors/openai-realtime.ts';
import type { RealtimeMoment } from '../../../fixtures/vendors/realtime-moments.ts';

export type VendorName = 'openai' | 'gemini';
export type Vendor = OpenAiRealtimeFixture | GeminiLiveFixture;

export interface RealtimeCase {
  /** Cases of one row are counted together. */
  readonly row: string;
  readonly name: string;
  /** Called before the call. */
  readonly before?: (vendor: Vendor) => void;
  /** Called before the second turn. */
  readonly atTurn?: (vendor: Vendor) => void;
  /** Called shortly after the second reply began. */
  readonly inReply?: (vendor: Vendor) => void;
  /** The second turn is answered with a tool's result. */
  readonly hasTool?: true;
  /** Measures the time until the next session is asked for the rest of the reply. */
  readonly isTimed?: true;
}

const always = Number.POSITIVE_INFINITY;
const REFUSALS: readonly (readonly [string, Fault])[] = [
  ...[401, 429, 503].map((status): [string, Fault] => [String(status), { kind: 'status', status }]),
  ['reset', { kind: 'refuse' }],
  ['never answered', { kind: 'black-hole' }],
];
const MOMENTS: readonly RealtimeMoment[] = ['idle', 'listening', 'thinking', 'speaking', 'tool'];
const CODES = [1006, 1000] as const;
/** Words that were heard, or pieces of 100 ms that were sent, before the fault. */
const AFTER: Readonly<Record<RealtimeMoment, number>> = { idle: 0, listening: 1, thinking: 0, speaking: 5, tool: 0 };

const when = (moment: RealtimeMoment, fault: Fault) => (vendor: Vendor) => vendor.breakWhen(moment, fault);

export const CASES: readonly RealtimeCase[] = [
  { row: 'none', name: 'none' },
  { row: 'none', name: 'none, with a tool', hasTool: true },
  ...REFUSALS.map(
    ([name, fault]): RealtimeCase => ({
      row: `connection refused (${REFUSALS.map(([how]) => how).join(', ')})`,
      name: `refused: ${name}`,
      before: (vendor) => vendor.faults.fail(fault, always),
    }),
  ),
  ...MOMENTS.flatMap((moment) =>
    CODES.map(
      (code): RealtimeCase => ({
        row: `socket lost (${CODES.join(', ')}), ${moment}`,
        name: `${moment}: ${code}`,
        atTurn: when(moment, { kind: 'drop', after: AFTER[moment], code }),
        ...(moment === 'tool' && { hasTool: true }),
        ...(moment === 'speaking' && { isTimed: true }),
      }),
    ),
  ),
  ...(['listening', 'thinking', 'speaking', 'tool'] as const).map(
    (moment): RealtimeCase => ({
      row: 'silent on an open socket (listening, thinking, speaking, tool)',
      name: `silent: ${moment}`,
      atTurn: when(moment, { kind: 'stall', after: AFTER[moment] }),
      ...(moment === 'tool' && { hasTool: true }),
    }),
  ),
  {
    row: 'the session’s end: goAway, session_expired, in mid-reply',
    name: 'its end',
    inReply: (vendor) => {
      if ('goAway' in vendor) vendor.goAway(300);
      else vendor.faults.breakNow({ kind: 'error-event', after: 0, code: 'session_expired', closeCode: 1001 });
    },
  },
  { row: 'quota exceeded', name: 'quota', atTurn: when('thinking', { kind: 'status', status: 402 }) },
  {
    row: 'one broken JSON message',
    name: 'broken JSON',
    atTurn: when('speaking', { kind: 'malformed-json', after: AFTER.speaking }),
  },
  {
    row: 'drop on every connect',
    name: 'every connect',
    before: (vendor) => {
      for (let times = 0; times < 5_000; times += 1) vendor.breakWhen('idle', { kind: 'drop', after: 0, code: 1011 });
    },
  },
];

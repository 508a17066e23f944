// Calls in a real room while a vendor fails: which words reach the caller's ear, and how long it hears nothing within a sentence.
import '../../../src/livekit/quiet-rtc.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadClip } from '../../../fixtures/audio/clips.ts';
import { decodeTones, markWords, spreadWords, type Word } from '../../../fixtures/tones.ts';
import { type Caller, joinAsCaller } from '../../../src/livekit/caller.ts';
import { issueToken } from '../../../src/livekit/tokens.ts';
import { startTestServer } from '../../rooms/support/server.ts';
import { withoutTears } from '../../rooms/support/without-tears.ts';
import { spawnWorker } from '../../support/spawn-worker.ts';
import { environmentOf, type RoomFault, startVendors, type Vendors } from './room-faults.ts';

/** Words of each turn are echoed in a sentence. */
const WORDS_A_TURN = 6;
const TURNS = 3;
const ANSWERED_WITHIN_MS = 12_000;

export const PARTIES = ['Bulletproof', 'LiveKit, defaults'] as const;
export type Party = (typeof PARTIES)[number];

const CHAINS = { stt: ['deepgram', 'google'], llm: ['openrouter', 'openai'], tts: ['cartesia', 'elevenlabs'] };

const JOBS: Readonly<Record<Party, URL>> = {
  'LiveKit, defaults': new URL('./adapters-job.ts', import.meta.url),
  Bulletproof: new URL('../../rooms/support/vendors-job.ts', import.meta.url),
};

export interface RoomOutcome {
  readonly due: number;
  readonly lost: number;
  readonly twice: number;
  /** The longest silence between two words of one sentence; undefined where fewer than two of each were heard. */
  readonly silenceMs: number | undefined;
  /** Sentences of which the caller heard nothing. */
  readonly unanswered: number;
  /** How late a frame of the caller left at worst: on a busy machine the room itself loses sound. */
  readonly latenessMs: number;
}

/** One call after another, each fault at each party; `onOutcome` as each is measured. */
export async function measureRooms(
  parties: readonly Party[],
  faults: readonly RoomFault[],
  onOutcome: (party: Party, fault: RoomFault, outcome: RoomOutcome) => void,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'bulletproof-bench-'));
  const vendors = await startVendors();
  const server = await startTestServer();
  try {
    const env = {
      ...environmentOf(vendors),
      TOLD_FILE: join(directory, 'told.jsonl'),
      CHAINS: JSON.stringify(CHAINS),
    };
    for (const party of parties) {
      // Its call processes share no health, so each fault is met as if for the first time.
      const worker = await spawnWorker(JOBS[party], server, { env });
      for (const [at, fault] of faults.entries()) {
        for (const vendor of Object.values(vendors)) vendor.faults.mend();
        fault.before?.(vendors);
        const token = await issueToken({ ...server, room: `${party} ${at}`, identity: 'caller' });
        const caller = await joinAsCaller({ url: server.url, token });
        if (!(await caller.waitForAgent(60_000))) throw new Error(`no agent of ${party} came:\n${worker.output()}`);
        onOutcome(party, fault, await talk(caller, vendors, fault));
        await caller.leave();
      }
      await worker.stop();
    }
  } finally {
    await server.stop();
    await Promise.all(Object.values(vendors).map((vendor) => vendor.close()));
    rmSync(directory, { recursive: true });
  }
}

async function talk(caller: Caller, vendors: Vendors, fault: RoomFault): Promise<RoomOutcome> {
  await caller.waitForAgentToFinish({ sinceMs: 0, timeoutMs: ANSWERED_WITHIN_MS });
  const { samples, sampleRateHz } = loadClip('question');
  const lengthMs = (samples.length * 1000) / sampleRateHz;
  const fromMs = caller.nowMs();
  for (let turn = 0; turn < TURNS; turn += 1) {
    const said = Array.from({ length: WORDS_A_TURN }, (_, i) => turn * WORDS_A_TURN + i);
    const marked = markWords(samples, sampleRateHz, spreadWords(said, 100, lengthMs - 100));
    const sinceMs = caller.nowMs();
    if (turn === 1) fault.atTurn?.(vendors);
    const { inTurn } = fault;
    const breaking = turn === 1 && inTurn ? setTimeout(() => inTurn.run(vendors), inTurn.afterMs) : undefined;
    await caller.speak(marked, sampleRateHz);
    clearTimeout(breaking);
    await caller.waitForAgentToFinish({ sinceMs, timeoutMs: ANSWERED_WITHIN_MS });
  }
  const recording = caller.recording(fromMs);
  return {
    ...heardBy(withoutTears(decodeTones(recording.agent, recording.sampleRateHz))),
    latenessMs: caller.worstLatenessMs,
  };
}

function heardBy(heard: readonly Word[]): Omit<RoomOutcome, 'latenessMs'> {
  const due = TURNS * WORDS_A_TURN;
  const times = Array.from({ length: due }, (_, word) => heard.filter(({ index }) => index === word).length);
  const turnOf = ({ index }: Word) => Math.floor(index / WORDS_A_TURN);
  const gaps = heard.slice(1).flatMap((word, at) => {
    const before = heard[at] as Word;
    return turnOf(before) === turnOf(word) ? [word.startMs - before.endMs] : [];
  });
  const turns = new Set(heard.map(turnOf));
  return {
    due,
    lost: times.filter((count) => count === 0).length,
    twice: times.reduce((sum, count) => sum + Math.max(0, count - 1), 0),
    silenceMs: gaps.length > 0 ? Math.max(...gaps) : undefined,
    unanswered: Array.from({ length: TURNS }, (_, turn) => turn).filter((turn) => !turns.has(turn)).length,
  };
}

export function roomCell({ lost, twice, silenceMs, unanswered, due }: RoomOutcome): string {
  return [
    `${lost} of ${due} lost`,
    ...(twice > 0 ? [`${twice} twice`] : []),
    ...(unanswered > 0 ? [`${unanswered} sentences never`] : []),
    silenceMs === undefined ? 'never two words' : `silence ${Math.round(silenceMs)} ms`,
  ].join(', ');
}

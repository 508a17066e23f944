// `pnpm bench:turns`: how long a caller waits for an answer, beside a plain LiveKit agent; providers answer at once.
import { mkdirSync, writeFileSync } from 'node:fs';
import { listClips, loadClip } from '../../fixtures/audio/clips.ts';
import type { Caller } from '../../src/livekit/caller.ts';
import { measureTurn, type TurnTimes } from '../../src/livekit/voice-to-voice.ts';
import { CONTESTANTS, type Contestant, quantile, startContest, table } from './support/contest.ts';

const ANSWER_WITHIN_MS = 10_000;
const ROUNDS = Number(process.argv[2] ?? 2);

interface Turn extends TurnTimes {
  readonly clip: string;
  readonly hasPause: boolean;
}

async function holdTurn(caller: Caller, clip: string): Promise<Turn> {
  const { samples, sampleRateHz } = loadClip(clip);
  const utterance = await caller.speak(samples, sampleRateHz);
  if (!utterance) throw new Error('the caller could not speak');
  await caller.waitForAgentToFinish({ sinceMs: utterance.lastVoicedMs, quietMs: 800, timeoutMs: ANSWER_WITHIN_MS });
  const times = measureTurn(utterance, caller.agentSpans(utterance.firstVoicedMs));
  return { clip, hasPause: hasPause(clip), ...times };
}

/** Speaks again while the agent answers; returns how long the agent went on, in ms. */
async function interrupt(caller: Caller, clip: string): Promise<number | undefined> {
  const { samples, sampleRateHz } = loadClip(clip);
  const first = await caller.speak(samples, sampleRateHz);
  if (!first) throw new Error('the caller could not speak');
  await caller.waitUntil(() => (caller.agentLastVoicedMs ?? 0) > first.lastVoicedMs, ANSWER_WITHIN_MS);
  const second = await caller.speak(samples, sampleRateHz);
  if (!second) throw new Error('the caller could not speak');
  await caller.waitForAgentToFinish({ sinceMs: second.lastVoicedMs, quietMs: 800, timeoutMs: ANSWER_WITHIN_MS });
  return measureTurn(second, caller.agentSpans()).stoppedAfterMs;
}

const clips = listClips().filter((clip) => clip.purpose.includes('turn'));
const hasPause = (name: string) => clips.find((clip) => clip.name === name)?.purpose.includes('pause') ?? false;

const contest = await startContest();
const turns: Record<Contestant, Turn[]> = { plain: [], ours: [] };
const stops: Record<Contestant, number[]> = { plain: [], ours: [] };
try {
  const callers = { plain: await contest.join('plain'), ours: await contest.join('ours') };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { name } of clips) {
      for (const contestant of CONTESTANTS) {
        const turn = await holdTurn(callers[contestant], name);
        turns[contestant].push(turn);
        const wait = turn.voiceToVoiceMs === undefined ? 'no answer' : `${Math.round(turn.voiceToVoiceMs)} ms`;
        process.stderr.write(
          `${contestant.padEnd(6)}${name.padEnd(24)}${wait}${turn.cutInMs === undefined ? '' : '  CUT IN'}\n`,
        );
      }
    }
    for (const contestant of CONTESTANTS) {
      const stop = await interrupt(callers[contestant], clips[0]?.name ?? '');
      if (stop !== undefined) stops[contestant].push(stop);
    }
  }
  for (const caller of Object.values(callers)) await caller.leave();
} finally {
  await contest.stop();
}

const results = CONTESTANTS.map((contestant) => {
  const all = turns[contestant];
  const waits = all.flatMap(({ voiceToVoiceMs }) => (voiceToVoiceMs === undefined ? [] : [Math.round(voiceToVoiceMs)]));
  return {
    contestant,
    turns: all.length,
    unanswered: all.length - waits.length,
    medianMs: quantile(waits, 0.5),
    p95Ms: quantile(waits, 0.95),
    falseCutOffs: all.filter(({ cutInMs }) => cutInMs !== undefined).length,
    clipsWithPauses: all.filter((turn) => turn.hasPause).length,
    stopsAfterMs: Math.round(quantile(stops[contestant], 0.5)),
  };
});
const [plain, ours] = results;
process.stdout.write(
  `${table([
    ['', 'median', 'p95', 'false cut-offs', 'unanswered', 'stops after'],
    ...results.map((result) => [
      result.contestant === 'plain' ? '@livekit/agents 1.9.0' : 'bulletproof',
      `${result.medianMs} ms`,
      `${result.p95Ms} ms`,
      `${result.falseCutOffs} of ${result.turns}`,
      `${result.unanswered}`,
      `${result.stopsAfterMs} ms`,
    ]),
  ])}\nours / plain: median ${ratio(ours?.medianMs, plain?.medianMs)}, p95 ${ratio(ours?.p95Ms, plain?.p95Ms)}\n`,
);
mkdirSync('.bulletproof/bench', { recursive: true });
writeFileSync('.bulletproof/bench/turns.json', `${JSON.stringify({ results, turns, stops }, undefined, 2)}\n`);
process.exit(0);

function ratio(a = Number.NaN, b = Number.NaN): string {
  return (a / b).toFixed(2);
}

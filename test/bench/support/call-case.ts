// One measured call in a process of its own, so that counting its words keeps no other waiting: `node call-case.ts <JSON>` writes
// one line of JSON.
import '../../../src/livekit/quiet-rtc.ts';
import { readFileSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadClip } from '../../../fixtures/audio/clips.ts';
import { decodeTones, markThroughout } from '../../../fixtures/tones.ts';
import { type Caller, joinAsCaller } from '../../../src/livekit/caller.ts';
import { issueToken } from '../../../src/livekit/tokens.ts';
import { writeCallEnvironment } from '../../rooms/support/call-environment.ts';
import { wordsOf } from '../../rooms/support/realtime-vendors.ts';
import type { Told } from '../../rooms/support/vendor-calls.ts';
import { withoutTears } from '../../rooms/support/without-tears.ts';
import type { ServerAccess } from '../../support/spawn-worker.ts';
import { extraOf } from './asked.ts';
import {
  ANSWERED_WITHIN_MS,
  type CallOutcome,
  countClipped,
  countConversation,
  dueOfAgent,
  type TurnRecord,
  waitsOf,
  withoutEchoes,
} from './call-outcome.ts';
import type { CallPlan, TurnPlan } from './call-plan.ts';
import { type CallVendors, startCallVendors } from './call-vendors.ts';
import { compareWords } from './compare-words.ts';

export interface CallCase {
  readonly plan: CallPlan;
  readonly room: string;
  readonly agentName: string;
  readonly server: ServerAccess;
  readonly callsDirectory: string;
  readonly toldFile: string;
}

const AGENT_WITHIN_MS = 60_000;
/** With frames later than the room's own buffer, words are torn in two on their way: seen at 56 ms in a vendor's transcript. */
const STARVED_MS = 50;
/** The vendors stay until the call process has ended, because a vendor that goes before would be a failure. */
const PROCESS_ENDS_WITHIN_MS = 10_000;

const given = JSON.parse(process.argv[2] as string) as CallCase;
const { plan, room } = given;
let reserveTurns = 0;

/** Speaks the words and waits for the whole answer, or interrupts or hangs up as the plan says. */
async function holdTurn(caller: Caller, vendors: CallVendors, turn: number): Promise<TurnRecord> {
  const { words, bargeInAfterMs } = plan.turns[turn] as TurnPlan;
  const isStruck = plan.fault?.turn === turn;
  const { samples, sampleRateHz } = loadClip('question');
  const marked = markThroughout(samples, sampleRateHz, words);
  if (isStruck) vendors.atTurn();
  const striking = isStruck && vendors.inTurn && setTimeout(vendors.inTurn, plan.fault?.afterMs);
  const speaking = caller.speak(marked, sampleRateHz);
  if (plan.hangUpAfterMs !== undefined && turn === plan.turns.length - 1) {
    await sleep(plan.hangUpAfterMs);
    await caller.leave();
    return { words, ended: 'hung up', utterance: await speaking };
  }
  const utterance = await speaking;
  const sinceMs = utterance?.lastVoicedMs ?? caller.nowMs();
  const isHeard = () => (caller.agentLastVoicedMs ?? 0) > sinceMs;
  if (isStruck && vendors.inReply) {
    void caller.waitUntil(isHeard, ANSWERED_WITHIN_MS).then((heard) => heard && vendors.inReply?.());
  }
  if (bargeInAfterMs === undefined) {
    // A switch in mid-reply may take longer than a caller usually waits: that is measured, not hung up on.
    await caller.waitForAgentToFinish({
      sinceMs,
      incompleteQuietMs: ANSWERED_WITHIN_MS / 2,
      timeoutMs: ANSWERED_WITHIN_MS,
    });
  } else if (await caller.waitUntil(isHeard, ANSWERED_WITHIN_MS)) await sleep(bargeInAfterMs);
  if (striking) clearTimeout(striking);
  if (isReserve(caller.stages)) reserveTurns += 1;
  return { words, ended: bargeInAfterMs === undefined ? 'answered' : 'interrupted', utterance };
}

/** Whether a last resort serves, by the state that the page is shown. */
function isReserve(stages = '[]'): boolean {
  const serving = JSON.parse(stages) as { provider: string; state: string }[];
  return serving.some(({ provider, state }) => provider.startsWith('free-') || state === 'last resort');
}

async function holdCall(caller: Caller, vendors: CallVendors): Promise<TurnRecord[]> {
  const turns: TurnRecord[] = [];
  await caller.waitForAgentToFinish({ sinceMs: 0, timeoutMs: ANSWERED_WITHIN_MS });
  for (let turn = 0; turn < plan.turns.length && caller.gone === undefined; turn += 1) {
    turns.push(await holdTurn(caller, vendors, turn));
  }
  // Turns that never began are due too, because the caller lost the call.
  return [
    ...turns,
    ...plan.turns
      .slice(turns.length)
      .map(({ words }): TurnRecord => ({ words, ended: 'answered', utterance: undefined })),
  ];
}

function whyDropped(caller: Caller): string | undefined {
  if (plan.hangUpAfterMs !== undefined && caller.gone === 'left') return undefined;
  if (caller.gone !== undefined) return caller.gone;
  return caller.room.remoteParticipants.size === 0 ? 'the agent left' : undefined;
}

function linesTold(): Told[] {
  const lines = readFileSync(given.toldFile, 'utf8').split('\n');
  return lines.flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Told])).filter((told) => told.room === room);
}

async function measure(): Promise<CallOutcome> {
  const vendors = await startCallVendors(plan);
  writeCallEnvironment(given.callsDirectory, room, vendors.environment);
  vendors.beforeCall();
  const token = await issueToken({ ...given.server, room, identity: 'caller', agentName: given.agentName });
  const caller = await joinAsCaller({ url: given.server.url, token });
  const hasCome = await caller.waitForAgent(AGENT_WITHIN_MS);
  const turns = hasCome ? await holdCall(caller, vendors) : [];
  const dropped = hasCome ? whyDropped(caller) : 'no agent came';
  await caller.leave();
  const lines = linesTold();
  const asked = vendors.asked();
  await vendors.left(PROCESS_ENDS_WITHIN_MS);
  await vendors.close();
  const { agent, sampleRateHz } = caller.recording();
  const heard = withoutTears(decodeTones(agent, sampleRateHz));
  const isStarved = caller.worstLatenessMs > STARVED_MS;
  const asItWas = (words: readonly number[]) => (isStarved ? withoutEchoes(words) : words);
  const toldBy = (who: Told['who']) => lines.filter((line) => line.who === who).map(({ text }) => text);
  const told = {
    caller: asItWas(wordsOf(toldBy('caller').join(' '))),
    agent: asItWas(wordsOf(toldBy('agent').join(' '))),
  };
  const came = asItWas(heard.map(({ index }) => index));
  return {
    heard: compareWords(dueOfAgent(turns, vendors.frame), came),
    came: { heard: came, ...told },
    conversation: countConversation(turns, vendors.frame, told),
    clipped: isStarved ? 0 : countClipped(heard, turns),
    ...waitsOf(turns, caller.agentSpans(), heard),
    dropped,
    failures: toldBy('failure'),
    reserveTurns,
    turns: turns.length,
    asked,
    extra: extraOf(plan, turns.filter(({ ended }) => ended !== 'hung up').length, asked),
    latenessMs: Math.round(caller.worstLatenessMs),
    isStarved,
  };
}

writeSync(1, `${JSON.stringify(await measure())}\n`);
process.exit();

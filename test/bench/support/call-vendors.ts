// The vendors of one measured call: where they are, what befalls them, and what they were asked for.
import { setTimeout as sleep } from 'node:timers/promises';
import type { VendorServer } from '../../../fixtures/vendor-server.ts';
import {
  GREETING,
  type Script,
  say,
  startRealtimeVendors,
  TAIL,
  wordsOf,
} from '../../rooms/support/realtime-vendors.ts';
import type { Asked } from './asked.ts';
import type { CallPlan } from './call-plan.ts';
import { CASES } from './realtime-rows.ts';
import { environmentOf, ROOM_FAULTS, startVendors } from './room-faults.ts';

/** What happens to the vendors at the moments of a call. */
export interface Strikes {
  beforeCall(): void;
  atTurn(): void;
  /** Called the plan's `afterMs` after the caller began the turn. */
  inTurn?(): void;
  /** Called when the caller first hears the reply. */
  inReply?(): void;
}

export interface CallVendors extends Strikes {
  /** The variables that lead a call process to these vendors. */
  readonly environment: Readonly<Record<string, string>>;
  /** Words of each reply before and after those of the caller. */
  readonly frame: readonly [before: readonly number[], after: readonly number[]];
  asked(): Asked[];
  /** Resolves when no connection is open any more, or after this time. */
  left(withinMs: number): Promise<void>;
  close(): Promise<void>;
}

const KEY = 'key-of-a-benchmark';

export function startCallVendors(plan: CallPlan): Promise<CallVendors> {
  return plan.mode === 'pipeline' ? startPipeline(plan) : startSpeechToSpeech(plan);
}

async function startPipeline({ vendorSeed, frame = [[], []], fault }: CallPlan): Promise<CallVendors> {
  const vendors = await startVendors(vendorSeed, frame);
  const struck = ROOM_FAULTS.find(({ title }) => title === fault?.title);
  const inTurn = struck?.inTurn;
  return {
    environment: environmentOf(vendors),
    frame,
    beforeCall: () => struck?.before?.(vendors),
    atTurn: () => struck?.atTurn?.(vendors),
    ...(inTurn && { inTurn: () => inTurn.run(vendors) }),
    ...accountOf(vendors),
  };
}

async function startSpeechToSpeech({ vendorSeed, first, turns, fault }: CallPlan): Promise<CallVendors> {
  const struck = CASES.find(({ name }) => name === fault?.title);
  const toolWords = struck?.hasTool && fault ? turns[fault.turn]?.words.join() : undefined;
  const vendors = await startRealtimeVendors(scriptOf(toolWords), vendorSeed);
  const vendor = vendors[first];
  const inReply = struck?.inReply;
  return {
    environment: {
      OPENAI_REALTIME_KEY: KEY,
      OPENAI_REALTIME_URL: vendors.openai.url,
      GEMINI_LIVE_KEY: KEY,
      GEMINI_LIVE_URL: vendors.gemini.url,
      DEEPGRAM_API_KEY: KEY,
      DEEPGRAM_BASE_URL: vendors.deepgram.url,
      OPENROUTER_API_KEY: KEY,
      OPENROUTER_BASE_URL: vendors.openrouter.url,
      CARTESIA_API_KEY: KEY,
      CARTESIA_BASE_URL: vendors.cartesia.url,
    },
    frame: [[], TAIL],
    beforeCall: () => struck?.before?.(vendor),
    atTurn: () => struck?.atTurn?.(vendor),
    ...(inReply && { inReply: () => inReply(vendor) }),
    ...accountOf(vendors),
  };
}

/** Replies with the caller's words and a few more; for the turn with these words it calls a tool first. */
function scriptOf(toolWords: string | undefined): Script {
  return (heard, results) => {
    const words = wordsOf(heard);
    if (words.length === 0) return say(GREETING);
    if (words.join() === toolWords && results.length === 0) {
      return { toolCalls: [{ id: 'call_1', name: 'look_up', arguments: '{"what":"1"}' }] };
    }
    return say([...words, ...TAIL]);
  };
}

function accountOf(vendors: Readonly<Record<string, VendorServer>>): Pick<CallVendors, 'asked' | 'left' | 'close'> {
  const servers = Object.values(vendors);
  return {
    asked: () =>
      Object.entries(vendors).map(([vendor, { requests }]) => ({
        vendor,
        connections: requests.filter(({ method }) => method === 'WS' || method === 'GRPC').length,
        requests: requests.filter(({ method }) => method === 'POST').length,
      })),
    left: async (withinMs) => {
      const endMs = performance.now() + withinMs;
      while (servers.some((server) => server.connections() > 0) && performance.now() < endMs) await sleep(50);
    },
    close: async () => {
      await Promise.all(servers.map((server) => server.close()));
    },
  };
}

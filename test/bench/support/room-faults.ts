// The vendors of a call in a room, and what befalls them in its second turn.
import type { Fault } from '../../../fixtures/faults.ts';
import { startCartesia } from '../../../fixtures/vendors/cartesia.ts';
import type { ChatRequest } from '../../../fixtures/vendors/chat-completions.ts';
import { startDeepgram } from '../../../fixtures/vendors/deepgram.ts';
import { startElevenLabs } from '../../../fixtures/vendors/elevenlabs.ts';
import { startGoogleSpeech } from '../../../fixtures/vendors/google-speech.ts';
import { startOpenAi } from '../../../fixtures/vendors/openai.ts';
import { startOpenRouter } from '../../../fixtures/vendors/openrouter.ts';
import { say, wordsOf } from '../../rooms/support/realtime-vendors.ts';
import { habitsBySeed } from '../../support/habits-by-seed.ts';
import type { Stage } from './failover-rows.ts';

const LLM_WORD_MS = 30;

/** Words of each reply around those of the caller, such as w20 and w21. */
export type Frame = readonly [before: readonly number[], after: readonly number[]];

/** @param seed of habits; absent: they answer at once @param frame of the caller's words in each reply */
export async function startVendors(seed?: number, [before, after]: Frame = [[], []]) {
  const habits = habitsBySeed(seed);
  const quick = <Options>(options: Options): Partial<Options> => (seed === undefined ? options : {});
  const recogniser = quick({ interimEveryMs: 200 });
  const model = {
    ...quick({ everyMs: LLM_WORD_MS }),
    reply: ({ messages }: ChatRequest) => {
      // A turn whose last words were recognised late comes in two messages, and both are to be answered.
      const unanswered = messages.slice(messages.findLastIndex(({ role }) => role === 'assistant') + 1);
      const heard = unanswered.map(({ role, content }) => (role === 'user' ? (content ?? '') : ''));
      return say([...before, ...wordsOf(heard.join(' ')), ...after]);
    },
  };
  const [deepgram, deepgramBackup, google, openrouter, openai, cartesia, elevenlabs] = await Promise.all([
    startDeepgram({ ...habits(), ...recogniser }),
    startDeepgram({ ...habits(), ...recogniser }),
    startGoogleSpeech(habits()),
    startOpenRouter({ ...habits(), ...model }),
    startOpenAi({ ...habits(), ...model }),
    startCartesia(habits()),
    startElevenLabs(habits()),
  ]);
  return { deepgram, deepgramBackup, google, openrouter, openai, cartesia, elevenlabs };
}

export type Vendors = Awaited<ReturnType<typeof startVendors>>;

/** The variables that lead a worker to the vendors. */
export function environmentOf(vendors: Vendors): Record<string, string> {
  return {
    DEEPGRAM_API_KEY: 'key-of-a-benchmark',
    DEEPGRAM_BASE_URL: vendors.deepgram.url,
    DEEPGRAM_BACKUP_URL: vendors.deepgramBackup.url,
    GOOGLE_API_KEY: 'key-of-a-benchmark',
    GOOGLE_SPEECH_BASE_URL: vendors.google.url,
    OPENROUTER_API_KEY: 'key-of-a-benchmark',
    OPENROUTER_BASE_URL: vendors.openrouter.url,
    OPENAI_API_KEY: 'key-of-a-benchmark',
    OPENAI_BASE_URL: vendors.openai.url,
    CARTESIA_API_KEY: 'key-of-a-benchmark',
    CARTESIA_BASE_URL: vendors.cartesia.url,
    ELEVENLABS_API_KEY: 'key-of-a-benchmark',
    ELEVENLABS_BASE_URL: vendors.elevenlabs.url,
  };
}

export interface RoomFault {
  /** undefined where nothing fails. */
  readonly stage?: Stage;
  readonly title: string;
  readonly before?: (vendors: Vendors) => void;
  /** Called when the caller begins the second turn. */
  readonly atTurn?: (vendors: Vendors) => void;
  /** Called `afterMs` after that. */
  readonly inTurn?: { readonly afterMs: number; readonly run: (vendors: Vendors) => void };
}

const always = Number.POSITIVE_INFINITY;
const voice = (title: string, fault: Fault, times = 1): RoomFault => ({
  stage: 'tts',
  title: `TTS ${title}`,
  atTurn: ({ cartesia }) => cartesia.faults.fail(fault, times),
});
const model = (title: string, fault: Fault): RoomFault => ({
  stage: 'llm',
  title: `LLM ${title}`,
  atTurn: ({ openrouter }) => openrouter.faults.fail(fault),
});
const recogniser = (title: string, afterMs: number, fault: Fault): RoomFault => ({
  stage: 'stt',
  title: `STT ${title}`,
  inTurn: { afterMs, run: ({ deepgram }) => deepgram.faults.breakNow(fault) },
});

export const ROOM_FAULTS: readonly RoomFault[] = [
  { title: 'none' },
  recogniser('dropped', 1_500, { kind: 'drop', after: 0, code: 1011 }),
  recogniser('silent', 1_000, { kind: 'stall', after: 0 }),
  {
    stage: 'stt',
    title: 'STT hangs at connect',
    before: ({ deepgram }) => deepgram.faults.fail({ kind: 'black-hole' }, always),
  },
  voice('dropped', { kind: 'drop', after: 12 }),
  voice('ends early', { kind: 'end-early', after: 12 }),
  voice('trickles', { kind: 'trickle', after: 8, everyMs: 400 }, always),
  voice('silent', { kind: 'stall', after: 12 }, always),
  model('dropped', { kind: 'drop', after: 5 }),
  model('silent', { kind: 'stall', after: 5 }),
];

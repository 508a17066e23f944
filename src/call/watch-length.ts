// Joins a call's greatest length and its silences to the session: what is asked and said before the end.
import { voice } from '@livekit/agents';
import { type Room, RoomEvent } from '@livekit/rtc-node';
import type { Config } from '../config/schema.ts';
import { systemClock, within } from '../failover/clock.ts';
import type { Logger } from '../telemetry/log.ts';
import { exactWords } from '../text/exact-words.ts';
import { CallLength, type EndReason } from './call-length.ts';

export interface WatchLengthOptions {
  readonly session: voice.AgentSession;
  readonly room: Room;
  readonly settings: Config['calls'];
  /** BCP 47. The sentences below are English; in another language the model says them. */
  readonly language: string;
  /** Whether a voice can be given words; otherwise the model says them. */
  readonly hasVoice: boolean;
  readonly log: Logger;
  /** Ends the call for the caller too. */
  hangUp(): Promise<void>;
}

const STILL_THERE = 'Are you still there?';
const GOODBYES: Readonly<Record<EndReason, string>> = {
  silence: 'I can’t hear anybody, so I will end the call now. Goodbye!',
  length: 'This call has reached its greatest length, so I have to end it now. Goodbye!',
};
/** Time limit for a sentence, so that a goodbye that can't be said keeps no call open. */
const GOODBYE_MS = 15_000;

/** @returns ends the watch */
export function watchLength(options: WatchLengthOptions): () => void {
  const { session, room, settings, log, hangUp } = options;
  const length = new CallLength({
    ...settings,
    clock: systemClock,
    onSilent: () => void say(options, STILL_THERE),
    onEnd: (reason) => {
      log.info({ event: 'call_limit', reason }, `the call is ended: ${reason}`);
      void say(options, GOODBYES[reason]).then(hangUp);
    },
  });
  const changed = () => {
    if (session.userState === 'speaking') length.heard();
    else if (session.agentState === 'speaking' || session.agentState === 'thinking') length.busy();
    else length.quiet();
  };
  session.on(voice.AgentSessionEventTypes.UserStateChanged, changed);
  session.on(voice.AgentSessionEventTypes.AgentStateChanged, changed);
  session.on(voice.AgentSessionEventTypes.ConversationItemAdded, ({ item }) => {
    if (item.type === 'message' && item.role === 'user') length.heard();
    changed();
  });
  const pressed = () => {
    length.heard();
    changed();
  };
  room.on(RoomEvent.DtmfReceived, pressed);
  return () => {
    room.off(RoomEvent.DtmfReceived, pressed);
    length.close();
  };
}

/** Resolves when the words were heard, or could not be said. */
async function say({ session, language, hasVoice, log }: WatchLengthOptions, words: string): Promise<void> {
  try {
    const isOwn = hasVoice && language.startsWith('en');
    const handle = isOwn ? session.say(words) : session.generateReply({ instructions: exactWords(words, language) });
    await within(systemClock, GOODBYE_MS, handle.waitForPlayout());
  } catch (error) {
    log.warn({ event: 'not_said', error: String(error) }, 'a sentence could not be said');
  }
}

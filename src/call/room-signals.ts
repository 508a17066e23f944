// What the talk page and `pnpm call` are told over the room: who serves, how long a turn took, what went wrong.
import type { Room } from '@livekit/rtc-node';
import type { Logger } from '../telemetry/log.ts';
import type { Links } from './stages.ts';

const STAGES_ATTRIBUTE = 'bulletproof.stages';
const TURN_TOPIC = 'bulletproof.turn';
const NOTICE_TOPIC = 'bulletproof.notice';

export interface RoomSignals {
  stages(links: Links): Promise<void>;
  turn(turn: number, voiceToVoiceMs: number): Promise<void>;
  notice(level: 'info' | 'warning', text: string): Promise<void>;
}

/** A signal that can't be sent is logged and never ends a call. */
export function createRoomSignals(room: Room, log: Logger): RoomSignals {
  const attempt = async (what: string, send: () => Promise<unknown> | undefined) => {
    try {
      await send();
    } catch (error) {
      log.warn({ event: 'signal_failed', signal: what, error: String(error) }, 'the page was not told');
    }
  };
  const sendText = (topic: string, value: unknown) =>
    attempt(topic, () => room.localParticipant?.sendText(JSON.stringify(value), { topic }));
  return {
    stages: (links) =>
      attempt('stages', () => {
        const stages = (['stt', 'llm', 'tts'] as const).map((stage) => ({
          stage,
          provider: links[stage].id,
          title: links[stage].title ?? links[stage].id,
          state: 'active',
        }));
        return room.localParticipant?.setAttributes({ [STAGES_ATTRIBUTE]: JSON.stringify(stages) });
      }),
    turn: (turn, voiceToVoiceMs) => sendText(TURN_TOPIC, { turn, voiceToVoiceMs }),
    notice: (level, text) => sendText(NOTICE_TOPIC, { level, text }),
  };
}

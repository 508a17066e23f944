// What the talk page and `pnpm call` are told over the room: who serves, how long a turn took, what went wrong.
import type { Room } from '@livekit/rtc-node';
import type { Stage } from '../chains/stages.ts';
import type { Switch } from '../failover/failover.ts';
import type { Logger } from '../telemetry/log.ts';

const STAGES_ATTRIBUTE = 'bulletproof.stages';
const TURN_TOPIC = 'bulletproof.turn';
const SWITCH_TOPIC = 'bulletproof.switch';
const NOTICE_TOPIC = 'bulletproof.notice';

export interface ServingProvider {
  readonly stage: Stage;
  readonly provider: string;
  readonly title: string;
  /** 'last resort': the chain has better providers, but none of them could serve. */
  readonly state: 'active' | 'last resort';
}

export interface RoomSignals {
  stages(serving: readonly ServingProvider[]): Promise<void>;
  switched(event: Switch): Promise<void>;
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
    stages: (serving) =>
      attempt('stages', () => {
        return room.localParticipant?.setAttributes({ [STAGES_ATTRIBUTE]: JSON.stringify(serving) });
      }),
    // Leaves out the vendor's own words, which may reveal details of the account.
    switched: ({ message: _, ...event }) => sendText(SWITCH_TOPIC, event),
    turn: (turn, voiceToVoiceMs) => sendText(TURN_TOPIC, { turn, voiceToVoiceMs }),
    notice: (level, text) => sendText(NOTICE_TOPIC, { level, text }),
  };
}

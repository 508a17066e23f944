// What a call says about its providers: to the log, and to whoever shows who serves.

import type { Stage } from '../chains/stages.ts';
import type { FailoverEvents, Switch } from '../failover/failover.ts';
import type { Logger } from '../telemetry/log.ts';

export interface FailoverReportOptions {
  readonly log: Logger;
  /** Another provider serves the stage from now on. */
  onServing?(stage: Stage, provider: string, isReserve: boolean): void;
  onSwitch?(event: Switch): void;
  onExhausted?(stage: string): void;
  onRecovered?(stage: string): void;
}

const STAGE_NAMES = { stt: 'speech recognition', llm: 'language model', tts: 'voice', realtime: 'speech to speech' };

export function reportFailover({
  log,
  onServing,
  onSwitch,
  onExhausted,
  onRecovered,
}: FailoverReportOptions): FailoverEvents {
  return {
    onServes: (stage, provider, isReserve) => {
      if (isReserve) {
        log.warn(
          { event: 'last_resort_serves', provider, stage },
          `${STAGE_NAMES[stage]}: ${provider} serves, as no better provider can`,
        );
      }
      onServing?.(stage, provider, isReserve);
    },
    onSwitch: (event) => {
      const { stage, from, to, kind, status, tookMs, wordsKept, audioReplayedMs } = event;
      log.warn(
        {
          event: 'provider_switch',
          provider: to,
          stage,
          from,
          to,
          kind,
          ...(status !== undefined && { status }),
          took_ms: Math.round(tookMs),
          words_kept: wordsKept ?? 0,
          audio_replayed_ms: Math.round(audioReplayedMs ?? 0),
        },
        describeSwitch(event),
      );
      onSwitch?.(event);
    },
    onHedge: ({ stage, late, beside, outcome }) => {
      log.info(
        { event: 'provider_hedge', provider: beside, stage, late, outcome },
        `${late} was late, asked ${beside} too`,
      );
    },
    onExhausted: (stage, error) => {
      log.error(
        { event: 'connection_failed', provider: error.provider, stage, kind: error.kind },
        `${STAGE_NAMES[stage]}: every provider failed, trying again`,
      );
      onExhausted?.(stage);
    },
    onRecovered: (stage, provider) => {
      log.info({ event: 'connection_established', provider, stage }, `${STAGE_NAMES[stage]}: ${provider} serves again`);
      onRecovered?.(stage);
    },
  };
}

/** Such as "language model: openrouter failed (rate-limit, 429), openai took over after 34 ms"; `to` may equal `from`. */
export function describeSwitch({ stage, from, to, kind, status, tookMs }: Switch): string {
  const why = status === undefined ? kind : `${kind}, ${status}`;
  const next = to === from ? 'a new session of it' : to;
  return `${STAGE_NAMES[stage]}: ${from} failed (${why}), ${next} took over after ${Math.round(tookMs)} ms`;
}

// A caller in a LiveKit room: speaks at real time, hears the agent, and measures on one clock what a person would notice.
import { EventEmitter } from 'node:events';
import {
  DisconnectReason,
  LocalAudioTrack,
  Room,
  RoomEvent,
  TrackPublishOptions,
  TrackSource,
} from '@livekit/rtc-node';
import type { Span } from '../audio/voiced-spans.ts';
import { UserError } from '../config/user-error.ts';
import { type SignalTopic, watchAgent } from './caller-agent.ts';
import { CallerMicrophone, type Utterance } from './caller-microphone.ts';
import { CallerRecording, RECORDING_RATE_HZ } from './caller-recording.ts';
import { listenToTranscripts, type TranscriptEvent } from './caller-transcripts.ts';

const CHAT_TOPIC = 'lk.chat';
const INCOMPLETE_QUIET_MS = 3_000;

export interface CallerOptions {
  /** Websocket address of the LiveKit server. */
  readonly url: string;
  readonly token: string;
  /** Aborting leaves the room. */
  readonly signal?: AbortSignal;
}

export interface CallerEvents {
  transcript: [TranscriptEvent];
  state: [{ readonly state: string; readonly atMs: number }];
  stages: [{ readonly stages: string; readonly atMs: number }];
  signal: [{ readonly topic: SignalTopic; readonly text: string; readonly atMs: number }];
  /** The room ended, though the caller did not leave. */
  dropped: [{ readonly reason: string; readonly atMs: number }];
}

/**
 * Joins a room, publishes a microphone that never stops, and begins to record the agent.
 * @throws UserError when the server can't be reached or refuses the token
 */
export async function joinAsCaller({ url, token, signal }: CallerOptions): Promise<Caller> {
  signal?.throwIfAborted();
  const caller = new Caller();
  try {
    await Promise.race([caller.join(url, token), rejectOnAbort(signal)]);
  } catch (error) {
    await caller.leave();
    throw error;
  }
  signal?.addEventListener('abort', () => void caller.leave(), { once: true });
  return caller;
}

export class Caller extends EventEmitter<CallerEvents> {
  /** Wall-clock time of zero on the caller's clock. */
  readonly startedAt = new Date();
  readonly transcripts: TranscriptEvent[] = [];
  readonly utterances: Utterance[] = [];
  /** `bulletproof.stages` as the agent last set it (JSON). */
  stages: string | undefined;
  /** `lk.agent.state`: initializing, listening, thinking or speaking. */
  agentState: string | undefined;
  /** Why the room is gone; undefined while it is there. */
  gone: string | undefined;
  /** For actions that this class does not offer, such as pressing keys. */
  readonly room = new Room();
  readonly #zero = performance.now();
  readonly #microphone: CallerMicrophone;
  readonly #recording: CallerRecording;
  #trackId: string | undefined;
  #hasAgent = false;
  #isHeard = false;

  constructor() {
    super();
    this.#microphone = new CallerMicrophone(this.nowMs);
    this.#recording = new CallerRecording(this.nowMs);
  }

  /** The caller's clock: ms since this caller was made, monotonic. */
  readonly nowMs = (): number => performance.now() - this.#zero;

  get roomName(): string {
    return this.room.name ?? '';
  }

  /** When the agent was last heard, in ms on the caller's clock; undefined until it was heard. */
  get agentLastVoicedMs(): number | undefined {
    return this.#recording.lastVoicedMs;
  }

  /** Greatest lateness of a frame of the caller in ms: a busy machine adds it to the measured times. */
  get worstLatenessMs(): number {
    return this.#microphone.worstLatenessMs;
  }

  /** Called by `joinAsCaller`. */
  async join(url: string, token: string): Promise<void> {
    const { room } = this;
    listenToTranscripts(room, {
      now: this.nowMs,
      ownTrackId: () => this.#trackId,
      onEvent: (event) => {
        this.transcripts.push(event);
        this.emit('transcript', event);
      },
    });
    this.#watchAgent();
    room.on(RoomEvent.Disconnected, (reason) => this.#drop(DisconnectReason[reason] ?? 'unknown'));
    room.on(RoomEvent.LocalTrackSubscribed, () => {
      this.#isHeard = true;
    });
    try {
      await room.connect(url, token, { autoSubscribe: true, dynacast: false });
    } catch (error) {
      throw joinError(url, error as Error);
    }
    const track = LocalAudioTrack.createAudioTrack('microphone', this.#microphone.source);
    const publication = await room.localParticipant?.publishTrack(
      track,
      new TrackPublishOptions({ source: TrackSource.SOURCE_MICROPHONE }),
    );
    this.#trackId = publication?.sid;
  }

  /**
   * Speaks mono PCM16 at real time, after the clips that are queued already.
   * @returns once the last sample has left; undefined when the caller left or broke off before the first
   */
  async speak(samples: Int16Array, sampleRateHz: number): Promise<Utterance | undefined> {
    const utterance = await this.#microphone.play(samples, sampleRateHz);
    if (utterance) this.utterances.push(utterance);
    return utterance;
  }

  /** Stops speaking at once. */
  breakOff(): void {
    this.#microphone.breakOff();
  }

  /** Sends a typed message to the agent. */
  async sendText(text: string): Promise<void> {
    await this.room.localParticipant?.sendText(text, { topic: CHAT_TOPIC });
  }

  /** Resolves with whether an agent is in the room, can be heard, and hears the caller. */
  waitForAgent(timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    return this.waitUntil(() => this.#hasAgent && this.#isHeard, timeoutMs, signal);
  }

  /**
   * Resolves with whether the agent, heard after `sinceMs`, has been quiet for `quietMs` and neither thinks nor speaks. While its
   * transcript is not complete, a longer quiet is needed: a busy machine pauses in mid-sentence.
   */
  waitForAgentToFinish(
    {
      sinceMs,
      quietMs = 1200,
      incompleteQuietMs = INCOMPLETE_QUIET_MS,
      timeoutMs,
    }: { sinceMs: number; quietMs?: number; incompleteQuietMs?: number; timeoutMs: number },
    signal?: AbortSignal,
  ): Promise<boolean> {
    const finished = () => {
      const heard = this.agentLastVoicedMs;
      const isComplete = this.transcripts.findLast(({ who }) => who === 'agent')?.final ?? true;
      const leastMs = isComplete ? quietMs : Math.max(quietMs, incompleteQuietMs);
      if (heard === undefined || heard <= sinceMs || this.nowMs() - heard < leastMs) return false;
      return this.agentState !== 'thinking' && this.agentState !== 'speaking';
    };
    return this.waitUntil(finished, timeoutMs, signal);
  }

  /** Resolves with whether `condition` became true in time; at once with false when the room is gone. */
  async waitUntil(condition: () => boolean, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    const end = this.nowMs() + timeoutMs;
    while (!condition()) {
      if (this.gone !== undefined || signal?.aborted || this.nowMs() >= end) return false;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return true;
  }

  /** When the agent was heard: spans of its speech, with the short gaps between words bridged. */
  agentSpans(fromMs = 0): Span[] {
    return this.#recording.voicedSpans(fromMs);
  }

  /** Both sides on one clock from `fromMs` on: mono PCM16 at 48 kHz. */
  recording(fromMs = 0): { readonly agent: Int16Array; readonly caller: Int16Array; readonly sampleRateHz: number } {
    return {
      agent: this.#recording.samples(fromMs),
      caller: this.#microphone.recorded(fromMs),
      sampleRateHz: RECORDING_RATE_HZ,
    };
  }

  /** Leaves the room; the recordings can still be read. */
  async leave(): Promise<void> {
    this.gone ??= 'left';
    await this.#microphone.stop();
    await this.room.disconnect();
    await this.#recording.stop();
  }

  #watchAgent(): void {
    watchAgent(this.room, {
      onState: (state) => {
        this.agentState = state;
        this.emit('state', { state, atMs: this.nowMs() });
      },
      onStages: (stages) => {
        this.stages = stages;
        this.emit('stages', { stages, atMs: this.nowMs() });
      },
      onSignal: (topic, text) => this.emit('signal', { topic, text, atMs: this.nowMs() }),
      onAudio: (track) => {
        this.#hasAgent = true;
        void this.#recording.record(track);
      },
    });
  }

  #drop(reason: string): void {
    if (this.gone !== undefined) return;
    this.gone = reason;
    this.#microphone.breakOff();
    this.emit('dropped', { reason, atMs: this.nowMs() });
  }
}

function rejectOnAbort(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** Removes the token, which the client's error message may contain. */
function joinError(url: string, error: Error): UserError {
  if (/\b40[13]\b|unauthori[sz]ed|forbidden/i.test(error.message)) {
    return new UserError(
      `the LiveKit server at ${url} refuses the caller's token`,
      'check that key and secret are its own',
    );
  }
  const reason = /refused/i.test(error.message)
    ? 'nothing listens there'
    : error.message.replaceAll(/\beyJ[\w.-]+/g, '…');
  return new UserError(`cannot join a room at ${url}: ${reason}`, 'check the address and that the LiveKit server runs');
}

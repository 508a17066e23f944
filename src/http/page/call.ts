// One call: the room, the agent in it, the sound of both sides. Knows livekit-client, and no element of the page.
import {
  DisconnectReason,
  type LocalAudioTrack,
  type LocalTrack,
  type Participant,
  type RemoteTrack,
  Room,
  RoomEvent,
  Track,
  TrackEvent,
} from 'livekit-client';
import { readStages, type StageReport } from './agent-messages.ts';
import type { CallAccess } from './api.ts';
import { type CallState, readAgentState } from './call-state.ts';
import { agentLeft, disconnectTrouble, noAgent, type Trouble, troubleOf } from './error-text.ts';
import { listenForText, type RoomTextEvents } from './room-text.ts';

export interface CallEvents extends RoomTextEvents {
  readonly onState: (change: Partial<CallState>) => void;
  readonly onStages: (stages: readonly StageReport[]) => void;
  /** The track whose level a side's meter shows; undefined when it is gone. */
  readonly onSound: (side: 'caller' | 'agent', track: MediaStreamTrack | undefined) => void;
  /** `undefined`: the trouble is over. */
  readonly onTrouble: (trouble: Trouble | undefined) => void;
  readonly onEnded: (trouble: Trouble | undefined) => void;
}

const AGENT_WITHIN_MS = 10_000;

export class Call {
  readonly #room = new Room({ disconnectOnPageLeave: true });
  readonly #events: CallEvents;
  #agentTimer: ReturnType<typeof setTimeout> | undefined;
  #joined = false;
  #ended = false;

  constructor(events: CallEvents) {
    this.#events = events;
    this.#listen();
    listenForText(this.#room, events);
  }

  /** @throws a ConnectionError of livekit-client when the room can't be joined */
  async join({ url, token }: CallAccess, microphone: LocalAudioTrack | undefined): Promise<void> {
    try {
      await this.#room.connect(url, token);
      this.#joined = true;
      this.#agentWithin(noAgent);
      const present = [...this.#room.remoteParticipants.values()].find(({ isAgent }) => isAgent);
      if (present) this.#agentHere(present);
      else this.#events.onState({ phase: 'waiting' });
      if (microphone) await this.#publish(microphone);
    } catch (error) {
      await this.hangUp();
      throw error;
    }
  }

  /** Emits no `onEnded`, as the code that hangs up knows that the call is over. */
  async hangUp(): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#agentTimer);
    await this.#room.disconnect();
  }

  async setMuted(muted: boolean): Promise<void> {
    await this.#room.localParticipant.setMicrophoneEnabled(!muted);
    this.#events.onState({ muted });
  }

  async say(text: string): Promise<void> {
    await this.#room.localParticipant.sendText(text, { topic: 'lk.chat' });
  }

  async startSound(): Promise<void> {
    await this.#room.startAudio();
  }

  async useMicrophone(id: string): Promise<void> {
    await this.#room.switchActiveDevice('audioinput', id || 'default');
  }

  async #publish(microphone: LocalAudioTrack): Promise<void> {
    // The cast is needed as livekit-client's own types disagree about undefined in optional properties.
    await this.#room.localParticipant.publishTrack(microphone as LocalTrack, { source: Track.Source.Microphone });
    this.#events.onSound('caller', microphone.mediaStreamTrack);
    microphone.on(TrackEvent.Restarted, () => this.#events.onSound('caller', microphone.mediaStreamTrack));
  }

  #listen(): void {
    const { onState, onTrouble, onNotice, onSound } = this.#events;
    this.#room
      .on(RoomEvent.ParticipantConnected, (participant) => participant.isAgent && this.#agentHere(participant))
      .on(RoomEvent.ParticipantDisconnected, (participant) => participant.isAgent && this.#agentGone())
      .on(
        RoomEvent.ParticipantAttributesChanged,
        (_changed, participant) => participant.isAgent && this.#readAgent(participant),
      )
      .on(RoomEvent.TrackSubscribed, (track) => this.#play(track))
      .on(RoomEvent.TrackUnsubscribed, (track) => {
        for (const element of track.detach()) element.remove();
        if (track.source === Track.Source.Microphone) onSound('agent', undefined);
      })
      .on(RoomEvent.AudioPlaybackStatusChanged, () => onState({ soundBlocked: !this.#room.canPlaybackAudio }))
      .on(RoomEvent.SignalReconnecting, () => onState({ phase: 'reconnecting' }))
      .on(RoomEvent.Reconnecting, () => onState({ phase: 'reconnecting' }))
      .on(RoomEvent.Reconnected, () => onState({ phase: this.#agent() ? 'live' : 'waiting' }))
      .on(RoomEvent.MediaDevicesError, (error) => onTrouble(troubleOf(error)))
      .on(RoomEvent.LocalAudioSilenceDetected, () =>
        onNotice({ level: 'warning', text: 'Your microphone gives no sound. Is it switched off, or the wrong one?' }),
      )
      .on(RoomEvent.Disconnected, (reason) => this.#over(reason));
  }

  #agent(): Participant | undefined {
    return [...this.#room.remoteParticipants.values()].find(({ isAgent }) => isAgent);
  }

  #agentHere(agent: Participant): void {
    clearTimeout(this.#agentTimer);
    this.#events.onTrouble(undefined);
    this.#events.onState({ phase: 'live' });
    this.#readAgent(agent);
  }

  #agentGone(): void {
    if (this.#agent()) return;
    this.#events.onState({ phase: 'waiting', agent: 'initializing' });
    this.#agentWithin(agentLeft);
  }

  #agentWithin(trouble: Trouble): void {
    clearTimeout(this.#agentTimer);
    this.#agentTimer = setTimeout(() => this.#events.onTrouble(trouble), AGENT_WITHIN_MS);
  }

  #readAgent({ attributes }: Participant): void {
    this.#events.onState({ agent: readAgentState(attributes['lk.agent.state']) });
    this.#events.onStages(readStages(attributes['bulletproof.stages']));
  }

  #play(track: RemoteTrack): void {
    if (track.kind !== Track.Kind.Audio) return;
    document.body.append(track.attach());
    // Recorded sentences come on another track, which the meter does not show.
    if (track.source === Track.Source.Microphone) this.#events.onSound('agent', track.mediaStreamTrack);
  }

  #over(reason: DisconnectReason | undefined): void {
    clearTimeout(this.#agentTimer);
    // A join that fails reports its reason by throwing.
    if (!this.#joined || this.#ended) return;
    this.#ended = true;
    this.#events.onEnded(disconnectTrouble(reason === undefined ? undefined : DisconnectReason[reason]));
  }
}

// The agent as a caller sees it: who in the room it is, its state, its stages and its audio.
import {
  type Participant,
  ParticipantKind,
  type RemoteParticipant,
  type RemoteTrack,
  type Room,
  RoomEvent,
  TrackKind,
} from '@livekit/rtc-node';

const AGENT_STATE = 'lk.agent.state';
const STAGES = 'bulletproof.stages';
const SIGNAL_TOPICS = { turn: 'bulletproof.turn', notice: 'bulletproof.notice' } as const;

export type SignalTopic = keyof typeof SIGNAL_TOPICS;

export interface AgentListener {
  onState(state: string): void;
  /** JSON, as the agent set it. */
  onStages(stages: string): void;
  /** JSON that the agent sent beside the transcripts, such as the time that it measured for a turn. */
  onSignal(topic: SignalTopic, text: string): void;
  onAudio(track: RemoteTrack): void;
}

/** Call before the room is connected. A value is reported only when it has changed. */
export function watchAgent(room: Room, listener: AgentListener): void {
  const told = new Map<string, string>();
  const heard = new Set<RemoteTrack>();
  const tellOnce = (name: string, value: string | undefined, tell: (value: string) => void) => {
    if (value === undefined || told.get(name) === value) return;
    told.set(name, value);
    tell(value);
  };
  const look = ({ identity }: Participant) => {
    const participant = room.remoteParticipants.get(identity);
    if (!participant || !isAgent(participant)) return;
    tellOnce(STAGES, participant.attributes[STAGES], listener.onStages);
    tellOnce(AGENT_STATE, participant.attributes[AGENT_STATE], listener.onState);
    for (const { track } of participant.trackPublications.values()) {
      if (!track || track.kind !== TrackKind.KIND_AUDIO || heard.has(track as RemoteTrack)) continue;
      heard.add(track as RemoteTrack);
      listener.onAudio(track as RemoteTrack);
    }
  };
  room.on(RoomEvent.ParticipantConnected, look);
  room.on(RoomEvent.ParticipantAttributesChanged, (_, participant) => look(participant));
  room.on(RoomEvent.TrackSubscribed, (_track, _publication, participant) => look(participant));
  room.on(RoomEvent.ConnectionStateChanged, () => {
    for (const participant of room.remoteParticipants.values()) look(participant);
  });
  for (const topic of Object.keys(SIGNAL_TOPICS) as SignalTopic[]) {
    room.registerTextStreamHandler(SIGNAL_TOPICS[topic], (reader) => {
      // A signal that the end of the room cuts off is dropped.
      reader.readAll().then(
        (text) => listener.onSignal(topic, text),
        () => {},
      );
    });
  }
}

/** Any participant that declares itself an agent: LiveKit's workers by their kind, others by the state that they set. */
function isAgent({ kind, attributes }: RemoteParticipant): boolean {
  return kind === ParticipantKind.AGENT || attributes[AGENT_STATE] !== undefined;
}

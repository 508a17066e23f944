// What comes as text in the room: both sides' words, the turns' times, notices.
import type { Room } from 'livekit-client';
import { type NoticeMessage, readNotice, readSwitch, readTurn, type SwitchMessage } from './agent-messages.ts';
import type { TranscriptEvent } from './transcript.ts';

export interface RoomTextEvents {
  readonly onTranscript: (event: TranscriptEvent) => void;
  readonly onTurn: (voiceToVoiceMs: number) => void;
  readonly onNotice: (notice: NoticeMessage) => void;
  readonly onSwitch: (change: SwitchMessage) => void;
}

export function listenForText(room: Room, { onTranscript, onTurn, onNotice, onSwitch }: RoomTextEvents): void {
  room.registerTextStreamHandler('lk.transcription', async (reader, { identity }) => {
    const { id: stream, attributes = {} } = reader.info;
    const segment = attributes['lk.segment_id'] ?? stream;
    const final = attributes['lk.transcription_final'] === 'true';
    const side = isCaller(room, identity, attributes['lk.transcribed_track_id']) ? 'caller' : 'agent';
    onTranscript({ type: 'stream-opened', segment, stream, side, final });
    try {
      for await (const text of reader) onTranscript({ type: 'stream-text', segment, stream, text });
    } catch {
      // The sender left in the middle of the segment: the words that came stay.
    }
    onTranscript({ type: 'stream-closed', segment, stream });
  });
  onMessage(room, 'bulletproof.turn', (text) => {
    const voiceToVoiceMs = readTurn(text);
    if (voiceToVoiceMs !== undefined) onTurn(voiceToVoiceMs);
  });
  onMessage(room, 'bulletproof.notice', (text) => {
    const notice = readNotice(text);
    if (notice) onNotice(notice);
  });
  onMessage(room, 'bulletproof.switch', (text) => {
    const change = readSwitch(text);
    if (change) onSwitch(change);
  });
}

function onMessage(room: Room, topic: string, use: (text: string) => void): void {
  room.registerTextStreamHandler(topic, async (reader) => {
    // A message that breaks off is dropped: a later message replaces it.
    const text = await reader.readAll().catch(() => undefined);
    if (text !== undefined) use(text);
  });
}

/** The agent sends the caller's words under the caller's identity, with the id of the track that they were heard on. */
function isCaller(room: Room, identity: string, trackSid: string | undefined): boolean {
  const { localParticipant } = room;
  if (identity === localParticipant.identity) return true;
  return trackSid !== undefined && localParticipant.trackPublications.has(trackSid);
}

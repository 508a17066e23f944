// The transcripts that an agent sends to the room, as one stream of events for both sides.
import type { Room, TextStreamReader } from '@livekit/rtc-node';

export interface TranscriptEvent {
  readonly who: 'caller' | 'agent';
  /** All of the segment so far: it replaces what the segment's last event said. */
  readonly text: string;
  /** Whether the segment is complete. */
  readonly final: boolean;
  /** On the caller's clock. */
  readonly atMs: number;
  /** When the segment's first words came. */
  readonly startedAtMs: number;
  readonly segmentId: string;
}

export interface TranscriptOptions {
  /** The caller's clock, ms. */
  readonly now: () => number;
  /** The caller's own track, known once it is published. */
  readonly ownTrackId: () => string | undefined;
  readonly onEvent: (event: TranscriptEvent) => void;
}

export const TRANSCRIPTION_TOPIC = 'lk.transcription';
const SEGMENT_ID = 'lk.segment_id';
const FINAL = 'lk.transcription_final';
const TRACK_ID = 'lk.transcribed_track_id';

/**
 * Each interim transcript of the caller is a stream of its own that holds all words so far; the agent's segment is one
 * stream to which words are added as they are spoken.
 */
export function listenToTranscripts(room: Room, { now, ownTrackId, onEvent }: TranscriptOptions): void {
  const started = new Map<string, number>();
  let arrived = 0;
  /** By segment: which of the caller's streams was told last. */
  const told = new Map<string, number>();

  const read = async (reader: TextStreamReader, identity: string): Promise<void> => {
    const { attributes = {}, streamId } = reader.info;
    const trackId = attributes[TRACK_ID];
    const ofOwnTrack = trackId !== undefined && trackId === ownTrackId();
    const ofCaller = ofOwnTrack || identity === room.localParticipant?.identity;
    const segmentId = attributes[SEGMENT_ID] ?? streamId;
    const number = ++arrived;
    let text = '';
    const tell = (final: boolean) => {
      const atMs = now();
      const startedAtMs = started.get(segmentId) ?? atMs;
      started.set(segmentId, startedAtMs);
      onEvent({ who: ofCaller ? 'caller' : 'agent', text, final, atMs, startedAtMs, segmentId });
    };
    try {
      for await (const piece of reader) {
        text += piece;
        if (!ofCaller) tell(false);
      }
    } catch {
      // The room ended in the middle of the segment: what came is what was said.
    }
    // Streams are read side by side: an interim that is read after a later one says less than is known.
    if (ofCaller && number < (told.get(segmentId) ?? 0)) return;
    if (ofCaller) told.set(segmentId, number);
    // The agent's stream is marked as not final when it is opened, and can't be marked again when it ends.
    if (text !== '') tell(!ofCaller || attributes[FINAL] === 'true');
  };

  room.registerTextStreamHandler(TRANSCRIPTION_TOPIC, (reader, { identity }) => void read(reader, identity));
}

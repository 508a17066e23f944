// The transcripts that an agent sends to the room, as one stream of events for both sides.
import type { Room, TextStreamReader } from '@livekit/rtc-node';

export interface TranscriptEvent {
  readonly who: 'caller' | 'agent';
  /** The whole segment so far: it replaces the text of the segment's last event. */
  readonly text: string;
  /** Whether the segment is complete. */
  readonly final: boolean;
  /** Milliseconds on the caller's clock. */
  readonly atMs: number;
  /** When the segment's first words came, in ms on the caller's clock. */
  readonly startedAtMs: number;
  readonly segmentId: string;
}

export interface TranscriptOptions {
  /** The caller's clock, ms. */
  readonly now: () => number;
  /** Id of the caller's own track; undefined until it is published. */
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
  /** Number of the caller's stream that was reported last, by segment. */
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
      // The room ended in the middle of the segment: the words that came are reported.
    }
    // Streams are read in parallel: an interim that is read after a later one is outdated.
    if (ofCaller && number < (told.get(segmentId) ?? 0)) return;
    if (ofCaller) told.set(segmentId, number);
    // The agent's stream is marked as not final when it is opened, and can't be marked again when it ends.
    if (text !== '') tell(!ofCaller || attributes[FINAL] === 'true');
  };

  room.registerTextStreamHandler(TRANSCRIPTION_TOPIC, (reader, { identity }) => void read(reader, identity));
}

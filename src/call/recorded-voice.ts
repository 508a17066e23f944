// Plays recorded sentences into the room on a track of their own: the session's voice may be waiting for a provider that is dead.
import {
  AudioFrame,
  AudioSource,
  LocalAudioTrack,
  type LocalTrackPublication,
  type Room,
  TrackPublishOptions,
  TrackSource,
} from '@livekit/rtc-node';
import { systemClock, within } from '../failover/clock.ts';
import { RECORDED_RATE_HZ, type Recording } from './recordings.ts';

/** The queue is short, so that the sound stops at once. */
const QUEUE_MS = 100;
const FRAME_SAMPLES = RECORDED_RATE_HZ / 50;
/** Time limit for the caller's subscription; a slower listener misses the beginning. */
const SUBSCRIBED_WITHIN_MS = 2_000;

export class RecordedVoice {
  readonly #room: Room;
  readonly #source = new AudioSource(RECORDED_RATE_HZ, 1, QUEUE_MS);
  #published: Promise<void> | undefined;
  #playing: AbortController | undefined;
  #isClosed = false;

  constructor(room: Room) {
    this.#room = room;
  }

  get isPlaying(): boolean {
    return this.#playing !== undefined;
  }

  /**
   * Plays one sentence and stops the one before it.
   * @returns how much of it was played, 0 to 1, once it ended or was stopped
   * @throws when the room can't be published to
   */
  async play({ samples }: Recording): Promise<number> {
    this.stop();
    const playing = new AbortController();
    const { signal } = playing;
    this.#playing = playing;
    try {
      this.#published ??= this.#publish();
      await this.#published;
      let at = 0;
      while (at < samples.length && !signal.aborted) {
        // slice() copies: a frame over a view of a larger buffer would play that buffer's beginning.
        const piece = samples.slice(at, at + FRAME_SAMPLES);
        await this.#source.captureFrame(new AudioFrame(piece, RECORDED_RATE_HZ, 1, piece.length));
        at += piece.length;
      }
      if (!signal.aborted) await this.#source.waitForPlayout();
      const unplayed = signal.aborted ? (QUEUE_MS * RECORDED_RATE_HZ) / 1000 : 0;
      return Math.max(0, at - unplayed) / samples.length;
    } catch (error) {
      // A closed room accepts no more frames.
      if (signal.aborted) return 0;
      this.#published = undefined;
      throw error;
    } finally {
      if (this.#playing === playing) this.#playing = undefined;
    }
  }

  /** Ends the current sentence at once. */
  stop(): void {
    if (!this.#playing) return;
    this.#playing.abort();
    this.#playing = undefined;
    if (!this.#isClosed) this.#source.clearQueue();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.stop();
    this.#isClosed = true;
    await this.#source.close();
  }

  async #publish(): Promise<void> {
    const track = LocalAudioTrack.createAudioTrack('recorded', this.#source);
    // Not SOURCE_MICROPHONE: that is the session's own track.
    const options = new TrackPublishOptions({ source: TrackSource.SOURCE_UNKNOWN });
    const publication: LocalTrackPublication | undefined = await this.#room.localParticipant?.publishTrack(
      track,
      options,
    );
    if (publication) await within(systemClock, SUBSCRIBED_WITHIN_MS, publication.waitForSubscription());
  }
}

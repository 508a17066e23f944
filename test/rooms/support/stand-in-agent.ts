// An agent of few words for tests of the page: joins a room, says what it is told to, and reports what it heard.
import {
  AudioFrame,
  AudioSource,
  AudioStream,
  DisconnectReason,
  dispose,
  LocalAudioTrack,
  Room,
  RoomEvent,
  TrackKind,
  TrackPublishOptions,
  TrackSource,
} from '@livekit/rtc-node';
import { AccessToken } from 'livekit-server-sdk';

export interface StandInOptions {
  readonly url: string;
  readonly apiKey: string;
  readonly apiSecret: string;
  readonly room: string;
}

export interface StandInAgent {
  /** The page's participant; resolves when it has joined. */
  readonly caller: Promise<string>;
  /** Resolves when sound of the caller has arrived that is no silence. */
  readonly heardCaller: Promise<void>;
  /** Resolves when the caller has left: true when it said goodbye, false when it just went silent. */
  readonly callerLeft: Promise<boolean>;
  /** What was typed, in order. */
  readonly typed: readonly string[];
  setState(state: 'initializing' | 'listening' | 'thinking' | 'speaking'): Promise<void>;
  setStages(stages: readonly object[]): Promise<void>;
  /** Words of the caller as a recogniser guesses them, each guess replacing the one before. */
  guess(segment: string, guesses: readonly string[]): Promise<void>;
  /** What the caller said, finally, of a segment that was guessed before or of a new one. */
  hear(text: string, segment?: string): Promise<void>;
  /** Words of the agent, one after the other in one stream, with a tone as its voice. */
  speak(words: string, perWordMs?: number): Promise<void>;
  tell(topic: 'bulletproof.turn' | 'bulletproof.notice', message: object): Promise<void>;
  leave(): Promise<void>;
}

const SAMPLE_RATE_HZ = 48_000;
const FRAME_MS = 10;
const AUDIBLE = 500;

export async function joinAsAgent({ url, apiKey, apiSecret, room: name }: StandInOptions): Promise<StandInAgent> {
  const token = new AccessToken(apiKey, apiSecret, { identity: `agent-${Date.now()}` });
  token.kind = 'agent';
  token.addGrant({ roomJoin: true, room: name, canUpdateOwnMetadata: true });
  const room = new Room();
  const typed: string[] = [];
  const heard = Promise.withResolvers<void>();
  const joined = Promise.withResolvers<string>();
  const left = Promise.withResolvers<boolean>();
  room.on(RoomEvent.ParticipantConnected, ({ identity }) => joined.resolve(identity));
  room.on(RoomEvent.ParticipantDisconnected, ({ disconnectReason }) => {
    left.resolve(disconnectReason === DisconnectReason.CLIENT_INITIATED);
  });
  room.on(RoomEvent.TrackSubscribed, (track) => {
    if (track.kind === TrackKind.KIND_AUDIO) void listen(new AudioStream(track), heard.resolve);
  });
  room.registerTextStreamHandler('lk.chat', async (reader) => {
    typed.push(await reader.readAll());
  });
  await room.connect(url, await token.toJwt(), { autoSubscribe: true, dynacast: false });
  for (const { identity } of room.remoteParticipants.values()) joined.resolve(identity);

  const source = new AudioSource(SAMPLE_RATE_HZ, 1);
  const track = LocalAudioTrack.createAudioTrack('voice', source);
  const local = room.localParticipant;
  if (!local) throw new Error('the room has no local participant');
  const options = new TrackPublishOptions();
  options.source = TrackSource.SOURCE_MICROPHONE;
  const { sid: voiceSid } = await local.publishTrack(track, options);
  let segments = 0;

  async function sendHeard(segment: string, text: string, final: 'true' | 'false'): Promise<void> {
    const attributes = { 'lk.segment_id': segment, 'lk.transcription_final': final };
    const senderIdentity = await joined.promise;
    const writer = await local?.streamText({ topic: 'lk.transcription', senderIdentity, attributes });
    await writer?.write(text);
    await writer?.close();
  }

  return {
    caller: joined.promise,
    heardCaller: heard.promise,
    callerLeft: left.promise,
    typed,
    setState: (state) => local.setAttributes({ 'lk.agent.state': state }),
    setStages: (stages) => local.setAttributes({ 'bulletproof.stages': JSON.stringify(stages) }),
    async guess(segment, guesses) {
      for (const text of guesses) await sendHeard(segment, text, 'false');
    },
    hear: (text, segment = `heard-${++segments}`) => sendHeard(segment, text, 'true'),
    async speak(words, perWordMs = 0) {
      const attributes = {
        'lk.segment_id': `said-${++segments}`,
        'lk.transcription_final': 'false',
        'lk.transcribed_track_id': voiceSid ?? '',
      };
      const writer = await local.streamText({ topic: 'lk.transcription', attributes });
      for (const word of words.split(/(?<= )/)) {
        await writer.write(word);
        await captureTone(source, perWordMs);
      }
      await writer.close();
    },
    tell: async (topic, message) => {
      await local.sendText(JSON.stringify(message), { topic });
    },
    async leave() {
      await room.disconnect();
      await source.close();
    },
  };
}

/** Call once, after the last agent of a program has left. */
export const disposeRtc = dispose;

async function listen(stream: AudioStream, onSound: () => void): Promise<void> {
  for await (const { data } of stream) {
    if (data.some((sample) => Math.abs(sample) > AUDIBLE)) return onSound();
  }
}

async function captureTone(source: AudioSource, durationMs: number): Promise<void> {
  const length = (SAMPLE_RATE_HZ * FRAME_MS) / 1_000;
  for (let frame = 0; frame < durationMs / FRAME_MS; frame++) {
    const samples = Int16Array.from({ length }, (_, index) => {
      const seconds = (frame * length + index) / SAMPLE_RATE_HZ;
      return 9_000 * Math.sin(2 * Math.PI * 440 * seconds) * (0.6 + 0.4 * Math.sin(2 * Math.PI * 4 * seconds));
    });
    await source.captureFrame(new AudioFrame(samples, SAMPLE_RATE_HZ, 1, length));
  }
}

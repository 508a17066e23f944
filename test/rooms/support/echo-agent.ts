// A stand-in for an agent, built on the room client alone: it answers a known time after the caller fell silent, in
// tones that can be counted, and keeps its own record of when it heard and spoke.
import {
  AudioFrame,
  AudioSource,
  AudioStream,
  LocalAudioTrack,
  type RemoteTrack,
  Room,
  RoomEvent,
  TrackPublishOptions,
  TrackSource,
} from '@livekit/rtc-node';
import { speakTones } from '../../../fixtures/tones.ts';
import { levelDbfs } from '../../../src/audio/voiced-spans.ts';

export interface EchoAgentOptions {
  readonly url: string;
  /** With `kind: 'agent'`, or the state attribute tells that it is one. */
  readonly token: string;
  readonly greeting?: readonly number[];
  /** One per turn. */
  readonly replies: readonly EchoReply[];
}

export interface EchoReply {
  readonly words: readonly number[];
  /** From the caller's last sound, as heard here, to the reply's first sample. */
  readonly delayMs: number;
}

/** On `performance.now()` of this process. */
export interface EchoTurn {
  readonly heardLastVoicedMs: number;
  readonly repliedMs: number;
}

export interface EchoAgent {
  readonly turns: readonly EchoTurn[];
  /** What was typed by the caller. */
  readonly typed: readonly string[];
  /** All of the caller's audio, as heard here, 48 kHz. */
  heard(): Int16Array;
  leave(): Promise<void>;
}

const RATE_HZ = 48_000;
const FRAME_MS = 10;
const FRAME_SAMPLES = (RATE_HZ * FRAME_MS) / 1000;
/** A receiver stretches the first sound of a stream that has just begun. */
const GREETING_DELAY_MS = 500;
/** Long enough to outlast the pauses within a clip. */
const SILENCE_MS = 400;

export async function startEchoAgent({ url, token, greeting = [], replies }: EchoAgentOptions): Promise<EchoAgent> {
  const room = new Room();
  const turns: EchoTurn[] = [];
  const typed: string[] = [];
  const heard: Int16Array[] = [];
  const voice = createVoice(room);
  let speaking = Promise.resolve();

  const reply = async (caller: string, turn: number, heardLastVoicedMs: number) => {
    const { words, delayMs } = replies[turn] as EchoReply;
    await transcribe(room, caller, `turn ${turn}`, [`turn`, `turn ${turn}`, `turn ${turn} ends`]);
    await setState(room, 'thinking');
    const repliedMs = await voice.speak(words, heardLastVoicedMs + delayMs);
    turns.push({ heardLastVoicedMs, repliedMs });
  };
  room.on(RoomEvent.TrackSubscribed, (track, _publication, { identity }) => {
    void listen(track, heard, (turn, heardLastVoicedMs) => {
      if (turn < replies.length) speaking = speaking.then(() => reply(identity, turn, heardLastVoicedMs));
    });
    speaking = speaking.then(async () => {
      if (greeting.length > 0) await voice.speak(greeting, performance.now() + GREETING_DELAY_MS);
    });
  });
  room.registerTextStreamHandler('lk.chat', (reader) => void reader.readAll().then((text) => typed.push(text)));
  await room.connect(url, token, { autoSubscribe: true, dynacast: false });
  await voice.publish();
  await setState(room, 'listening');
  return {
    turns,
    typed,
    heard: () => Int16Array.from(heard.flatMap((samples) => [...samples])),
    leave: async () => {
      voice.stop();
      await speaking.catch(() => {});
      await room.disconnect();
    },
  };
}

/** Tells, once the caller has been silent for a while, which turn it was and when the last sound was heard. */
async function listen(
  track: RemoteTrack,
  heard: Int16Array[],
  onTurn: (turn: number, lastVoicedMs: number) => void,
): Promise<void> {
  let turn = 0;
  let lastVoicedMs: number | undefined;
  const frames = new AudioStream(track, { sampleRate: RATE_HZ, numChannels: 1, frameSizeMs: FRAME_MS });
  for await (const { data } of frames) {
    heard.push(data);
    const now = performance.now();
    if (levelDbfs(data) > -50) lastVoicedMs = now + FRAME_MS;
    else if (lastVoicedMs !== undefined && now - lastVoicedMs > SILENCE_MS) {
      onTurn(turn++, lastVoicedMs);
      lastVoicedMs = undefined;
    }
  }
}

function createVoice(room: Room) {
  const source = new AudioSource(RATE_HZ, 1, 0);
  let stopped = false;
  return {
    async publish(): Promise<void> {
      const track = LocalAudioTrack.createAudioTrack('voice', source);
      const options = new TrackPublishOptions({ source: TrackSource.SOURCE_MICROPHONE });
      await room.localParticipant?.publishTrack(track, options);
    },
    /** Returns when its first sample left, which is at `atMs` or, when that is over, now. */
    async speak(words: readonly number[], atMs: number): Promise<number> {
      const samples = speakTones(words, RATE_HZ);
      const beginMs = Math.max(atMs, performance.now());
      await until(beginMs);
      const startMs = performance.now();
      const told = setState(room, 'speaking').then(() => sayInText(room, words));
      for (let at = 0; at + FRAME_SAMPLES <= samples.length && !stopped; at += FRAME_SAMPLES) {
        await until(beginMs + (at * 1000) / RATE_HZ);
        await source.captureFrame(new AudioFrame(samples.slice(at, at + FRAME_SAMPLES), RATE_HZ, 1, FRAME_SAMPLES));
      }
      await told;
      await setState(room, 'listening');
      return startMs;
    },
    stop(): void {
      stopped = true;
    },
  };
}

async function until(timeMs: number): Promise<void> {
  for (;;) {
    const leftMs = timeMs - performance.now();
    if (leftMs <= 0) return;
    await new Promise((resolve) => setTimeout(resolve, leftMs));
  }
}

async function setState(room: Room, state: string): Promise<void> {
  if (room.isConnected) await room.localParticipant?.setAttributes({ 'lk.agent.state': state });
}

/** The caller's words as interim transcripts: a stream each, all words so far, the last one final. */
async function transcribe(room: Room, caller: string, segment: string, interims: readonly string[]): Promise<void> {
  for (const [position, text] of interims.entries()) {
    const final = String(position === interims.length - 1);
    await room.localParticipant
      ?.streamText({
        topic: 'lk.transcription',
        senderIdentity: caller,
        attributes: { 'lk.segment_id': segment, 'lk.transcription_final': final },
      })
      .then(async (writer) => {
        await writer.write(text);
        await writer.close();
      });
  }
}

/** The agent's words: one stream that grows. */
async function sayInText(room: Room, words: readonly number[]): Promise<void> {
  const writer = await room.localParticipant?.streamText({
    topic: 'lk.transcription',
    attributes: { 'lk.segment_id': `reply ${words.join('-')}`, 'lk.transcription_final': 'false' },
  });
  for (const [position, word] of words.entries()) await writer?.write(`${position === 0 ? '' : ' '}w${word}`);
  await writer?.close();
}
